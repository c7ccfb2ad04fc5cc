"""The text of Linux's netstat (net-tools): `netstat -tanp`, `-tulpn`, `-anpeo`, unix sockets too.

    Proto Recv-Q Send-Q Local Address  Foreign Address  State  [User Inode] [PID/Program name] [Timer]

It is /proc/net in other words, so a listener's Recv-Q is its accept queue and nobody knows the
limit; the second half of what netstat prints about a socket is missing when it runs without -e.
The program's name is that of argv[0] and may hold blanks; what a daemon writes there after its name
and a colon is no name, and is left out. Two traps:
- Without -W an IPv6 address is cut off so that it and its port have 22 characters; what is left
  may still look like an address. Rows that may be cut are left out, and `missing` says so.
- A unix socket's path ends at its first blank (netstat reads it with %s).
"""

from __future__ import annotations

import re

from fivetuple.model import facts, names, record
from fivetuple.model.endpoint import AF_INET, AF_INET6, AF_UNIX, pack_address
from fivetuple.model.errors import BadInput
from fivetuple.model.state import CLOSE, ESTABLISHED, LISTEN, SYN_RECV, TIME_WAIT, WORDS
from fivetuple.origins.texts.addresses import Ports, any_address, localhost
from fivetuple.origins.texts.collector import BAD_ROW, UNKNOWN_FD, Collector, counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fivetuple.model.snapshot import Snapshot

    Values = dict[str, Any]

CURE = "paste the output of `netstat -anpeW` (numbers, no names, wide)"
WISHES = {
    facts.OWNERS: "the text names no process: `netstat -p`, as root, does",
    facts.PROCESS_NAMES: "the text names no process: `netstat -p`, as root, does",
    facts.TCP_INFO: "netstat has no TCP details: `ss -tanpemoi` has",
    facts.BACKLOG: "netstat does not print the limit of accept queues: `ss -tl` does",
    facts.TIMERS: "the text has no timers: `netstat -o` prints them",
    facts.OPTIONS: "netstat prints no socket options",
    facts.UNIX: "the text has no unix sockets: `netstat -xa` prints them",
    facts.RAW: "the text has no raw sockets: `netstat -wa` prints them",
    facts.BOUND_INACTIVE: "netstat shows no TCP sockets that are only bound",
    facts.OTHER_NAMESPACES: "netstat shows one network namespace, that where it runs",
}
CUT_CHARACTERS = 22  # lib/sockaddr and netstat.c of net-tools: addr_do_one()
PROGRAM_CHARACTERS = 20  # PROGNAME_WIDTH

PROTOCOLS = {
    "tcp": (names.STREAM, 6),
    "udp": (names.DGRAM, 17),
    "udplite": (names.DGRAM, 136),
    "raw": (names.RAW, 0),
    "sctp": (names.STREAM, 132),
    "dccp": (6, 33),
}
UNIX_TYPES = {"STREAM": names.STREAM, "DGRAM": names.DGRAM, "SEQPACKET": names.SEQPACKET}
UNIX_STATES = {
    "LISTENING": LISTEN,
    "LISTEN": LISTEN,
    "CONNECTED": ESTABLISHED,
    "CONNECTING": ESTABLISHED,
}
TIMERS = {"off": 0, "on": 1, "keepalive": 2, "timewait": 3, "probe": 4}

_INTERNET = re.compile(
    r"(?P<protocol>tcp|udp|udplite|udpl|raw|sctp|dccp)(?P<six>6?)\s+(?P<received>\d+)\s+(?P<sent>\d+)\s+(?P<local>\S+)"
    r"\s+(?P<remote>\S+)(?:\s+(?P<state>[A-Z][A-Z_0-9]+|\d{1,2})(?=\s|$))?(?:\s+(?P<rest>\S.*))?\s*"
)
_EXTENDED = re.compile(r"(?P<user>\S+)\s+(?P<inode>\d+)(?:\s+(?P<rest>.*))?")
_PROGRAM = re.compile(r"(?P<pid>\d+)/(?P<name>.*)|-")
_TIMER = re.compile(
    r"(?P<name>off|on|keepalive|timewait|probe|unkn-\S+) \((?P<seconds>[\d.]+)/(?P<fired>\d+)/(?P<probes>\d+)\)$"
)
_UNIX = re.compile(
    r"unix\s+\d+\s+\[ (?P<flags>[A-Z ]*)\]\s+(?P<type>STREAM|DGRAM|SEQPACKET|RAW|RDM)(?:\s+(?P<state>LISTENING|LISTEN|CONNECTED|CONNECTING|"
    r"DISCONNECTING|FREE|UNKNOWN))?\s+(?P<inode>\d+)(?:\s+(?P<rest>\S.*))?\s*"
)


