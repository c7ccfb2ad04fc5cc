"""What changed between two looks: told by names of sockets that stay the same over time."""

from __future__ import annotations

from tests.support.zoo import tcp

from fivetuple.analysis.changes import CHANGED, CLOSED, OPENED, PRESENT, changes, look
from fivetuple.model.answer import SocketTable
from fivetuple.model.snapshot import Host, Snapshot
from fivetuple.model.state import CLOSE_WAIT, ESTABLISHED, LISTEN, TIME_WAIT


def _look(*rows: bytes, sort: tuple[tuple[str, bool], ...] = (), limit: int | None = None):
    snapshot = Snapshot(Host("h"), 0, road="netlink", facts=0, chunks=[b"".join(rows)])
    return look(SocketTable(snapshot, ("local_port",), sort=sort, limit=limit), as_cells=False)


def _kinds(before, now) -> list[tuple[str, int]]:
    return [(change.kind, change.row[0]) for change in changes(before, now)]


SERVER = tcp(LISTEN, "0.0.0.0", 80, inode=1)
OPEN = tcp(ESTABLISHED, "10.0.0.1", 4000, "10.0.0.2", 443, inode=2)


def test_at_the_first_look_everything_is_present():
    assert _kinds(None, _look(SERVER, OPEN)) == [(PRESENT, 80), (PRESENT, 4000)]


def test_what_came_and_what_went():
    assert _kinds(_look(SERVER), _look(OPEN)) == [(OPENED, 4000), (CLOSED, 80)]


def test_another_state_is_a_change_that_remembers_the_old_one():
    later = tcp(CLOSE_WAIT, "10.0.0.1", 4000, "10.0.0.2", 443, inode=2)

    (change,) = changes(_look(OPEN), _look(later))

    assert (change.kind, change.was) == (CHANGED, "ESTABLISHED")


def test_time_wait_has_no_inode_and_is_the_same_connection():
    later = tcp(TIME_WAIT, "10.0.0.1", 4000, "10.0.0.2", 443, inode=0)

    assert _kinds(_look(OPEN), _look(later)) == [(CHANGED, 4000)]


def test_a_cookie_that_appears_changes_nothing():
    """The kernel makes it when somebody asks for it, as ss does."""
    later = tcp(ESTABLISHED, "10.0.0.1", 4000, "10.0.0.2", 443, inode=2, cookie=77)

    assert _kinds(_look(OPEN), _look(later)) == [(PRESENT, 4000)]


def test_the_same_five_tuple_with_another_file_is_another_socket():
    later = tcp(ESTABLISHED, "10.0.0.1", 4000, "10.0.0.2", 443, inode=3)

    assert _kinds(_look(OPEN), _look(later)) == [(CLOSED, 4000), (OPENED, 4000)]


def test_listeners_that_share_a_port_are_told_apart():
    twin = tcp(LISTEN, "0.0.0.0", 80, inode=9)

    assert _kinds(_look(SERVER, twin), _look(SERVER)) == [(PRESENT, 80), (CLOSED, 80)]


def test_rows_without_any_inode_are_counted_not_merged():
    waiting = tcp(ESTABLISHED, "10.0.0.1", 80, "10.0.0.2", 5000, inode=0)

    assert len(_look(waiting, waiting)) == 2


def test_sort_and_limit_hold():
    found = _look(SERVER, OPEN, sort=(("local_port", True),), limit=1)

    assert [seen.row for seen in found.values()] == [(4000,)]
