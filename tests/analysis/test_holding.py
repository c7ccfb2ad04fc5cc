"""What holds a port without listening on it."""

from __future__ import annotations

import pytest
from tests.support.made import Made

from fivetuple.analysis.holding import other_holders
from fivetuple.analysis.selecting import Part
from fivetuple.analysis.subject import Subject


def held(made: Made, port: int = 40000):
    return other_holders(Part(made.snapshot(), Subject(str(port), (port,))))


@pytest.mark.parametrize(
    ("local", "remote", "state", "how"),
    [
        ("0.0.0.0:40000", "", "BOUND_INACTIVE", "bound only"), ("192.0.2.10:40000", "10.0.0.1:443", "ESTABLISHED", "outgoing"),
        ("192.0.2.10:40000", "10.0.0.1:443", "SYN_SENT", "outgoing"), ("192.0.2.10:40000", "10.0.0.1:443", "TIME_WAIT", "TIME_WAIT"),
    ],
)  # fmt: skip
def test_each_way_of_holding_has_its_word(local, remote, state, how):
    made = Made()
    made.socket(local, remote, state)

    assert [each.how for each in held(made)] == [how]


def test_clients_of_a_listener_and_the_listener_are_no_other_holders():
    made = Made()
    made.listen("0.0.0.0:40000")
    made.socket("192.0.2.10:40000", "198.51.100.7:50000")

    assert held(made) == []


def test_a_port_at_the_far_end_is_not_held_here():
    made = Made()
    made.socket("192.0.2.10:50000", "10.0.0.1:40000")

    assert held(made) == []


def test_time_wait_at_one_port_is_one_line_with_the_longest():
    made = Made()
    for number, left in enumerate((1000, 30_500, 2000)):
        made.socket(
            "192.0.2.10:40000",
            f"10.0.0.1:{400 + number}",
            "TIME_WAIT",
            inode=0,
            known=0xFFFF,
            timer_ms=left,
        )

    [each] = held(made)

    assert (each.left_ms, each.note) == (
        30_500,
        "3 connections have ended, the last is kept for 31 s more",
    )


def test_time_wait_without_a_timer_tells_no_time():
    made = Made()
    made.socket("192.0.2.10:40000", "10.0.0.1:443", "TIME_WAIT", inode=0)

    [each] = held(made)

    assert (each.left_ms, each.note) == (None, "one connection has ended")
