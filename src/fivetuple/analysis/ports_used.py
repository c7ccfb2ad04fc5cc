"""Which part of the ephemeral ports a destination uses up.

A port is used per (own address, destination address and port): the same local port may serve
several destinations (net/ipv4/inet_hashtables.c __inet_check_established()). TIME_WAIT counts:
its four-tuple is taken until it ends.
"""

from __future__ import annotations

from fivetuple.model.ports import PortSpace, port_space

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from fivetuple.model.snapshot import Snapshot


def port_spaces(snapshot: Snapshot) -> dict[int, PortSpace]:
    """Return the port space of every namespace whose settings are known."""
    return {
        inode: port_space(space.sysctls)
        for inode, space in snapshot.namespaces.items()
        if space.sysctls
    }


def share_used(space: PortSpace | None, used: Iterable[Collection[int]]) -> float | None:
    """Return the used share of the usable ports towards a destination, from its busiest own address.

    used: for each own address the ports in use; None where the namespace's settings are unknown.
    """
    if space is None:
        return None
    usable = space.usable_ephemeral_count
    if not usable:
        return 1.0
    return max((sum(map(space.is_ephemeral, ports)) for ports in used), default=0) / usable
