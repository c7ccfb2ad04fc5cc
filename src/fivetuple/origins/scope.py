"""Which rows of a Snapshot that is there already --netns means."""

from __future__ import annotations

from fivetuple.model import record
from fivetuple.model.errors import BadInput
from fivetuple.model.snapshot import Snapshot
from fivetuple.model.text import printable

_NETNS = record.Projection("netns")


def in_scope(snapshot: Snapshot, netns: str) -> Snapshot:
    """Return the snapshot with the rows of the namespaces that --netns names.

    netns: `self`, `all`, `auto` (all, when it was taken in the host's own), a name or a pid.

    Raises:
        BadInput: the snapshot has no such namespace.
    """
    wanted = _wanted_namespaces(snapshot, netns)
    if wanted is None:
        return snapshot
    rows = memoryview(snapshot.rows)
    size = record.SIZE
    kept = b"".join([
        rows[at * size : (at + 1) * size] for at, (inode,) in enumerate(_NETNS.read(rows)) if inode in wanted
    ])  # fmt: skip
    part = Snapshot(
        snapshot.host, snapshot.taken_ns, road=snapshot.road, facts=snapshot.facts, chunks=(kept,)
    )
    for name in Snapshot.__slots__:
        if name[0] != "_":
            setattr(part, name, getattr(snapshot, name))
    return part


def _wanted_namespaces(snapshot: Snapshot, netns: str) -> set[int] | None:
    """Return the namespaces' inodes; None: all that there are."""
    own = snapshot.own_netns
    if netns == "all":
        return None
    if netns == "auto":
        known = snapshot.namespaces.get(own)
        return None if known is None or known.name == "host" else {own}
    if netns == "self":
        return {own} if own else None
    wanted = {
        space.inode
        for space in snapshot.namespaces.values()
        if netns == space.name or netns in space.nsid_names
    }
    if not wanted and netns.isdecimal():
        pid = int(netns[:9])
        wanted = {space.inode for space in snapshot.namespaces.values() if space.pid == pid}
        process = snapshot.processes.get(pid)
        if process is not None and process.netns is not None:
            wanted.add(process.netns)
    if wanted:
        return wanted
    names = (
        ", ".join(sorted(printable(space.name) for space in snapshot.namespaces.values()))
        or "none by name"
    )
    raise BadInput(f"the snapshot has no network namespace {printable(netns)}; it has {names}")
