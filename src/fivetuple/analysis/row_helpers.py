"""What the expressions of model/fields.py call by name: names, owners, places of one Snapshot."""

from __future__ import annotations

from fivetuple.analysis.ends import end_helpers
from fivetuple.model import record
from fivetuple.model.endpoint import AF_INET6, FAMILY_NAMES, WILDCARDS
from fivetuple.model.names import DGRAM, RAW, TYPE_NAMES, ProtocolNames, protocol_name
from fivetuple.model.process import NO_PLACE, Place, Process
from fivetuple.model.snapshot import FD_MASK
from fivetuple.model.state import state_name
from fivetuple.model.text import decode, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from fivetuple.analysis.ownership import Ownership
    from fivetuple.model.snapshot import Snapshot

# include/net/inet_connection_sock.h and net/ipv4/inet_diag.c: what idiag_timer means
TIMERS = {0: None, 1: "retransmit", 2: "keepalive", 3: "timewait", 4: "persist"}
SHUTDOWNS = {0: None, 1: "read", 2: "write", 3: "both"}
UNKNOWN = "-"


def helpers(snapshot: Snapshot, ownership: Ownership) -> dict[str, Any]:
    """Make the helpers that the expressions of model/fields.py call by name."""
    namespace_names = _NamespaceNames(
        {inode: space.name for inode, space in snapshot.namespaces.items()}
    )
    names: dict[str, Any] = {
        "PROTOCOL": ProtocolNames(),
        "FAMILY": {family: FAMILY_NAMES.get(family, f"family-{family}") for family in range(256)},
        "TYPE": {number: TYPE_NAMES.get(number, str(number)) for number in range(256)},
        "STATE": _StateNames(),
        "TIMER": TIMERS,
        "SHUTDOWN": SHUTDOWNS,
        "WILDCARDS": WILDCARDS,
        "NETNS_NAME": namespace_names,
        "OWN": ownership,
        "HOLDER": snapshot.holders.get,
        "CELL": _cell_of_number,
        "WORD": _cell_of_text,
        "TEXT": decode,
        "OPTION_NAMES": _option_names,
        "SOCKET_UNITS": snapshot.socket_units,
        "FD": _descriptor,
    }
    texts: dict[int, str] = {}
    names["WHO_HOLDS"] = texts
    names["SHARED"] = snapshot.shared
    names["WHO"] = _who(snapshot, ownership, texts)
    names["PLACE"] = _place(snapshot)
    names["USER"] = _user(snapshot)
    names["SERVICE"] = service_namer(ownership)
    return names | end_helpers(snapshot)


def _cell_of_number(value: object) -> str:
    return UNKNOWN if value is None else str(value)


def _cell_of_text(value: str | None) -> str:
    return UNKNOWN if value is None else printable(value)


class _StateNames(dict):  # type: ignore[type-arg]  # a cache: int -> str
    """State names by `type << 8 | state`."""

    def __missing__(self, key: int) -> str:
        name = self[key] = state_name(key & 0xFF, is_stream=key >> 8 not in (DGRAM, RAW))
        return name


class _NamespaceNames(dict):  # type: ignore[type-arg]
    def __missing__(self, inode: int) -> str | None:
        return str(inode) if inode else None


def _descriptor(held: int) -> int | None:
    """Return the fd of a holder; all ones stands for a system that tells none (Windows)."""
    fd = held & FD_MASK
    return None if fd == FD_MASK else fd


def _option_names(options: int) -> list[str]:
    return [name.lower() for name in record.OPTION_NAMES if options & getattr(record, name)]


def _who(snapshot: Snapshot, ownership: Ownership, texts: dict[int, str]) -> Callable[..., str]:
    """Make the function that names the owners in a table: `nginx (812)`, `nginx (812, 813, +2)`.

    `texts` (pid -> text) fills as processes are met, so that most rows need no call.
    """
    get, shared, processes = snapshot.holders.get, snapshot.shared, snapshot.processes

    def one(pid: int) -> str:
        text = texts.get(pid)
        if text is None:
            process = processes.get(pid)
            text = texts[pid] = f"{printable(process.name)} ({pid})" if process else f"({pid})"
        return text

    def who(inode: int, state: int, netns: int, local: bytes, local_port: int) -> str:
        suffix = ""
        if not inode:
            inode = ownership.listener_of(state, netns, local, local_port)
            if not inode:
                return UNKNOWN
            suffix = ", not accepted yet"
        held = get(inode)
        if held is None:
            return UNKNOWN
        if inode in shared:
            return (
                _several(ownership.pids(inode, state, netns, local, local_port), one, processes)
                + suffix
            )
        pid = held >> 32
        return (texts.get(pid) or one(pid)) + suffix

    return who


def _several(pids: Sequence[int], one: Callable[[int], str], processes: dict[int, Process]) -> str:
    """Name several holders, those of one name together."""
    by_name: dict[str, list[int]] = {}
    for pid in pids:
        process = processes.get(pid)
        by_name.setdefault(process.name if process else "", []).append(pid)
    parts = []
    for name, group in by_name.items():
        if len(group) == 1:
            parts.append(one(group[0]))
            continue
        more = f", +{len(group) - 3}" if len(group) > 3 else ""
        parts.append(f"{printable(name)} ({', '.join(map(str, group[:3]))}{more})")
    return ", ".join(parts)


def _place(snapshot: Snapshot) -> Callable[[int, Process], Place]:
    """Make the function that finds unit and container: of the owner, else of the socket's cgroup."""
    by_cgroup = snapshot.places

    def place(cgroup_id: int, process: Process) -> Place:
        return process.place or by_cgroup.get(cgroup_id) or NO_PLACE

    return place


def _user(snapshot: Snapshot) -> Callable[[int], str]:
    users = snapshot.users

    def user(uid: int) -> str:
        return users.get(uid) or str(uid)

    return user


def service_namer(ownership: Ownership) -> Callable[..., str | None]:
    """Make the function that names the service: of the own port where it listens, else of the peer's."""

    def service(  # noqa: PLR0913, PLR0917  # one row's columns
        family: int,
        kind: int,
        number: int,
        state: int,
        netns: int,
        local: bytes,
        local_port: int,
        remote_port: int,
    ) -> str | None:
        if family not in (2, AF_INET6) or kind == RAW:
            return None
        from fivetuple.model.services import name_of

        protocol = protocol_name(family, kind, number)
        if not remote_port or ownership.has_listener(netns, local, local_port):
            return name_of(local_port, protocol) if local_port else None
        return name_of(remote_port, protocol)

    return service
