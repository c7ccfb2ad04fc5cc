"""Which TCP socket receives a segment: connections, then listeners, an exact address before the wildcard.

The order of net/ipv4/inet_hashtables.c __inet_lookup() and net/ipv6/inet6_hashtables.c:

1. the table of connections, by the whole 5-tuple; TIME_WAIT and the entries of the SYN queue
   are in it too. A SYN for one in TIME_WAIT goes to a listener, if there is one
   (net/ipv4/tcp_minisocks.c tcp_timewait_state_process(), TCP_TW_SYN);
2. listeners at the packet's own address, then those at the wildcard, each list by score:
   bound to the interface 2, else 1; an IPv4 socket 1 more. A wildcard is never looked at when
   the exact address has a listener, whatever the scores;
3. where the first socket with the best score so far has SO_REUSEPORT, its group answers at once:
   one member by a hash of the 4-tuple, or by the group's BPF program.

Two listeners that both match one packet at the same address can only stand side by side with
SO_REUSEPORT, so that is known even where no road tells the option.
Not followed: SO_INCOMING_CPU (one point more on its CPU), which nothing shows; VRFs.
"""

from __future__ import annotations

from fivetuple.analysis.lookup_candidates import Candidate, Found, Packet, is_v4, why_never
from fivetuple.model import record
from fivetuple.model.endpoint import AF_INET
from fivetuple.model.state import BOUND_INACTIVE, CLOSE, ESTABLISHED, LISTEN, SYN_RECV, TIME_WAIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

IDLE_STATES = frozenset((CLOSE, BOUND_INACTIVE))
NO_CONNECTION = IDLE_STATES | {LISTEN}
IDLE = "it neither listens nor is connected"
NOT_NEW = "the connection itself takes its segments; a listener only takes new ones"
NOT_EXACT = "a listener at the packet's own address goes before the wildcard"
TIME_WAIT_ENDS = (
    "a SYN ends the TIME_WAIT of this 5-tuple, and the listener takes it, when its sequence number "
    "or timestamp is newer than the old connection's; if not, TIME_WAIT answers with an ACK"
)
GIVES_WAY = "in TIME_WAIT it gives way to a new connection"


def find(sockets: Sequence[Candidate], packet: Packet, interface_names: dict[int, str]) -> Found:
    """Return who receives the segment among the sockets with its port."""
    others: list[tuple[Candidate, str]] = []
    able: list[Candidate] = []
    strangers = 0
    for each in sockets:
        reason = IDLE if each.state in IDLE_STATES else why_never(each, packet, interface_names)
        if reason is None:
            able.append(each)
        elif each.state in NO_CONNECTION:
            others.append((each, reason))
        else:
            strangers += 1
    found = _of_able(able, packet)
    if strangers:
        found.reasons.append(
            f"{strangers} {'connections' if strangers > 1 else 'connection'} on this port with other ends were passed over"
        )
    return found._replace(others=others + found.others)


def _of_able(able: Sequence[Candidate], packet: Packet) -> Found:
    """Return who receives the segment among the sockets that match it."""
    connections = [each for each in able if each.state not in NO_CONNECTION]
    listeners = [each for each in able if each.state == LISTEN]
    if connections and not (packet.is_syn and connections[0].state == TIME_WAIT and listeners):
        others = [(each, NOT_NEW) for each in listeners]
        return Found(connections[:1], others, [_said_of_connection(connections[0], packet)])
    found = _listener(listeners, packet)
    if not connections:
        return found
    return Found(
        found.sockets,
        [*found.others, (connections[0], GIVES_WAY)],
        [TIME_WAIT_ENDS, *found.reasons],
    )


