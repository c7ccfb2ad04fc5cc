"""Which sockets ss's flags choose: `-t -u -w -x -4 -6 -l -a`, alone and together.

misc/ss.c of iproute2: a protocol brings its families and default states with it
(default_dbs), a family its protocols (default_afs); -l and -a decide the states alone. Without
any such flag ft lists every internet socket, where ss lists connections of every family.
"""

from __future__ import annotations

from fivetuple.model import names
from fivetuple.model.question import EVERY_STATE
from fivetuple.model.state import BOUND_INACTIVE, CLOSE, LISTEN, SYN_RECV, TIME_WAIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.analysis.filters import Filter
    from fivetuple.model.command import Request

# ss's SS_CONN: all states but these
CONNECTED = EVERY_STATE & ~(
    1 << LISTEN | 1 << CLOSE | 1 << TIME_WAIT | 1 << SYN_RECV | 1 << BOUND_INACTIVE
)
LISTENING = 1 << LISTEN | 1 << CLOSE  # with unconnected datagram sockets
ALL_FAMILIES = frozenset(names.PROTOCOLS)
INTERNET = frozenset(names.INTERNET_PROTOCOLS)
UNCONNECTED = frozenset(("packet", "netlink"))  # their sockets are in CLOSE for all their life

PROTOCOLS_OF = {
    "tcp": ("tcp",),
    "udp": ("udp", "udplite"),
    "raw": ("raw", "icmp", "icmp6"),
    "unix": ("unix",),
    "dccp": ("dccp",),
    "sctp": ("sctp",),
    "mptcp": ("mptcp",),
    "packet": ("packet",),
    "netlink": ("netlink",),
    "vsock": ("vsock",),
}
PROTOCOLS_OF_FAMILY = {
    "unix": ("unix",),
    "link": ("packet",),
    "netlink": ("netlink",),
    "vsock": ("vsock",),
}


def selection(request: Request, sieve: Filter | None) -> tuple[frozenset[str], int]:
    """Return the protocols and the mask of states that the flags and the filter choose."""
    chosen = {
        name for flag, protocols in PROTOCOLS_OF.items() if request.flag(flag) for name in protocols
    }
    family = request.get("family")
    chosen.update(PROTOCOLS_OF_FAMILY.get(family, ()))
    if families(request) and not chosen & INTERNET:
        chosen |= INTERNET  # `-4 -x` is IPv4 of every protocol, and unix
    if request.flag("all") or request.flag("listening"):
        states = EVERY_STATE if request.flag("all") else LISTENING
        return frozenset(chosen) or ALL_FAMILIES, states
    if not chosen:
        return ALL_FAMILIES if sieve and _names_families(sieve) else INTERNET, EVERY_STATE
    if sieve and (sieve.mentions("state") or sieve.mentions("listening")):
        return frozenset(chosen), EVERY_STATE
    return frozenset(chosen), CONNECTED | (1 << CLOSE if chosen & UNCONNECTED else 0)


def families(request: Request) -> list[str]:
    """Return the internet families that the flags name; none: both."""
    asked = [family for flag, family in (("ipv4", "inet"), ("ipv6", "inet6")) if request.flag(flag)]
    if request.get("family") in ("inet", "inet6"):
        asked.append(request.get("family"))
    return asked


def _names_families(sieve: Filter) -> bool:
    """Tell whether the filter speaks of a family, so that the others are not left out."""
    return any(sieve.mentions(field) for field in ("protocol", "family", "type", "path"))
