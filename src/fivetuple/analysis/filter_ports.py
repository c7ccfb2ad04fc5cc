"""Ports as filters write them: `443`, `:https`, `8000-8100`, `vsock::1024`; and ss's family prefixes."""

from __future__ import annotations

from fivetuple.analysis.filter_tree import Ports
from fivetuple.analysis.filter_units import parse_count
from fivetuple.model.endpoint import (
    AF_INET,
    AF_INET6,
    AF_NETLINK,
    AF_PACKET,
    AF_UNIX,
    AF_VSOCK,
    parse_port,
)
from fivetuple.model.errors import BadInput

# ss's words before the colon
PREFIXES = {
    "inet6:": AF_INET6, "inet:": AF_INET, "unix:": AF_UNIX, "link:": AF_PACKET, "netlink:": AF_NETLINK, "vsock:": AF_VSOCK,
}  # fmt: skip
PREFIX_OF = {family: prefix for prefix, family in PREFIXES.items()}
ANY_PORT = Ports(0, 65535)
ANY_LARGE_PORT = 0xFFFFFFFF


def parse_ports(text: str) -> tuple[Ports, ...]:
    """Return the ports that `443`, `:443`, `8000-8100`, `:https`, `vsock::1024` or `*` mean.

    A service whose number differs between TCP and UDP is several ports.

    Raises:
        BadInput: no such port or service.
    """
    family, rest = cut_family(text)
    rest = rest.removeprefix(":")
    if family in (AF_VSOCK, AF_NETLINK):
        return (large_port(rest, family),)
    if family not in (0, AF_INET, AF_INET6):
        raise BadInput(f"a {PREFIX_OF[family][:-1]} socket has no port")
    return tuple(ports._replace(family=family) for ports in plain_ports(rest))


def plain_ports(text: str) -> tuple[Ports, ...]:
    """Return the ports of the internet protocols that a text without prefix means."""
    if text in ("", "*"):
        if not text:
            raise BadInput("there is no port here; write it like 443, :443 or :https")
        return (ANY_PORT,)
    low, dash, high = text.partition("-")
    if dash and low.isdigit() and high.isdigit():
        first, last = parse_port(low), parse_port(high)
        if first > last:
            raise BadInput(f"the range {text} is empty: its end is below its start")
        return (Ports(first, last),)
    if text[:2] in ("0x", "0X"):
        port = parse_port(str(parse_count(text)))
        return (Ports(port, port),)
    if text.isdigit() or text[0] in "-+":
        port = parse_port(text)
        return (Ports(port, port),)
    return _service_ports(text)


def _service_ports(name: str) -> tuple[Ports, ...]:
    """Look a service name up in our own table, never in the network."""
    from fivetuple.model.services import port_of

    numbers = {port for protocol in ("tcp", "udp", "sctp") for port in port_of(name, protocol)}
    if not numbers:
        raise BadInput(f"'{name}' is neither a port nor the name of a service")
    return tuple(Ports(number, number) for number in sorted(numbers))


def large_port(text: str, family: int) -> Ports:
    """Read a port of vsock or netlink: 32 bits; `kernel` is netlink's 0."""
    if text in ("", "*"):
        return Ports(0, ANY_LARGE_PORT, family)
    if text == "kernel" and family == AF_NETLINK:
        return Ports(0, 0, family)
    number = parse_count(text)
    if number > ANY_LARGE_PORT:
        raise BadInput(f"port {text} is out of range: it has 32 bits")
    return Ports(number, number, family)


def cut_family(text: str) -> tuple[int, str]:
    """Cut ss's prefix off: (family, 0 if there is none, and the rest)."""
    for prefix, family in PREFIXES.items():
        if text.startswith(prefix):
            return family, text[len(prefix) :]
    return 0, text


def ports_text(ports: Ports) -> str:
    """Write ports down so that `parse_ports` reads them back."""
    prefix = f"{PREFIX_OF[ports.family]}:" if ports.family else ""
    if (ports.low, ports.high) in ((0, ANY_PORT.high), (0, ANY_LARGE_PORT)):
        return f"{prefix}*"
    return prefix + (str(ports.low) if ports.low == ports.high else f"{ports.low}-{ports.high}")
