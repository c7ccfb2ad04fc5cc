"""Look-up: which socket of a namespace receives a packet, as the kernel would decide.

The stages, in the kernel's order: address translation and filters that come before the sockets
(analysis/lookup_firewall.py); is the destination ours, and by which interface does the packet
arrive (lookup_delivery.py); then the protocol's own look-up (lookup_tcp.py, lookup_udp.py).
A BPF program attached at sk_lookup may overrule the choice of a listener; nothing here shows it.
"""

from __future__ import annotations

from fivetuple.analysis import lookup_delivery, lookup_tcp, lookup_udp
from fivetuple.analysis.lookup_candidates import (
    Candidate,
    Found,
    Packet,
    candidates,
    is_v4,
    raw_copies,
)
from fivetuple.analysis.lookup_firewall import meet
from fivetuple.model import record
from fivetuple.model.endpoint import AF_INET6

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fivetuple.model.snapshot import Snapshot

SOCKET, RESET, UNREACHABLE, DROPPED = "socket", "reset", "unreachable", "dropped"


class Verdict:
    """What becomes of one packet in one namespace."""

    __slots__ = (
        "answer", "copies", "is_certain", "is_for_everyone", "is_rewritten", "netns", "others",
        "packet", "reasons", "sockets",
    )  # fmt: skip

    def __init__(
        self,
        netns: int,
        packet: Packet,
        answer: str,
        reasons: Sequence[str],
        found: Found | None = None,
    ) -> None:
        self.netns = netns
        self.packet = packet
        """As the sockets see it: after address translation, with the arriving interface."""
        self.answer = answer
        """socket, reset, unreachable or dropped."""
        self.reasons = list(reasons)
        self.sockets: list[Candidate] = list(found.sockets) if found else []
        self.others: list[tuple[Candidate, str]] = list(found.others) if found else []
        """(socket with this port, why it does not get the packet)."""
        self.is_certain = found.is_certain if found else True
        """False: a fact that decides among `sockets` can't be read."""
        self.is_for_everyone = False
        """True: each of `sockets` gets a copy."""
        self.is_rewritten = False
        """True: address translation gave it another destination."""
        self.copies: list[Candidate] = []
        """Raw sockets that get a copy."""


def lookup(snapshot: Snapshot, netns: int, packet: Packet) -> Verdict:
    """Tell which socket of the namespace receives the packet.

    Needs SOCKETS and OPTIONS; NAMESPACES, ROUTES and FIREWALL where they can be had.
    """
    met = meet(
        snapshot.namespaces.get(netns), packet, is_new=not _is_known(snapshot, netns, packet)
    )
    if met.answer:
        verdict = Verdict(netns, met.packet, met.answer, met.reasons)
    else:
        verdict = _delivered(snapshot, netns, met.packet, met.reasons)
    verdict.is_rewritten = met.packet.destination != packet.destination
    return verdict


def _delivered(snapshot: Snapshot, netns: int, packet: Packet, reasons: Sequence[str]) -> Verdict:
    """Take a packet that the firewall let through to the sockets, if it is for this namespace."""
    delivery = lookup_delivery.deliver(snapshot.namespaces.get(netns), packet)
    reasons = [*reasons, *delivery.reasons]
    if delivery.kind == lookup_delivery.ELSEWHERE:
        return Verdict(netns, packet, UNREACHABLE, reasons)
    if delivery.kind == lookup_delivery.REFUSED:
        return Verdict(netns, packet, DROPPED, reasons)
    packet = packet._replace(interface=delivery.interface)
    is_for_everyone = delivery.kind == lookup_delivery.EVERYONE
    verdict = _decided(snapshot, netns, packet, reasons, is_for_everyone=is_for_everyone)
    verdict.is_for_everyone = is_for_everyone
    verdict.copies = raw_copies(snapshot, netns, packet)
    verdict.reasons += _limits(snapshot, verdict)
    return verdict


