"""The text of ss (iproute2), any version and any flags: `ss -tanpemoi` tells most.

A row is [Netid] [State] [Recv-Q Send-Q] LOCAL PEER and words; every column in brackets can be
missing, and the words may stand on lines of their own that begin with white space. Rows are
read one by one by what their words are, so texts without header, or several in one, do too.

What ss leaves out, it leaves to be concluded (misc/ss.c):
- Netid, when only one kind of sockets was asked for: states tell TCP, else UNCONN tells UDP.
- State, when states were selected: a row that has no peer listens (TCP) or is UNCONN (UDP), a
  timewait timer is TIME_WAIT's; of the other rows the state stays 0, and `missing` says so.
- `*` as an address is IPv6's wildcard that hears IPv4 too, `[::]` the one that does not. Before
  4.14 `*` was IPv4's and `::` IPv6's; a text with `:::` is such a one.
- A process's name is printed as it is. It has 15 bytes, so it can't imitate the 16 characters
  that end one holder and begin the next.
"""

from __future__ import annotations

import re

from fivetuple.model import facts, names, record
from fivetuple.model.endpoint import (
    AF_INET,
    AF_INET6,
    AF_UNIX,
    WILDCARDS,
)
from fivetuple.model.state import BOUND_INACTIVE, CLOSE, ESTABLISHED, LISTEN, TIME_WAIT
from fivetuple.model.text import decode
from fivetuple.origins.texts import ss_local
from fivetuple.origins.texts.addresses import ANYWHERE, Hosts, Ports, any_address
from fivetuple.origins.texts.collector import BAD_ROW, Collector
from fivetuple.origins.texts.ss_words import read_sockopts, read_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from fivetuple.model.snapshot import Snapshot

    Values = dict[str, Any]

CURE = "paste the output of `ss -tanpemoi` (numbers, no names: -n)"
WISHES = {
    facts.OWNERS: "the text names no process: `ss -p`, as root, does",
    facts.PROCESS_NAMES: "the text names no process: `ss -p`, as root, does",
    facts.TCP_INFO: "the text has no TCP details: `ss -i` prints them",
    facts.BACKLOG: "the text has no listener with its queue",
    facts.TIMERS: "the text has no timers: `ss -o` prints them",
    facts.OPTIONS: "ss tells of most socket options nothing",
    facts.UNIX: "the text has no unix sockets: `ss -xa` prints them",
    facts.NETLINK: "the text has no netlink sockets: `ss -a -f netlink` prints them",
    facts.PACKET: "the text has no packet sockets: `ss -0a` prints them",
    facts.VSOCK: "the text has no vsock sockets: `ss -a --vsock` prints them",
    facts.RAW: "the text has no raw sockets: `ss -wa` prints them",
    facts.BOUND_INACTIVE: "ss shows no TCP sockets that are only bound",
    facts.OTHER_NAMESPACES: "ss shows one network namespace, that where it runs",
}

# Netid -> family, socket type, protocol
INTERNET = {
    "tcp": (names.STREAM, 6),
    "udp": (names.DGRAM, 17),
    "raw": (names.RAW, 0),
    "sctp": (names.STREAM, 132),
    "`-": (names.STREAM, 132),
    "mptcp": (names.STREAM, 262),
    "dccp": (6, 33),
    "icmp6": (names.RAW, 0),
    "???": (names.RAW, 0),
}
UNIX_TYPES = {"u_str": names.STREAM, "u_dgr": names.DGRAM, "u_seq": names.SEQPACKET}
OTHERS = frozenset(("nl", "p_raw", "p_dgr", "v_str", "v_dgr"))
NETIDS = frozenset(INTERNET) | frozenset(UNIX_TYPES) | OTHERS
STATES = {
    "UNKNOWN": 0, "ESTAB": 1, "SYN-SENT": 2, "SYN-RECV": 3, "FIN-WAIT-1": 4, "FIN-WAIT-2": 5,
    "TIME-WAIT": 6, "UNCONN": 7, "CLOSE-WAIT": 8, "LAST-ACK": 9, "LISTEN": 10, "CLOSING": 11,
    "UNDEF": 13, "BOUND-INACTIVE": 13,
    # of SCTP associations, as kernel/proc_sctp.py tells them in TCP's words
    "CLOSED": 7, "COOKIE_WAIT": 2, "COOKIE_ECHOED": 2, "SHUTDOWN_PENDING": 4, "SHUTDOWN_SENT": 5,
    "SHUTDOWN_RECEIVED": 8, "ACK_SENT": 9,
}  # fmt: skip
ONLY_TCP = frozenset(
    (
        "SYN-SENT",
        "SYN-RECV",
        "FIN-WAIT-1",
        "FIN-WAIT-2",
        "TIME-WAIT",
        "CLOSE-WAIT",
        "LAST-ACK",
        "LISTEN",
        "CLOSING",
    )
)
NO_STATE = 0
RAW_PORTS = frozenset(ss_local.RAW_PROTOCOLS)

