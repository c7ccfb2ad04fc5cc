"""Interfaces, addresses and routes, held against ip(8)."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.namespaces import NOBODY, in_namespace, ip, namespace, pair

from fivetuple.kernel import rtnetlink
from fivetuple.model.endpoint import address_text, pack_address


def _ip(*words: str) -> Any:
    return json.loads(
        subprocess.run(["ip", "-json", *words], capture_output=True, check=True).stdout
    )


def _both_views() -> tuple[Any, ...]:
    ours = rtnetlink.interfaces(), set(rtnetlink.addresses())
    return *ours, _ip("link"), _ip("address")


@pytest.mark.kernel
def test_interfaces_and_addresses_agree_with_ip():
    with namespace() as one, namespace() as two:
        link = pair(one, two)
        ip("-n", one, "address", "add", "10.1.1.1", "peer", "10.1.1.2", "dev", link.interface_a)
        interfaces, addresses, links, shown = in_namespace(one, _both_views, uid=NOBODY)

    assert interfaces == {each["ifindex"]: each["ifname"] for each in links}
    assert addresses == {
        (
            each["ifindex"],
            pack_address(info["local"]),
            info["prefixlen"] + (96 if info["family"] == "inet" else 0),
        )
        for each in shown
        for info in each["addr_info"]
    }
    assert len(addresses) >= 5


@pytest.mark.kernel
def test_routes_come_in_the_order_in_which_the_kernel_tries_them():
    with namespace() as one, namespace() as two:
        link = pair(one, two, number=9)
        for words in (
            "default via 10.77.9.2 metric 50",
            "default via 10.77.9.3 metric 10",
            "192.0.2.0/24 via 10.77.9.2",
            "192.0.2.128/25 nexthop via 10.77.9.2 nexthop via 10.77.9.3",
            "unreachable 198.51.100.0/24",
            "203.0.113.0/24 via inet6 fd77:9::2 dev veth9a",
            "10.99.0.0/16 dev veth9a table 100",
        ):
            ip("-n", one, "route", "add", *words.split())
        ip("-n", one, "-6", "route", "add", "2001:db8::/32", "via", "fd77:9::2")
        routes = in_namespace(one, rtnetlink.routes)
        index = {name: number for number, name in in_namespace(one, rtnetlink.interfaces).items()}[
            link.interface_a
        ]

    shown = [
        (
            address_text(to),
            prefix - 96 if prefix >= 96 and to[10:12] == b"\xff\xff" else prefix,
            interface,
            via and address_text(via),
        )
        for to, prefix, interface, via in routes
    ]
    v4 = [route for route in shown if ":" not in route[0]]
    assert v4 == [
        ("192.0.2.128", 25, index, "10.77.9.2"),
        ("192.0.2.128", 25, index, "10.77.9.3"),
        ("10.77.9.0", 24, index, None),
        ("192.0.2.0", 24, index, "10.77.9.2"),
        ("198.51.100.0", 24, 0, None),
        ("203.0.113.0", 24, index, "fd77:9::2"),
        ("0.0.0.0", 0, index, "10.77.9.3"),
        ("0.0.0.0", 0, index, "10.77.9.2"),
    ]  # fmt: skip
    assert ("2001:db8::", 32, index, "fd77:9::2") in shown


@pytest.mark.kernel
def test_own_prefixes_hold_loopback_addresses_and_local_routes():
    with namespace() as name:
        ip("-n", name, "route", "add", "local", "198.18.0.0/15", "dev", "lo")
        prefixes = in_namespace(name, rtnetlink.local_prefixes)

    assert (pack_address("127.0.0.0"), 104) in prefixes
    assert (pack_address("::1"), 128) in prefixes
    assert (pack_address("198.18.0.0"), 111) in prefixes


@given(st.binary(max_size=64), st.integers(0, 16))
def test_broken_attributes_end_and_raise_nothing(noise, start):
    for payload in rtnetlink._attributes(noise, start).values():
        assert len(payload) <= len(noise)
    for interface, via in rtnetlink._next_hops({rtnetlink.RTA_MULTIPATH: noise}):
        assert isinstance(interface, int)
        assert via is None or isinstance(via, bytes)
