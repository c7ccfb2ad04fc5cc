"""Listeners, destinations and oddities as flat objects of JSON: one form, whichever view tells them."""

from __future__ import annotations

from fivetuple.analysis.owners import namespace_name
from fivetuple.model.endpoint import address_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fivetuple.analysis.listening import Listener
    from fivetuple.analysis.oddities import Oddity
    from fivetuple.analysis.peers import Peer
    from fivetuple.model.snapshot import Snapshot


def listener_row(snapshot: Snapshot, each: Listener) -> dict[str, Any]:
    """Return a listener as a flat object."""
    return {
        "protocol": each.protocol, "port": each.port, "service": each.service, "addresses": each.address_words(),
        "reach": each.reach, "netns": each.netns, "netns_name": namespace_name(snapshot, each.netns),
        "process": each.process.name or None, "pid": each.process.pid or None, "pids": sorted(each.pids),
        "unit": each.socket_unit[1] if each.socket_unit else each.place.unit,
        "socket_unit": each.socket_unit[0] if each.socket_unit else None, "container": each.place.container,
        "pod": each.place.pod, "sockets": each.sockets, "connections": each.connections,
        "accept_queue": each.accept_queue, "backlog": each.backlog,
    }  # fmt: skip


def peer_row(snapshot: Snapshot, peer: Peer) -> dict[str, Any]:
    """Return a destination as a flat object."""
    return {
        "protocol": peer.protocol, "remote_address": address_text(peer.remote.address), "remote_port": peer.remote.port,
        "service": peer.service, "netns": peer.netns, "netns_name": namespace_name(snapshot, peer.netns),
        "process": peer.process.name or None, "pid": peer.process.pid or None, "pids": sorted(peer.pids),
        "unit": peer.place.unit, "container": peer.place.container, "pod": peer.place.pod,
        "connections": peer.connections, "states": dict(peer.states), "ports_used_share": peer.share,
    }  # fmt: skip


def oddity_row(snapshot: Snapshot, each: Oddity) -> dict[str, Any]:
    """Return an oddity as a flat object."""
    return each._asdict() | {"netns_name": namespace_name(snapshot, each.netns)}
