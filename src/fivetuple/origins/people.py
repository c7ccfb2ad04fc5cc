"""Who the holders are: names at once where rows stream, everything where they are kept."""

from __future__ import annotations

from fivetuple.model import facts, record
from fivetuple.model.endpoint import AF_UNIX
from fivetuple.model.state import LISTEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from fivetuple.model.process import Place, Process
    from fivetuple.model.question import Question
    from fivetuple.model.snapshot import Snapshot

INODE_WORD, WORDS = record.OFFSET["inode"] >> 3, record.SIZE >> 3  # in words of 8 bytes
LISTENERS = record.Projection(
    "inode", "family", "type", "state", "protocol_number", "local_port", "remote_port", "local"
)
UIDS = record.Projection("uid")


class ProcessesAsMet(dict):  # type: ignore[type-arg]  # pid -> Process
    """Processes that are read when they are first asked for: a streamed list meets few of them."""

    def get(self, pid: int, default: Process | None = None) -> Process | None:  # type: ignore[override]
        """Return the process, read now if it was not yet; the default when it is gone."""
        if pid not in self:
            from fivetuple.kernel import processes

            self[pid] = processes.read_names((pid,)).get(pid)
        found: Process | None = self[pid]
        return default if found is None else found


class UsersAsMet(dict):  # type: ignore[type-arg]  # uid -> name
    """User names that are looked up when they are first asked for."""

    def get(self, uid: int, default: str | None = None) -> str | None:  # type: ignore[override]
        """Return the user's name, the default when the host knows none."""
        if uid not in self:
            from fivetuple.kernel import users

            self[uid] = users.names((uid,)).get(uid)
        return self[uid] or default


def describe(snapshot: Snapshot, question: Question) -> None:
    """Fill in `processes`, and `places` where containers and units are asked for."""
    if question.stream:
        snapshot.processes = ProcessesAsMet()
        return
    from fivetuple.kernel import processes

    pids = _pids_of(snapshot)
    if not question.needs & facts.PROCESSES:
        snapshot.processes = processes.read_names(pids)
        return
    snapshot.processes = processes.read_full(pids)
    _name_containers(snapshot, question)
    _find_socket_units(snapshot)


def _pids_of(snapshot: Snapshot) -> set[int]:
    """Return the holders of the sockets that are in the rows."""
    words = memoryview(snapshot.rows).cast("B").cast("Q")[INODE_WORD::WORDS].tolist()
    pids = {held >> 32 for held in map(snapshot.holders.get, words) if held}
    if snapshot.shared:
        for inode in snapshot.shared.keys() & set(words):
            pids.update(held >> 32 for held in snapshot.shared[inode])
    return pids


def _find_socket_units(snapshot: Snapshot) -> None:
    """Name the socket unit, and the service that will answer, of each listener that systemd holds."""
    first = snapshot.processes.get(1)
    if first is None or first.comm != b"systemd":
        return
    from fivetuple.kernel import socket_units

    units = None
    for family, kind, state, number, port, remote_port, inode, local in LISTENERS.read(
        snapshot.rows
    ):
        is_waiting = state == LISTEN or (kind != 1 and not remote_port)
        if not is_waiting or (snapshot.holders.get(inode, 0) >> 32) != 1:
            continue
        if units is None:
            units = socket_units.read()
        path = snapshot.unix_names.get(inode)
        found = (
            units.get((kind, path))
            if family == AF_UNIX and path
            else units.get((number, local, port))
        )
        if found is not None:
            snapshot.socket_units[inode] = (found.name, found.service)


def _name_containers(snapshot: Snapshot, question: Question) -> None:
    """Find the place of sockets whose process is unknown, and names of containers where asked for."""
    from fivetuple.kernel import cgroups

    snapshot.places = {
        number: cgroups.place_of(path) for number, path in cgroups.paths_by_id().items()
    }
    if not question.needs & facts.CONTAINERS:
        return
    places = [process.place for process in snapshot.processes.values() if process.place]
    places += snapshot.places.values()
    by_id: dict[str, list[Place]] = {}
    for place in places:
        if place.container_id:
            by_id.setdefault(place.container_id, []).append(place)
    if not by_id:
        return
    from fivetuple.kernel import engines

    named, reason = engines.describe(by_id)
    for container_id, told in named.items():
        for place in by_id.get(container_id, ()):
            place.container_name, place.container_image = told.name, told.image
            place.pod = told.pod or place.pod
    if reason:
        snapshot.miss(facts.CONTAINERS, reason)


def name_users(snapshot: Snapshot, *, is_streaming: bool) -> None:
    """Fill in `users`."""
    if is_streaming:
        snapshot.users = UsersAsMet()
        return
    from fivetuple.kernel import users

    uids: Iterable[int] = {uid for (uid,) in UIDS.read(snapshot.rows)}
    uids = {*uids, *(p.uid for p in snapshot.processes.values() if p.uid is not None)}
    snapshot.users = users.names(uids)
