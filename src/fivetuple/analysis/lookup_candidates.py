"""Candidates: the sockets that have the packet's port, in the order of the kernel's own lists.

How the order comes about: every list of the look-up is walked from its head. New sockets are put
there, so the newest comes first; only IPv6 sockets with SO_REUSEPORT are put at the tail
(include/net/sock.h sk_add_node_rcu(), net/ipv4/inet_hashtables.c __inet_hash(), net/ipv4/udp.c
udp_lib_get_port()). Iterators walk the very lists that the look-up walks; sock_diag and /proc do
for TCP, and for UDP walk the list of the port, which has the same order until a socket connects.
Both give IPv4 and IPv6 one after the other; a listener of each on one port needs SO_REUSEPORT on
both (or other interfaces), and then the IPv4 one stands before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fivetuple.model import record
from fivetuple.model.endpoint import (
    AF_INET,
    AF_INET6,
    ANY_V4,
    ANY_V6,
    V4_PREFIX,
    WILDCARDS,
    Endpoint,
    endpoint_text,
)
from fivetuple.model.names import DGRAM, PROTOCOL_NUMBERS, RAW, STREAM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fivetuple.model.snapshot import Snapshot

INTERNET = (AF_INET, AF_INET6)
COLUMNS = record.Projection(
    "family", "type", "state", "protocol_number", "local_port", "remote_port", "known", "uid",
    "netns", "interface", "inode", "local", "remote", "accept_queue", "backlog", "options",
)  # fmt: skip


class Packet(NamedTuple):
    """A packet as it is on the wire."""

    protocol: str
    """tcp, udp or udplite."""
    source: Endpoint
    destination: Endpoint
    interface: int = 0
    """Index of the interface that it arrives by; 0: not known."""
    is_syn: bool = False
    """It asks for a new connection."""


class Found(NamedTuple):
    """What one protocol's look-up says."""

    sockets: list[Candidate]
    """Those that receive: one of them, unless every one gets a copy."""
    others: list[tuple[Candidate, str]]
    """The others with the packet's port, and why each does not get it."""
    reasons: list[str]
    is_certain: bool = True
    """False when a fact that decides among `sockets` can't be read."""


class Candidate(NamedTuple):
    """A socket with the packet's port: the columns of COLUMNS, in its order, and two more."""

    family: int
    type: int
    state: int
    protocol_number: int
    local_port: int
    remote_port: int
    known: int
    uid: int
    netns: int
    interface: int
    inode: int
    local: bytes
    remote: bytes
    accept_queue: int
    backlog: int
    options: int
    row: int
    """Which row of the snapshot it is."""
    reuseport: bool | None
    """Whether it has SO_REUSEPORT; None when the road does not tell."""
    is_held: bool
    """Whether its process is known: rows without one may come last, out of the list's order."""

    @property
    def end(self) -> str:
        """Its own end, as people write it."""
        return endpoint_text(self.local, self.local_port, self.family)

    @property
    def peer(self) -> str:
        """The other end."""
        return endpoint_text(self.remote, self.remote_port, self.family)

    @property
    def has_peer(self) -> bool:
        """Tell whether it is connected."""
        return bool(self.remote_port) or self.remote not in WILDCARDS

    @property
    def is_wildcard(self) -> bool:
        """Tell whether it is bound to no address."""
        return self.local in WILDCARDS

    @property
    def is_v6only(self) -> bool:
        """Tell whether it takes no IPv4; False when that is unknown."""
        return bool(self.options & record.V6ONLY)


def candidates(snapshot: Snapshot, netns: int, protocol: str, port: int) -> list[Candidate]:
    """Return the namespace's sockets of the protocol that have this port of their own, in order."""
    wanted = (STREAM if protocol == "tcp" else DGRAM, PROTOCOL_NUMBERS[protocol])
    # Iterators read it; sock_diag and /proc never tell.
    tells_reuseport = snapshot.road == "bpf" and protocol != "udplite"
    found = []
    for row, columns in enumerate(COLUMNS.read(snapshot.rows)):
        family, kind, _, number, local_port, _, _, _, inside = columns[:9]
        if (
            local_port != port
            or inside != netns
            or family not in INTERNET
            or (kind, number) != wanted
        ):
            continue
        has_it = bool(columns[-1] & record.REUSEPORT)
        reuseport = has_it if has_it or tells_reuseport else None
        is_held = columns[10] in snapshot.holders
        found.append(Candidate._make((*columns, row, reuseport, is_held)))
    return found if tells_reuseport else _as_listed(found)


def _as_listed(found: Sequence[Candidate]) -> list[Candidate]:
    """Put IPv4 before IPv6: the roads that ask for each family alone don't show how they mix."""
    return sorted(found, key=lambda each: each.family == AF_INET6)


def raw_copies(snapshot: Snapshot, netns: int, packet: Packet) -> list[Candidate]:
    """Return the raw sockets that get a copy, whoever else receives (net/ipv4/raw.c raw_v4_match())."""
    number = PROTOCOL_NUMBERS[packet.protocol]
    family = AF_INET if is_v4(packet.destination.address) else AF_INET6
    found = []
    for row, columns in enumerate(COLUMNS.read(snapshot.rows)):
        if columns[1] != RAW or columns[3] != number or columns[8] != netns or columns[0] != family:
            continue
        each = Candidate._make((*columns, row, None, False))
        is_for_it = each.local in (*WILDCARDS, packet.destination.address)
        is_from_it = each.remote in (*WILDCARDS, packet.source.address)
        if is_for_it and is_from_it and each.interface in (0, packet.interface):
            found.append(each)
    return found


def is_v4(address: bytes) -> bool:
    """Tell an IPv4 address by its 16 bytes."""
    return address[:12] == V4_PREFIX


def why_never(each: Candidate, packet: Packet, interface_names: dict[int, str]) -> str | None:
    """Tell what keeps a socket from ever getting this packet; None when it may.

    The conditions of compute_score() in net/ipv4/{inet_hashtables,udp}.c and their twins in
    net/ipv6: family, IPV6_V6ONLY, own address, peer, bound device.
    """
    destination = packet.destination.address
    if is_v4(destination):
        if each.family == AF_INET6 and each.is_v6only:
            return "it takes IPv6 only (IPV6_V6ONLY)"
    elif each.family == AF_INET or is_v4(each.local):
        return "it takes IPv4 only"
    if not each.is_wildcard and each.local != destination:
        return f"it is bound to {endpoint_text(each.local, each.local_port, each.family)}"
    if each.has_peer and not is_from_peer(each, packet.source):
        return f"it is connected to {each.peer}"
    if each.interface and each.interface != packet.interface:
        name = interface_names.get(each.interface, f"interface {each.interface}")
        return f"it is bound to {name} (SO_BINDTODEVICE)"
    return None


def is_from_peer(each: Candidate, source: Endpoint) -> bool:
    """Tell whether a connected socket's peer sent the packet; a part that it lacks matches all."""
    return each.remote in (ANY_V4, ANY_V6, source.address) and each.remote_port in (0, source.port)
