"""Owners in words: which of several holders stands for a socket, and how people name it and its place."""

from __future__ import annotations

from fivetuple.model.process import Process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from fivetuple.model.process import Place
    from fivetuple.model.snapshot import Snapshot

NOBODY = Process(0, "")
LATEST_NS = 1 << 63


def principal(processes: Mapping[int, Process], pids: Collection[int]) -> Process:
    """Return the holder that stands for all: the oldest, a server's main process before its workers.

    Process 1 stands for others only when it is alone: systemd keeps the sockets that it passed on.
    """
    candidates = [pid for pid in pids if pid != 1] or list(pids)
    if not candidates:
        return NOBODY
    known = [processes[pid] for pid in candidates if pid in processes]
    if not known:
        pid = min(candidates)
        return Process(pid, str(pid))
    return min(known, key=lambda one: (one.started_ns or LATEST_NS, one.pid))


def owner_words(process: Process, pids: Collection[int]) -> str:
    """Name an owner: `nginx (812)`, `nginx (812, +3)`; `-` when unknown."""
    if not process.pid:
        return "-"
    others = len(set(pids) - {process.pid, 1})
    return f"{process.name} ({process.pid}" + (f", +{others})" if others else ")")


def place_words(place: Place) -> str:
    """Name where an owner stands: container or pod before unit; empty when nothing is known."""
    if place.container:
        return f"{place.engine or 'container'} {place.container}"
    return place.unit or ""


def namespace_name(snapshot: Snapshot, netns: int) -> str:
    """Return the namespace's name, its number when it has none."""
    space = snapshot.namespaces.get(netns)
    return space.name if space else str(netns)
