"""What listens: listeners (and bound datagram sockets) that are one service, seen as one.

Workers that share a port (fork, SO_REUSEPORT) and the IPv4 and IPv6 half of one server are one
entry; different owners on one port stay apart.
"""

from __future__ import annotations

from fivetuple.analysis.owners import place_words, principal
from fivetuple.analysis.ownership import Ownership
from fivetuple.analysis.serving import waits_for_peers
from fivetuple.model import record
from fivetuple.model.endpoint import (
    AF_INET6,
    ANY_V6,
    WILDCARDS,
    address_text,
    endpoint_text,
    is_loopback,
)
from fivetuple.model.names import protocol_name
from fivetuple.model.process import NO_PLACE, Place, Process
from fivetuple.model.services import name_of
from fivetuple.model.state import LISTEN, TIME_WAIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fivetuple.model.snapshot import Snapshot

WAITING = record.Projection(
    "family", "type", "state", "protocol_number", "local_port", "remote_port", "known", "uid", "netns", "interface",
    "inode", "local", "accept_queue", "backlog", "cgroup_id", "options",
)  # fmt: skip
CONNECTED = record.Projection(
    "state", "protocol_number", "local_port", "remote_port", "netns", "inode", "local"
)
# From where a listener can be reached, as far as its addresses decide; widest last.
REACHES = ("loopback", "one address", "every address")


class Listener:
    """One service that waits for peers: a port of a namespace, its addresses and owners."""

    __slots__ = (
        "accept_queue", "addresses", "backlog", "connections", "dual", "inodes", "interfaces", "may_hear_v4", "netns", "number",
        "pids", "place", "port", "process", "protocol", "socket_unit", "sockets", "uids",
    )  # fmt: skip

    def __init__(self, netns: int, number: int, protocol: str, port: int) -> None:
        self.netns = netns
        self.number = number
        """IPPROTO_*."""
        self.protocol = protocol
        self.port = port
        self.process = Process(0, "")
        """The owner that stands for all; pid 0 when unknown."""
        self.place: Place = NO_PLACE
        self.pids: set[int] = set()
        self.uids: set[int] = set()
        """Users of its sockets, known even where the process is not."""
        self.inodes: set[int] = set()
        self.sockets = 0
        """How many; an inode may be unknown."""
        self.addresses: list[tuple[bytes, int]] = []
        """(address of 16 bytes, family), each once."""
        self.dual = False
        """It hears IPv4 on [::], too (IPV6_V6ONLY is off)."""
        self.may_hear_v4 = False
        """A socket of it on [::] is not known to be IPV6_V6ONLY."""
        self.interfaces: set[int] = set()
        self.accept_queue: int | None = None
        """Connections that wait in the fullest of its accept queues; None for datagrams."""
        self.backlog: int | None = None
        """Limit of that queue."""
        self.connections = 0
        """Sockets of its clients now, in every state but TIME_WAIT."""
        self.socket_unit: tuple[str, str] | None = None
        """(socket unit, service that will answer) of a socket that systemd opened for it."""

    @property
    def service(self) -> str | None:
        """What the port usually serves."""
        return name_of(self.port, self.protocol)

    @property
    def reach(self) -> str:
        """How far its addresses open it: one of REACHES."""
        if any(address in WILDCARDS for address, _ in self.addresses):
            return "every address"
        is_inside = all(is_loopback(address) for address, _ in self.addresses)
        return "loopback" if is_inside else "one address"

    @property
    def fill(self) -> float:
        """How full its accept queue is; above 1 it overflows, -1: it has none."""
        return -1.0 if self.accept_queue is None else self.accept_queue / max(self.backlog or 1, 1)

    @property
    def is_full(self) -> bool:
        """Tell whether an accept queue is full: include/net/sock.h sk_acceptq_is_full()."""
        return (
            self.accept_queue is not None
            and self.backlog is not None
            and self.accept_queue > self.backlog
        )

    def _sorted(self) -> list[tuple[bytes, int]]:
        """Return its addresses, IPv4 first."""
        return sorted(self.addresses, key=lambda each: (each[1], each[0]))

    def address_words(self) -> list[str]:
        """Return its addresses as text, loopback and wildcards included."""
        return [address_text(address, family) for address, family in self._sorted()]

    def end_words(self) -> list[str]:
        """Return its ends as people write them: `127.0.0.1:80`, `[::1]:80`; `*:80` hears both families."""
        return [
            f"*:{self.port}"
            if self.dual and address == ANY_V6
            else endpoint_text(address, self.port, family)
            for address, family in self._sorted()
        ]

    def hears(self, local: bytes) -> bool:
        """Tell whether an own address is among its addresses, exactly or by a wildcard."""
        return any(address == local or address in WILDCARDS for address, _ in self.addresses)

    def add(self, row: Sequence[int], local: bytes, family: int) -> None:
        """Add one socket: (known, state, interface, inode, queue, backlog, options, uid) of it."""
        known, state, interface, inode, queue, backlog, options, uid = row
        self.inodes.add(inode)
        self.sockets += 1
        if (local, family) not in self.addresses:
            self.addresses.append((local, family))
        if family == AF_INET6 and known & record.OPTIONS and not options & record.V6ONLY:
            self.dual = True
        if local == ANY_V6 and not options & record.V6ONLY:
            self.may_hear_v4 = True
        if interface:
            self.interfaces.add(interface)
        if known & record.UID:
            self.uids.add(uid)
        if known & record.ACCEPT_QUEUE and state == LISTEN:
            limit = backlog if known & record.BACKLOG else None
            if _is_fuller(queue, limit, self.accept_queue, self.backlog):
                self.accept_queue, self.backlog = queue, limit