def parse(text: str, taken_ns: int) -> Snapshot:
    """Return the sockets of the text.

    Raises:
        BadInput: no line of it is a socket.
    """
    reader = _Reader(text)
    for line in reader.collector.lines(text):
        reader.read(line)
    return reader.collector.snapshot("netstat", taken_ns, WISHES, CURE, reader.notes())


def is_row(line: str) -> bool:
    """Tell whether the line could be a row of Linux's netstat."""
    match = _INTERNET.fullmatch(line)
    if match is None:
        return _UNIX.match(line) is not None
    has_state = match["state"] is not None and state_number(match["state"]) is not None
    return (
        ":" in match["local"]
        and ":" in match["remote"]
        and (has_state or match["protocol"] != "tcp")
    )


def is_other(line: str) -> bool:
    """Tell whether the line is a heading, or empty."""
    return not line.strip() or line.startswith(("Active ", "Proto ", "(", "Bluetooth "))


class _Reader:
    def __init__(self, text: str) -> None:
        self.collector = Collector()
        self._ports = {name: Ports(name) for name in ("tcp", "udp", "sctp", "dccp")}
        header = next((line for line in text.split("\n") if line.startswith("Proto ")), "")
        self._is_extended = "Inode" in header
        # some address was longer than the narrow columns allow
        self._is_wide = any(
            len(word) > CUT_CHARACTERS + 1
            for line in text.split("\n")
            if line[:4] in ("tcp6", "udp6", "raw6")
            for word in line.split()[3:5]
        )
        self._cut = 0

    def notes(self) -> list[str]:
        """Return what the rows don't tell."""
        if not self._cut:
            return []
        return [
            f"{counted(self._cut, 'socket')} left out, as netstat may have cut off an IPv6 address: -W prints all of it"
        ]

    def read(self, line: str) -> None:
        """Read one line."""
        if is_other(line):
            return
        try:
            if line.startswith("unix "):
                self._read_unix(line)
            else:
                self._read_internet(line)
        except BAD_ROW:
            self.collector.refuse(line)

    def _read_internet(self, line: str) -> None:
        match = _INTERNET.fullmatch(line)
        if match is None:
            raise ValueError("no row")
        if (
            match["six"]
            and not self._is_wide
            and any(len(match[end]) > CUT_CHARACTERS for end in ("local", "remote"))
        ):
            self._cut += 1
            return
        name = match["protocol"]
        kind, protocol = PROTOCOLS["udplite" if name == "udpl" else name]
        family = AF_INET6 if match["six"] else AF_INET
        local, port = self._end(match["local"], family, name)
        remote, remote_port = self._end(match["remote"], family, name)
        if kind == names.RAW:
            protocol, port, remote_port = port, 0, 0
        state, rest = _state_and_rest(match, kind)
        values: Values = {
            "family": family, "type": kind, "protocol_number": protocol, "state": state,
            "local": local, "remote": remote, "local_port": port, "remote_port": remote_port,
        }  # fmt: skip
        if state == LISTEN:
            values |= {"accept_queue": int(match["received"]), "known": record.ACCEPT_QUEUE}
        else:
            values |= {
                "recv_queue_bytes": int(match["received"]), "send_queue_bytes": int(match["sent"]),
                "known": record.QUEUES,
            }  # fmt: skip
        rest = self._read_timer(values, rest)
        if self._is_extended and (extended := _EXTENDED.fullmatch(rest)):
            rest = extended["rest"] or ""
            _read_extended(values, extended)
        inode = self.collector.add(values)
        self.collector.given |= facts.RAW * (kind == names.RAW)
        program = _PROGRAM.fullmatch(rest)
        if program and program["pid"]:
            self._hold(inode, program)

    def _hold(self, inode: int, program: re.Match[str]) -> None:
        """Add the holder; netstat prints one of several, and no descriptor."""
        # a daemon's title, cut off: `nginx: master p`, `sshd: ann [priv`
        title = program["name"].rstrip(": ")
        name = title.partition(": ")[0] or program["pid"]
        self.collector.hold(inode, int(program["pid"][:9]), UNKNOWN_FD, name)

    def _end(self, text: str, family: int, protocol: str) -> tuple[bytes, int]:
        host, colon, port_text = text.rpartition(":")
        if not colon:
            raise ValueError("no port")
        ports = self._ports.get(protocol) or self._ports["udp"]
        port = ports[port_text] if protocol != "raw" else int(port_text.replace("*", "0"))
        if host == "*":
            return any_address(family), port
        if family == AF_INET6 and host == "[::]":
            host = "::"
        try:
            return pack_address(host), port
        except BadInput:
            address = localhost(host, family)
            if address is None:
                raise
            return address, port

    def _read_timer(self, values: Values, rest: str) -> str:
        """Take the timer off the end of the row."""
        match = _TIMER.search(rest)
        if match is None:
            return rest
        values["timer"] = TIMERS.get(match["name"], 0)
        values["timer_ms"] = round(float(match["seconds"]) * 1000)
        values["timer_retransmits"] = min(int(match["fired"]), 255)
        values["known"] |= record.TIMER
        self.collector.given |= facts.TIMERS
        return rest[: match.start()].rstrip()

    def _read_unix(self, line: str) -> None:
        match = _UNIX.fullmatch(line)
        if match is None:
            raise ValueError("no row")
        inode = int(match["inode"])
        self.collector.add({
            "family": AF_UNIX, "type": UNIX_TYPES.get(match["type"], 0), "inode": inode, "known": record.INODE,
            "state": LISTEN if "ACC" in match["flags"] else UNIX_STATES.get(match["state"], CLOSE),
        })  # fmt: skip
        self.collector.given |= facts.UNIX
        rest = match["rest"] or ""
        program_text, path = _program_and_path(rest)
        program = _PROGRAM.fullmatch(program_text)
        if program and program["pid"]:
            self._hold(inode, program)
        if path and inode:
            raw = path.encode("utf-8", "surrogateescape")
            self.collector.unix_names[inode] = b"\0" + raw[1:] if raw[:1] == b"@" else raw


