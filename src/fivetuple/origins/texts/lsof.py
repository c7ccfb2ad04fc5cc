r"""The text of lsof: `lsof -nP -i`, with any further columns (-R, -g, -K, -Z), and `lsof -U`.

    COMMAND  PID USER  FD  TYPE DEVICE SIZE/OFF NODE NAME

One line a holder: a socket that several processes hold comes several times. On Linux DEVICE of
an internet socket is its inode, and NODE of a unix socket; elsewhere DEVICE is the address of a
control block, which tells sockets apart as well and is shown to nobody. COMMAND has 9 characters
unless lsof ran with `+c 0`; odd bytes in it are spelled `\xNN`. TIME_WAIT belongs to no process, so
lsof can't show it.
"""

from __future__ import annotations

import re

from fivetuple.model import facts, names, record
from fivetuple.model.endpoint import AF_INET, AF_INET6, AF_UNIX, pack_address
from fivetuple.model.errors import BadInput
from fivetuple.model.state import CLOSE, ESTABLISHED, LISTEN
from fivetuple.origins.texts.addresses import Ports, any_address, localhost
from fivetuple.origins.texts.collector import BAD_ROW, Collector
from fivetuple.origins.texts.netstat import state_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.model.snapshot import Snapshot

CURE = "paste the output of `lsof -nP -i` (numbers, no names)"
WISHES = {
    facts.TCP_INFO: "lsof has no TCP details: `ss -tanpemoi` has",
    facts.BACKLOG: "lsof does not print the limit of accept queues: `ss -tl` does",
    facts.UNIX: "the text has no unix sockets: `lsof -U` prints them",
    facts.TIMERS: "lsof has no timers",
    facts.OPTIONS: "the text has no socket options",
    facts.BOUND_INACTIVE: "lsof shows no TCP sockets that are only bound",
}
PROTOCOLS = {
    "TCP": (names.STREAM, 6),
    "UDP": (names.DGRAM, 17),
    "UDPLITE": (names.DGRAM, 136),
    "ICMP": (names.RAW, 1),
    "SCTP": (names.STREAM, 132),
}
UNIX_TYPES = {"STREAM": names.STREAM, "DGRAM": names.DGRAM, "SEQPACKET": names.SEQPACKET}
UNIX_STATES = {"LISTEN": LISTEN, "CONNECTED": ESTABLISHED}
SOCKET_TYPES = frozenset(("IPv4", "IPv6", "unix"))

_ROW = re.compile(
    r"(?P<command>\S+)\s+(?P<pid>\d{1,10})\s+(?:\S+\s+)*?(?P<fd>\d{1,9})[a-zA-Z]?[a-zA-Z]?\s+(?P<type>IPv4|IPv6|unix)"
    r"\s+(?P<device>\S+)\s+(?P<size>\S+)\s+(?P<node>\S+)(?:\s+(?P<name>\S.*))?"
)
_NAME = re.compile(r"(?P<local>\S+?)(?:->(?P<remote>\S+))?(?:\s+\((?P<state>[^()]*)\))?")
_UNIX_NAME = re.compile(
    r"(?:(?P<path>\S.*?)\s+)?type=(?P<type>\w+)(?:\s+->.*?)?(?:\s+\((?P<state>[^()]*)\))?"
)
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")


def parse(text: str, taken_ns: int) -> Snapshot:
    """Return the sockets of the text.

    Raises:
        BadInput: no line of it is a socket.
    """
    reader = _Reader()
    for line in reader.collector.lines(text):
        reader.read(line)
    return reader.collector.snapshot("lsof", taken_ns, WISHES, CURE)


def is_header(line: str) -> bool:
    """Tell whether the line names lsof's columns."""
    words = line.split()
    return words[:1] == ["COMMAND"] and "FD" in words and "TYPE" in words


def is_row(line: str) -> bool:
    """Tell whether the line could be lsof's row of a socket."""
    return _is_socket(line) and _ROW.fullmatch(line) is not None


def _is_socket(line: str) -> bool:
    """Tell whether some column says that the file is a socket: the regular expression is slow."""
    return not SOCKET_TYPES.isdisjoint(line.split(None, 12)[3:12])


