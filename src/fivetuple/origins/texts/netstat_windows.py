"""The text of Windows' netstat: `netstat -ano` (with pids), `-anob` (with programs).

    Proto  Local Address          Foreign Address        State           PID

Headings come in the system's language, and so do states in some; a state that is no English word
is told by its place: LISTENING when there is no peer, else it stays 0 and `missing` says so.
With -b the program stands on a line of its own below, `[svchost.exe]`, sometimes after the name
of a service. TIME_WAIT has pid 0.
"""

from __future__ import annotations

import re

from fivetuple.model import facts, names
from fivetuple.model.endpoint import AF_INET, AF_INET6
from fivetuple.model.process import Process
from fivetuple.model.state import CLOSE, LISTEN
from fivetuple.origins.texts.addresses import Hosts, Ports, any_address
from fivetuple.origins.texts.collector import BAD_ROW, UNKNOWN_FD, Collector, counted
from fivetuple.origins.texts.netstat import state_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.model.snapshot import Snapshot

CURE = "paste the output of `netstat -ano`"
WISHES = {
    facts.OWNERS: "the text names no process: `netstat -ano` prints their ids",
    facts.PROCESS_NAMES: "the text has process ids and no names: `netstat -anob`, as administrator, prints them",
    facts.BACKLOG: "Windows tells no limits of accept queues",
    facts.TCP_INFO: "Windows' netstat has no TCP details",
}
PROTOCOLS = {"TCP": (names.STREAM, 6), "UDP": (names.DGRAM, 17)}
NO_STATE = 0

_ROW = re.compile(
    r"\s*(?P<protocol>TCP|UDP)(?:v[46])?\s+(?P<local>\S+:(?:\d+|\*|[\w-]+))\s+(?P<remote>\S+:(?:\d+|\*|[\w-]+))"
    r"(?:\s+(?P<state>[^\W\d]\S*(?: \S+)?))?(?:\s+(?P<pid>\d{1,10}))?(?:\s+(?:InHost|Offloaded|\w+))?\s*"
)
_PROGRAM = re.compile(r"\s*\[(?P<name>[^\[\]]+)\]\s*")


def parse(text: str, taken_ns: int) -> Snapshot:
    """Return the sockets of the text.

    Raises:
        BadInput: no line of it is a socket.
    """
    reader = _Reader()
    for line in reader.collector.lines(text):
        reader.read(line)
    notes = []
    if reader.stateless:
        notes.append(f"{counted(reader.stateless, 'socket')} with a state that is no English word")
    if not reader.has_names:
        reader.collector.given &= ~facts.PROCESS_NAMES
    return reader.collector.snapshot("netstat", taken_ns, WISHES, CURE, notes)


def is_row(line: str) -> bool:
    """Tell whether the line could be a row of Windows' netstat."""
    return _ROW.fullmatch(line) is not None


class _Reader:
    def __init__(self) -> None:
        self.collector = Collector("Windows")
        self.stateless = 0
        self.has_names = False
        self._hosts = Hosts()
        self._ports = {"TCP": Ports("tcp"), "UDP": Ports("udp")}
        self._last_pid = 0

    def read(self, line: str) -> None:
        """Read one line: a row, or the program of the row before."""
        if program := _PROGRAM.fullmatch(line):
            process = self.collector.processes.get(self._last_pid)
            if process is not None:
                self.collector.processes[self._last_pid] = Process(self._last_pid, program["name"])
                self.has_names = True
            return
        if not line.lstrip().startswith(("TCP", "UDP")):
            return  # headings, services, notes: in any language
        try:
            self._read_row(line)
        except BAD_ROW:
            self.collector.refuse(line)

    def _read_row(self, line: str) -> None:
        match = _ROW.fullmatch(line)
        if match is None:
            raise ValueError("no row")
        name = match["protocol"]
        kind, protocol = PROTOCOLS[name]
        host, _, port = match["local"].rpartition(":")
        peer, _, peer_port = match["remote"].rpartition(":")
        family, local, interface = self._hosts[host]
        remote = self._hosts[peer][1]
        family = family or AF_INET
        if peer == "*" or host == "*":
            remote = any_address(family)
        ports = self._ports[name]
        inode = self.collector.add({
            "family": AF_INET6 if family == AF_INET6 else AF_INET, "type": kind, "protocol_number": protocol,
            "state": self._state(match["state"], kind, not peer_port.strip("0*")), "local": local,
            "remote": remote, "local_port": ports[port], "remote_port": ports[peer_port],
            "interface": self.collector.interface(interface) if interface else 0, "known": 0,
        })  # fmt: skip
        self._last_pid = pid = int(match["pid"] or 0)
        if pid:
            self.collector.hold(inode, pid, UNKNOWN_FD, str(pid))

    def _state(self, word: str | None, kind: int, has_no_peer: bool) -> int:
        if kind == names.DGRAM:
            return CLOSE
        state = state_number(word) if word else None
        if state is None and has_no_peer:
            return LISTEN
        if state is None:
            self.stateless += 1
            return NO_STATE
        return state
