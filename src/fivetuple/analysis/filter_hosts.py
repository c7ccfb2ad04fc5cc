"""Hosts as ss's filters write them: `10.0.0.0/8:22`, `[2001:db8::]/32`, `:https`, `unix:/run/*`.

The grammar is ss's (man 8 ss, HOST SYNTAX; iproute2 misc/ss.c parse_hostcond(),
lib/utils.c get_addr_1()). Two things are refused: a host name, for ft asks no DNS, and an IPv6
address without brackets whose last group could be a port.
"""

from __future__ import annotations

from fivetuple.analysis.filter_ports import (
    PREFIX_OF,
    cut_family,
    large_port,
    plain_ports,
    ports_text,
)
from fivetuple.analysis.filter_tree import Host, Ports, quoted
from fivetuple.analysis.filter_units import parse_count
from fivetuple.model.endpoint import (
    AF_INET,
    AF_INET6,
    AF_NETLINK,
    AF_PACKET,
    AF_UNIX,
    AF_VSOCK,
    LOOPBACK_V6,
    V4_PREFIX,
    address_text,
    pack_address,
)
from fivetuple.model.errors import BadInput

ANYWHERE = frozenset(("", "*", "any", "all", "default"))
LOOPBACKS = (
    Host(AF_INET, V4_PREFIX + b"\x7f\0\0\1", 128),
    Host(AF_INET6, LOOPBACK_V6, 128),
)


def parse_hosts(text: str) -> tuple[Host, ...]:
    """Return the hosts that one word means: most mean one, `localhost` and service names may mean more.

    Raises:
        BadInput: the address, prefix or port is wrong.
    """
    family, rest = cut_family(text)
    if family == 0 and rest[:1] in ("/", "@"):
        family = AF_UNIX
    if family == AF_UNIX:
        return (Host(AF_UNIX, rest, 0),)
    if family in (AF_PACKET, AF_NETLINK, AF_VSOCK):
        return (_other_host(rest, family),)
    address, port = _cut(rest)
    ports: tuple[Ports | None, ...] = (
        (None,) if port in (None, "", "*") else plain_ports(port or "")
    )
    return tuple(
        host._replace(port=ports_one, is_only=bool(family))
        for host in _addresses(address, family)
        for ports_one in ports
    )


def _cut(text: str) -> tuple[str, str | None]:
    """Cut ADDRESS[/BITS][:PORT] into address with prefix length, and port (None: not written)."""
    if text[:1] == "[":
        inside, bracket, after = text[1:].partition("]")
        if not bracket:
            raise BadInput(f"'{text}' has no closing bracket")
        if after[:1] == "/":
            bits, colon, port = after.partition(":")
            return inside + bits, port if colon else None
        if after and after[0] != ":":
            raise BadInput(f"'{after}' after the bracket is neither a :PORT nor a /PREFIX")
        return inside, after[1:] if after else None
    if "/" in text:
        address, _, tail = text.partition("/")
        bits, colon, port = tail.partition(":")
        return f"{address}/{bits}", port if colon else None
    if text.count(":") < 2:
        address, colon, port = text.partition(":")
        return address, port if colon else None
    return _bare_v6(text), None


def _bare_v6(text: str) -> str:
    """Return an IPv6 address that is no other address with a port behind it."""
    head, _, tail = text.rpartition(":")
    is_port = "." not in tail and (
        not _is_hexadecimal(tail) or (tail.isdecimal() and int(tail) < 65536)
    )
    if is_port and _is_address(head):
        if _is_address(text):
            raise BadInput(
                f"'{text}' can be read in two ways; write [{text}] for the address or [{head}]:{tail} for a port"
            )
        raise BadInput(f"an IPv6 address needs brackets before a port; write [{head}]:{tail}")
    return text


def _is_hexadecimal(text: str) -> bool:
    return bool(text) and all(character in "0123456789abcdefABCDEF" for character in text)


def _is_address(text: str) -> bool:
    try:
        pack_address(text)
    except BadInput:
        return False
    return True


