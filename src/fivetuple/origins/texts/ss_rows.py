"""Rows of ss: the columns in front, then what each kind of socket has. `ss.py` says what ss leaves out."""

from __future__ import annotations

import re

from fivetuple.model import facts, names, record
from fivetuple.model.endpoint import AF_INET, AF_INET6, AF_UNIX, WILDCARDS
from fivetuple.model.state import BOUND_INACTIVE, CLOSE, ESTABLISHED, LISTEN, TIME_WAIT
from fivetuple.model.text import decode
from fivetuple.origins.texts import ss_local
from fivetuple.origins.texts.addresses import ANYWHERE, Hosts, Ports, any_address
from fivetuple.origins.texts.collector import BAD_ROW, Collector
from fivetuple.origins.texts.ss_words import read_sockopts, read_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Values = dict[str, Any]

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
NO_STATE = 0

_HOLDER = re.compile(
    r'\("(?P<name>.{0,64}?)",pid=(?P<pid>\d{1,10}),(?:tid=\d+,)?(?:proc_ctx=[^,)]*,)?fd=(?P<fd>\d{1,10})'
    r"(?:,sock_ctx=[^)]*)?\)(?=,\(\"|\)(?:\s|$))"
)
_OLD_HOLDER = re.compile(
    r'\("(?P<name>.{0,64}?)",(?P<pid>\d{1,10}),(?P<fd>\d{1,10})\)(?=,\("|\)(?:\s|$))'
)
_SOCKOPT = re.compile(r"inet-sockopt: \(([a-z0-9_ ]*)\)")


class Reader:
    """Reads the rows of one text; what the text shows anywhere counts for all its rows."""

    def __init__(self, text: str) -> None:
        self.collector = Collector()
        self._hosts = Hosts()
        self._ports = {name: Ports(name) for name in ("tcp", "udp", "sctp", "dccp")}
        self._holder = _HOLDER if '",pid=' in text else _OLD_HOLDER
        self._has_timers = " timer:(" in text
        self._is_old = ":::" in text and re.search(r"\s:::(?:\d|\*)", text) is not None
        self.stateless = 0
        self._without_netid = "tcp"

    def read(self, rows: list[str], without_netid: str) -> None:
        """Read rows; `without_netid` is the Netid of those that have none."""
        self._without_netid = without_netid
        for row in rows:
            try:
                self._read_row(row)
            except BAD_ROW:
                self.collector.refuse(row)

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
        if is_number(words[at]) and is_number(words[at + 1]):
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
            values["interface"] = self.collector.interface(interface)
        if self._has_timers and kind == names.STREAM:
            values["known"] |= record.TIMER
        self._finish(values, queues, rest)
        if kind == names.RAW:
            self.collector.given |= facts.RAW

    def _wildcard_family(self, host: str, peer_family: int, values: Values) -> int:
        """Return the family of a row whose own address is `*`."""
        if peer_family != ANYWHERE:
            return peer_family
        if self._is_old:
            return AF_INET
        values["options"] = record.DUAL_STACK
        return AF_INET6

    def _conclude_state(self, values: Values, kind: int, is_alone: bool, rest: str) -> None:
        if kind != names.STREAM:
            values["state"] = CLOSE if is_alone else ESTABLISHED
        elif is_alone:
            values["state"] = LISTEN
        elif "timer:(timewait," in rest:
            values["state"] = TIME_WAIT
        else:
            self.stateless += 1

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
            self.collector.given |= facts.NETLINK
        elif netid in ("p_raw", "p_dgr"):
            interface, found = ss_local.packet(ends[0])
            values |= found | {"type": names.RAW if netid == "p_raw" else names.DGRAM}
            if interface != "*":
                values["interface"] = self.collector.interface(interface)
            self.collector.given |= facts.PACKET
        else:
            values |= ss_local.vsock(*ends) | {
                "type": names.STREAM if netid == "v_str" else names.DGRAM
            }
            queues = None  # vsock_diag tells none; ss prints zeros
            self.collector.given |= facts.VSOCK
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
                self.collector.unix_names.setdefault(
                    number, b"\0" + raw[1:] if raw[:1] == b"@" else raw
                )
        self.collector.given |= facts.UNIX
        self._finish(values, queues, rest)

    def _finish(self, values: Values, queues: tuple[int, int] | None, rest: str) -> None:
        """Read queues, words and holders of any row, and add it."""
        collector = self.collector
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


def is_number(word: str) -> bool:
    """Tell whether the word is what ss writes in Recv-Q or Send-Q."""
    return word.isdecimal() or (word[:1] == "-" and word[1:].isdecimal())
