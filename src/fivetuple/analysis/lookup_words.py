"""The packet that somebody asks about: `tcp 10.0.0.50:52431 192.168.1.100:80`, as on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fivetuple.analysis.lookup_candidates import Packet, is_v4
from fivetuple.model.endpoint import WILDCARDS, Endpoint, parse_endpoint
from fivetuple.model.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

PROTOCOLS = ("tcp", "udp", "udplite")
EXAMPLE = "ft who tcp 10.0.0.50:52431 192.168.1.100:80"


def packet_of(words: Sequence[str]) -> tuple[Packet, str | None]:
    """Return the packet that was asked about, and the scope that an address names (`%eth0`).

    Raises:
        BadInput: the words name no packet; the message shows one.
    """
    if len(words) != 3:
        raise BadInput(
            f"say the protocol, where the packet comes from and where it goes: {EXAMPLE}"
        )
    protocol = words[0].lower()
    if protocol in ("icmp", "icmp6", "ping"):
        raise BadInput(
            f"{protocol} has no ports, so no socket is looked up by them; who knows tcp, udp and udplite: {EXAMPLE}"
        )
    if protocol not in PROTOCOLS:
        raise BadInput(f"'{words[0]}' is not tcp, udp or udplite: {EXAMPLE}")
    source, destination = (
        _end_of(word, what) for word, what in zip(words[1:], ("source", "destination"), strict=True)
    )
    if is_v4(source.address) != is_v4(destination.address):
        raise BadInput(f"{words[1]} and {words[2]} are not of one family: a packet is IPv4 or IPv6")
    if not destination.port:
        raise BadInput(f"port 0 in '{words[2]}' is nobody's: give the port that the packet goes to")
    return Packet(protocol, source, destination), _scope_of(words[2]) or _scope_of(words[1])


def _end_of(word: str, what: str) -> Endpoint:
    """Read one end.

    Raises:
        BadInput: it is no address and port, or no packet can have it.
    """
    try:
        end = parse_endpoint(word)
    except BadInput as err:
        raise BadInput(f"{err}; for example {EXAMPLE}") from err
    if end.address in WILDCARDS:
        raise BadInput(f"'{word}' names every address, and a packet's {what} is one: {EXAMPLE}")
    return end


def _scope_of(word: str) -> str | None:
    """Return the interface in `[fe80::1%eth0]:80`."""
    return word.partition("%")[2].rpartition(":")[0].rstrip("]") or None
