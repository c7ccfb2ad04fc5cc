"""Tests that ask a table of the Snapshot: owners, units, namespaces, names of unix sockets.

How to read LOOKUPS: field -> the columns that its function takes, and what makes the function
for one Snapshot and one test. The function answers True, False, or None where the value is not
known or there is none; `!=` is made of False, so it is not true of None either.
"""

from __future__ import annotations

from fivetuple.analysis import filter_owners as owners
from fivetuple.analysis.filter_owners import text_judge
from fivetuple.model import record
from fivetuple.model.endpoint import AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX, AF_VSOCK
from fivetuple.model.text import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from fivetuple.analysis.filter_owners import Answer, World
    from fivetuple.analysis.filter_tree import Test
    from fivetuple.model.snapshot import Snapshot

OWNER = ("inode", "state", "netns", "local", "local_port")
LISTENER_COLUMNS = frozenset(
    ("state", "netns", "local", "local_port")
)  # taken by what asks who listens
DEFAULT_PORT_RANGE = (32768, 60999)  # Documentation/networking/ip-sysctl.rst ip_local_port_range


def _socket_unit(world: World, test: Test) -> Callable[..., Answer]:
    judge, units = text_judge(test), world.snapshot.socket_units
    return lambda inode: judge(units[inode][0]) if inode in units else None


def _netns(world: World, test: Test) -> Callable[..., Answer]:
    judge, namespaces = text_judge(test), world.snapshot.namespaces
    answers: dict[int, Answer] = {}

    def ask(netns: int) -> Answer:
        answer = answers.get(netns)
        if answer is None and netns:
            space = namespaces.get(netns)
            texts = [str(netns), *((space.name, *space.nsid_names) if space else ())]
            answer = answers[netns] = any(map(judge, texts))
        return answer

    return ask


def _interface(world: World, test: Test) -> Callable[..., Answer]:
    """Match name or index; a socket that is bound to none has the index 0 and no name."""
    judge, interfaces = text_judge(test), world.snapshot.interfaces
    answers: dict[tuple[int, int], bool] = {}
    takes_none = test.operator != "~" and "0" in test.values

    def ask(netns: int, interface: int) -> Answer:
        if not interface:
            return takes_none
        answer = answers.get((netns, interface))
        if answer is None:
            name = interfaces.get(netns, {}).get(interface) or f"if{interface}"
            answer = answers[netns, interface] = judge(name) or (
                test.operator != "~" and str(interface) in test.values
            )
        return answer

    return ask


def unix_name(raw: bytes | None) -> str:
    """Return the name of a unix socket as ft shows it: a path, @abstract, or "" for none."""
    if not raw:
        return ""
    return "@" + decode(raw[1:]).rstrip("\0") if raw[0] == 0 else decode(raw)


def _path(world: World, test: Test) -> Callable[..., Answer]:
    judge, get = text_judge(test), world.snapshot.unix_names.get

    def ask(family: int, inode: int) -> Answer:
        name = unix_name(get(inode)) if family == AF_UNIX else ""
        return judge(name) if name else None

    return ask


def _unix_end(world: World, test: Test) -> Callable[..., Answer]:
    """Match as ss's `src unix:` does: any case, and a socket without name has the name ""."""
    judge, get = (
        text_judge(test._replace(values=tuple(value.lower() for value in test.values))),
        world.snapshot.unix_names.get,
    )
    return lambda family, inode: family == AF_UNIX and judge(unix_name(get(inode)).lower())


def _user(world: World, test: Test) -> Callable[..., Answer]:
    judge, users = text_judge(test), world.snapshot.users
    answers: dict[int, bool] = {}

    def ask(known: int, uid: int) -> Answer:
        if not known & record.UID:
            return None
        answer = answers.get(uid)
        if answer is None:
            answer = judge(str(uid)) or (uid in users and judge(users[uid]))
            answers[uid] = answer
        return answer

    return ask


