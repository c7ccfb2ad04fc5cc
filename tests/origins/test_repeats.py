"""Rows that come twice are shown once, and what one of two readings passed over is shown."""

from __future__ import annotations

from fivetuple.model import record
from fivetuple.origins.repeats import (
    REMEMBERED,
    ROWS_OF_A_PAGE,
    read_twice,
    without_repeats,
    without_sockets,
)


def rows(*inodes, **columns):
    return b"".join(record.pack({"inode": inode, **columns}) for inode in inodes)


def inodes(chunks):
    return [row["inode"] for chunk in chunks for row in record.unpack(bytes(chunk))]


def test_a_repeat_within_a_chunk_and_in_the_next_is_dropped():
    assert inodes(without_repeats([rows(1, 2, 1), rows(2, 3)], is_tcp=True)) == [1, 2, 3]


def test_a_repeat_is_remembered_over_some_thousand_rows():
    chunks = [rows(1), *(rows(*range(at, at + 100)) for at in range(2, REMEMBERED, 100)), rows(1)]

    assert inodes(without_repeats(chunks, is_tcp=True)).count(1) == 1


def test_rows_without_inode_are_told_apart_by_their_ends_in_tcp():
    chunks = [rows(0, 0, local_port=1), rows(0, local_port=2), rows(0, local_port=1)]

    assert len(inodes(without_repeats(chunks, is_tcp=True))) == 2
    assert len(inodes(without_repeats(chunks, is_tcp=False))) == 4


def test_two_readings_make_up_for_each_other():
    several = range(1, ROWS_OF_A_PAGE + 2)
    readings = iter([[rows(*several[:-1])], [rows(*several[1:])]])

    assert inodes(read_twice(lambda: next(readings))) == [*several]


def test_a_table_of_one_page_is_read_once():
    readings = iter([[rows(1, 2, 2)]])

    assert inodes(read_twice(lambda: next(readings))) == [1, 2]


def test_sockets_that_came_in_another_list_are_left_out():
    chunks = [rows(0, 7, 0), rows(8)]

    assert inodes(without_sockets(chunks, {7})) == [0, 0, 8]
    assert inodes(without_sockets(chunks, set())) == [0, 7, 0, 8]
