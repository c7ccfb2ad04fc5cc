"""Which UDP (or UDP-Lite) socket receives a datagram: connected, then exact address, then wildcard.

The order of net/ipv4/udp.c __udp4_lib_lookup() and net/ipv6/udp.c:

1. sockets connected to the sender at the packet's own address, by the whole 5-tuple: a table of
   UDP's since 6.13; before it, and of UDP-Lite, they only score higher in the next list;
2. sockets at the packet's own address by score, then 3. those at the wildcard by score. Of equal
   scores the first in the list wins: the socket that was bound last;
4. where the first socket with the best score so far has SO_REUSEPORT and is not connected, its
   group answers at once: one member by a hash of the 5-tuple, or by the group's BPF program.
   A group with a connected member lets the walk go on; who belongs to it can't be read for sure.

Scores, compute_score(): for IPv4 an IPv4 socket 2, an IPv6 one 1; peer's address, peer's port
and bound interface 4 each. For IPv6 the last three 1 each.
Multicast and broadcast know no choice: every socket that matches gets a copy, group or not
(__udp4_lib_mcast_deliver()).

Twins with SO_REUSEADDR (the last one bound gets all) and with SO_REUSEPORT (a hash picks) look
alike where the road does not tell SO_REUSEPORT: then all of them are named.
"""

from __future__ import annotations

from fivetuple.analysis.lookup_candidates import Candidate, Found, Packet, is_v4, why_never
from fivetuple.model.endpoint import AF_INET
from fivetuple.model.state import ESTABLISHED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_CONNECTED = "a socket connected to the sender goes before it"
NOT_EXACT = "a socket at the packet's own address goes before the wildcard"


def find(sockets: Sequence[Candidate], packet: Packet, interface_names: dict[int, str]) -> Found:
    """Return who receives the datagram among the sockets with its port."""
    others, able = _sorted_out(sockets, packet, interface_names)
    exact = [each for each in able if not each.is_wildcard]
    connected = [each for each in exact if each.state == ESTABLISHED and each.remote_port]
    if connected and packet.protocol == "udp":
        passed = [(each, NOT_CONNECTED) for each in able if each not in connected]
        return Found(
            connected, others + passed, [_said_of_connected(connected)], len(connected) == 1
        )
    found = _walk(exact, packet, sockets)
    if found.sockets:
        passed = [(each, NOT_EXACT) for each in able if each.is_wildcard]
        return Found(
            found.sockets, [*others, *found.others, *passed], found.reasons, found.is_certain
        )
    found = _walk([each for each in able if each.is_wildcard], packet, sockets)
    return Found(found.sockets, [*others, *found.others], found.reasons, found.is_certain)


def find_all(
    sockets: Sequence[Candidate], packet: Packet, interface_names: dict[int, str]
) -> Found:
    """Return everyone who gets a copy of a multicast or broadcast datagram."""
    others, able = _sorted_out(sockets, packet, interface_names)
    return Found(able, others, [])


def _sorted_out(
    sockets: Sequence[Candidate], packet: Packet, interface_names: dict[int, str]
) -> tuple[list[tuple[Candidate, str]], list[Candidate]]:
    """Part the sockets into those that never get the packet, with the reason, and those that may."""
    others: list[tuple[Candidate, str]] = []
    able: list[Candidate] = []
    for each in sockets:
        reason = why_never(each, packet, interface_names)
        if reason is None:
            able.append(each)
        else:
            others.append((each, reason))
    return others, able


def _score(each: Candidate, packet: Packet) -> int:
    """Score a socket that matches: compute_score() of net/ipv4/udp.c and net/ipv6/udp.c."""
    parts = each.has_peer + bool(each.remote_port) + bool(each.interface)
    if is_v4(packet.destination.address):
        return (2 if each.family == AF_INET else 1) + 4 * parts
    return 1 + parts  # the kernel starts from 0 and takes -1 for none