def _said_of_connection(each: Candidate, packet: Packet) -> str:
    """Tell what the socket with the packet's 5-tuple does with it."""
    if each.state == TIME_WAIT:
        if packet.is_syn:
            return "the 5-tuple is in TIME_WAIT and nothing listens: the kernel answers the SYN with an ACK or a RST"
        return "the 5-tuple is in TIME_WAIT: the kernel itself answers for it, no process sees the segment"
    if each.state == SYN_RECV:
        return "the 5-tuple is in the SYN queue: an ACK completes the handshake, and the listener's accept queue takes it"
    if packet.is_syn and each.state == ESTABLISHED:
        return "the 5-tuple is a connection already: it answers a SYN with a challenge ACK (RFC 5961 section 4)"
    return "it is the connection with this 5-tuple, and connections are looked up before listeners"


def _listener(listeners: Sequence[Candidate], packet: Packet) -> Found:
    """Look through the exact address's list, then the wildcard's."""
    exact = [each for each in listeners if not each.is_wildcard]
    wildcard = [each for each in listeners if each.is_wildcard]
    chosen = _best(exact) or _best(wildcard)
    if not chosen:
        return Found([], [], [])
    others = []
    for each in listeners:
        if each in chosen:
            continue
        is_behind = each.is_wildcard and not chosen[0].is_wildcard
        others.append((each, NOT_EXACT if is_behind else _why_behind(each, chosen[0])))
    return Found(chosen, others, [_said_of_listener(chosen, packet), *_full_queues(chosen)])


def _score(each: Candidate) -> int:
    """Score a listener that matches: compute_score() of net/ipv4/inet_hashtables.c."""
    return (2 if each.interface else 1) + (each.family == AF_INET)


def _best(bucket: Sequence[Candidate]) -> list[Candidate]:
    """Walk one list: inet_lhash2_lookup()."""
    best, chosen = 0, None
    for each in bucket:
        if _score(each) > best:
            if len(bucket) > 1 and each.reuseport is not False:
                return _group(each, bucket)
            best, chosen = _score(each), each
    return [] if chosen is None else [chosen]


def _group(each: Candidate, bucket: Sequence[Candidate]) -> list[Candidate]:
    """Return the SO_REUSEPORT group of a listener: inet_reuseport_add_sock()."""
    return [one for one in bucket if _group_key(one) == _group_key(each)]


def _group_key(each: Candidate) -> tuple[object, ...]:
    return each.family, each.local, each.interface, each.is_v6only, each.uid


def _why_behind(each: Candidate, chosen: Candidate) -> str:
    """Tell why a listener of the same list as the chosen one is passed over."""
    if chosen.interface and not each.interface:
        return "a listener bound to the arriving interface scores higher"
    if chosen.family == AF_INET and each.family != AF_INET:
        return "an IPv4 socket scores higher for IPv4 than one that takes both families"
    return "the SO_REUSEPORT group that began listening later is met first, and answers at once"


def _said_of_listener(chosen: Sequence[Candidate], packet: Packet) -> str:
    first = chosen[0]
    if not first.is_wildcard:
        address = "the packet's own address"
    elif first.family != AF_INET and is_v4(packet.destination.address):
        address = "the IPv6 wildcard, which takes IPv4 too"
    else:
        address = "the wildcard address"
    count = len(chosen)
    text = f"no connection has this 5-tuple; it listens on {address}"
    if count > 1:
        text = (
            f"no connection has this 5-tuple; {count} listeners share {address} (SO_REUSEPORT): "
            "a hash of the 4-tuple, or the group's BPF program, picks one"
        )
    if not packet.is_syn:
        text += "; a SYN opens a connection there, any other segment is answered with a RST"
    return text


def _full_queues(chosen: Sequence[Candidate]) -> list[str]:
    """Tell which accept queues are full (limit + 1): their SYNs are dropped, nobody else is tried."""
    full = [
        each for each in chosen if each.known & record.BACKLOG and each.accept_queue > each.backlog
    ]
    if not full:
        return []
    if len(chosen) == 1:
        return [
            f"its accept queue is full ({full[0].accept_queue} of {full[0].backlog}): a SYN is dropped until it accepts"
        ]
    return [
        f"{len(full)} of the {len(chosen)} have a full accept queue: a SYN whose hash picks one of them is dropped, the others are not tried"
    ]
