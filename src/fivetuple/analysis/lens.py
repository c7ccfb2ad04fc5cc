"""Lens: the fields of many rows, by code that is written for the question and compiled once.

A question names its fields; the lens writes one comprehension over the wanted columns and
evaluates only that for every row. `values` gives tuples (JSON, CSV, sorting, grouping),
`cells` gives the texts of a table, `lines` gives finished lines of a table.
100,000 rows of seven fields take some 0.1 s that way; an object a row would take 1 s.
"""

from __future__ import annotations

from fivetuple.analysis.ownership import Ownership
from fivetuple.model import fields, record
from fivetuple.model.endpoint import (
    AF_INET6,
    AF_NETLINK,
    AF_UNIX,
    AF_VSOCK,
    ANY_V6,
    FAMILY_NAMES,
    WILDCARDS,
    AddressTexts,
    address_text,
)
from fivetuple.model.names import DGRAM, RAW, TYPE_NAMES, ProtocolNames, protocol_name
from fivetuple.model.process import NO_PLACE, Place, Process
from fivetuple.model.snapshot import FD_MASK
from fivetuple.model.state import state_name
from fivetuple.model.text import decode, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from fivetuple.model.snapshot import Rows, Snapshot

# include/net/inet_connection_sock.h and net/ipv4/inet_diag.c: what idiag_timer means
TIMERS = {0: None, 1: "retransmit", 2: "keepalive", 3: "timewait", 4: "persist"}
SHUTDOWNS = {0: None, 1: "read", 2: "write", 3: "both"}
BYTE_ORDER = "little"
UNKNOWN = "-"


class Lens:
    """Looks at the rows of one Snapshot; learns its listeners as the rows pass."""

    __slots__ = ("_names", "ownership", "snapshot")

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.ownership = Ownership(snapshot)
        self._names = _helpers(snapshot, self.ownership)

    def values(self, names: Sequence[str]) -> Callable[[Rows], list[tuple[Any, ...]]]:
        """Return a function: rows -> one tuple of values a row. Unknown is None."""
        body = "".join(f"{fields.FIELD[name].value}, " for name in names)
        return self._function(f"({body})", [fields.FIELD[name].value for name in names])

    def cells(self, names: Sequence[str]) -> Callable[[Rows], list[tuple[str, ...]]]:
        """Return a function: rows -> one tuple of table cells a row, harmless on a terminal."""
        texts = [f"str({_cell(fields.FIELD[name])})" for name in names]
        return self._function(f"({', '.join(texts)},)", texts)

    def lines(
        self, names: Sequence[str], widths: Sequence[int], gap: str = "  "
    ) -> Callable[[Rows], list[str]]:
        """Return a function: rows -> finished lines; the last column is not padded.

        Padding is half of the work of a line, so it is done once for what repeats: names of
        protocols and states, zeros, and dashes.
        """
        last = len(names) - 1
        texts = [
            self._padded(
                fields.FIELD[name],
                0 if index == last and fields.FIELD[name].align == "<" else width,
            )
            for index, (name, width) in enumerate(zip(names, widths, strict=True))
        ]
        row = "f'" + gap.join(f"{{C{index}}}" for index in range(len(texts))) + "'"
        assigned = " ".join(f"for C{index} in ({text},)" for index, text in enumerate(texts))
        return self._function(row, texts, assigned)

    def _padded(self, field: fields.Field, width: int) -> str:
        """Write the expression of a padded cell."""
        text = _cell(field)
        cache, bracket, _ = (field.text or "").partition("[")
        if bracket and isinstance(self._names.get(cache), dict) and field.text.endswith("]"):
            name = f"PADDED_{cache}"
            self._names[name] = _PaddedTexts(self._names[cache], width)
            return text.replace(cache, name, 1)
        column = record.COLUMN.get(field.name)
        if column is not None and column.group and field.text and field.text.startswith(field.name):
            zero, dash = f"'{0:>{width}}'", f"'{UNKNOWN:>{width}}'"
            return f"(({zero} if {field.name} == 0 else f'{{{field.name}:>{width}}}') if known & {column.group} else {dash})"
        return f"format({text}, '{field.align}{width}')" if width else text

    def _function(
        self, row: str, sources: Sequence[str], clauses: str = ""
    ) -> Callable[[Rows], list[Any]]:
        """Compile `lambda rows: [row for (columns) in unpack(rows)]` over the columns it reads."""
        needed = _columns_in(" ".join(sources))
        projection = record.Projection(*needed)
        code = (
            f"lambda rows: [{row} for ({', '.join(projection.names)},) in UNPACK(rows) {clauses}]"
        )
        function = eval(code, self._names | {"UNPACK": projection.read})  # noqa: S307  # only our own table's text
        learn = self.ownership.learn
        if "OWN" not in code and "WHO(" not in code:
            return function  # type: ignore[no-any-return]

        def learning(rows: Rows) -> list[Any]:
            learn(rows)
            return function(rows)  # type: ignore[no-any-return]

        return learning


