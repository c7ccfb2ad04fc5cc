"""States that are worth a look, with what they mean. No verdicts: the doctor gives those.

Each threshold keeps what is ordinary on a busy host out of the overview.
"""

from __future__ import annotations

from collections import namedtuple

from fivetuple.analysis.folding import port_words
from fivetuple.analysis.owners import namespace_name, owner_words, principal
from fivetuple.analysis.ownership import Ownership
from fivetuple.analysis.peers import USUAL_SPACE, is_clients
from fivetuple.analysis.ports_used import port_spaces
from fivetuple.analysis.serving import Served
from fivetuple.model import record
from fivetuple.model.endpoint import AF_INET, AF_INET6, endpoint_text
from fivetuple.model.names import STREAM
from fivetuple.model.state import (
    BOUND_INACTIVE,
    CLOSE_WAIT,
    CLOSING,
    ESTABLISHED,
    FIN_WAIT1,
    FIN_WAIT2,
    LAST_ACK,
    LISTEN,
    SYN_RECV,
    SYN_SENT,
    state_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fivetuple.model.snapshot import Rows, Snapshot

ROWS = record.Projection(
    "family", "type", "state", "local_port", "remote_port", "known", "netns", "inode", "local", "remote", "accept_queue",
    "backlog", "protocol_number",
)  # fmt: skip

Oddity = namedtuple("Oddity", "kind count netns process pids port what meaning")
"""kind: a state, or one of the words below; process, port: None where there is none, or several;
what: who and how many; meaning: what it says of the peer, the program or the network."""

# state: (fewest that are worth a line, what it means)
STATES = {
    CLOSE_WAIT: (3, "the peer closed and the program has not: it stays until close() or the program's end"),
    SYN_SENT: (3, "no answer to our SYN yet: a firewall drops it, the host is down, or its accept queue is full"),
    SYN_RECV: (20, "handshakes that wait for the client's last ACK: a slow path, or a SYN flood"),
    FIN_WAIT1: (10, "we closed and the peer does not acknowledge it"),
    FIN_WAIT2: (20, "we closed and the peer has not: the other end may have forgotten to close"),
    LAST_ACK: (10, "the peer does not acknowledge our close"),
    CLOSING: (5, "both ends closed at once and one acknowledgement is missing"),
    BOUND_INACTIVE: (1, "it holds the port, neither listens nor connects, and `ss -a` does not show it"),
}  # fmt: skip
# kind: (fewest, what it means)
OTHERS = {
    "full accept queue": (1, "the kernel drops new connections until the program accepts; their clients see a time-out"),
    "connected to itself": (1, "a client took the very port it connects to as its own: it talks to itself, no server answers"),
    "listener closed": (1, "the program serves these to their end and takes no new ones: it is stopping, or closed its listener"),
}  # fmt: skip
BY_PORT = frozenset((*OTHERS, "SYN_RECV"))  # where the own port tells what is meant
BOUND_ONLY = "BOUND_INACTIVE"
NAMED_PORTS = 4  # so many are named, more are a range


class _Group:
    """Sockets of one kind and owner."""

    __slots__ = ("count", "ends", "netns", "pids", "ports", "waiting")

    def __init__(self, netns: int) -> None:
        self.netns = netns
        self.count = 0
        self.pids: set[int] = set()
        self.ports: set[int] = set()
        """Own ports."""
        self.ends: set[tuple[bytes, int]] = set()
        """Remote ends."""
        self.waiting: tuple[int, int] = (0, 0)
        """Of a full accept queue: (how many wait, limit)."""


def oddities(snapshot: Snapshot, rows: Rows | None = None) -> list[Oddity]:
    """Return what is odd, full accept queues first, then most sockets first.

    rows: look at these only, RECORD[n] of the snapshot.
    """
    own = Ownership(snapshot)
    own.learn(snapshot.rows)
    closed = _closed_listener(snapshot)
    groups: dict[tuple[str, int, str, int], _Group] = {}
    for row in _candidates(snapshot.rows if rows is None else rows, closed):
        kind, state, port, remote_port, netns, inode, local, remote, queue, backlog = row
        pids = own.pids(inode, state, netns, local, port)
        name = principal(snapshot.processes, pids).name
        key = (kind, netns, name, port if kind in BY_PORT else 0)
        group = groups.setdefault(key, _Group(netns))
        group.count += 1
        group.pids.update(pids)
        group.ports.add(port)
        group.ends.add((remote, remote_port))
        group.waiting = max(group.waiting, (queue, backlog))
    found = [_of_group(snapshot, key[0], group) for key, group in groups.items()]
    lively = [each for each in found if each.count >= FEWEST[each.kind]]
    return sorted(
        lively, key=lambda each: (each.kind != "full accept queue", -each.count, each.what)
    )


FEWEST = {state_name(state, is_stream=True): least for state, (least, _) in STATES.items()} | {
    kind: least for kind, (least, _) in OTHERS.items()
}
MEANINGS = {state_name(state, is_stream=True): text for state, (_, text) in STATES.items()} | {
    kind: text for kind, (_, text) in OTHERS.items()
}


def _candidates(
    rows: Rows, is_closed: Callable[[int, int, int, int, bytes], bool]
) -> Iterator[tuple[str, int, int, int, int, int, bytes, bytes, int, int]]:
    """Give the rows that may be odd, with the kind of it."""
    for (
        family, kind, state, number, port, remote_port, known, netns, inode, local, remote, queue, backlog,
    ) in ROWS.read(rows):  # fmt: skip
        if kind != STREAM or (family != AF_INET and family != AF_INET6):  # noqa: PLR1714  # fast
            continue
        what = ""
        if state == ESTABLISHED:
            if port == remote_port and local == remote:
                what = "connected to itself"
            elif inode and is_closed(netns, number, port, remote_port, local):
                what = "listener closed"
        elif state == LISTEN:
            if known & record.BACKLOG and queue > backlog:
                what = "full accept queue"
        elif state in STATES:
            what = state_name(state, is_stream=True)
        if what:
            yield what, state, port, remote_port, netns, inode, local, remote, queue, backlog


def _closed_listener(snapshot: Snapshot) -> Callable[[int, int, int, int, bytes], bool]:
    """Return a function that tells whether a connection was accepted by a listener that is gone."""
    has, spaces = Served(snapshot.rows).has, port_spaces(snapshot)

    def is_closed(netns: int, number: int, port: int, remote_port: int, local: bytes) -> bool:
        space = spaces.get(netns, USUAL_SPACE)
        return is_clients(space, port, remote_port) and not has(netns, number, port, local)

    return is_closed


def _of_group(snapshot: Snapshot, kind: str, group: _Group) -> Oddity:
    """Say who, how many and where."""
    process = principal(snapshot.processes, group.pids)
    port = next(iter(group.ports)) if len(group.ports) == 1 else None
    whose = f" of {owner_words(process, group.pids)}" if process.pid else ""
    where = (
        "" if group.netns == snapshot.own_netns else f" in {namespace_name(snapshot, group.netns)}"
    )
    if kind == "full accept queue":
        waiting, limit = group.waiting
        what = f"accept queue of port {port}{whose}{where} is full: {waiting} wait, limit {limit}"
    elif kind == "listener closed":
        noun = "connection" if group.count == 1 else "connections"
        what = f"{group.count} {noun} at port {port}{whose}{where}, whose listener is closed"
    elif kind == "connected to itself":
        what = f"port {port}{whose}{where} is connected to itself"
    else:
        what = f"{group.count} in {kind}{_end_words(kind, group, port)}{whose}{where}"
    return Oddity(
        kind,
        group.count,
        group.netns,
        process.name or None,
        sorted(group.pids),
        port,
        what,
        MEANINGS[kind],
    )


def _end_words(kind: str, group: _Group, port: int | None) -> str:
    """Name the one remote end, or the own port, that all of them have."""
    ends = {end for end in group.ends if end[1]}
    if len(ends) == 1:
        return f" to {endpoint_text(*next(iter(ends)))}"
    if port:
        return f" on port {port}"
    if kind != BOUND_ONLY:
        return ""
    ports = sorted(group.ports)
    return f" on ports {', '.join(map(str, ports)) if len(ports) <= NAMED_PORTS else port_words(ports)}"