class _Reader:
    def __init__(self) -> None:
        self.collector = Collector()
        self._ports = {"TCP": Ports("tcp"), "UDP": Ports("udp"), "SCTP": Ports("sctp")}
        self._inodes: dict[tuple[str, ...], int] = {}

    def read(self, line: str) -> None:
        """Read one line; files that are no sockets are passed over."""
        if not _is_socket(line):
            if not is_header(line) and len(line.split()) < 4 and line.strip():
                self.collector.refuse(line)
            return
        try:
            self._read_row(line)
        except BAD_ROW:
            self.collector.refuse(line)

    def _read_row(self, line: str) -> None:
        match = _ROW.fullmatch(line)
        if match is None:
            raise ValueError("no row")
        # one socket is one control block, held by however many
        key: tuple[str, ...] = (match["type"], match["device"], match["node"])
        if not match["device"].isdecimal() and not match["device"].startswith("0x"):
            key += (match["pid"], match["fd"])
        inode = self._inodes.get(key)
        if inode is None:
            inode = self._unix(match) if match["type"] == "unix" else self._internet(match)
            self._inodes[key] = inode
        raw = _ESCAPE.sub(lambda code: chr(int(code[1], 16)), match["command"])
        self.collector.hold(inode, int(match["pid"]), int(match["fd"]), raw)

    def _internet(self, match: re.Match[str]) -> int:
        """Add an internet socket, and return its inode."""
        name = _NAME.fullmatch(match["name"] or "")
        if name is None or match["node"] not in PROTOCOLS:
            raise ValueError("no ends")
        kind, protocol = PROTOCOLS[match["node"]]
        family = AF_INET6 if match["type"] == "IPv6" else AF_INET
        local, port = self._end(name["local"], family, match["node"])
        remote, remote_port = (
            self._end(name["remote"], family, match["node"])
            if name["remote"]
            else (any_address(family), 0)
        )
        words = (name["state"] or "").split()
        state = next(
            (
                number
                for word in words
                if (number := state_number(word.removeprefix("ST="))) is not None
            ),
            None,
        )
        if state is None:
            state = ESTABLISHED if name["remote"] and kind != names.STREAM else CLOSE
        queues = {
            key: int(number)
            for key, _, number in (word.partition("=") for word in words)
            if number.isdecimal()
        }
        known = record.QUEUES * (queues.keys() >= {"QR", "QS"} and state != LISTEN)
        values = {
            "family": family, "type": kind, "protocol_number": protocol, "state": state, "known": known,
            "local": local, "remote": remote, "local_port": port, "remote_port": remote_port,
        }  # fmt: skip
        if known:
            values |= {"recv_queue_bytes": queues["QR"], "send_queue_bytes": queues["QS"]}
        if match["device"].isdecimal():
            values |= {"inode": int(match["device"]), "known": known | record.INODE}
        else:
            self.collector.system = "Darwin"
        return self.collector.add(values)

    def _end(self, text: str, family: int, protocol: str) -> tuple[bytes, int]:
        host, colon, port = text.rpartition(":")
        if not colon:
            if protocol == "ICMP":
                return any_address(family), 0
            raise ValueError("no port")
        number = (self._ports.get(protocol) or self._ports["UDP"])[port]
        if host in ("*", ""):
            return any_address(family), number
        try:
            return pack_address(host), number
        except BadInput:
            address = localhost(host, family)
            if address is None:
                raise
            return address, number

    def _unix(self, match: re.Match[str]) -> int:
        """Add a unix socket, and return its inode."""
        text = match["name"] or ""
        name = _UNIX_NAME.fullmatch(text)
        inode = int(match["node"]) if match["node"].isdecimal() else 0
        kind, state, path = names.STREAM, CLOSE, text
        if name is not None:
            kind = UNIX_TYPES.get(name["type"], names.STREAM)
            state, path = UNIX_STATES.get(name["state"], CLOSE), name["path"] or ""
        self.collector.given |= facts.UNIX
        number = self.collector.add({
            "family": AF_UNIX, "type": kind, "state": state, "inode": inode, "known": record.INODE if inode else 0,
        })  # fmt: skip
        if path and not path.startswith("->"):
            raw = path.encode("utf-8", "surrogateescape")
            self.collector.unix_names[number] = b"\0" + raw[1:] if raw[:1] == b"@" else raw
        return number
