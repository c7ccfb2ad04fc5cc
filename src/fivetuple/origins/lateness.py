"""Which rows have a file and no known holder: their sockets changed hands while we read."""

from __future__ import annotations

from fivetuple.model import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from fivetuple.model.snapshot import Rows

INODES = record.Projection("inode")


def without_holder(rows: Rows, holders: Mapping[int, int]) -> tuple[Rows, Rows]:
    """Split rows in those whose holder is known (or that have no file) and the others."""
    unknown = {inode for (inode,) in INODES.read(rows) if inode and inode not in holders}
    if not unknown:
        return rows, b""
    size = record.SIZE
    view = memoryview(rows)
    parts: tuple[list[memoryview], list[memoryview]] = ([], [])
    for index, (inode,) in enumerate(INODES.read(rows)):
        parts[inode in unknown].append(view[index * size : index * size + size])
    return b"".join(parts[0]), b"".join(parts[1])


def inodes_of(rows: Rows) -> set[int]:
    """Return the inodes of the rows."""
    return {inode for (inode,) in INODES.read(rows)}
