"""A host's port number space: IANA's classes, and what this host's settings make of them.

IANA (RFC 6335 section 6) divides the ports in well-known, registered and dynamic. A host has its
own ideas: from which port on no privilege is needed, where it takes ports for outgoing
connections, which ones it never takes by itself. On Linux all three are sysctls, one set a
network namespace (Documentation/networking/ip-sysctl.rst). Pure functions of their texts.
"""

from __future__ import annotations

from collections import namedtuple

from fivetuple.model.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HIGHEST_PORT = 65535

PortClass = namedtuple("PortClass", "name first last meaning")

# RFC 6335 section 6; together they cover every port once.
CLASSES = (
    PortClass("well-known", 0, 1023, "system ports, given out by IANA for standards"),
    PortClass("registered", 1024, 49151, "user ports, given out by IANA on request"),
    PortClass("dynamic", 49152, 65535, "for whoever needs a port for a while; IANA registers none"),
)

# Where systems take ports for outgoing connections when nobody changed it.
EPHEMERAL_DEFAULTS = {
    "linux": (32768, 60999),  # net.ipv4.ip_local_port_range
    "macos": (49152, 65535),  # net.inet.ip.portrange.first, .last
    "windows": (49152, 65535),  # netsh int ipv4 show dynamicport tcp; since Vista
    "freebsd": (10000, 65535),  # net.inet.ip.portrange.first, .last
    "openbsd": (1024, 49151),  # net.inet.ip.portfirst, .portlast; the high range is on request
    "netbsd": (49152, 65535),  # net.inet.ip.anonportmin, .anonportmax
}
UNPRIVILEGED_START = 1024
NODE_PORTS = (30000, 32767)  # kube-apiserver --service-node-port-range

RANGE_SYSCTL = "net.ipv4.ip_local_port_range"  # of IPv6 too
RESERVED_SYSCTL = "net.ipv4.ip_local_reserved_ports"
UNPRIVILEGED_SYSCTL = "net.ipv4.ip_unprivileged_port_start"

PortDescription = namedtuple(
    "PortDescription",
    "port port_class is_privileged is_ephemeral is_reserved is_node_port sentences",
)
"""One port on one host. is_ephemeral: inside the range, also when reserved; sentences: for people."""


class PortSpace:
    """What one host, or one network namespace, makes of the 65,536 port numbers."""

    __slots__ = ("ephemeral_high", "ephemeral_low", "reserved", "unprivileged_start")

    def __init__(
        self,
        ephemeral_low: int = EPHEMERAL_DEFAULTS["linux"][0],
        ephemeral_high: int = EPHEMERAL_DEFAULTS["linux"][1],
        reserved: Iterable[tuple[int, int]] = (),
        unprivileged_start: int = UNPRIVILEGED_START,
    ) -> None:
        self.ephemeral_low = ephemeral_low
        self.ephemeral_high = ephemeral_high
        self.reserved = merge_ranges(reserved)
        """Sorted (first, last) that neither touch nor overlap."""
        self.unprivileged_start = unprivileged_start
        """Ports below it need CAP_NET_BIND_SERVICE; 0: none does."""

    @property
    def ephemeral_count(self) -> int:
        """How many ports the ephemeral range has."""
        return self.ephemeral_high - self.ephemeral_low + 1

    @property
    def usable_ephemeral_count(self) -> int:
        """How many of them the kernel may take by itself: the range without the reserved."""
        taken = (
            min(last, self.ephemeral_high) - max(first, self.ephemeral_low) + 1
            for first, last in self.reserved
        )
        return self.ephemeral_count - sum(count for count in taken if count > 0)

    def is_ephemeral(self, port: int) -> bool:
        """Tell whether the kernel may give the port to an outgoing connection or to bind(0)."""
        return self.ephemeral_low <= port <= self.ephemeral_high and not self.is_reserved(port)

    def is_reserved(self, port: int) -> bool:
        """Tell whether the port is kept from automatic choice; an explicit bind() still works."""
        return any(first <= port <= last for first, last in self.reserved)

    def is_privileged(self, port: int) -> bool:
        """Tell whether binding the port needs CAP_NET_BIND_SERVICE; port 0 is no port to bind."""
        return 0 < port < self.unprivileged_start

    def describe(self, port: int) -> PortDescription:
        """Say what the port is here. Raises BadInput when it is no port number."""
        found = port_class(port)
        in_range = self.ephemeral_low <= port <= self.ephemeral_high
        privileged, reserved = self.is_privileged(port), self.is_reserved(port)
        is_node_port = NODE_PORTS[0] <= port <= NODE_PORTS[1]
        sentences = [
            f"{port} is a {found.name} port ({found.first}-{found.last}): {found.meaning}."
        ]
        if port == 0:
            sentences.append("Port 0 asks the system to choose a port; no socket has it.")
        if privileged:
            sentences.append(
                f"Binding it needs CAP_NET_BIND_SERVICE here: ports below {self.unprivileged_start} are privileged."
            )
        elif 0 < port < UNPRIVILEGED_START:
            sentences.append(
                f"No privilege is needed here: unprivileged ports start at {self.unprivileged_start}."
            )
        if in_range:
            sentences.append(self._ephemeral_sentence(reserved=reserved))
        elif reserved:
            sentences.append("It is reserved: the kernel never chooses it by itself.")
        if is_node_port:
            sentences.append(
                f"Kubernetes gives {NODE_PORTS[0]}-{NODE_PORTS[1]} to services of type NodePort."
            )
        return PortDescription(
            port, found.name, privileged, in_range, reserved, is_node_port, tuple(sentences)
        )

    def _ephemeral_sentence(self, *, reserved: bool) -> str:
        """Say what the ephemeral range means for a port inside it."""
        where = (
            f"It lies in this host's ephemeral range ({self.ephemeral_low}-{self.ephemeral_high})"
        )
        if reserved:
            return f"{where} and is reserved: the kernel never chooses it by itself, a server may bind it."
        return (
            f"{where}: an outgoing connection may take it before a server does. "
            f"A server that needs it should reserve it ({RESERVED_SYSCTL})."
        )