def followed(snapshot: Snapshot, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Follow packets that one namespace sends on, rewritten, to an address of another one.

    So a published port leads to the container: its verdict takes the place of the one about the
    packet as it first was. With one verdict there is nowhere to follow it to: a reason says so.
    """
    made = {each.netns: each for each in verdicts}
    for each in verdicts:
        if not each.is_rewritten or each.answer != UNREACHABLE:
            continue
        goal = _home_of(snapshot, each)
        if goal not in made:
            each.reasons.append(
                "the other namespaces of this host were not asked for it; --netns all does"
            )
        elif goal != each.netns:
            onward = lookup(snapshot, goal, each.packet._replace(interface=0))
            onward.reasons.insert(
                0,
                f"it comes from namespace {snapshot.namespaces[each.netns].name}, which rewrites its destination to {each.packet.destination}",
            )
            made[goal] = onward
    return list(made.values())


def _home_of(snapshot: Snapshot, verdict: Verdict) -> int:
    """Return the namespace that has the destination's address, 0 when none of those read has it."""
    address = verdict.packet.destination.address
    for netns, space in snapshot.namespaces.items():
        if any(own == address for _, own, _ in space.addresses):
            return netns
    return 0


def _is_known(snapshot: Snapshot, netns: int, packet: Packet) -> bool:
    """Tell whether a socket has the packet's 5-tuple: the firewall knows its connection then."""
    return any(
        each.local == packet.destination.address
        and (each.remote, each.remote_port) == packet.source
        for each in candidates(snapshot, netns, packet.protocol, packet.destination.port)
    )


def _decided(
    snapshot: Snapshot, netns: int, packet: Packet, reasons: Sequence[str], *, is_for_everyone: bool
) -> Verdict:
    """Ask the protocol's own look-up."""
    sockets = candidates(snapshot, netns, packet.protocol, packet.destination.port)
    names: Mapping[int, str] = snapshot.interfaces.get(netns) or {}
    if packet.protocol == "tcp" and is_for_everyone:
        return Verdict(netns, packet, DROPPED, [*reasons, "TCP takes no multicast or broadcast"])
    if packet.protocol == "tcp":
        find = lookup_tcp.find
    else:
        find = lookup_udp.find_all if is_for_everyone else lookup_udp.find
    found = find(sockets, packet, dict(names))
    if found.sockets:
        return Verdict(
            netns,
            packet,
            SOCKET,
            [*reasons, *_said_of_many(found, is_for_everyone=is_for_everyone), *found.reasons],
            found,
        )
    port = packet.destination.port
    if is_for_everyone:
        text = (
            f"no {packet.protocol} socket on port {port} matches it: it is dropped without a word"
        )
        return Verdict(netns, packet, DROPPED, [*reasons, text], found)
    if packet.protocol == "tcp":
        text = f"no connection has this 5-tuple and nothing that matches listens on port {port}: the kernel answers with a RST"
        return Verdict(netns, packet, RESET, [*reasons, text], found)
    text = f"no {packet.protocol} socket that matches has port {port}: the kernel answers with ICMP port unreachable"
    return Verdict(netns, packet, UNREACHABLE, [*reasons, text], found)


def _said_of_many(found: Found, *, is_for_everyone: bool) -> list[str]:
    if not is_for_everyone:
        return []
    count = len(found.sockets)
    return (
        ["it is the one socket that matches"]
        if count == 1
        else [f"each of the {count} sockets that match gets a copy"]
    )


def _limits(snapshot: Snapshot, verdict: Verdict) -> list[str]:
    """Tell what could not be looked at and might change the answer."""
    said = []
    if verdict.copies:
        count = len(verdict.copies)
        said.append(
            "a raw socket gets a copy as well"
            if count == 1
            else f"{count} raw sockets get a copy as well"
        )
    if snapshot.road == "proc" and verdict.sockets:
        said.append(
            "/proc does not tell which sockets are bound to an interface: none was taken to be"
        )
    if is_v4(verdict.packet.destination.address) and any(map(_may_be_v6only, verdict.sockets)):
        said.append(
            "whether the IPv6 socket takes IPv4 too (IPV6_V6ONLY off) is not known here: it was taken to"
        )
    is_bound = any(
        each.interface for each in (*verdict.sockets, *(each for each, _ in verdict.others))
    )
    if is_bound and not verdict.packet.interface:
        said.append(
            "by which interface it arrives is not known, so sockets bound to one were left out; --iface tells"
        )
    return said


def _may_be_v6only(each: Candidate) -> bool:
    """Tell whether only an option that was not read lets the socket take IPv4."""
    return each.family == AF_INET6 and each.is_wildcard and not each.known & record.OPTIONS
