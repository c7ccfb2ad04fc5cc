"""Both ends of one conversation on this host: the flipped five-tuple, across namespaces.

Addresses are v4-mapped in every row, so an IPv6 socket that speaks IPv4 meets its IPv4 peer.
Equal four-tuples may live in two namespaces at once: an end in the same namespace is surely the
other end; elsewhere it is believed only where it is the only one, and never for loopback, which
does not leave a namespace. What a NAT or a proxy stands between has no pair.
"""

from __future__ import annotations

from collections import namedtuple

from fivetuple.analysis.owners import principal
from fivetuple.analysis.ownership import Ownership
from fivetuple.model import record
from fivetuple.model.endpoint import is_loopback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.model.snapshot import Rows, Snapshot

ENDS = record.Projection(
    "state", "protocol_number", "local_port", "remote_port", "netns", "inode", "local", "remote"
)

End = namedtuple("End", "netns state process pids")
"""One end that this host has: where, its state, the process that stands for its holders, all pids."""


class Pairing:
    """The other ends of some sockets: made from all rows of a snapshot, asked one by one."""

    __slots__ = ("_found", "_own", "_processes")

    def __init__(self, snapshot: Snapshot, rows: Rows) -> None:
        """rows: whose other ends will be asked for, RECORD[n] of the snapshot."""
        self._own = Ownership(snapshot)
        self._own.learn(snapshot.rows)
        self._processes = snapshot.processes
        wanted = {
            (number, remote, remote_port, local, port)
            for _, number, port, remote_port, _, _, local, remote in ENDS.read(rows)
            if remote_port
        }
        self._found: dict[tuple[object, ...], list[tuple[int, int, int]]] = {}
        for state, number, port, remote_port, netns, inode, local, remote in ENDS.read(
            snapshot.rows
        ):
            key = (number, local, port, remote, remote_port)
            if remote_port and key in wanted:
                self._found.setdefault(key, []).append((netns, state, inode))

    def other_end(
        self, number: int, netns: int, local: bytes, port: int, remote: bytes, remote_port: int
    ) -> End | None:
        """Return the other end of a socket; None when this host has none, or it can't be told which."""
        found = self._found.get((number, remote, remote_port, local, port), ())
        candidates = [each for each in found if each[0] == netns]
        if not candidates and not is_loopback(remote):
            candidates = list(found)
        if len(candidates) != 1:
            return None
        where, state, inode = candidates[0]
        pids = self._own.pids(inode, state, where, remote, remote_port)
        return End(where, state, principal(self._processes, pids), pids)