def port_class(port: int) -> PortClass:
    """Return IANA's class of a port. Raises BadInput when it is no port number."""
    for found in CLASSES:
        if found.first <= port <= found.last:
            return found
    raise BadInput(f"{port} is no port: ports are 0-{HIGHEST_PORT}.")


def port_space(sysctls: Mapping[str, str]) -> PortSpace:
    """Make the port space of a namespace's sysctls; what is absent has Linux's default.

    Raises BadInput when a text is not what the kernel would write.
    """
    low, high = EPHEMERAL_DEFAULTS["linux"]
    if RANGE_SYSCTL in sysctls:
        low, high = parse_range(sysctls[RANGE_SYSCTL])
    start = UNPRIVILEGED_START
    if UNPRIVILEGED_SYSCTL in sysctls:
        start = parse_port(sysctls[UNPRIVILEGED_SYSCTL], highest=HIGHEST_PORT + 1)
    return PortSpace(low, high, parse_ranges(sysctls.get(RESERVED_SYSCTL, "")), start)


def parse_range(text: str) -> tuple[int, int]:
    """Read ip_local_port_range: `32768 60999`. Raises BadInput."""
    words = text.split()
    if len(words) != 2:
        raise BadInput(
            f"{_shown(text)} is no port range: two numbers are expected, as in '32768 60999'."
        )
    low, high = parse_port(words[0]), parse_port(words[1])
    if low > high:
        raise BadInput(f"{_shown(text)} is no port range: it runs backwards.")
    return low, high


def parse_ranges(text: str) -> tuple[tuple[int, int], ...]:
    """Read ip_local_reserved_ports: `8080,9000-9100`; empty: none. Raises BadInput."""
    ranges = []
    for part in text.strip().split(",") if text.strip() else ():
        first, dash, last = part.strip().partition("-")
        low = parse_port(first)
        high = parse_port(last) if dash else low
        if low > high:
            raise BadInput(f"{_shown(text)} is no list of ports: {low}-{high} runs backwards.")
        ranges.append((low, high))
    return merge_ranges(ranges)


def format_ranges(ranges: Iterable[tuple[int, int]]) -> str:
    """Spell ranges as the kernel does: `8080,9000-9100`."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def merge_ranges(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Sort ranges and join those that touch or overlap."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return tuple(merged)


def parse_port(text: str, highest: int = HIGHEST_PORT) -> int:
    """Read a decimal port number. Raises BadInput."""
    word = text.strip()
    # At most 5 digits: int() refuses thousands of them with an error of its own.
    if word.isascii() and word.isdigit() and len(word) <= 5 and int(word) <= highest:
        return int(word)
    raise BadInput(f"{_shown(text)} is no port: ports are 0-{HIGHEST_PORT}.")


def _shown(text: str) -> str:
    """Quote a text that may hold anything, short and harmless."""
    from fivetuple.model.text import printable

    return repr(printable(text[:40]))
