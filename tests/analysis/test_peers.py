"""Destinations: what was opened from here, by whom, and how much of the ephemeral ports it takes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.made import Made

from fivetuple.analysis.peers import LEAST_TIME_WAIT, peers

API = "10.0.3.10:3306"


def outgoing(
    made: Made,
    count: int,
    state: str = "ESTABLISHED",
    *pids: int,
    first: int = 40000,
    source: str = "192.0.2.10",
    **more: Any,
) -> None:
    for number in range(count):
        made.socket(f"{source}:{first + number}", API, state, *pids, **more)


def test_destinations_are_ordered_by_connections_and_told_with_their_owner():
    made = Made()
    made.process(9, "api")
    outgoing(made, 3, "ESTABLISHED", 9)
    made.socket("192.0.2.10:45000", "10.0.3.11:6379", "ESTABLISHED", 9)

    found = peers(made.snapshot())

    assert [(str(each.remote), each.process.name, each.connections) for each in found] == [
        (API, "api", 3),
        ("10.0.3.11:6379", "api", 1),
    ]
    assert found[1].service == "redis"


def test_clients_of_our_listeners_are_no_destinations():
    made = Made()
    made.listen("0.0.0.0:50000")
    made.socket("192.0.2.10:50000", "198.51.100.7:443")

    assert peers(made.snapshot()) == []


def test_connections_of_a_closed_listener_are_no_destinations():
    made = Made()
    made.socket("192.0.2.10:443", "198.51.100.7:50000")

    assert peers(made.snapshot()) == []


def test_a_port_that_is_served_at_another_address_does_not_hide_a_destination():
    made = Made()
    made.listen("127.0.0.1:40000")
    outgoing(made, 1)

    assert len(peers(made.snapshot())) == 1


def test_the_share_counts_every_owner_and_time_wait_from_the_busiest_address():
    made = Made()
    made.process(8, "one")
    made.process(9, "two")
    outgoing(made, 10, "ESTABLISHED", 8)
    outgoing(made, 10, "ESTABLISHED", 9, first=41000)
    outgoing(made, 100, "TIME_WAIT", first=42000, inode=0)
    outgoing(made, 50, "ESTABLISHED", 8, source="192.0.2.11")

    found = peers(made.snapshot())

    assert {each.share for each in found} == {120 / 28232}
    assert {each.process.name: each.connections for each in found} == {
        "": 100,
        "one": 60,
        "two": 10,
    }


def test_time_wait_goes_with_the_only_owner_of_its_destination():
    made = Made()
    made.process(8, "one")
    outgoing(made, 2, "ESTABLISHED", 8)
    outgoing(made, 3, "TIME_WAIT", first=42000, inode=0)

    [found] = peers(made.snapshot())

    assert found.states == {"ESTABLISHED": 2, "TIME_WAIT": 3}


@pytest.mark.parametrize(("count", "lines"), [(LEAST_TIME_WAIT - 1, 0), (LEAST_TIME_WAIT, 1)])
def test_a_few_in_time_wait_alone_are_not_worth_a_line(count, lines):
    made = Made()
    outgoing(made, count, "TIME_WAIT", inode=0)

    assert len(peers(made.snapshot())) == lines


def test_without_the_namespace_s_settings_the_share_is_unknown():
    made = Made()
    outgoing(made, 1)
    snapshot = made.snapshot()
    snapshot.namespaces.clear()

    assert peers(snapshot)[0].share is None


def test_reserved_ports_are_not_usable():
    made = Made()
    outgoing(made, 2, first=40004)
    snapshot = made.snapshot()
    [space] = snapshot.namespaces.values()
    space.sysctls = {
        "net.ipv4.ip_local_port_range": "40000\t40009",
        "net.ipv4.ip_local_reserved_ports": "40000-40004",
    }

    assert peers(snapshot)[0].share == 1 / 5  # 40004 is reserved, 40005 is one of five


def test_equal_destinations_of_two_namespaces_are_two():
    made = Made()
    made.space(5, "box", "10.1.0.2/24")
    outgoing(made, 1)
    outgoing(made, 1, netns=5)

    assert len(peers(made.snapshot())) == 2
