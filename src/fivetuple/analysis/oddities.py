"""States that are worth a look, with what they mean. No verdicts: the doctor gives those.

Each threshold keeps what is ordinary on a busy host out of the overview.
"""

from __future__ import annotations

from collections import Counter, namedtuple

from fivetuple.analysis.ownership import Ownership
from fivetuple.model import record
from fivetuple.model.state import BOUND_INACTIVE, CLOSE_WAIT, CLOSING, FIN_WAIT1, FIN_WAIT2, LAST_ACK, LISTEN, SYN_RECV, SYN_SENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.model.snapshot import Snapshot

ROWS = record.Projection(
    "type", "state", "protocol_number", "local_port", "known", "netns", "inode", "local", "accept_queue", "backlog"
)

Oddity = namedtuple("Oddity", "state count process pid port what meaning")

# state: (fewest that are worth a line, what it means)
MEANINGS = {
    CLOSE_WAIT: (3, "the peer closed and the program has not: it stays until close() or the program's end"),
    SYN_SENT: (3, "no answer to our SYN yet: a firewall drops it, the host is down, or its accept queue is full"),
    SYN_RECV: (20, "handshakes that wait for the client's last ACK: a slow path, or a SYN flood"),
    FIN_WAIT1: (10, "we closed and the peer does not acknowledge it"),
    FIN_WAIT2: (20, "we closed and the peer has not: the other end may have forgotten to close"),
    LAST_ACK: (10, "the peer does not acknowledge our close"),
    CLOSING: (5, "both ends closed at once and one acknowledgement is missing"),
    BOUND_INACTIVE: (1, "bound and neither listening nor connecting: it holds the port all the same, and ss hides it"),
}
NAMES = {
    CLOSE_WAIT: "CLOSE_WAIT", SYN_SENT: "SYN_SENT", SYN_RECV: "SYN_RECV", FIN_WAIT1: "FIN_WAIT1", FIN_WAIT2: "FIN_WAIT2",
    LAST_ACK: "LAST_ACK", CLOSING: "CLOSING", BOUND_INACTIVE: "BOUND_INACTIVE",
}  # fmt: skip


def oddities(snapshot: Snapshot) -> list[Oddity]:
    """Return what is odd, most sockets first."""
    own = Ownership(snapshot)
    own.learn(snapshot.rows)
    groups: Counter[tuple[int, int, str, int]] = Counter()
    full = []
    for kind, state, _, port, known, netns, inode, local, queue, backlog in ROWS.read(snapshot.rows):
        if kind != 1:
            continue
        process = own.process(inode, state, netns, local, port) if state in MEANINGS or state == LISTEN else None
        if state in MEANINGS and process is not None:
            groups[state, process.pid, process.name, port if state in (SYN_RECV, BOUND_INACTIVE) else 0] += 1
        elif state == LISTEN and process is not None and known & record.BACKLOG and queue > backlog:
            full.append(_full_queue(port, process.name, process.pid, queue, backlog))
    found = [_of_group(*key, count) for key, count in groups.most_common() if count >= MEANINGS[key[0]][0]]
    return full + found


def _of_group(state: int, pid: int, name: str, port: int, count: int) -> Oddity:
    whose = f" of {name} ({pid})" if pid else ""
    where = f" on port {port}" if port else ""
    what = f"{count} in {NAMES[state]}{where}{whose}"
    return Oddity(NAMES[state], count, name or None, pid or None, port or None, what, MEANINGS[state][1])


def _full_queue(port: int, name: str, pid: int, queue: int, backlog: int) -> Oddity:
    whose = f" of {name} ({pid})" if pid else ""
    what = f"accept queue of port {port}{whose} is full: {queue} wait, limit {backlog}"
    meaning = "the kernel drops new connections until the program accepts; their clients see a time-out"
    return Oddity("LISTEN", queue, name or None, pid or None, port, what, meaning)