_HOLDER = re.compile(
    r'\("(?P<name>.{0,64}?)",pid=(?P<pid>\d{1,10}),(?:tid=\d+,)?(?:proc_ctx=[^,)]*,)?fd=(?P<fd>\d{1,10})'
    r"(?:,sock_ctx=[^)]*)?\)(?=,\(\"|\)(?:\s|$))"
)
_OLD_HOLDER = re.compile(
    r'\("(?P<name>.{0,64}?)",(?P<pid>\d{1,10}),(?P<fd>\d{1,10})\)(?=,\("|\)(?:\s|$))'
)
_SOCKOPT = re.compile(r"inet-sockopt: \(([a-z0-9_ ]*)\)")


def parse(text: str, taken_ns: int) -> Snapshot:
    """Return the sockets of the text.

    Raises:
        BadInput: no line of it is a socket.
    """
    reader = _Reader(text)
    for section in _sections(text):
        reader.read(section)
    return reader.snapshot(taken_ns)


def is_row(words: list[str]) -> bool:
    """Tell whether a line, split at white space, could be a row of ss."""
    if not words:
        return False
    if words[0] in NETIDS:
        words = words[1:]
    if words and words[0] in STATES:
        words = words[1:]
    return len(words) >= 4 and _is_number(words[0]) and _is_number(words[1])


def is_header(line: str) -> bool:
    """Tell whether the line names ss's columns."""
    return "Local Address:Port" in line and not line.lstrip().startswith("Proto")


def _sections(text: str) -> Iterator[list[str]]:
    """Split the text at its headers, and put each row and its further lines together."""
    rows: list[str] = []
    lines = text.split("\n")
    first = next((line for line in lines if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip(" "))]  # of a text that was pasted indented
    for whole in lines:
        line = whole.removeprefix(indent) if indent else whole
        if line[:1] in (" ", "\t") and rows and not line.lstrip().startswith("`- "):
            rows[-1] += " " + line.lstrip()
        elif is_header(line):
            yield rows
            rows = []
        elif line:
            rows.append(line)
    yield rows