def _service(world: World, test: Test) -> Callable[..., Answer]:
    from fivetuple.analysis.row_helpers import service_namer

    judge, name_of = text_judge(test), service_namer(world.ownership)
    answers: dict[str | None, Answer] = {None: None}

    def ask(*columns: object) -> Answer:
        name = name_of(*columns)
        if name is not None and name not in answers:
            answers[name] = judge(name)
        return answers[name]

    return ask


def _congestion(_world: World, test: Test) -> Callable[..., Answer]:
    judge = text_judge(test)

    def ask(known: int, name: bytes) -> Answer:
        text = decode(name.rstrip(b"\0"))
        return judge(text) if known & record.CONGESTION and text else None

    return ask


def _autobound(world: World, _test: Test) -> Callable[..., Answer]:
    """Tell by the number, as ss does of what it reads from /proc; rows do not say how it was chosen."""
    ranges: dict[int, tuple[int, int]] = {}
    names = world.snapshot.unix_names.get

    def ask(  # noqa: PLR0913, PLR0917  # one row's columns
        family: int,
        netns: int,
        local_port: int,
        inode: int,
        local: bytes,
        interface: int,
        protocol_number: int,
    ) -> Answer:
        if family in (AF_INET, AF_INET6):
            if netns not in ranges:
                ranges[netns] = port_range(world.snapshot, netns)
            low, high = ranges[netns]
            return low <= local_port <= high
        if family == AF_UNIX:
            return _is_autobound_name(names(inode))
        if family == AF_PACKET:
            return not interface and not protocol_number
        number = int.from_bytes(local[4:8], "little")
        return (family == AF_VSOCK and number > 1023) or (
            family == AF_NETLINK and number >= 1 << 31
        )

    return ask


def _is_autobound_name(name: bytes | None) -> bool:
    """Tell whether the kernel gave the name: none, or a NUL and five digits (net/unix/af_unix.c unix_autobind())."""
    return not name or (name[0] == 0 and len(name) == 6 and not name[1:].strip(b"0123456789abcdef"))


def port_range(snapshot: Snapshot, netns: int) -> tuple[int, int]:
    """Return the namespace's ports that the kernel chooses from; the default where it was not read."""
    space = snapshot.namespaces.get(netns)
    words = space.sysctls.get("net.ipv4.ip_local_port_range", "").split() if space else []
    return (int(words[0]), int(words[1])) if len(words) == 2 else DEFAULT_PORT_RANGE


LOOKUPS: dict[str, tuple[tuple[str, ...], Callable[[World, Test], Callable[..., Answer]]]] = {
    "pid": (OWNER, owners.pid_test),
    "fd": (("inode",), owners.fd_test),
    "process": (OWNER, owners.process_text_test(lambda process: process.name)),
    "command": (OWNER, owners.process_text_test(lambda process: process.command)),
    "process_age": (OWNER, owners.process_age_test),
    "owner_by": (OWNER, owners.owner_by_test),
    "unowned": (OWNER, owners.unowned_test),
    "unit": ((*OWNER, "cgroup_id"), owners.unit_test),
    "socket_unit": (("inode",), _socket_unit),
    "container": ((*OWNER, "cgroup_id"), owners.place_text_test(owners.container_names)),
    "pod": ((*OWNER, "cgroup_id"), owners.place_text_test(owners.pod_names)),
    "cgroup": ((*OWNER, "known", "cgroup_id"), owners.cgroup_test),
    "netns": (("netns",), _netns),
    "interface": (("netns", "interface"), _interface),
    "path": (("family", "inode"), _path),
    "unix local": (("family", "inode"), _unix_end),
    "unix remote": (("family", "peer_inode"), _unix_end),
    "user": (("known", "uid"), _user),
    "service": (
        (
            "family",
            "type",
            "protocol_number",
            "state",
            "netns",
            "local",
            "local_port",
            "remote_port",
        ),
        _service,
    ),
    "congestion_algorithm": (("known", "congestion_algorithm"), _congestion),
    "autobound": (
        ("family", "netns", "local_port", "inode", "local", "interface", "protocol_number"),
        _autobound,
    ),
}
