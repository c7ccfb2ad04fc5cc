from __future__ import annotations

from typing import Any

from tests.support.lookups import ETH0, ETH1, NETNS, packet, row, snapshot

from fivetuple.analysis.lookup_candidates import candidates, raw_copies
from fivetuple.model.endpoint import AF_INET6
from fivetuple.model.record import REUSEPORT


def test_only_the_port_the_protocol_and_the_namespace_count():
    taken = snapshot(
        row("tcp", ":80", inode=1), row("tcp", ":81", inode=2), row("udp", ":80", inode=3),
        row("tcp", ":80", inode=4, netns=7), row("tcp", "*:80", inode=5), row("tcp", ":4000", "192.0.2.9:80", inode=6),
    )  # fmt: skip

    assert [each.inode for each in candidates(taken, NETNS, "tcp", 80)] == [1, 5]


def test_reuseport_is_unknown_where_the_road_does_not_tell():
    rows = row("tcp", ":80", inode=1), row("tcp", ":80", inode=2, options=REUSEPORT)

    assert [each.reuseport for each in candidates(snapshot(*rows), NETNS, "tcp", 80)] == [
        False,
        True,
    ]
    assert [
        each.reuseport for each in candidates(snapshot(*rows, road="netlink"), NETNS, "tcp", 80)
    ] == [None, True]


def test_families_that_come_mixed_are_put_as_the_lists_have_them():
    rows = row("udp", "*:80", inode=1), row("udp", ":80", inode=2)

    assert [
        each.inode for each in candidates(snapshot(*rows, road="netlink"), NETNS, "udp", 80)
    ] == [2, 1]


def test_raw_sockets_of_the_same_protocol_family_and_ends_get_copies():
    raw: dict[str, Any] = {"protocol_number": 17}
    taken = snapshot(
        row("raw", ":0", inode=1, **raw), row("raw", "192.0.2.1:0", inode=2, **raw), row("raw", "192.0.2.9:0", inode=3, **raw),
        row("raw", ":0", "203.0.113.5:0", inode=4, **raw), row("raw", ":0", "203.0.113.6:0", inode=5, **raw),
        row("raw", ":0", inode=6, protocol_number=6), row("raw", "*:0", inode=7, family=AF_INET6, **raw),
        row("raw", ":0", inode=8, interface=ETH1, **raw), row("raw", ":0", inode=9, interface=ETH0, **raw),
    )  # fmt: skip

    copies = raw_copies(
        taken, NETNS, packet("udp", "203.0.113.5:1", "192.0.2.1:53", interface=ETH0)
    )

    assert [each.inode for each in copies] == [1, 2, 4, 9]
