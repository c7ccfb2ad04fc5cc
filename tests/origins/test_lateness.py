"""Rows without a known holder wait for a look that began after they were read."""

from __future__ import annotations

import os

from fivetuple.model import facts, record
from fivetuple.model.errors import NotAvailable
from fivetuple.model.snapshot import Host, Snapshot
from fivetuple.origins import lateness
from fivetuple.origins.lateness import with_late_owners, without_holder


def rows(*inodes, uid=0):
    return b"".join(record.pack({"inode": inode, "uid": uid}) for inode in inodes)


def inodes(chunk):
    return [row["inode"] for row in record.unpack(bytes(chunk))]


def snapshot(holders):
    made = Snapshot(Host("here"), 0, road="bpf", facts=facts.OWNERS)
    made.holders = holders
    return made


class Looks:
    """A road's `begin_look`: notes when a look began and what it was asked; finds all."""

    def __init__(self):
        self.begun = 0
        self.asked = []

    def begin(self):
        self.begun += 1
        return self.find

    def find(self, wanted):
        self.asked.append(wanted)
        return dict.fromkeys(wanted, 5 << 32), {}


def test_rows_are_split_by_whether_their_holder_is_known():
    known, unknown = without_holder(rows(1, 0, 2, 3), {1: 9, 3: 9})

    assert (inodes(known), inodes(unknown)) == ([1, 0, 3], [2])


def test_a_chunk_whose_holders_are_all_known_is_not_copied():
    chunk = rows(1, 0)

    assert without_holder(chunk, {1: 9})[0] is chunk


def test_no_look_is_needed_when_all_holders_are_known():
    looks = Looks()

    assert list(with_late_owners([rows(1)], looks.begin, snapshot({1: 9}))) == [rows(1)]
    assert looks.begun == 0


def test_the_look_begins_with_the_first_late_row_and_later_ones_get_another():
    looks, shown = Looks(), snapshot({1: 9})
    given = []
    for chunk in with_late_owners([rows(1, 2), rows(1), rows(3)], looks.begin, shown):
        given += inodes(chunk)
        if len(given) == 1:
            assert looks.begun == 1  # and nobody has waited for it
            assert not looks.asked

    assert given == [1, 1, 2, 3]
    assert looks.asked == [{2}, {3}]
    assert shown.holders == {1: 9, 2: 5 << 32, 3: 5 << 32}


def test_holders_are_filled_in_place_because_lenses_hold_the_dict():
    looks, holders = Looks(), {1: 9}
    list(with_late_owners([rows(2)], looks.begin, snapshot(holders)))

    assert holders[2] == 5 << 32


def test_many_late_rows_do_not_wait_for_the_end(monkeypatch):
    monkeypatch.setattr(lateness, "HELD_BACK_BYTES", 3 * record.SIZE)
    looks = Looks()
    chunks = [rows(at) for at in range(1, 12)]
    given = [inodes(chunk) for chunk in with_late_owners(chunks, looks.begin, snapshot({}))]

    assert sorted(inode for chunk in given for inode in chunk) == [*range(1, 12)]
    assert max(map(len, given)) == 4


def test_without_privileges_only_the_users_own_sockets_wait(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    looks, shown = Looks(), snapshot({})
    shown.miss(facts.OWNERS, "processes of other users", refused=True)
    chunks = [rows(1, uid=1001), rows(2, uid=1000)]
    list(with_late_owners(chunks, looks.begin, shown))

    assert looks.asked == [{2}]


def test_a_look_that_fails_is_said_and_the_rows_come_all_the_same():
    def begin():
        def find(_):
            raise NotAvailable("no memory")

        return find

    shown = snapshot({})
    given = [inodes(chunk) for chunk in with_late_owners([rows(1)], begin, shown)]

    assert given == [[1]]
    assert "no memory" in shown.missing[facts.OWNERS]
