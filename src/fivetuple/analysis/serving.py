"""Which own ends are served: where something waits for peers, so that a connection there is a client's.

TCP waits in LISTEN; a datagram socket waits when it has a port and no peer.
"""

from __future__ import annotations

from fivetuple.model import record
from fivetuple.model.endpoint import AF_INET, AF_INET6, ANY_V4, ANY_V6
from fivetuple.model.names import DGRAM, RAW
from fivetuple.model.state import LISTEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.model.snapshot import Rows

ROWS = record.Projection(
    "family", "type", "state", "protocol_number", "local_port", "remote_port", "netns", "local"
)


def waits_for_peers(family: int, kind: int, state: int, port: int, remote_port: int) -> bool:
    """Tell whether a socket listens, or is a bound datagram socket without peer."""
    if not port or kind == RAW or (family != AF_INET and family != AF_INET6):  # noqa: PLR1714  # 3 times as fast
        return False
    return state == LISTEN or (kind == DGRAM and not remote_port)


class Served:
    """The ends that something waits on: `served.has(netns, protocol_number, port, local)`."""

    __slots__ = ("_addresses",)

    def __init__(self, rows: Rows) -> None:
        self._addresses: dict[tuple[int, int, int], set[bytes]] = {}
        for family, kind, state, number, port, remote_port, netns, local in ROWS.read(rows):
            if waits_for_peers(family, kind, state, port, remote_port):
                self._addresses.setdefault((netns, number, port), set()).add(local)

    def has(self, netns: int, number: int, port: int, local: bytes) -> bool:
        """Tell whether something waits on the port at this address or at a wildcard."""
        addresses = self._addresses.get((netns, number, port))
        return addresses is not None and (
            local in addresses or ANY_V4 in addresses or ANY_V6 in addresses
        )
