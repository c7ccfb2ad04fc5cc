"""Who owns a socket: its holders, and by reasoning where no process holds it.

A connection that was not accepted yet has no file and so no holder; it belongs to the listener
whose queue it waits in, and so does a half-open one (SYN_RECV). TIME_WAIT and orphans belong to
nobody any more. Listeners are learnt as the rows go by: every road gives a namespace's
listeners before its connections.
"""

from __future__ import annotations

from fivetuple.model import record
from fivetuple.model.endpoint import ANY_V4, ANY_V6
from fivetuple.model.process import Process
from fivetuple.model.state import CLOSE_WAIT, ESTABLISHED, LISTEN, SYN_RECV

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.model.snapshot import Rows, Snapshot

WAITING_STATES = frozenset((ESTABLISHED, SYN_RECV, CLOSE_WAIT))  # of a connection nobody accepted
STATE_OFFSET = record.OFFSET["state"]
LISTENERS = record.Projection(
    "family", "state", "protocol_number", "local_port", "netns", "inode", "local"
)
NOBODY = Process(0, "")


class Ownership:
    """The owners of one Snapshot's sockets. Feed it the rows in their order: `learn(rows)`."""

    __slots__ = ("_get", "_listeners", "_processes", "_shared")

    def __init__(self, snapshot: Snapshot) -> None:
        self._get = snapshot.holders.get
        self._shared = snapshot.shared
        self._processes = snapshot.processes
        self._listeners: dict[tuple[int, int, bytes], int] = {}

    def learn(self, rows: Rows) -> None:
        """Remember the listeners among the rows."""
        if LISTEN not in bytes(memoryview(rows)[STATE_OFFSET :: record.SIZE]):
            return
        for family, state, _protocol, port, netns, inode, local in LISTENERS.read(rows):
            if state == LISTEN and family in (2, 10):
                self._listeners[netns, port, local] = inode

    def listener_of(self, state: int, netns: int, local: bytes, local_port: int) -> int:
        """Return the inode of the listener that a connection without file waits at, or 0."""
        if state not in WAITING_STATES:
            return 0
        for address in (local, ANY_V4, ANY_V6):
            inode = self._listeners.get((netns, local_port, address))
            if inode:
                return inode
        return 0

    def has_listener(self, netns: int, local: bytes, local_port: int) -> bool:
        """Tell whether something listens (TCP) on the port at this address or a wildcard."""
        known = self._listeners
        return any((netns, local_port, address) in known for address in (local, ANY_V4, ANY_V6))

    def pids(
        self, inode: int, state: int, netns: int, local: bytes, local_port: int
    ) -> tuple[int, ...]:
        """Return every pid that owns the socket, () when nobody does or it is unknown."""
        if not inode:
            inode = self.listener_of(state, netns, local, local_port)
        first = self._get(inode)
        if first is None:
            return ()
        if inode in self._shared:
            return tuple(sorted({held >> 32 for held in self._shared[inode]}))
        return (first >> 32,)

    def process(self, inode: int, state: int, netns: int, local: bytes, local_port: int) -> Process:
        """Return the first owner; a Process with pid 0 when there is none."""
        if not inode:
            inode = self.listener_of(state, netns, local, local_port)
        pid = self._get(inode, 0) >> 32
        return self._processes.get(pid) or (Process(pid, str(pid)) if pid else NOBODY)

    def basis(
        self, inode: int, state: int, netns: int, local: bytes, local_port: int
    ) -> str | None:
        """Tell how the owner is known: `holder`, `listener` (by reasoning), or None."""
        if inode:
            return "holder" if inode in self else None
        listener = self.listener_of(state, netns, local, local_port)
        return "listener" if listener and listener in self else None

    def __contains__(self, inode: int) -> bool:
        return self._get(inode) is not None
