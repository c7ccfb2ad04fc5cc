"""Delivery: does a packet to this address reach the sockets of a namespace at all, and by which interface?

Sources: net/ipv4/route.c ip_route_input_slow() and fib_validate_source(), net/ipv6/ip6_input.c
ip6_rcv_core(). What the host sends to an address of its own travels over `lo`, but counts as
arriving by the interface that has the address (ip_route_output_key_hash_rcu() keeps orig_oif).
Not followed: policy rules (`ip rule`), VRFs, TPROXY, reverse-path filters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fivetuple.analysis.lookup_candidates import Packet, is_v4
from fivetuple.model.endpoint import V4_PREFIX, address_text, is_loopback

if TYPE_CHECKING:
    from fivetuple.model.namespace import Namespace


class Delivery(NamedTuple):
    """Where a packet ends."""

    kind: str
    """One of the words below."""
    interface: int
    """Index of the one that it arrives by; 0: not known."""
    reasons: list[str]


LOCAL, EVERYONE, ELSEWHERE, REFUSED = "local", "everyone", "elsewhere", "refused"
LIMITED_BROADCAST = V4_PREFIX + b"\xff\xff\xff\xff"
ROUTE_LOCALNET = "net.ipv4.conf.all.route_localnet"


def deliver(space: Namespace | None, packet: Packet) -> Delivery:
    """Tell where a packet that a namespace gets ends: at one socket, at many, or not here."""
    destination = packet.destination.address
    if is_multicast(destination):
        return Delivery(
            EVERYONE,
            arriving_interface(space, packet),
            [
                f"{address_text(destination)} is a multicast group: it comes in only where the group was joined"
            ],
        )
    if destination == LIMITED_BROADCAST or (
        space is not None and _is_broadcast(space, destination)
    ):
        return Delivery(
            EVERYONE,
            arriving_interface(space, packet),
            [f"{address_text(destination)} is a broadcast address"],
        )
    if space is None or not knows_addresses(space):
        return Delivery(
            LOCAL,
            packet.interface,
            [
                "the addresses of this namespace are not known here; the destination is taken for one of them"
            ],
        )
    if not is_local(space, destination):
        return Delivery(ELSEWHERE, 0, [_said_of_elsewhere(space, packet)])
    reason = _why_refused(space, packet)
    if reason:
        return Delivery(REFUSED, 0, [reason])
    return Delivery(LOCAL, arriving_interface(space, packet), [])


def knows_addresses(space: Namespace) -> bool:
    """Tell whether the namespace's addresses were read: even an empty one has `lo`."""
    return bool(space.interfaces)


def is_local(space: Namespace, address: bytes) -> bool:
    """Tell whether the namespace takes the address for its own (routes of type local)."""
    return any(_covers(prefix, length, address) for prefix, length in space.local_prefixes)


def is_multicast(address: bytes) -> bool:
    """Tell whether the address is in 224.0.0.0/4 or ff00::/8."""
    return address[12] & 0xF0 == 0xE0 if is_v4(address) else address[0] == 0xFF


def interface_of(space: Namespace, address: bytes) -> int:
    """Return the index of the interface that has a local address; lo's for 127.0.0.0/8."""
    for index, own, _ in space.addresses:
        if own == address:
            return index
    for index, own, length in sorted(space.addresses, key=lambda each: -each[2]):
        if is_loopback(own) and _covers(own, length, address):
            return index
    return (
        1 if 1 in space.interfaces else 0
    )  # `ip route add local` names lo, index 1 in every namespace


def arriving_interface(space: Namespace | None, packet: Packet) -> int:
    """Tell by which interface the packet arrives, as far as addresses and routes tell."""
    if packet.interface or space is None or not knows_addresses(space):
        return packet.interface
    source, destination = packet.source.address, packet.destination.address
    if is_local(space, source):
        return interface_of(space, source if is_multicast(destination) else destination)
    for prefix, length, index, _ in space.routes:
        if index and _covers(prefix, length, source) and is_v4(source) == (length >= 96):
            return index
    return interface_of(space, destination)


def _covers(prefix: bytes, length: int, address: bytes) -> bool:
    """Tell whether an address lies in a prefix of so many bits."""
    shift = 128 - length
    return int.from_bytes(prefix, "big") >> shift == int.from_bytes(address, "big") >> shift


def _is_broadcast(space: Namespace, address: bytes) -> bool:
    """Tell whether the address is the last one of a network that an interface is in."""
    if not is_v4(address):
        return False
    number = int.from_bytes(address, "big")
    for _, own, length in space.addresses:
        hosts = (1 << (128 - length)) - 1
        if is_v4(own) and length < 127 and number == int.from_bytes(own, "big") | hosts:
            return True
    return False


def _why_refused(space: Namespace, packet: Packet) -> str | None:
    """Tell why a local address is not reached from outside: loopback addresses are only the host's own."""
    source, destination = packet.source.address, packet.destination.address
    has_come_by_lo = space.interfaces.get(packet.interface) == "lo"
    if is_local(space, source) or has_come_by_lo or not is_loopback(destination):
        return None
    if is_v4(destination) and space.sysctls.get(ROUTE_LOCALNET) == "1":
        return None
    return f"{address_text(destination)} is a loopback address: a packet for it from {address_text(source)}, another host, is dropped"


def _said_of_elsewhere(space: Namespace, packet: Packet) -> str:
    text = f"{address_text(packet.destination.address)} is no address of this namespace"
    name = (
        "net.ipv4.ip_forward"
        if is_v4(packet.destination.address)
        else "net.ipv6.conf.all.forwarding"
    )
    forwards = space.sysctls.get(name)
    if forwards is None:
        return text
    return f"{text}: " + (
        "it is forwarded, not delivered"
        if forwards == "1"
        else f"it gets no further: one from outside is not forwarded ({name} is 0)"
    )
