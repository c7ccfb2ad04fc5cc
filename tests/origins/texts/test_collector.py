import struct

import pytest

from fivetuple.model import facts, record
from fivetuple.model.errors import BadInput
from fivetuple.origins.texts.collector import FIRST_OWN_NUMBER, Collector


def test_a_row_with_inode_keeps_it_and_one_without_gets_its_own():
    collector = Collector()

    assert collector.add({"known": record.INODE, "inode": 0}) == 0
    assert collector.add({"known": 0}) > FIRST_OWN_NUMBER
    assert collector.add({"known": 0}) > FIRST_OWN_NUMBER + 1


def test_a_value_out_of_range_is_refused():
    with pytest.raises(struct.error):
        Collector().add({"known": 0, "recv_queue_bytes": -1})


@pytest.mark.parametrize(
    ("inode", "pid", "fd"), [(1, 0, 3), (1, 1 << 23, 3), (1, 5, 1 << 32), (0, 5, 3)]
)
def test_a_holder_that_can_not_be_one_is_passed_over(inode, pid, fd):
    collector = Collector()

    collector.hold(inode, pid, fd, "x")

    assert not collector.holders
    assert not collector.given & facts.OWNERS


def test_interfaces_get_numbers_that_meet_no_real_one():
    collector = Collector()

    assert [collector.interface(name) for name in ("if7", "9", "eth0", "lo", "eth0")] == [
        7,
        9,
        0xFFFFFFFF,
        0xFFFFFFFE,
        0xFFFFFFFF,
    ]


def test_lines_that_can_not_be_read_are_counted_and_the_first_is_shown_harmless():
    collector = Collector()
    collector.add({"known": 0})
    collector.refuse("\x1b[2J bad " + "x" * 200)
    collector.refuse("other")

    snapshot = collector.snapshot("ss", 1, {}, "do this")

    assert (
        snapshot.missing[facts.SOCKETS]
        == "2 lines could not be read, the first '\\x1b[2J bad " + "x" * 71 + "': do this"
    )


def test_a_line_that_is_too_long_for_a_row_is_refused():
    collector = Collector()

    assert list(collector.lines("a  \n" + "b" * 5000 + "\nc")) == ["a", "c"]
    assert collector.unreadable == 1


def test_nothing_but_lines_that_can_not_be_read_is_refused():
    collector = Collector()
    collector.refuse("what")

    with pytest.raises(
        BadInput, match="looks like ss's, but no line is a socket; the first is 'what': do this"
    ):
        collector.snapshot("ss", 1, {}, "do this")