def _addresses(text: str, family: int) -> tuple[Host, ...]:
    """Read ADDRESS[/BITS]; the family is that of the prefix, 0 for none."""
    if text in ANYWHERE:
        return (Host(family, None, 0),)
    if text == "localhost":
        return tuple(host for host in LOOPBACKS if family in (0, host.family))
    address, slash, bits = text.partition("/")
    if "%" in address:
        raise BadInput(
            f"'{address}' names an interface; write the address alone and `dev {address.partition('%')[2]}` beside it"
        )
    is_v6 = ":" in address
    if family and is_v6 != (family == AF_INET6):
        raise BadInput(f"'{address}' is no address of {PREFIX_OF[family][:-1]}")
    packed = _packed(address, is_partial=bool(slash))
    width = 128 if is_v6 else 32
    length = parse_count(bits) if slash else width
    if length > width:
        raise BadInput(f"/{bits} is too long: a prefix of this address has at most {width} bits")
    length += 128 - width
    return (Host(AF_INET6 if is_v6 else AF_INET, low_address(packed, length), length),)


def _packed(text: str, *, is_partial: bool) -> bytes:
    """Return the 16 bytes of an address; `10/8` and `193.233.7/24` leave zeros out, as in ss."""
    octets = text.split(".")
    if (
        ":" not in text
        and len(octets) < 4
        and all(octet.isdigit() for octet in octets)
        and (is_partial or len(octets) > 1)
    ):
        text = ".".join([*octets, "0", "0", "0"][:4])
    try:
        return pack_address(text)
    except BadInput as error:
        hint = "; write :PORT for a port" if text.isdigit() else "; ft looks no host name up"
        raise BadInput(f"{error}{hint}") from None


def low_address(address: bytes, bits: int) -> bytes:
    """Return the first address of the prefix that the address is in."""
    free = 128 - bits
    return (int.from_bytes(address, "big") >> free << free).to_bytes(16, "big")


def high_address(address: bytes, bits: int) -> bytes:
    """Return the last address of the prefix that the address is in."""
    return (int.from_bytes(address, "big") | ((1 << 128 - bits) - 1)).to_bytes(16, "big")


def _other_host(text: str, family: int) -> Host:
    """Read PROTOCOL[:DEVICE] of link, PROTOCOL[:PORT] of netlink, CID[:PORT] of vsock."""
    name, colon, port = text.partition(":")
    number = None if name in ("", "*") else _number(name, family)
    if not colon or port in ("", "*"):
        return Host(family, number, 0)
    if family == AF_PACKET:
        return Host(family, number, 0, port)
    return Host(family, number, 0, large_port(port, family))


def _number(name: str, family: int) -> int:
    """Return the number of an ethertype, a netlink protocol or a vsock context."""
    if family == AF_VSOCK:
        return parse_count(name)
    known = {str(word).lower(): number for number, word in _names(family).items()}
    if family == AF_PACKET:
        known |= {"all": 3, "ipv4": 0x800, "ip6": 0x86DD}
    if name.lower() in known:
        return known[name.lower()]
    if name[0].isdigit():
        return parse_count(name)
    raise BadInput(f"'{name}' is not known; known are {', '.join(sorted(known))}")


def _names(family: int) -> dict[int, str]:
    from fivetuple.analysis import ends

    return ends.NETLINK_NAMES if family == AF_NETLINK else ends.ETHERTYPES


def host_text(host: Host) -> str:
    """Write a host down so that `parse_hosts` reads it back."""
    prefix = PREFIX_OF.get(host.family, "")
    if host.family == AF_UNIX:
        # without quotes a comma would be part of the pattern, and no other host could follow
        return quoted(prefix + host.address, is_always=True)
    if host.family in (AF_PACKET, AF_NETLINK, AF_VSOCK):
        name = "*" if host.address is None else str(host.address)
        if host.port is None:
            return quoted(f"{prefix}{name}")
        port = host.port if isinstance(host.port, str) else ports_text(host.port._replace(family=0))
        return quoted(f"{prefix}{name}:{port}")
    port = "" if host.port is None else f":{ports_text(host.port)}"
    if host.address is None:
        address = "*"
    elif host.family == AF_INET6:
        address = f"[{address_text(host.address, AF_INET6)}]/{host.bits}"
    else:
        address = f"{address_text(host.address)}/{host.bits - 96}"
    return (prefix if host.is_only else "") + address + port
