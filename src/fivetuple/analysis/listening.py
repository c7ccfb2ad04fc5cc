"""What listens: listeners (and bound datagram sockets) that are one service, seen as one.

Workers that share a port (fork, SO_REUSEPORT) and the IPv4 and IPv6 half of one server are one
entry; different owners on one port stay apart.
"""

from __future__ import annotations

from collections import Counter

from fivetuple.analysis.lens import Lens
from fivetuple.model import record
from fivetuple.model.endpoint import AF_INET, AF_INET6, WILDCARDS, address_text, is_loopback
from fivetuple.model.names import RAW, protocol_name
from fivetuple.model.process import NO_PLACE, Place, Process
from fivetuple.model.services import name_of
from fivetuple.model.state import CLOSE, LISTEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fivetuple.model.snapshot import Snapshot

ROWS = record.Projection(
    "family", "type", "state", "protocol_number", "local_port", "remote_port", "known", "netns", "interface", "inode",
    "local", "remote", "accept_queue", "backlog", "cgroup_id",
)  # fmt: skip

# From where a listener can be reached, as far as its address decides; widest last.
REACHES = ("loopback", "one address", "every address")


class Listener:
    """One service that waits for peers: a port of a namespace, its addresses and owners."""

    __slots__ = ("accept_queue", "addresses", "backlog", "connections", "inodes", "interfaces", "netns", "pids", "place", "port", "process", "protocol", "socket_unit")

    def __init__(self, netns: int, protocol: str, port: int, process: Process, place: Place) -> None:
        self.netns = netns
        self.protocol = protocol
        self.port = port
        self.process = process
        """The first owner; pid 0 when unknown."""
        self.place = place
        self.pids: set[int] = set()
        self.inodes: set[int] = set()
        self.addresses: list[tuple[bytes, int]] = []
        """(address of 16 bytes, family), each once."""
        self.interfaces: set[int] = set()
        self.accept_queue: int | None = None
        """Connections waiting, over all its sockets; None for datagrams."""
        self.backlog: int | None = None
        """Limit of one socket's queue: the smallest, for that one fills first."""
        self.connections = 0
        self.socket_unit: tuple[str, str] | None = None
        """(socket unit, service that will answer) while systemd holds the socket for it."""

    @property
    def service(self) -> str | None:
        """What the port usually serves."""
        return name_of(self.port, self.protocol)

    @property
    def reach(self) -> str:
        """How far its addresses open it: one of REACHES."""
        if any(address in WILDCARDS for address, _ in self.addresses):
            return "every address"
        return "loopback" if all(is_loopback(address) for address, _ in self.addresses) else "one address"

    def address_words(self) -> list[str]:
        """Return its addresses as text, loopback and wildcards included."""
        return [address_text(address, family) for address, family in sorted(self.addresses)]


def listeners(snapshot: Snapshot) -> list[Listener]:
    """Return what listens in the snapshot, ordered by namespace, port and protocol."""
    lens = Lens(snapshot)
    own = lens.ownership
    own.learn(snapshot.rows)
    found: dict[tuple[object, ...], Listener] = {}
    for row in _waiting(snapshot):
        family, kind, state, number, port, _, known, netns, interface, inode, local, _, queue, backlog, cgroup_id = row
        protocol = protocol_name(family, kind, number)
        process = own.process(inode, state, netns, local, port)
        place = process.place or snapshot.places.get(cgroup_id) or NO_PLACE
        unit = snapshot.socket_units.get(inode)
        key = (netns, port, protocol, process.name, place.container_id, place.unit, unit)
        entry = found.get(key)
        if entry is None:
            entry = found[key] = Listener(netns, protocol, port, process, place)
        entry.pids.update(own.pids(inode, state, netns, local, port))
        entry.inodes.add(inode)
        entry.socket_unit = unit
        if (local, family) not in entry.addresses:
            entry.addresses.append((local, family))
        if interface:
            entry.interfaces.add(interface)
        if known & record.ACCEPT_QUEUE and state == LISTEN:
            entry.accept_queue = (entry.accept_queue or 0) + queue
            if known & record.BACKLOG:
                entry.backlog = backlog if entry.backlog is None else min(backlog, entry.backlog)
    _count_connections(snapshot, found.values())
    return sorted(found.values(), key=lambda each: (each.netns != snapshot.own_netns, each.netns, each.port, each.protocol))


def _waiting(snapshot: Snapshot) -> Iterator[tuple[object, ...]]:
    """Give the rows that wait for peers: LISTEN, and datagram sockets with a port and no peer."""
    for row in ROWS.read(snapshot.rows):
        family, kind, state, _, port, remote_port = row[:6]
        if family not in (AF_INET, AF_INET6) or kind == RAW or not port:
            continue
        if state == LISTEN or (state == CLOSE and not remote_port and kind == 2):
            yield row


def _count_connections(snapshot: Snapshot, entries: object) -> None:
    """Count each listener's connections: the sockets with its port and a peer."""
    counts: Counter[tuple[int, str, int]] = Counter()
    for row in ROWS.read(snapshot.rows):
        family, kind, state, number, port, remote_port, _, netns = row[:8]
        if remote_port and state != 6 and family in (AF_INET, AF_INET6):  # TIME_WAIT is over already
            counts[netns, protocol_name(family, kind, number), port] += 1
    for entry in entries:  # type: ignore[attr-defined]
        entry.connections = counts[entry.netns, entry.protocol, entry.port]


def namespace_name(snapshot: Snapshot, netns: int) -> str:
    """Return the namespace's name, its number when it has none."""
    space = snapshot.namespaces.get(netns)
    return space.name if space else str(netns)


def owner_words(process: Process, pids: Mapping[int, object] | set[int]) -> str:
    """Name an owner: `nginx (812)`, `nginx (812, +3)`; `-` when unknown."""
    if not process.pid:
        return "-"
    others = len(pids) - 1
    return f"{process.name} ({process.pid}" + (f", +{others})" if others > 0 else ")")


def where_words(each: Listener) -> str:
    """Name where a listener's owner stands; of systemd's sockets, the service that will answer."""
    if each.socket_unit:
        return f"{each.socket_unit[0]} for {each.socket_unit[1]}"
    return place_words(each.place)


def place_words(place: Place) -> str:
    """Name where an owner stands: container or pod before unit; empty when nothing is known."""
    if place.container:
        return f"{place.engine or 'container'} {place.container}"
    return place.unit or ""
