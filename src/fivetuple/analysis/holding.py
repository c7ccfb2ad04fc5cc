"""What holds a port without listening on it: bound sockets, outgoing connections, TIME_WAIT.

These are what makes bind() fail while no listener is seen (net/ipv4/inet_connection_sock.c
inet_csk_bind_conflict()).
"""

from __future__ import annotations

from collections import namedtuple

from fivetuple.analysis.owners import owner_words, place_words, principal
from fivetuple.analysis.peers import USUAL_SPACE, is_clients
from fivetuple.analysis.serving import Served, waits_for_peers
from fivetuple.model import record
from fivetuple.model.endpoint import endpoint_text
from fivetuple.model.names import STREAM, protocol_name
from fivetuple.model.state import BOUND_INACTIVE, TIME_WAIT, state_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fivetuple.analysis.selecting import Part

ROWS = record.Projection(
    "family", "type", "state", "protocol_number", "local_port", "remote_port", "known", "uid", "netns", "inode", "local",
    "remote", "timer_ms",
)  # fmt: skip

BOUND, ACCEPTED, OUTGOING, WAITING = "bound only", "accepted", "outgoing", "TIME_WAIT"
Holder = namedtuple("Holder", "how protocol port where owner place netns note left_ms uid")
"""how: one of the words above; where: its ends; note: its state and what else there is to say;
left_ms: of TIME_WAIT, until the last of them ends, None: unknown; uid: its user where no owner is known."""


def other_holders(part: Part) -> list[Holder]:
    """Return what holds the subject's ports, or what its processes have bound, without listening."""
    has = Served(part.snapshot.rows).has
    found: list[Holder] = []
    waiting: dict[tuple[int, str, int], list[int | None]] = {}
    for row in ROWS.read(part.rows):
        family, kind, state, number, port, remote_port, known, _, netns, _, local, _, timer_ms = row
        if waits_for_peers(family, kind, state, port, remote_port) or not port:
            continue
        if part.is_of_ends and not part.fits(port, local, netns):
            continue
        protocol = protocol_name(family, kind, number)
        if state == TIME_WAIT:
            left = timer_ms if known & record.TIMER else None
            waiting.setdefault((netns, protocol, port), []).append(left)
        elif state == BOUND_INACTIVE or (
            part.subject.ports and remote_port and not has(netns, number, port, local)
        ):
            found.append(_holder(part, row, protocol))
    return found + [_waiting(*key, left) for key, left in waiting.items()]


def _holder(part: Part, row: tuple[Any, ...], protocol: str) -> Holder:
    """Describe one socket that is bound only, or connected from or at the port."""
    family, kind, state, _, port, remote_port, known, uid, netns, inode, local, remote, _ = row
    snapshot = part.snapshot
    pids = part.own.pids(inode, state, netns, local, port)
    process = principal(snapshot.processes, pids)
    place = place_words(process.place) if process.place else ""
    where = endpoint_text(local, port, family)
    hidden_uid = uid if known & record.UID and not pids else None
    if state == BOUND_INACTIVE:
        how, note = BOUND, "neither listens nor connects; `ss -a` does not show it"
    else:
        space = part.spaces.get(netns, USUAL_SPACE)
        how, note = OUTGOING, state_name(state, is_stream=kind == STREAM)
        if is_clients(space, port, remote_port):
            how, note = ACCEPTED, f"{note}; its listener is closed"
        where = f"{where} -> {endpoint_text(remote, remote_port, family)}"
    return Holder(
        how, protocol, port, where, owner_words(process, pids), place, netns, note, None, hidden_uid
    )


def _waiting(netns: int, protocol: str, port: int, left: list[int | None]) -> Holder:
    """Describe the sockets in TIME_WAIT at one port."""
    known = [ms for ms in left if ms is not None]
    longest = max(known) if known else None
    count = "one connection has" if len(left) == 1 else f"{len(left)} connections have"
    note = f"{count} ended"
    if longest is not None:
        note += (
            f", {'the last is' if len(left) > 1 else 'it is'} kept for {-(-longest // 1000)} s more"
        )
    return Holder(WAITING, protocol, port, f"port {port}", "nobody", "", netns, note, longest, None)
