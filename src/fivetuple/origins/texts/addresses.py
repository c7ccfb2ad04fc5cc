"""Addresses and ports as ss, netstat and lsof print them: brackets, scopes, stars and names."""

from __future__ import annotations

from _socket import getservbyname

from fivetuple.model.endpoint import (
    AF_INET,
    AF_INET6,
    ANY_V4,
    ANY_V6,
    LOOPBACK_V6,
    V4_PREFIX,
    pack_address,
)

ANYWHERE = 0
"""The family of `*`, which both families write."""
LOOPBACK_V4 = V4_PREFIX + b"\x7f\0\0\1"
LOCALHOSTS = frozenset(("localhost", "ip6-localhost", "ip6-loopback", "localhost6"))


class Hosts(dict[str, tuple[int, bytes, str]]):
    """Text of an address -> family, 16 bytes, interface; each read once: `hosts[text]`.

    Raises BadInput (a BAD_ROW) for a host's name.
    """

    def __missing__(self, text: str) -> tuple[int, bytes, str]:
        bare = text
        interface = ""
        if "%" in bare:
            bare, _, interface = bare.replace("]", "").replace("[", "").partition("%")
        if bare in ("*", ""):
            host = (ANYWHERE, ANY_V4, interface)
        else:
            if bare[:1] == "[" and bare[-1:] == "]":
                bare = bare[1:-1]
            host = (AF_INET6 if ":" in bare else AF_INET, pack_address(bare), interface)
        self[text] = host
        return host


def any_address(family: int) -> bytes:
    """Return the wildcard of the family."""
    return ANY_V6 if family == AF_INET6 else ANY_V4


def localhost(name: str, family: int) -> bytes | None:
    """Return the loopback address when the name stands for it (RFC 6761 section 6.3)."""
    if name not in LOCALHOSTS:
        return None
    return LOOPBACK_V6 if family == AF_INET6 else LOOPBACK_V4


class Ports(dict[str, int]):
    """Text of a port -> number, of one protocol: digits, `*`, or a service's name.

    A name is looked up in /etc/services, where the tool had it from if the text is of this
    machine, then in the registry. Raises ValueError for one that stands for no number or several.
    """

    def __init__(self, protocol: str) -> None:
        super().__init__({"*": 0})
        self._protocol = protocol

    def __missing__(self, text: str) -> int:
        if text.isdecimal():
            number = int(text[:9])
            if number > 0xFFFF:
                raise ValueError(f"port {number}")
        else:
            number = self._named(text)
        self[text] = number
        return number

    def _named(self, text: str) -> int:
        try:
            return getservbyname(text, self._protocol)
        except (OSError, UnicodeError):
            from fivetuple.model.services import port_of

            numbers = port_of(text, self._protocol)
        if len(numbers) != 1:
            raise ValueError(f"{len(numbers)} ports are called {text}")
        return numbers[0]
