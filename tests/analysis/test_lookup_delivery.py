from __future__ import annotations

import pytest
from tests.support.lookups import ETH0, ETH1, LO, packet, space

from fivetuple.analysis.lookup_delivery import ELSEWHERE, EVERYONE, LOCAL, REFUSED, deliver
from fivetuple.model.namespace import Namespace

CLIENT = "203.0.113.5:40000"


@pytest.mark.parametrize(
    ("source", "destination", "kind", "interface"),
    [
        (CLIENT, "192.0.2.1:80", LOCAL, ETH0),  # by the default route
        (
            "198.51.100.7:1",
            "192.0.2.1:80",
            LOCAL,
            ETH1,
        ),  # another network's host, an address of eth0
        (
            "192.0.2.1:1",
            "198.51.100.1:80",
            LOCAL,
            ETH1,
        ),  # to itself: the interface with the address
        ("127.0.0.1:1", "127.1.2.3:80", LOCAL, LO),
        ("[2001:db8::9]:1", "[2001:db8::1]:80", LOCAL, ETH0),
        (CLIENT, "192.0.2.2:80", ELSEWHERE, 0),
        (CLIENT, "192.0.2.255:80", EVERYONE, ETH0),
        (CLIENT, "255.255.255.255:80", EVERYONE, ETH0),
        ("198.51.100.1:1", "239.1.1.1:80", EVERYONE, ETH1),
        ("[2001:db8::9]:1", "[ff02::1]:80", EVERYONE, ETH0),
        (CLIENT, "127.0.0.1:80", REFUSED, 0),
        ("[2001:db8::9]:1", "[::1]:80", REFUSED, 0),
    ],
)
def test_address_decides_where_a_packet_ends(source, destination, kind, interface):
    delivery = deliver(space(), packet("udp", source, destination))

    assert (delivery.kind, delivery.interface) == (kind, interface)


def test_interface_that_was_named_is_taken():
    assert deliver(space(), packet("tcp", CLIENT, "192.0.2.1:80", interface=ETH1)).interface == ETH1


def test_loopback_is_reached_from_outside_where_route_localnet_says_so():
    where = space(sysctls={"net.ipv4.conf.all.route_localnet": "1"})

    assert deliver(where, packet("tcp", CLIENT, "127.0.0.1:80")).kind == LOCAL


@pytest.mark.parametrize("where", [None, Namespace(1, "unread")])
def test_unread_addresses_are_said_and_nothing_is_refused(where):
    delivery = deliver(where, packet("tcp", CLIENT, "192.0.2.1:80"))

    assert delivery.kind == LOCAL
    assert delivery.reasons == [
        "the addresses of this namespace are not known here; the destination is taken for one of them"
    ]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("1", "it is forwarded, not delivered"),
        ("0", "it gets no further: one from outside is not forwarded (net.ipv4.ip_forward is 0)"),
    ],
)
def test_what_becomes_of_a_packet_for_another_host_is_told(value, words):
    delivery = deliver(
        space(sysctls={"net.ipv4.ip_forward": value}), packet("tcp", CLIENT, "192.0.2.2:80")
    )

    assert delivery.reasons == [f"192.0.2.2 is no address of this namespace: {words}"]
