"""Does a condition of a firewall rule hold for a packet? Yes, no, or it can't be told.

How to read TESTS: the field of a Condition, and the function that compares one of its values with
the packet: True, False, or None when that value can't be judged. A field that is not there
(marks, limits, matches we don't know) is never judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fivetuple.analysis.lookup_candidates import is_v4
from fivetuple.model.endpoint import pack_address
from fivetuple.model.errors import BadInput
from fivetuple.model.names import PROTOCOL_NUMBERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fivetuple.analysis.firewall_form import Condition
    from fivetuple.analysis.lookup_candidates import Packet


class Meeting(NamedTuple):
    """What a rule at one hook sees of a packet."""

    packet: Packet
    in_interface: str | None
    """Name; empty for none at this hook; None when not known."""
    out_interface: str | None
    state: str
    """As conntrack has it: new or established."""
    destination_type: str | None
    """local or unicast; None when not known."""


EVERY_PROTOCOL = frozenset(("all", "0", "any"))


def holds(condition: Condition, meeting: Meeting) -> bool | None:
    """Tell whether the condition holds; None when that can't be told from outside."""
    test = TESTS.get(condition.field)
    if test is None:
        return None
    results = [test(value, meeting) for value in condition.values]
    if True in results:
        return not condition.negated
    if None in results:
        return None
    return bool(condition.negated)


def _protocol(value: object, meeting: Meeting) -> bool | None:
    text = str(value)
    name = meeting.packet.protocol
    return text in EVERY_PROTOCOL or text in (name, str(PROTOCOL_NUMBERS[name]))


def _family(value: object, meeting: Meeting) -> bool | None:
    address = meeting.packet.destination.address
    return str(value) in (("ip", "ipv4", "2") if is_v4(address) else ("ip6", "ipv6", "10"))


def _address(text: object, address: bytes) -> bool | None:
    """Compare with `10.0.0.0/8`, `10.0.0.1-10.0.0.9` or one address."""
    if (":" in str(text)) == is_v4(address):
        return False  # ::/0 holds no IPv4
    try:
        low, high = _span(str(text))
    except (BadInput, ValueError):  # a name, or a form of nft's that we don't know
        return None
    return low <= int.from_bytes(address, "big") <= high


def _span(text: str) -> tuple[int, int]:
    """Return the first and the last address as numbers of 128 bits."""
    first, dash, last = text.partition("-")
    if dash:
        return _number(first), _number(last)
    base, slash, length = text.partition("/")
    if not slash:
        return _number(base), _number(base)
    bits = 128 if ":" in base else 32
    hosts = (1 << bits - int(length)) - 1 if length.isdigit() else _mask(length)
    low = _number(base) & ~hosts
    return low, low | hosts


def _mask(text: str) -> int:
    """Return the host bits of a netmask such as 255.255.255.0."""
    return ~_number(text) & 0xFFFFFFFF


def _number(text: str) -> int:
    return int.from_bytes(pack_address(text), "big")


def _source(value: object, meeting: Meeting) -> bool | None:
    return _address(value, meeting.packet.source.address)


def _destination(value: object, meeting: Meeting) -> bool | None:
    return _address(value, meeting.packet.destination.address)


def _port(value: object, port: int) -> bool | None:
    """Compare with (lowest, highest)."""
    return value[0] <= port <= value[1] if isinstance(value, tuple) else None


def _source_port(value: object, meeting: Meeting) -> bool | None:
    return _port(value, meeting.packet.source.port)


def _destination_port(value: object, meeting: Meeting) -> bool | None:
    return _port(value, meeting.packet.destination.port)


def _interface(value: object, name: str | None) -> bool | None:
    if name is None:
        return None
    text = str(value)
    return name.startswith(text[:-1]) and bool(name) if text.endswith("*") else name == text


def _in_interface(value: object, meeting: Meeting) -> bool | None:
    return _interface(value, meeting.in_interface)


def _out_interface(value: object, meeting: Meeting) -> bool | None:
    return _interface(value, meeting.out_interface)


def _state(value: object, meeting: Meeting) -> bool | None:
    return str(value) == meeting.state


def _destination_type(value: object, meeting: Meeting) -> bool | None:
    return None if meeting.destination_type is None else str(value) == meeting.destination_type


TESTS: Mapping[str, Callable[[object, Meeting], bool | None]] = {
    "protocol": _protocol,
    "family": _family,
    "source": _source,
    "destination": _destination,
    "source_port": _source_port,
    "destination_port": _destination_port,
    "in_interface": _in_interface,
    "out_interface": _out_interface,
    "state": _state,
    "destination_type": _destination_type,
}