def _program_and_path(rest: str) -> tuple[str, str]:
    """Split the end of a unix socket's row: the program has 20 characters, or stands before a blank."""
    if rest != "-" and not rest.startswith("- ") and not re.match(r"\d+/", rest):
        return "", rest
    if rest[PROGRAM_CHARACTERS : PROGRAM_CHARACTERS + 1] in ("", " "):
        return rest[:PROGRAM_CHARACTERS].rstrip(), rest[PROGRAM_CHARACTERS:].strip()
    program, _, path = rest.partition(" ")
    return program, path.strip()


def _state_and_rest(match: re.Match[str], kind: int) -> tuple[int, str]:
    """Return the state's number and what follows; a row without a state has none of TCP's."""
    word, rest = match["state"], match["rest"] or ""
    if word is None:
        return CLOSE, rest
    if word.isdecimal() and kind == names.RAW:  # netstat knows no word for theirs
        return int(word), rest
    state = state_number(word)
    if state is None:  # it is the next column: user
        return CLOSE, f"{word} {rest}"
    return state, rest


def state_number(word: str) -> int | None:
    """Return the number of a state as any netstat writes it, None for another word."""
    found = WORDS.get(word.lower().replace("_", "").replace("-", ""), frozenset())
    if found == WORDS["synrecv"]:
        return SYN_RECV
    return next(iter(found)) if len(found) == 1 else None


def _read_extended(values: Values, match: re.Match[str]) -> None:
    """Read user and inode, the columns of -e."""
    inode = int(match["inode"])
    values["inode"] = inode
    values["known"] |= record.INODE
    user = match["user"]
    if user.isdecimal() and values["state"] != TIME_WAIT and inode:
        values["uid"] = int(user)
        values["known"] |= record.UID
    elif user == "root" and inode:
        values["known"] |= record.UID
