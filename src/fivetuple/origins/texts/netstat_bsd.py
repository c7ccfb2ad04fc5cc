"""The text of macOS's and the BSDs' netstat: `netstat -an`, and `-anv`, whose rows end with the pid.

    Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)

A port follows the address behind a dot (`10.0.0.2.443`, `*.*`, `fe80::1%lo0.123`), tcp46 is a
socket for both families, and a listener's queues are always 0. macOS names the columns of -v in
the header; where they stand moved from release to release, so the pid is found by the header.
"""

from __future__ import annotations

import re

from fivetuple.model import facts, names, record
from fivetuple.model.endpoint import AF_INET, AF_INET6
from fivetuple.model.state import CLOSE, ESTABLISHED, LISTEN
from fivetuple.origins.texts.addresses import ANYWHERE, Hosts, Ports, any_address
from fivetuple.origins.texts.collector import BAD_ROW, UNKNOWN_FD, Collector
from fivetuple.origins.texts.netstat import state_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.model.snapshot import Snapshot

CURE = "paste the output of `netstat -anvW`"
WISHES = {
    facts.OWNERS: "the text names no process: `netstat -anv` does on macOS, `lsof -nP -i` everywhere",
    facts.PROCESS_NAMES: "the text names no process: `lsof -nP -i` does",
    facts.BACKLOG: "the text has no limits of accept queues: `netstat -Lan` has",
    facts.TCP_INFO: "this netstat has no TCP details",
}
PROTOCOLS = {"tcp": (names.STREAM, 6), "udp": (names.DGRAM, 17)}
FAMILIES = {"": ANYWHERE, "4": AF_INET, "6": AF_INET6, "46": AF_INET6}

_ROW = re.compile(
    r"(?P<protocol>tcp|udp)(?P<family>46|4|6|)\s+(?P<received>\d+)\s+(?P<sent>\d+)"
    r"\s+(?P<local>\S+\.(?:\*|[\w-]+))\s+(?P<remote>\S+\.(?:\*|[\w-]+))(?:\s+(?P<state>[A-Z][A-Z_0-9]+)(?=\s|$))?(?:\s+(?P<rest>\S.*))?\s*"
)
_NAMED_PID = re.compile(r":(\d+)(?=\s|$)")  # `Google Chrome:812`, from macOS 14 on
_OTHER = re.compile(
    r"\s*$|Active |Proto |Registered |Kernel |kctl |kevt |icm|ip|div|unix|[0-9a-f]{8,16} |Address "
)


def parse(text: str, taken_ns: int) -> Snapshot:
    """Return the sockets of the text.

    Raises:
        BadInput: no line of it is a socket.
    """
    collector = Collector("Darwin")
    hosts = Hosts()
    ports = {name: Ports(name) for name in PROTOCOLS}
    pid_column: int | None = None
    for line in collector.lines(text):
        if line.startswith("Proto "):
            pid_column = _pid_column(line)
        if _OTHER.match(line):
            continue
        try:
            _read(line, collector, hosts, ports, pid_column)
        except BAD_ROW:
            collector.refuse(line)
    return collector.snapshot("netstat", taken_ns, WISHES, CURE)


def is_row(line: str) -> bool:
    """Tell whether the line could be a row of a BSD's netstat, with its dots before the ports."""
    return _ROW.fullmatch(line) is not None


def _read(
    line: str, collector: Collector, hosts: Hosts, ports: dict[str, Ports], pid_column: int | None
) -> None:
    """Read one row."""
    match = _ROW.fullmatch(line)
    if match is None:
        raise ValueError("no row")
    kind, protocol = PROTOCOLS[match["protocol"]]
    numbers = ports[match["protocol"]]
    host, _, port = match["local"].rpartition(".")
    peer, _, peer_port = match["remote"].rpartition(".")
    family, local, interface = hosts[host]
    peer_family, remote, _ = hosts[peer]
    family = FAMILIES[match["family"]] or family or peer_family or AF_INET
    state = _state(match["state"], kind, peer_family)
    queues = {} if state == LISTEN else {
        "recv_queue_bytes": int(match["received"]), "send_queue_bytes": int(match["sent"]),
    }  # fmt: skip
    inode = collector.add({
        "family": family, "type": kind, "protocol_number": protocol, "state": state,
        "local": any_address(family) if host == "*" else local, "local_port": numbers[port],
        "remote": any_address(family) if peer == "*" else remote, "remote_port": numbers[peer_port],
        "interface": collector.interface(interface) if interface else 0,
        "known": record.QUEUES if queues else 0,
    } | queues)  # fmt: skip
    rest = match["rest"] or ""
    if named := _NAMED_PID.search(rest):
        name = rest[: named.start()].rpartition("  ")[2].strip()
        collector.hold(inode, int(named[1][:9]), UNKNOWN_FD, name or named[1])
    elif pid_column is not None:
        words = rest.split()
        if pid_column < len(words) and words[pid_column].isdecimal():
            pid = int(words[pid_column][:9])
            collector.hold(inode, pid, UNKNOWN_FD, str(pid))


def _state(word: str | None, kind: int, peer_family: int) -> int:
    if word is None or kind == names.DGRAM:
        return CLOSE if kind == names.STREAM or peer_family == ANYWHERE else ESTABLISHED
    state = state_number(word)
    if state is None:
        raise ValueError(f"state {word}")
    return state


def _pid_column(header: str) -> int | None:
    """Return which word behind the state is the pid."""
    words = header.replace("(state)", "state").split()
    try:
        return words.index("pid") - words.index("state") - 1
    except ValueError:
        return None
