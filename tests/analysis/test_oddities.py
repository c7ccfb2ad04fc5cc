"""Oddities: the states that deserve a line, and how many there must be."""

from __future__ import annotations

import pytest
from tests.support.made import Made

from fivetuple.analysis.oddities import STATES, oddities
from fivetuple.model.state import state_name

LEAST = {state_name(state, is_stream=True): least for state, (least, _) in STATES.items()}


def kinds(made: Made) -> list[str]:
    return [each.kind for each in oddities(made.snapshot())]


def put(made: Made, state: str, count: int, *pids: int) -> None:
    for number in range(count):
        own = 80 if state == "SYN_RECV" else 40000 + number
        made.socket(
            f"192.0.2.10:{own}", f"10.0.0.1:{443 if own != 80 else 50000 + number}", state, *pids
        )


@pytest.mark.parametrize("state", sorted(LEAST))
def test_a_state_is_told_from_its_least_number_on(state):
    enough, few = Made(), Made()
    put(enough, state, LEAST[state])
    put(few, state, LEAST[state] - 1)

    assert kinds(enough) == [state]
    assert kinds(few) == []


def test_workers_of_one_program_count_together():
    made = Made()
    for pid in (5, 6, 7):
        made.process(pid, "web", age_s=pid)
        made.socket(f"192.0.2.10:{40000 + pid}", "10.0.0.1:443", "CLOSE_WAIT", pid)

    [found] = oddities(made.snapshot())

    assert (found.count, found.pids) == (3, [5, 6, 7])
    assert found.what == "3 in CLOSE_WAIT to 10.0.0.1:443 of web (7, +2)"


def test_a_full_accept_queue_comes_first():
    made = Made()
    put(made, "CLOSE_WAIT", 50)
    made.listen("0.0.0.0:80", accept_queue=11, backlog=10)

    assert kinds(made) == ["full accept queue", "CLOSE_WAIT"]
    assert "port 80 is full: 11 wait, limit 10" in oddities(made.snapshot())[0].what


def test_a_connection_to_itself_is_told():
    made = Made()
    made.socket("127.0.0.1:40000", "127.0.0.1:40000")

    assert kinds(made) == ["connected to itself"]


def test_connections_of_a_closed_listener_are_told_but_no_time_wait():
    made = Made()
    made.socket("192.0.2.10:443", "198.51.100.7:50000")
    made.socket("192.0.2.10:443", "198.51.100.7:50001", "TIME_WAIT", inode=0)

    [found] = oddities(made.snapshot())

    assert (found.kind, found.count, found.port) == ("listener closed", 1, 443)


def test_ports_of_bound_sockets_are_named_while_they_are_few():
    few, many = Made(), Made()
    for port in (5, 6):
        few.socket(f"0.0.0.0:{port}", "", "BOUND_INACTIVE")
    for port in range(5, 25):
        many.socket(f"0.0.0.0:{port}", "", "BOUND_INACTIVE")

    assert "on ports 5, 6" in oddities(few.snapshot())[0].what
    assert "on ports 5-24 (20 ports)" in oddities(many.snapshot())[0].what


def test_another_namespace_is_named():
    made = Made()
    made.space(5, "box")
    made.socket("0.0.0.0:7", "", "BOUND_INACTIVE", netns=5)

    assert oddities(made.snapshot())[0].what.endswith(" in box")


def test_unix_sockets_and_datagrams_are_never_odd():
    made = Made()
    for number in range(5):
        made.socket(
            f"127.0.0.1:{5000 + number}", f"127.0.0.1:{5000 + number}", "ESTABLISHED", family=1
        )
        made.socket(
            f"127.0.0.1:{6000 + number}",
            f"127.0.0.1:{6000 + number}",
            "ESTABLISHED",
            protocol="udp",
        )

    assert kinds(made) == []


def test_only_the_given_rows_are_looked_at():
    made = Made()
    put(made, "CLOSE_WAIT", 5)
    snapshot = made.snapshot()

    assert oddities(snapshot, b"") == []