def _walk(bucket: Sequence[Candidate], packet: Packet, sockets: Sequence[Candidate]) -> Found:
    """Walk one list: udp4_lib_lookup2(). `sockets`: every one with the port, for the groups' sake."""
    best = 0
    chosen: list[Candidate] = []
    maybe: list[Candidate] = []
    for each in bucket:
        score = _score(each, packet)
        if score <= best:
            continue
        best, chosen = score, [each]
        if each.state == ESTABLISHED or each.reuseport is False:
            continue
        group = _group(each, bucket)
        if each.reuseport is None:
            maybe += group
            continue
        chosen = group
        if not _may_have_connections(each, sockets):
            break
        maybe += group
    certain = chosen[:]
    maybe += [each for each in bucket if chosen and _is_out_of_order(each, chosen[0], packet)]
    chosen += [each for each in maybe if each not in chosen]
    is_certain = len(chosen) == len(certain)
    others = [
        (each, _why_behind(each, certain[0], packet)) for each in bucket if each not in chosen
    ]
    return Found(
        chosen, others, _said_of(chosen, is_certain=is_certain) if chosen else [], is_certain
    )


def _is_out_of_order(each: Candidate, chosen: Candidate, packet: Packet) -> bool:
    """Tell whether two equals may stand in the list the other way round than their rows do.

    connect() puts a socket at the head of another list than the one that sock_diag walks.
    """
    if each is chosen or _score(each, packet) != _score(chosen, packet):
        return False
    return each.is_held != chosen.is_held or each.state == ESTABLISHED


def _group(each: Candidate, bucket: Sequence[Candidate]) -> list[Candidate]:
    """Return the SO_REUSEPORT group of a socket: udp_reuseport_add_sock(); connected ones are skipped."""
    return [
        one
        for one in bucket
        if one.state != ESTABLISHED
        and one.reuseport is not False
        and _group_key(one) == _group_key(each)
    ]


def _group_key(each: Candidate) -> tuple[object, ...]:
    return each.family, each.local, each.interface, each.is_v6only, each.uid


def _may_have_connections(each: Candidate, sockets: Sequence[Candidate]) -> bool:
    """Tell whether a member of the group may be connected, to whomever: reuseport_has_conns().

    One that was bound to the wildcard leaves its group when connect() gives it an address, and
    looks like a member of the group at that address: so this is never certain.
    """
    return any(
        one.state == ESTABLISHED and one.reuseport and _group_key(one) == _group_key(each)
        for one in sockets
    )


def _why_behind(each: Candidate, chosen: Candidate, packet: Packet) -> str:
    """Tell why a socket of the same list as the chosen one is passed over."""
    if _score(each, packet) == _score(chosen, packet):
        return "it was bound earlier: of equal sockets the one bound last wins (by the order of the kernel's list)"
    if _score(each, packet) > _score(chosen, packet):
        return "a SO_REUSEPORT group bound later is met first, and answers at once"
    if chosen.has_peer and not each.has_peer:
        return NOT_CONNECTED
    if chosen.interface and not each.interface:
        return "a socket bound to the arriving interface scores higher"
    return "an IPv4 socket scores higher for IPv4 than one that takes both families"


def _said_of_connected(connected: Sequence[Candidate]) -> str:
    if len(connected) == 1:
        return "it is connected to the sender, and connected sockets are looked up first"
    return f"{len(connected)} sockets are connected to this sender alike: one of them gets it, usually the one that connected last; the kernel does not tell which"


def _said_of(chosen: Sequence[Candidate], *, is_certain: bool) -> list[str]:
    where = "the wildcard address" if chosen[0].is_wildcard else "the packet's own address"
    if chosen[0].has_peer:
        return ["it is connected to the sender's address, and a connected socket scores higher"]
    if len(chosen) == 1:
        return [f"no socket is connected to the sender; it is bound to {where}"]
    if is_certain:
        return [
            f"{len(chosen)} sockets share {where} (SO_REUSEPORT): a hash of the 5-tuple, or the group's BPF program, picks one"
        ]
    text = (
        f"{len(chosen)} sockets at {where} could get it: with SO_REUSEPORT a hash picks one of those "
        "bound alike, without it the one bound last gets it (the first one named, most likely); "
        "which of the two holds, or which was the last, can't be read here"
    )
    return [text]
