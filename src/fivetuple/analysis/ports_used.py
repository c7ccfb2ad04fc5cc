"""Which part of the ephemeral ports a destination uses up.

A port is used per (own address, destination address and port): the same local port may serve
several destinations (net/ipv4/inet_hashtables.c __inet_check_established()).
"""

from __future__ import annotations

from fivetuple.model.ports import port_space

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.analysis.peers import Peer
    from fivetuple.model.snapshot import Snapshot


def share_used(snapshot: Snapshot, peer: Peer) -> float | None:
    """Return the used share of the usable ports towards a peer, from its busiest own address.

    None where the namespace's settings are unknown or the destination is no TCP.
    """
    space = snapshot.namespaces.get(peer.netns)
    if space is None or not space.sysctls or peer.protocol != "tcp":
        return None
    ports = port_space(space.sysctls)
    usable = ports.usable_ephemeral_count
    if not usable:
        return 1.0
    return max(sum(ports.is_ephemeral(port) for port in used) for used in peer.ports.values()) / usable
