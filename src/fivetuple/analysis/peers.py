"""What we talk to: connections that this host opened, by destination and owner.

A connection is a client's of ours when something waits on its own end. When nothing does, the
ports tell: a server's port here and an ephemeral one there mean that a listener has closed
since; everything else was opened from here.

TIME_WAIT and orphans have no owner any more. They are counted with the owner that alone still
talks to the same destination, else on a line of their own.
"""

from __future__ import annotations

from collections import Counter

from fivetuple.analysis.owners import principal
from fivetuple.analysis.ports_used import port_spaces, share_used
from fivetuple.analysis.serving import Served
from fivetuple.model import record
from fivetuple.model.endpoint import AF_INET, AF_INET6, Endpoint, is_loopback
from fivetuple.model.names import PROTOCOL_NUMBERS, RAW, STREAM, protocol_name
from fivetuple.model.ports import PortSpace
from fivetuple.model.process import NO_PLACE, Place, Process
from fivetuple.model.services import name_of
from fivetuple.model.state import state_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.model.snapshot import Snapshot

ROWS = record.Projection(
    "family", "type", "state", "protocol_number", "local_port", "remote_port", "netns", "inode", "local", "remote",
    "cgroup_id",
)  # fmt: skip
LEAST_TIME_WAIT = 10  # so many towards one destination tell of churn, fewer of nothing
TCP = PROTOCOL_NUMBERS["tcp"]
USUAL_SPACE = PortSpace()


class Peer:
    """One destination of one owner."""

    __slots__ = (
        "netns", "pids", "place", "process", "protocol", "remote", "share", "states",
    )  # fmt: skip

    def __init__(self, netns: int, protocol: str, remote: Endpoint) -> None:
        self.netns = netns
        self.protocol = protocol
        self.remote = remote
        self.process = Process(0, "")
        self.place: Place = NO_PLACE
        self.pids: set[int] = set()
        self.states: Counter[str] = Counter()
        self.share: float | None = None
        """Used part of the ephemeral ports towards the destination, whoever uses them; None: unknown."""

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


class _Group:
    """The sockets of one holder towards one destination."""

    __slots__ = ("cgroup_id", "pids", "states")

    def __init__(self, pids: tuple[int, ...], cgroup_id: int) -> None:
        self.pids = pids
        self.cgroup_id = cgroup_id
        self.states: Counter[tuple[int, int]] = Counter()
        """(type, state) -> sockets."""


class _Destination:
    """Everything that goes to one end: sockets by holder, and the own ports they use."""

    __slots__ = ("groups", "ports")

    def __init__(self) -> None:
        self.groups: dict[int, _Group] = {}
        """First holder's pid, 0 for none -> its sockets."""
        self.ports: dict[bytes, set[int]] = {}
        """Own address -> own ports."""


def peers(snapshot: Snapshot) -> list[Peer]:
    """Return the destinations, those with most connections first."""
    spaces = port_spaces(snapshot)
    found: list[Peer] = []
    for (netns, number, remote, port), destination in _destinations(snapshot, spaces).items():
        end, protocol = Endpoint(remote, port), protocol_name(AF_INET, 0, number)
        share = share_used(spaces.get(netns), destination.ports.values()) if number == TCP else None
        by_name: dict[str, Peer] = {}
        for group in destination.groups.values():
            process = principal(snapshot.processes, group.pids)
            peer = by_name.get(process.name)
            if peer is None:
                peer = by_name[process.name] = Peer(netns, protocol, end)
                peer.place = process.place or snapshot.places.get(group.cgroup_id) or NO_PLACE
                peer.share = share
            _add(peer, group)
            peer.process = principal(snapshot.processes, peer.pids)
        found += _without_ownerless(by_name)
    lively = [peer for peer in found if not peer.is_over]
    return sorted(lively, key=lambda peer: (-peer.connections, peer.remote, peer.netns))


def is_clients(space: PortSpace, port: int, remote_port: int) -> bool:
    """Tell whether the ports alone speak for a client's connection: ours a server's, theirs ephemeral."""
    return not space.is_ephemeral(port) and space.is_ephemeral(remote_port)


def _add(peer: Peer, group: _Group) -> None:
    peer.pids.update(group.pids)
    for (kind, state), count in group.states.items():
        peer.states[state_name(state, is_stream=kind == STREAM)] += count


def _without_ownerless(by_name: dict[str, Peer]) -> list[Peer]:
    """Count what has no owner with the only owner that there is, if there is one."""
    if len(by_name) == 2 and "" in by_name:
        nobody = by_name.pop("")
        for peer in by_name.values():
            peer.states.update(nobody.states)
    return list(by_name.values())


def _destinations(
    snapshot: Snapshot, spaces: dict[int, PortSpace]
) -> dict[tuple[int, int, bytes, int], _Destination]:
    """Group what was opened from here by (netns, protocol number, remote address and port)."""
    has = Served(snapshot.rows).has
    first_holder, shared = snapshot.holders.get, snapshot.shared
    found: dict[tuple[int, int, bytes, int], _Destination] = {}
    for (
        family, kind, state, number, port, remote_port, netns, inode, local, remote, cgroup_id,
    ) in ROWS.read(snapshot.rows):  # fmt: skip
        if not remote_port or kind == RAW or (family != AF_INET and family != AF_INET6):  # noqa: PLR1714  # fast
            continue
        if has(netns, number, port, local):
            continue
        if is_clients(spaces.get(netns, USUAL_SPACE), port, remote_port):
            continue
        key = (netns, number, remote, remote_port)
        destination = found.get(key)
        if destination is None:
            destination = found[key] = _Destination()
        pid = first_holder(inode, 0) >> 32
        group = destination.groups.get(pid)
        if group is None:
            group = destination.groups[pid] = _Group((pid,) if pid else (), cgroup_id)
        if inode in shared:
            group.pids = tuple({*group.pids, *(held >> 32 for held in shared[inode])})
        group.states[kind, state] += 1
        ports = destination.ports.get(local)
        if ports is None:
            ports = destination.ports[local] = set()
        ports.add(port)
    return found
