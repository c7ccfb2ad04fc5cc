"""Connections that have a given address as their far end: which end of ours each has, and its owner.

Peers tell of those that were opened from here. What is left are a client's connections to ports
of ours, and the last few in TIME_WAIT.
"""

from __future__ import annotations

from collections import Counter

from fivetuple.analysis.owners import principal
from fivetuple.analysis.selecting import ROWS
from fivetuple.analysis.serving import Served
from fivetuple.model.endpoint import Endpoint
from fivetuple.model.names import STREAM, protocol_name
from fivetuple.model.process import Process
from fivetuple.model.services import name_of
from fivetuple.model.state import state_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from fivetuple.analysis.peers import Peer
    from fivetuple.analysis.selecting import Part


class FarEnd:
    """Connections of one owner's port with an address that is not ours."""

    __slots__ = ("local", "netns", "pids", "process", "protocol", "service", "states")

    def __init__(self, netns: int, protocol: str, local: Endpoint) -> None:
        self.netns = netns
        self.protocol = protocol
        self.local = local
        """Our end."""
        self.process = Process(0, "")
        self.pids: set[int] = set()
        self.service: str | None = None
        """What our port usually serves, when something waits for peers on it."""
        self.states: Counter[str] = Counter()

    @property
    def connections(self) -> int:
        """How many connections, in every state."""
        return self.states.total()


def far_ends(part: Part, told: Sequence[Peer]) -> list[FarEnd]:
    """Return what is connected with the subject's address and is no own end of it, most connections first.

    told: the destinations that are told of already.
    """
    if part.subject.address is None:
        return []
    has = Served(part.snapshot.rows).has
    known = {(peer.netns, peer.protocol, peer.remote) for peer in told}
    found: dict[tuple[int, str, Endpoint], FarEnd] = {}
    for family, kind, state, number, port, remote_port, netns, inode, local, remote in ROWS.read(
        part.rows
    ):
        protocol, end = protocol_name(family, kind, number), Endpoint(local, port)
        is_served = has(netns, number, port, local)
        if not remote_port or part.fits(port, local, netns):
            continue
        if not is_served and (netns, protocol, Endpoint(remote, remote_port)) in known:
            continue
        each = found.get((netns, protocol, end))
        if each is None:
            each = found[netns, protocol, end] = FarEnd(netns, protocol, end)
            each.service = name_of(port, protocol) if is_served else None
        each.states[state_name(state, is_stream=kind == STREAM)] += 1
        each.pids.update(part.own.pids(inode, state, netns, local, port))
    for each in found.values():
        each.process = principal(part.snapshot.processes, each.pids)
    return sorted(found.values(), key=lambda each: (-each.connections, each.local, each.netns))
