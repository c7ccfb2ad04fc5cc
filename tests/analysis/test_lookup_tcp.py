from __future__ import annotations

import pytest
from tests.support.lookups import ETH0, ETH1, NETNS, packet, row, snapshot

from fivetuple.analysis.lookup import lookup
from fivetuple.model.record import REUSEPORT, V6ONLY
from fivetuple.model.state import BOUND_INACTIVE, SYN_RECV, TIME_WAIT

CLIENT, SERVER, SERVER_V6, CLIENT_V6 = (
    "203.0.113.5:40000",
    "192.0.2.1:80",
    "[2001:db8::1]:80",
    "[2001:db8::5]:40000",
)


def receivers(*rows, source=CLIENT, to=SERVER, road="bpf", is_syn=False):
    verdict = lookup(snapshot(*rows, road=road), NETNS, packet("tcp", source, to, is_syn=is_syn))
    assert verdict.is_certain
    return [each.inode for each in verdict.sockets]


def why_not(*rows, source=CLIENT, to=SERVER):
    verdict = lookup(snapshot(*rows), NETNS, packet("tcp", source, to))
    return {each.inode: reason for each, reason in verdict.others}


def test_connection_goes_before_any_listener():
    rows = row("tcp", "192.0.2.1:80", inode=1), row("tcp", SERVER, CLIENT, inode=2)

    assert receivers(*rows) == [2]
    assert why_not(*rows) == {
        1: "the connection itself takes its segments; a listener only takes new ones"
    }


def test_connection_of_a_dual_stack_socket_is_found_by_its_mapped_address():
    mapped = row("tcp", "[::ffff:192.0.2.1]:80", "[::ffff:203.0.113.5]:40000", inode=2)

    assert receivers(row("tcp", "*:80", inode=1), mapped) == [2]


def test_exact_address_goes_before_the_wildcard_whatever_the_scores():
    wildcard = row("tcp", ":80", inode=1, interface=ETH0)
    exact = row("tcp", "[::ffff:192.0.2.1]:80", inode=2)

    assert receivers(wildcard, exact) == [2]
    assert why_not(wildcard, exact) == {
        1: "a listener at the packet's own address goes before the wildcard"
    }


def test_dual_stack_listener_takes_ipv4_unless_it_is_v6only():
    assert receivers(row("tcp", "*:80", inode=1)) == [1]
    assert receivers(row("tcp", "*:80", inode=1, options=V6ONLY)) == []
    assert why_not(row("tcp", "*:80", inode=1, options=V6ONLY)) == {
        1: "it takes IPv6 only (IPV6_V6ONLY)"
    }


def test_ipv6_packet_never_reaches_an_ipv4_listener():
    rows = (
        row("tcp", ":80", inode=1),
        row("tcp", "[::ffff:192.0.2.1]:80", inode=2),
        row("tcp", "[2001:db8::1]:80", inode=3),
    )

    assert receivers(*rows, source=CLIENT_V6, to=SERVER_V6) == [3]
    assert set(why_not(*rows, source=CLIENT_V6, to=SERVER_V6).values()) == {"it takes IPv4 only"}


def test_group_answers_as_a_whole_and_only_its_own_kind_belongs_to_it():
    rows = (
        row("tcp", ":80", inode=1, options=REUSEPORT),
        row("tcp", ":80", inode=2, options=REUSEPORT),
        row("tcp", "*:80", inode=3, options=REUSEPORT),
    )

    assert receivers(*rows) == [1, 2]
    assert receivers(*rows, road="netlink") == [1, 2]


def test_group_that_is_met_first_answers_before_a_better_score_is_seen():
    everywhere = row("tcp", ":80", inode=1, options=REUSEPORT)
    bound = row("tcp", ":80", inode=2, options=REUSEPORT, interface=ETH0)

    assert receivers(everywhere, bound) == [1]
    assert receivers(bound, everywhere) == [2]


def test_listener_bound_to_another_interface_hears_nothing():
    rows = row("tcp", ":80", inode=1, interface=ETH1), row("tcp", ":80", inode=2, interface=ETH0)

    assert receivers(*rows) == [2]
    assert why_not(*rows) == {1: "it is bound to eth1 (SO_BINDTODEVICE)"}
    assert receivers(*rows, source="198.51.100.9:1", to="198.51.100.1:80") == [1]


def test_time_wait_takes_everything_but_a_syn_that_a_listener_can_take():
    waiting = row("tcp", SERVER, CLIENT, inode=0, state=TIME_WAIT)
    listener = row("tcp", ":80", inode=1)

    assert receivers(listener, waiting) == [0]
    assert receivers(listener, waiting, is_syn=True) == [1]
    assert receivers(waiting, is_syn=True) == [0]


@pytest.mark.parametrize(
    ("state", "is_syn", "word"),
    [
        (SYN_RECV, False, "SYN queue"),
        (1, True, "challenge ACK"),
        (1, False, "before listeners"),
        (TIME_WAIT, False, "kernel itself"),
        (TIME_WAIT, True, "nothing listens"),
    ],
)
def test_what_the_socket_does_with_the_segment_is_told(state, is_syn, word):
    verdict = lookup(
        snapshot(row("tcp", SERVER, CLIENT, inode=2, state=state)),
        NETNS,
        packet("tcp", CLIENT, SERVER, is_syn=is_syn),
    )

    assert word in verdict.reasons[-1]


def test_bound_but_silent_socket_is_no_receiver():
    bound = row("tcp", ":80", inode=1, state=BOUND_INACTIVE)

    assert receivers(bound) == []
    assert why_not(bound) == {1: "it neither listens nor is connected"}


def test_other_connections_of_the_port_are_counted_not_listed():
    rows = [row("tcp", SERVER, f"203.0.113.5:{port}", inode=port) for port in (50000, 50001)]

    verdict = lookup(
        snapshot(row("tcp", ":80", inode=1), *rows), NETNS, packet("tcp", CLIENT, SERVER)
    )

    assert verdict.others == []
    assert verdict.reasons[-1] == "2 connections on this port with other ends were passed over"


def test_full_queues_of_a_group_are_counted():
    rows = [
        row("tcp", ":80", inode=number, options=REUSEPORT, accept_queue=queue, backlog=3)
        for number, queue in ((1, 4), (2, 0))
    ]

    verdict = lookup(snapshot(*rows), NETNS, packet("tcp", CLIENT, SERVER))

    assert (
        "1 of the 2 have a full accept queue: a SYN whose hash picks one of them is dropped, the others are not tried"
        in verdict.reasons
    )