def _columns_in(source: str) -> tuple[str, ...]:
    """Find the record's columns that an expression reads."""
    words = set()
    word = ""
    for character in source + " ":
        if character.isalnum() or character == "_":
            word += character
        elif word:
            words.add(word)
            word = ""
    # one column at least: a struct of padding alone yields empty tuples and no row count
    return tuple(name for name in record.NAMES if name in words) or ("kind",)


def _cell(field: fields.Field) -> str:
    """Write the expression of a table's cell: text, never None."""
    if field.text is not None:
        return f"({field.text})"
    if field.align == ">":
        return f"CELL({field.value})"
    return f"WORD({field.value})"


def _cell_of_number(value: object) -> str:
    return UNKNOWN if value is None else str(value)


def _cell_of_text(value: str | None) -> str:
    return UNKNOWN if value is None else printable(value)


class _PaddedTexts(dict):  # type: ignore[type-arg]  # a cache: key -> padded text
    """Another cache's texts, padded to a width."""

    def __init__(self, source: dict[Any, str], width: int) -> None:
        super().__init__()
        self._source = source
        self._width = width

    def __missing__(self, key: object) -> str:
        text = self[key] = f"{self._source[key]:<{self._width}}"
        return text


class _StateNames(dict):  # type: ignore[type-arg]  # a cache: int -> str
    """State names by `type << 8 | state`."""

    def __missing__(self, key: int) -> str:
        name = self[key] = state_name(key & 0xFF, is_stream=key >> 8 not in (DGRAM, RAW))
        return name


class _MappedTexts(AddressTexts):
    """Addresses of IPv6 sockets: a v4-mapped one reads `::ffff:10.0.0.5`, as ss shows it."""

    def __missing__(self, address: bytes) -> str:
        text = self[address] = address_text(address, AF_INET6)
        return text


class _NoTexts(dict):  # type: ignore[type-arg]
    """Addresses of families that have none."""

    def __missing__(self, address: bytes) -> None:
        return None


class _CidTexts(dict):  # type: ignore[type-arg]
    """vsock's context ids (first 32 bits), and netlink's kernel side."""

    def __missing__(self, address: bytes) -> str:
        cid = int.from_bytes(address[:4], BYTE_ORDER)
        return "*" if cid == 0xFFFFFFFF else str(cid)


class _NamespaceNames(dict):  # type: ignore[type-arg]
    def __missing__(self, inode: int) -> str | None:
        return str(inode) if inode else None


def _helpers(snapshot: Snapshot, ownership: Ownership) -> dict[str, Any]:
    """Make the helpers that the expressions of model/fields.py call by name."""
    none = _NoTexts()
    addresses = {2: AddressTexts(), AF_INET6: _MappedTexts(), AF_VSOCK: _CidTexts()}
    namespace_names = _NamespaceNames(
        {inode: space.name for inode, space in snapshot.namespaces.items()}
    )
    names: dict[str, Any] = {
        "ADDRESS": {family: addresses.get(family, none) for family in range(64)},
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
        "PORT": _port,
        "OPTION_NAMES": _option_names,
        "SOCKET_UNITS": snapshot.socket_units,
        "FD": _descriptor,
    }
    names["WHO_HOLDS"] = texts = {}
    names["SHARED"] = snapshot.shared
    names["WHO"] = _who(snapshot, ownership, texts)
    names["PLACE"] = _place(snapshot)
    names["USER"] = _user(snapshot)
    names["PATH"] = path = _path(snapshot)
    names["INTERFACE"] = interface = _interface(snapshot)
    names["LOCAL"] = _local(names["ADDRESS"], path, interface)
    names["REMOTE"] = _remote(names["ADDRESS"], path)
    names["SERVICE"] = service_namer(ownership)
    return names