class _Reader:
    """Reads the rows of one text; what the text shows anywhere counts for all its rows."""

    def __init__(self, text: str) -> None:
        self._collector = Collector()
        self._hosts = Hosts()
        self._ports = {name: Ports(name) for name in ("tcp", "udp", "sctp", "dccp")}
        self._holder = _HOLDER if '",pid=' in text else _OLD_HOLDER
        self._has_timers = " timer:(" in text
        self._is_old = ":::" in text and re.search(r"\s:::(?:\d|\*)", text) is not None
        self._stateless = 0
        self._without_netid = "tcp"

    def read(self, rows: list[str]) -> None:
        """Read the rows under one header."""
        self._without_netid = _protocol_of(rows)
        for row in rows:
            try:
                self._read_row(row)
            except BAD_ROW:
                self._collector.refuse(row)

    def snapshot(self, taken_ns: int) -> Snapshot:
        """Return what was read."""
        notes = []
        if self._stateless:
            notes.append(
                f"{self._stateless} sockets have no state, because ss prints none when states are selected"
            )
        return self._collector.snapshot("ss", taken_ns, WISHES, CURE, notes)

    def _read_row(self, row: str) -> None:
        """Read one row: the columns in front, then what its kind of socket has."""
        words = row.split(None, 6)
        at = 0
        netid = ""
        if words[0] in NETIDS:
            netid, at = words[0], 1
        state = STATES.get(words[at])
        if state is not None:
            at += 1
        values: Values = {"known": 0, "state": NO_STATE if state is None else state}
        queues = None
        if _is_number(words[at]) and _is_number(words[at + 1]):
            queues, at = (int(words[at]), int(words[at + 1])), at + 2
        if netid in UNIX_TYPES:
            rest = row.split(None, at)[at]
            self._read_unix(values, UNIX_TYPES[netid], rest, queues)
            return
        local, peer = words[at], words[at + 1]
        rest = (
            (words[6] if len(words) > 6 else "")
            if at == 4
            else "".join(row.split(None, at + 2)[at + 2 :])
        )
        if not netid and ":" in local and peer == "*":
            netid = "nl"
        if netid in OTHERS:
            self._read_other(values, netid, (local, peer), rest, queues)
        else:
            self._read_internet(
                values, netid or self._without_netid, (local, peer), rest, queues, state
            )

    def _read_internet(
        self,
        values: Values,
        netid: str,
        ends: tuple[str, str],
        rest: str,
        queues: tuple[int, int] | None,
        state: int | None,
    ) -> None:
        kind, protocol = INTERNET[netid]
        host, _, port = ends[0].rpartition(":")
        peer, colon, peer_port = ends[1].rpartition(":")
        if not colon:
            raise ValueError("no port")
        family, local, interface = self._hosts[host]
        peer_family, remote, _ = self._hosts[peer]
        if kind == names.RAW:
            protocol = ss_local.raw_protocol(port)
            local_port = remote_port = 0
        else:
            ports = self._ports.get(netid) or self._ports["tcp"]
            local_port, remote_port = ports[port], ports[peer_port]
        if family == ANYWHERE:
            family = self._wildcard_family(host, peer_family, values)
            local = any_address(family)
        elif host[:4] == "[::]":
            values["options"] = record.V6ONLY
            values["known"] |= record.OPTIONS
        if peer_family == ANYWHERE:
            remote = any_address(family)
        if state is None:
            self._conclude_state(values, kind, remote in WILDCARDS and not remote_port, rest)
        elif state == CLOSE and protocol == 6 and kind == names.STREAM:
            values["state"] = BOUND_INACTIVE  # no other TCP socket in CLOSE is ever listed
        values |= {
            "family": family, "type": kind, "protocol_number": protocol, "local": local,
            "remote": remote, "local_port": local_port, "remote_port": remote_port,
        }  # fmt: skip
        if interface:
            values["interface"] = self._collector.interface(interface)
        if self._has_timers and kind == names.STREAM:
            values["known"] |= record.TIMER
        self._finish(values, queues, rest)
        if kind == names.RAW:
            self._collector.given |= facts.RAW

    def _wildcard_family(self, host: str, peer_family: int, values: Values) -> int:
        """Return the family of a row whose own address is `*`."""
        if peer_family != ANYWHERE:
            return peer_family
        if self._is_old:
            return AF_INET
        values["known"] |= record.OPTIONS
        return AF_INET6

    def _conclude_state(self, values: Values, kind: int, is_alone: bool, rest: str) -> None:
        if kind != names.STREAM:
            values["state"] = CLOSE if is_alone else ESTABLISHED
        elif is_alone:
            values["state"] = LISTEN
        elif "timer:(timewait," in rest:
            values["state"] = TIME_WAIT
        else:
            self._stateless += 1

    def _read_other(
        self,
        values: Values,
        netid: str,
        ends: tuple[str, str],
        rest: str,
        queues: tuple[int, int] | None,
    ) -> None:
        """Read a row of netlink, packet or vsock."""
        if netid == "nl":
            values |= ss_local.netlink(*ends, rest)
            self._collector.given |= facts.NETLINK
        elif netid in ("p_raw", "p_dgr"):
            interface, found = ss_local.packet(ends[0])
            values |= found | {"type": names.RAW if netid == "p_raw" else names.DGRAM}
            if interface != "*":
                values["interface"] = self._collector.interface(interface)
            self._collector.given |= facts.PACKET
        else:
            values |= ss_local.vsock(*ends) | {
                "type": names.STREAM if netid == "v_str" else names.DGRAM
            }
            queues = None  # vsock_diag tells none; ss prints zeros
            self._collector.given |= facts.VSOCK
        self._finish(values, queues, rest)

    def _read_unix(
        self, values: Values, kind: int, rest: str, queues: tuple[int, int] | None
    ) -> None:
        name, inode, peer_name, peer, rest = ss_local.unix(rest)
        values |= {"family": AF_UNIX, "type": kind, "inode": inode}
        values["known"] |= record.INODE
        if peer or values["state"] != ESTABLISHED:
            values["peer_inode"] = peer
            values["known"] |= record.PEER
        for number, text in ((inode, name), (peer, peer_name)):
            if number and text != "*":
                raw = text.encode("utf-8", "surrogateescape")
                self._collector.unix_names.setdefault(
                    number, b"\0" + raw[1:] if raw[:1] == b"@" else raw
                )
        self._collector.given |= facts.UNIX
        self._finish(values, queues, rest)

    def _finish(self, values: Values, queues: tuple[int, int] | None, rest: str) -> None:
        """Read queues, words and holders of any row, and add it."""
        collector = self._collector
        state = values["state"]
        if queues is not None:
            if state == LISTEN:
                values["accept_queue"], values["backlog"] = queues
                values["known"] |= record.ACCEPT_QUEUE | record.BACKLOG
                collector.given |= facts.BACKLOG
            else:
                values["recv_queue_bytes"], values["send_queue_bytes"] = queues
                values["known"] |= record.QUEUES
        holders: list[tuple[int, int, str]] = []
        if 'users:(("' in rest:
            holders, rest = self._take_holders(rest)
        if "inet-sockopt: (" in rest and (match := _SOCKOPT.search(rest)):
            read_sockopts(match[1], values)
            rest = rest[: match.start()] + rest[match.end() :]
        if rest:
            if values["family"] == AF_UNIX:  # its `ino:` is that of the file at the path
                rest = " ".join(word for word in rest.split() if word[:4] != "ino:")
            read_words(rest, values, collector.cgroup)
            known = values["known"]
            collector.given |= facts.TCP_INFO * bool(known & record.TCP_INFO) | facts.TIMERS * bool(
                known & record.TIMER
            )
        inode = collector.add(values)
        for pid, fd, name in holders:
            raw = name.encode("utf-8", "surrogateescape")
            collector.hold(inode, pid, fd, decode(raw), raw)

    def _take_holders(self, rest: str) -> tuple[list[tuple[int, int, str]], str]:
        """Return the holders as (pid, fd, name), and the words around them."""
        start = rest.index('users:(("')
        at = start + len("users:(")
        found = []
        while match := self._holder.match(rest, at):
            found.append((int(match["pid"]), int(match["fd"]), match["name"]))
            at = match.end() + 1
        return found, rest[:start] + rest[at:]


def _is_number(word: str) -> bool:
    return word.isdecimal() or (word[:1] == "-" and word[1:].isdecimal())


def _protocol_of(rows: list[str]) -> str:
    """Conclude what the rows without Netid are: TCP, UDP or raw."""
    has_unconnected = False
    has_backlog = has_state = False
    for row in rows:
        words = row.split(None, 5)
        if words[0] in ONLY_TCP:
            return "tcp"
        if words[0] == "UNCONN":
            has_unconnected = True
            if len(words) > 3 and words[3].rpartition(":")[2] in RAW_PORTS:
                return "raw"
        has_state = has_state or words[0] in STATES or words[0] in NETIDS
        has_backlog = has_backlog or (len(words) > 1 and words[1] != "0")
    if has_unconnected:
        return "udp"
    if has_state or has_backlog:
        return "tcp"
    # no state and nothing in Send-Q, where a listener has its backlog
    alone = [row for row in rows if row.rstrip().endswith(":*") or ":* " in row]
    return "udp" if alone else "tcp"
