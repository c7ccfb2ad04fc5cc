"""Clients: who is connected to the listeners of a Part, with their process where this host has it."""

from __future__ import annotations

from collections import Counter

from fivetuple.analysis.owners import NOBODY, principal
from fivetuple.analysis.pairing import Pairing
from fivetuple.analysis.selecting import ROWS
from fivetuple.analysis.serving import Served
from fivetuple.model.names import STREAM, protocol_name
from fivetuple.model.state import state_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.analysis.selecting import Part
    from fivetuple.model.process import Process


class Client:
    """One address, or one program of this host, that is connected to a port of ours."""

    __slots__ = ("address", "netns", "pids", "port", "process", "protocol", "states")

    def __init__(self, address: bytes, netns: int | None, protocol: str, port: int) -> None:
        self.address = address
        self.netns = netns
        """The client's own namespace; None: it is not on this host, or it can't be told."""
        self.protocol = protocol
        self.port = port
        """Ours, that it is connected to."""
        self.process: Process = NOBODY
        self.pids: set[int] = set()
        self.states: Counter[str] = Counter()
        """States of our ends."""

    @property
    def connections(self) -> int:
        """How many connections, in every state."""
        return self.states.total()


def clients(part: Part) -> list[Client]:
    """Return who is connected, those with most connections first."""
    has = Served(part.snapshot.rows).has
    pairing = Pairing(part.snapshot, part.rows)
    found: dict[tuple[object, ...], Client] = {}
    for family, kind, state, number, port, remote_port, netns, _, local, remote in ROWS.read(
        part.rows
    ):
        if not remote_port or not has(netns, number, port, local):
            continue
        if part.is_of_ends and not part.fits(port, local, netns):
            continue
        end = pairing.other_end(number, netns, local, port, remote, remote_port)
        name = end.process.name if end else ""
        client_netns = end.netns if end else None
        protocol = protocol_name(family, kind, number)
        key = (remote, client_netns, name, protocol, port)
        client = found.get(key)
        if client is None:
            client = found[key] = Client(remote, client_netns, protocol, port)
        client.states[state_name(state, is_stream=kind == STREAM)] += 1
        if end:
            client.pids.update(end.pids)
            client.process = principal(part.snapshot.processes, client.pids)
    return sorted(found.values(), key=lambda each: (-each.connections, each.address, each.port))
