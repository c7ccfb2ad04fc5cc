"""The values of filters: read from text and written back, by the kind of their field."""

from __future__ import annotations

from fivetuple.analysis.filter_hosts import host_text, parse_hosts
from fivetuple.analysis.filter_ports import parse_ports, ports_text
from fivetuple.analysis.filter_tree import Mark, Test, quoted
from fivetuple.analysis.filter_units import exact, parse_count, parse_duration_us, parse_size_bytes
from fivetuple.model import names, record
from fivetuple.model.endpoint import FAMILY_NAMES
from fivetuple.model.errors import BadInput
from fivetuple.model.state import NAMES as STATE_NAMES
from fivetuple.model.state import NEW_SYN_RECV, parse_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from fivetuple.analysis.filter_fields import Field

# Kind -> word -> the word we keep. Numbers follow in filter_compile.py.
WORDS = {
    "protocol": {name: name for name in names.PROTOCOLS}
    | {"link": "packet", "icmpv6": "icmp6", "ping": "icmp"},
    "family": {name: name for name in FAMILY_NAMES.values()}
    | {"ipv4": "inet", "ipv6": "inet6", "link": "packet"},
    "type": {name: name for name in names.TYPE_NAMES.values()},
    "timer": {name: name for name in ("retransmit", "keepalive", "timewait", "persist")}
    | {"time-wait": "timewait"},
    "shutdown": {name: name for name in ("read", "write", "both")},
    "basis": {name: name for name in ("holder", "listener")},
    "option": {name.lower(): name.lower() for name in record.OPTION_NAMES}
    | {text.lower(): name.lower() for name, text in record.OPTION_NAMES.items() if " " not in text},
}
MARK_LIMIT = 1 << 32
CGROUP_ROOT = "/sys/fs/cgroup"


def read_value(field: Field, name: str, operator: str, text: str) -> tuple[Any, ...]:
    """Return the values that one text means: most mean one.

    name: the field as it was typed; `rtt` asks for a unit, `rtt_us` has one.

    Raises:
        BadInput: the text is no value of the field; the message says what would be.
    """
    if operator == "~":
        from fivetuple.analysis.patterns import regex_matcher

        regex_matcher(text)
        return (text,)
    kind = field.kind
    if kind in WORDS:
        return (_word(kind, text),)
    reader = _READERS.get(kind)
    if reader:
        value: Any = reader(text)
        return value if kind in ("port", "host") else (value,)
    if kind in ("us", "ms", "age"):
        return (_time(field, name, text),)
    return (
        (text.removeprefix(CGROUP_ROOT).rstrip("/") or "/",) if field.name == "cgroup" else (text,)
    )


def _time(field: Field, name: str, text: str) -> int | float:
    """Return a time in the unit of its column, or in seconds for an age."""
    unit = field.kind if name == field.name and field.kind != "age" else None
    microseconds = parse_duration_us(text, unit)
    return exact(microseconds / {"us": 1, "ms": 1_000, "age": 1_000_000}[field.kind])


def _word(kind: str, text: str) -> str:
    """Look a word up; suggest a near one."""
    words = WORDS[kind]
    if text.lower() in words:
        return words[text.lower()]
    if kind == "protocol" and text[:3] == "ip-" and text[3:].isdecimal() and len(text) < 9:
        return f"ip-{int(text[3:])}"
    from difflib import get_close_matches

    near = get_close_matches(text.lower()[:40], words, 1)
    known = ", ".join(dict.fromkeys(words.values()))
    raise BadInput(
        f"'{text}' is no {kind}; "
        + (f"did you mean '{near[0]}'?" if near else f"there are {known}")
    )


def _states(text: str) -> int:
    """Return the mask of a state's or a group's name."""
    return sum(1 << number for number in parse_state(text))


def _mark(text: str) -> Mark:
    value, slash, mask = text.partition("/")
    mark = Mark(parse_count(value), parse_count(mask) if slash else MARK_LIMIT - 1)
    if max(mark) >= MARK_LIMIT:
        raise BadInput(f"'{text}' is out of range: a firewall mark has 32 bits")
    return mark


_READERS: dict[str, Callable[[str], Any]] = {
    "state": _states,
    "host": parse_hosts,
    "port": parse_ports,
    "count": parse_count,
    "size": parse_size_bytes,
    "mark": _mark,
}


def joined(kind: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the values as a test keeps them: states as one mask."""
    if kind != "state":
        return values
    mask = 0
    for value in values:
        mask |= value
    return (mask,)


def text_of_test(field: Field, test: Test) -> str:
    """Write a test down so that it is read back as the same test."""
    if not test.operator:
        return str(test.field)
    values = ",".join(value_text(field.kind, value) for value in test.values)
    return f"{test.field} {test.operator} {values}"


def value_text(kind: str, value: Any) -> str:  # noqa: ANN401  # each kind has its own type
    """Write one value down so that it is read back as the same value."""
    if kind == "state":
        return ",".join(_state_words(value))
    if kind == "host":
        return host_text(value)
    if kind == "port":
        return ports_text(value)
    if kind == "mark":
        return f"{value.value:#x}/{value.mask:#x}"
    if isinstance(value, (int, float)):
        number = str(value) if isinstance(value, int) else f"{value:.3f}"
        return number + {"us": "us", "ms": "ms", "age": "s"}.get(kind, "")
    return quoted(value)


def _state_words(mask: int) -> list[str]:
    """Name the states of a mask; SYN_RECV means its two numbers."""
    return [
        name.lower()
        for number, name in STATE_NAMES.items()
        if mask >> number & 1 and number != NEW_SYN_RECV
    ]
