"""What changed between two looks at the same sockets: opened, closed, or in another state."""

from __future__ import annotations

from collections import Counter, namedtuple
from typing import TYPE_CHECKING

from fivetuple.analysis.lens import Lens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from fivetuple.model.answer import SocketTable

    Key = tuple[Any, ...]

Seen = namedtuple("Seen", "state inode row")
"""One socket in one look: row is its cells or its values."""
Change = namedtuple("Change", "kind row was", defaults=(None,))
"""kind: present, opened, changed, closed; was: the state before, of a changed one."""

PRESENT, OPENED, CHANGED, CLOSED = "present", "opened", "changed", "closed"

# What names a socket over time. Not its cookie: the kernel makes that when somebody asks for it,
# so it may appear between two looks. Not the inode of a connection: TIME_WAIT has none any more.
_NAMING = ("netns", "protocol", "local", "remote", "remote_port", "inode", "state")


def look(table: SocketTable, *, as_cells: bool) -> dict[Key, Seen]:
    """Return the sockets of a table by what names them, in its order."""
    lens = Lens(table.snapshot)
    naming = lens.values(_NAMING)
    showing = lens.cells(table.fields) if as_cells else lens.values(table.fields)
    found: dict[Key, Seen] = {}
    twins: Counter[Key] = Counter()
    for rows in _kept(table, lens):
        for (netns, protocol, local, remote, port, inode, state), row in zip(
            naming(rows), showing(rows), strict=True
        ):
            name = (netns, protocol, local, remote if port else inode)
            twins[name] += 1
            found[*name, twins[name]] = Seen(state, inode, row)
            if table.limit is not None and len(found) >= table.limit:
                return found
    return found


def _kept(table: SocketTable, lens: Lens) -> Iterator[Any]:
    if table.sort:
        from fivetuple.analysis.sorting import sorted_rows

        yield from sorted_rows(table, lens)
        return
    for chunk in table.snapshot.chunks():
        lens.ownership.learn(chunk)
        yield table.keep(chunk) if table.keep else chunk


def changes(before: Mapping[Key, Seen] | None, now: Mapping[Key, Seen]) -> Iterator[Change]:
    """Compare two looks: what there is, in its order, then what is gone. before None: the first."""
    for key, seen in now.items():
        old = before.get(key) if before is not None else seen
        if old is None:
            yield Change(OPENED, seen.row)
        elif _is_another(old, seen):
            yield Change(CLOSED, old.row)
            yield Change(OPENED, seen.row)
        elif old.state != seen.state:
            yield Change(CHANGED, seen.row, old.state)
        else:
            yield Change(PRESENT, seen.row)
    for key in (before or {}).keys() - now.keys():
        yield Change(CLOSED, (before or {})[key].row)


def _is_another(old: Seen, new: Seen) -> bool:
    """Tell whether the name went to another socket meanwhile: both have a file, and not the same."""
    return bool(old.inode and new.inode and old.inode != new.inode)
