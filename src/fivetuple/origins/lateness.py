"""Late owners: sockets that have a file and no known holder, and the second look for them.

Holders are read before the sockets. A socket that was opened in between, or passed from one
process to another that was visited already, has no holder then. Only a look that begins after
its row was read can tell; what is still nobody's then is held by the kernel itself, by a process
that we can't see, or is on its way through SCM_RIGHTS.

Many a machine always has such a socket (a listener of a process outside our pid namespace), so
the look begins as soon as the first one is met, and goes on while rows are read and written;
rows that come late after that wait for a look of their own.
"""

from __future__ import annotations

import os
from itertools import filterfalse

from fivetuple.model import facts, record
from fivetuple.model.errors import NotAvailable, NotPermitted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from fivetuple.model.snapshot import Rows, Snapshot

    Look = Callable[[set[int]], tuple[dict[int, int], dict[int, tuple[int, ...]]]]
    """Waits until the look is over; inodes -> their holders, as kernel/owners.py gives them."""

INODE_WORD, WORDS = record.OFFSET["inode"] >> 3, record.SIZE >> 3
WHOSE = record.Projection("uid", "inode")
HELD_BACK_BYTES = 16 << 20  # rows that wait for their owner; at so many they get a look at once


def with_late_owners(
    chunks: Iterable[Rows], begin_look: Callable[[], Look], snapshot: Snapshot
) -> Iterator[Rows]:
    """Give the rows; those without a known holder come last, after another look for it."""
    # Who may not look at others' processes waits for the own sockets alone: most have no holder
    uid = os.geteuid() if facts.OWNERS in snapshot.missing else 0
    look: Look | None = None
    looked_for = b""
    late = bytearray()
    for chunk in chunks:
        known, unknown = without_holder(chunk, snapshot.holders, uid or None)
        late += unknown
        if late and look is None:
            look = begin_look()
            looked_for, late = bytes(late), bytearray()
        if len(known):
            yield known
        if len(late) > HELD_BACK_BYTES:
            yield _looked_up(late, begin_look(), snapshot)
            late = bytearray()
    if look is not None:
        yield _looked_up(looked_for, look, snapshot)
    if late:
        yield _looked_up(late, begin_look(), snapshot)


def _looked_up(rows: Rows, look: Look, snapshot: Snapshot) -> Rows:
    """Fill in the holders that the look found; in place, for others know these dicts."""
    try:
        holders, shared = look(inodes_of(rows))
    except (NotAvailable, NotPermitted, OSError) as error:
        snapshot.miss(facts.OWNERS, f"the second look for owners failed: {error}")
        return rows
    snapshot.holders.update(holders)
    snapshot.shared.update(shared)
    return rows


def without_holder(
    rows: Rows, holders: Mapping[int, int], uid: int | None = None
) -> tuple[Rows, Rows]:
    """Split rows in those whose holder is known (or that have no file) and the others.

    With `uid`, only that user's sockets count among the others.
    """
    unknown = set(filterfalse(holders.__contains__, _inodes(rows)))
    unknown.discard(0)
    if not unknown:
        return rows, b""
    size = record.SIZE
    view = memoryview(rows)
    parts: tuple[list[memoryview], list[memoryview]] = ([], [])
    for index, (owner, inode) in enumerate(WHOSE.read(rows)):
        is_late = inode in unknown and uid in (None, owner)
        parts[is_late].append(view[index * size : index * size + size])
    return b"".join(parts[0]), b"".join(parts[1])


def inodes_of(rows: Rows) -> set[int]:
    """Return the inodes of the rows, without 0, which stands for no file."""
    inodes = set(_inodes(rows))
    inodes.discard(0)
    return inodes


def _inodes(rows: Rows) -> list[int]:
    return memoryview(rows).cast("B").cast("Q")[INODE_WORD::WORDS].tolist()