def _is_fuller(queue: int, limit: int | None, other: int | None, other_limit: int | None) -> bool:
    """Tell which of two accept queues is nearer to its limit; the smaller limit when both are empty."""
    if other is None:
        return True
    if limit is None or other_limit is None:
        return queue > other
    fill, other_fill = queue * (other_limit + 1), other * (limit + 1)
    return fill > other_fill or (fill == other_fill and limit < other_limit)


def listeners(snapshot: Snapshot) -> list[Listener]:
    """Return what listens in the snapshot, ordered by namespace, port and protocol."""
    own = Ownership(snapshot)
    own.learn(snapshot.rows)
    found: dict[tuple[object, ...], Listener] = {}
    for (
        family, kind, state, number, port, remote_port, known, uid, netns, interface, inode, local, queue, backlog,
        cgroup_id, options,
    ) in WAITING.read(snapshot.rows):  # fmt: skip
        if not waits_for_peers(family, kind, state, port, remote_port):
            continue
        pids = own.pids(inode, state, netns, local, port)
        process = principal(snapshot.processes, pids)
        place = process.place or snapshot.places.get(cgroup_id) or NO_PLACE
        unit = snapshot.socket_units.get(inode)
        protocol = protocol_name(family, kind, number)
        key = (netns, port, protocol, process.name, place.container_id, place.unit, unit)
        entry = found.get(key)
        if entry is None:
            entry = found[key] = Listener(netns, number, protocol, port)
            entry.place, entry.socket_unit = place, unit
        entry.pids.update(pids)
        entry.add((known, state, interface, inode, queue, backlog, options, uid), local, family)
    for entry in found.values():
        entry.process = principal(snapshot.processes, entry.pids)
    _count_connections(snapshot, own, found.values())
    return sorted(
        found.values(),
        key=lambda each: (each.netns != snapshot.own_netns, each.netns, each.port, each.protocol),
    )


def _count_connections(snapshot: Snapshot, own: Ownership, entries: Iterable[Listener]) -> None:
    """Count each listener's connections: the sockets at its port and address that have a peer.

    Where several owners share a port, the holder of the connection decides, then the exact address.
    """
    at: dict[tuple[int, int, int], list[Listener]] = {}
    for entry in entries:
        at.setdefault((entry.netns, entry.number, entry.port), []).append(entry)
    for state, number, port, remote_port, netns, inode, local in CONNECTED.read(snapshot.rows):
        here = at.get((netns, number, port)) if remote_port and state != TIME_WAIT else None
        if here is None:
            continue
        hearing = [entry for entry in here if entry.hears(local)]
        if len(hearing) > 1:
            pids = set(own.pids(inode, state, netns, local, port))
            exact = [
                entry
                for entry in hearing
                if any(local == address for address, _ in entry.addresses)
            ]
            hearing = [entry for entry in hearing if pids & entry.pids] or exact or hearing
        if hearing:
            hearing[0].connections += 1


def where_words(each: Listener) -> str:
    """Name where a listener's owner stands; of systemd's sockets, the service that will answer."""
    if each.socket_unit:
        return f"{each.socket_unit[0]} for {each.socket_unit[1]}"
    return place_words(each.place)
