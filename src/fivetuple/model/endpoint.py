"""Endpoint and FiveTuple: one end of a conversation, and the conversation.

Addresses are 16 bytes in network order, IPv4 as v4-mapped (`::ffff:a.b.c.d`), so the two ends
of one connection compare equal even when one is an IPv6 socket that speaks IPv4.
`_socket` is imported for `inet_ntop` alone: it is pure, and `socket` costs 6 ms to import.
"""

from __future__ import annotations

from _socket import inet_ntop, inet_pton
from collections import namedtuple

from fivetuple.model.errors import BadInput

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK = 1, 2, 10, 16, 17, 40
FAMILY_NAMES = {
    AF_UNIX: "unix",
    AF_INET: "inet",
    AF_INET6: "inet6",
    AF_NETLINK: "netlink",
    AF_PACKET: "packet",
    AF_VSOCK: "vsock",
}
V4_PREFIX = bytes(10) + b"\xff\xff"
ANY_V4 = V4_PREFIX + bytes(4)
ANY_V6 = bytes(16)
WILDCARDS = frozenset((ANY_V4, ANY_V6))
LOOPBACK_V6 = bytes(15) + b"\x01"

# The platform's own numbers: AF_INET6 is 10 on Linux only, and rows always use Linux's.
_NATIVE_V4 = 2
_NATIVE_V6 = __import__("_socket").AF_INET6


class Endpoint(namedtuple("Endpoint", "address port")):
    """An address (16 bytes) and a port."""

    __slots__ = ()

    def __str__(self) -> str:
        """Return `10.0.0.5:443` or `[2001:db8::1]:443`."""
        return endpoint_text(self.address, self.port)


class FiveTuple(namedtuple("FiveTuple", "protocol local remote")):
    """Protocol name, local and remote Endpoint: what names one conversation in a namespace."""

    __slots__ = ()

    def flip(self) -> FiveTuple:
        """Return the same conversation as the other end sees it."""
        return FiveTuple(self.protocol, self.remote, self.local)

    def __str__(self) -> str:
        return f"{self.protocol} {self.local} -> {self.remote}"


class AddressTexts(dict):  # type: ignore[type-arg]  # a cache: bytes -> str
    """Text of 16-byte addresses, each made once: `texts[address]`."""

    def __missing__(self, address: bytes) -> str:
        text = self[address] = address_text(address)
        return text


def address_text(address: bytes, family: int = 0) -> str:
    """Return `10.0.0.5` or `2001:db8::1`; v4-mapped reads `::ffff:10.0.0.5` in family inet6."""
    if address[:12] == V4_PREFIX:
        text: str = inet_ntop(_NATIVE_V4, address[12:])
        return "::ffff:" + text if family == AF_INET6 else text
    return str(inet_ntop(_NATIVE_V6, address))


def endpoint_text(address: bytes, port: int, family: int = 0) -> str:
    """Return address and port the way that people write them."""
    text = address_text(address, family)
    return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"


def pack_address(text: str) -> bytes:
    """Return the 16 bytes of `10.0.0.5`, `2001:db8::1`, `[::1]` or `*` (any IPv4).

    Raises:
        BadInput: the text is no address.
    """
    bare = text[1:-1] if text[:1] == "[" and text[-1:] == "]" else text
    bare = bare.partition("%")[0]
    if bare == "*":
        return ANY_V4
    try:
        if ":" in bare:
            packed: bytes = inet_pton(_NATIVE_V6, bare)
            return packed
        return V4_PREFIX + inet_pton(_NATIVE_V4, bare)
    except (OSError, ValueError):  # ValueError: a NUL, or half of a surrogate pair
        raise BadInput(f"'{text}' is not an IPv4 or IPv6 address") from None


def parse_port(text: str) -> int:
    """Return a port number.

    Raises:
        BadInput: not a number, or beyond 65535.
    """
    if not (text.isascii() and text.isdigit()):
        raise BadInput(f"'{text}' is not a port number")
    port = int(text) if len(text) < 9 else 1 << 20
    if port > 65535:
        raise BadInput(f"port {text} is out of range: ports go from 0 to 65535")
    return port


def parse_endpoint(text: str) -> Endpoint:
    """Return the Endpoint of `10.0.0.5:443`, `[::1]:80`, `*:80` or `:80` (any IPv4 address).

    Raises:
        BadInput: the address or the port is wrong, or the port is missing.
    """
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and host[:1] != "["):
        raise BadInput(f"'{text}' is not ADDRESS:PORT; write 10.0.0.5:443 or [2001:db8::1]:443")
    return Endpoint(pack_address(host or "*"), parse_port(port))


def is_loopback(address: bytes) -> bool:
    """Tell whether the address is 127.0.0.0/8 or ::1."""
    return address[:13] == V4_PREFIX + b"\x7f" or address == LOOPBACK_V6


def is_link_local(address: bytes) -> bool:
    """Tell whether the address is fe80::/10 or 169.254.0.0/16 (RFC 4291 2.5.6, RFC 3927)."""
    if address[:12] == V4_PREFIX:
        return address[12:14] == b"\xa9\xfe"
    return address[0] == 0xFE and address[1] & 0xC0 == 0x80