def _port(family: int, address: bytes) -> int | None:
    """Read the 32-bit port of vsock or the port id of netlink (bytes 4-7)."""
    if family not in (AF_VSOCK, AF_NETLINK):
        return None
    port = int.from_bytes(address[4:8], BYTE_ORDER)
    return None if port in (0, 0xFFFFFFFF) else port


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


def _path(snapshot: Snapshot) -> Callable[[int], str | None]:
    """Make the function that names a unix socket: its path, or @abstract."""
    paths = snapshot.unix_names

    def path(inode: int) -> str | None:
        raw = paths.get(inode)
        if not raw:
            return None
        return "@" + decode(raw[1:]).rstrip("\0") if raw[0] == 0 else decode(raw)

    return path


def _interface(snapshot: Snapshot) -> Callable[[int, int], str]:
    interfaces = snapshot.interfaces

    def interface(netns: int, index: int) -> str:
        return interfaces.get(netns, {}).get(index) or f"if{index}"

    return interface


def _local(
    addresses: dict[int, Any],
    path: Callable[[int], str | None],
    interface_name: Callable[[int, int], str],
) -> Callable[..., str]:
    """Make the function that writes the own end as people do (`*:80` hears both families)."""

    def local_text(  # noqa: PLR0913, PLR0917  # one row's columns
        family: int,
        kind: int,
        number: int,
        netns: int,
        interface: int,
        local: bytes,
        port: int,
        inode: int,
        options: int,
        known: int,
    ) -> str:
        if family == AF_UNIX:
            return printable(path(inode) or f"* {inode}")
        scope = f"%{printable(interface_name(netns, interface))}" if interface else ""
        if family not in (2, AF_INET6):
            return _other_local(family, number, local, scope)
        ending = protocol_name(family, DGRAM, number) if kind == RAW else port or "*"
        if family == AF_INET6:
            takes_v4 = options & record.DUAL_STACK or (
                known & record.OPTIONS and not options & record.V6ONLY
            )
            if local == ANY_V6 and takes_v4 and not scope and kind != RAW:
                return f"*:{ending}"
            return f"[{addresses[family][local]}]{scope}:{ending}"
        return f"{addresses[family][local]}{scope}:{ending}"

    return local_text


def _other_local(family: int, number: int, local: bytes, scope: str) -> str:
    """Write the own end of netlink, packet and vsock."""
    if family == AF_NETLINK:
        return f"{NETLINK_NAMES.get(number, number)}:{_port(family, local) or 'kernel'}"
    if family == AF_VSOCK:
        return f"{_CidTexts()[local]}:{_port(family, local) or '*'}"
    return f"{ETHERTYPES.get(number, f'{number:#06x}')}{scope or '%*'}"


# include/uapi/linux/netlink.h
NETLINK_NAMES = {
    0: "route", 2: "usersock", 3: "firewall", 4: "sock_diag", 5: "nflog", 6: "xfrm", 7: "selinux", 8: "iscsi",
    9: "audit", 10: "fib_lookup", 11: "connector", 12: "netfilter", 13: "ip6_fw", 15: "uevent", 16: "generic",
    18: "scsitransport", 19: "ecryptfs", 20: "rdma", 21: "crypto", 22: "smc",
}  # fmt: skip
# include/uapi/linux/if_ether.h: those that are met
ETHERTYPES = {
    0: "none",
    3: "all",
    0x800: "ip",
    0x806: "arp",
    0x86DD: "ipv6",
    0x888E: "eapol",
    0x88CC: "lldp",
}


def _remote(addresses: dict[int, Any], path: Callable[[int], str | None]) -> Callable[..., str]:
    def remote_text(family: int, remote: bytes, port: int, peer_inode: int) -> str:
        if family == AF_UNIX:
            return printable(path(peer_inode) or f"* {peer_inode}")
        if family in (AF_VSOCK, AF_NETLINK):
            return f"{_CidTexts()[remote]}:{_port(family, remote) or '*'}"
        text = addresses.get(family, {}).get(remote) or addresses[family][remote]
        if text is None:
            return "*"
        return f"[{text}]:{port or '*'}" if ":" in text else f"{text}:{port or '*'}"

    return remote_text


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
