"""What we talk to: connections that this host opened, by destination and owner.

A connection was opened from here when nothing listens on its local port in its namespace: the
rest are clients of our own listeners.
"""

from __future__ import annotations

from collections import Counter

from fivetuple.analysis.ownership import Ownership
from fivetuple.model import record
from fivetuple.model.endpoint import AF_INET, AF_INET6, Endpoint, is_loopback
from fivetuple.model.names import RAW, protocol_name
from fivetuple.model.process import NO_PLACE, Place, Process
from fivetuple.model.services import name_of
from fivetuple.model.state import LISTEN, state_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.model.snapshot import Snapshot

ROWS = record.Projection(
    "family", "type", "state", "protocol_number", "local_port", "remote_port", "netns", "inode", "local", "remote", "cgroup_id"
)

LEAST_TIME_WAIT = 10  # so many towards one destination tell of churn, fewer of nothing


class Peer:
    """One destination of one owner."""

    __slots__ = ("netns", "pids", "place", "ports", "process", "protocol", "remote", "states")

    def __init__(self, netns: int, protocol: str, remote: Endpoint, process: Process, place: Place) -> None:
        self.netns = netns
        self.protocol = protocol
        self.remote = remote
        self.process = process
        self.place = place
        self.pids: set[int] = set()
        self.states: Counter[str] = Counter()
        self.ports: dict[bytes, set[int]] = {}
        """Own address -> own ports in use towards this destination."""

    @property
    def connections(self) -> int:
        """How many connections, in every state."""
        return self.states.total()

    @property
    def is_over(self) -> bool:
        """Tell whether a few connections in TIME_WAIT are all that is left: not worth a line."""
        return self.states["TIME_WAIT"] == self.connections < LEAST_TIME_WAIT

    @property
    def service(self) -> str | None:
        """What the destination's port usually serves."""
        return name_of(self.remote.port, self.protocol)

    @property
    def is_local(self) -> bool:
        """Tell whether it never leaves the machine."""
        return is_loopback(self.remote.address)


def peers(snapshot: Snapshot) -> list[Peer]:
    """Return the destinations, those with most connections first."""
    own = Ownership(snapshot)
    own.learn(snapshot.rows)
    served = {(row[6], row[4]) for row in ROWS.read(snapshot.rows) if row[2] == LISTEN}
    found: dict[tuple[object, ...], Peer] = {}
    for family, kind, state, number, port, remote_port, netns, inode, local, remote, cgroup_id in ROWS.read(snapshot.rows):
        if not remote_port or family not in (AF_INET, AF_INET6) or kind == RAW or (netns, port) in served:
            continue
        process = own.process(inode, state, netns, local, port)
        protocol = protocol_name(family, kind, number)
        key = (netns, protocol, remote, remote_port, process.name)
        peer = found.get(key)
        if peer is None:
            place = process.place or snapshot.places.get(cgroup_id) or NO_PLACE
            peer = found[key] = Peer(netns, protocol, Endpoint(remote, remote_port), process, place)
        peer.states[state_name(state, is_stream=kind == 1)] += 1
        peer.ports.setdefault(local, set()).add(port)
        peer.pids.update(own.pids(inode, state, netns, local, port))
    lively = [peer for peer in found.values() if not peer.is_over]
    return sorted(lively, key=lambda peer: (-peer.connections, peer.remote))
