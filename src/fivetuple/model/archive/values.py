r"""Everything of a saved snapshot that is no row, as JSON: which attribute is stored how.

How to read the tables: attribute -> Kind, a pair of functions (value -> JSON, JSON -> value).
What is loaded is checked, because a file can say anything: a wrong type raises ValueError here,
not a traceback later. An attribute that the file lacks keeps its default; one that we don't
know is dropped. A new attribute of these classes must be named here (a test compares).

Strangers' bytes become text with surrogate escapes, which JSON spells `\udcNN`: nothing is lost.
"""

from __future__ import annotations

from collections import namedtuple
from itertools import chain

from fivetuple.model import record
from fivetuple.model.namespace import Namespace
from fivetuple.model.process import Place, Process
from fivetuple.model.snapshot import Host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from fivetuple.model.snapshot import Rows, Snapshot

Kind = namedtuple("Kind", "dump load")
MAX_NUMBER = (1 << 64) - 1
MAX_TIME_NS = (1 << 63) - 1  # the year 2262; a date beyond 9999 could not even be shown
ADDRESS_BYTES = 16


def _same(value: object) -> object:
    return value


def _of_type(wanted: type) -> Kind:
    def load(value: object) -> object:
        if type(value) is not wanted:
            raise ValueError(f"{type(value).__name__} where {wanted.__name__} belongs")
        return value

    return Kind(_same, load)


def _up_to(limit: int) -> Kind:
    def load(value: object) -> int:
        if type(value) is not int or not 0 <= value <= limit:
            raise ValueError("no number, or one out of range")
        return value

    return Kind(_same, load)


def _optional(kind: Kind) -> Kind:
    return Kind(
        lambda value: None if value is None else kind.dump(value),
        lambda value: None if value is None else kind.load(value),
    )


def _tuple_of(kind: Kind) -> Kind:
    return Kind(
        lambda value: [kind.dump(one) for one in value],
        lambda value: tuple(kind.load(one) for one in LIST.load(value)),
    )


def _set_of(kind: Kind) -> Kind:
    return Kind(
        lambda value: sorted(kind.dump(one) for one in value),
        lambda value: frozenset(kind.load(one) for one in LIST.load(value)),
    )


def _fields(*kinds: Kind) -> Kind:
    """Make the kind of a tuple of so many different things."""
    return Kind(
        lambda value: [kind.dump(one) for kind, one in zip(kinds, value, strict=True)],
        lambda value: tuple(
            kind.load(one) for kind, one in zip(kinds, LIST.load(value), strict=True)
        ),
    )


def _mapping(key: Kind, content: Kind) -> Kind:
    """Make the kind of a dict; JSON gets pairs, for its keys could only be text."""
    return Kind(
        lambda value: [[key.dump(one), content.dump(other)] for one, other in value.items()],
        lambda value: {key.load(one): content.load(other) for one, other in LIST.load(value)},
    )


def _object(make: Callable[[], Any], attributes: dict[str, Kind]) -> Kind:
    """Make the kind of an object of ours."""

    def dump(value: object) -> dict[str, Any]:
        return {name: kind.dump(getattr(value, name)) for name, kind in attributes.items()}

    def load(value: object) -> object:
        made = make()
        given = DICT.load(value)
        for name, kind in attributes.items():
            if name in given:
                setattr(made, name, kind.load(given[name]))
        return made

    return Kind(dump, load)


def _load_bytes(value: object) -> bytes:
    text: str = TEXT.load(value)
    return text.encode("utf-8", "surrogateescape")


def _load_address(value: object) -> bytes:
    address = bytes.fromhex(TEXT.load(value))
    if len(address) != ADDRESS_BYTES:
        raise ValueError("no address")
    return address


LIST = _of_type(list)
DICT = _of_type(dict)
TEXT = _of_type(str)
TRUTH = _of_type(bool)
NUMBER = _up_to(MAX_NUMBER)
TIME_NS = _up_to(MAX_TIME_NS)
BYTES = Kind(lambda value: value.decode("utf-8", "surrogateescape"), _load_bytes)
ADDRESS = Kind(lambda value: value.hex(), _load_address)
MAYBE_TEXT, MAYBE_NUMBER = _optional(TEXT), _optional(NUMBER)


def _dump_plain(value: object) -> object:
    """Spell plain data of any shape; None for what is none (it is then not saved)."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": BYTES.dump(bytes(value))}
    if isinstance(value, dict):
        return {"dict": [[_dump_plain(key), _dump_plain(one)] for key, one in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_dump_plain(one) for one in value]}
    return [_dump_plain(one) for one in value] if isinstance(value, list) else None


def _load_plain(value: object) -> object:
    if isinstance(value, list):
        return [_load_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    ((shape, content),) = value.items()
    if shape == "bytes":
        return BYTES.load(content)
    if shape == "tuple":
        return tuple(map(_load_plain, LIST.load(content)))
    if shape == "dict":
        return {_load_plain(key): _load_plain(one) for key, one in LIST.load(content)}
    raise ValueError("data of no known shape")


PLACE = {
    "unit": MAYBE_TEXT,
    "user_unit": TRUTH,
    "container_id": MAYBE_TEXT,
    "engine": MAYBE_TEXT,
    "pod": MAYBE_TEXT,
    "container_name": MAYBE_TEXT,
    "container_image": MAYBE_TEXT,
    "slice": MAYBE_TEXT,
}

PROCESS = {
    "pid": NUMBER,
    "name": TEXT,
    "comm": BYTES,
    "exe": BYTES,
    "argv": _tuple_of(BYTES),
    "parent_pid": MAYBE_NUMBER,
    "uid": MAYBE_NUMBER,
    "started_ns": _optional(TIME_NS),
    "cgroup": MAYBE_TEXT,
    "netns": MAYBE_NUMBER,
    "place": _optional(_object(Place, PLACE)),
    "state": MAYBE_TEXT,
}

NAMESPACE = {
    "inode": NUMBER,
    "name": TEXT,
    "pid": MAYBE_NUMBER,
    "path": MAYBE_TEXT,
    "is_own": TRUTH,
    "nsid_names": _tuple_of(TEXT),
    "sysctls": _mapping(TEXT, TEXT),
    "interfaces": _mapping(NUMBER, TEXT),
    "addresses": _tuple_of(_fields(NUMBER, ADDRESS, NUMBER)),
    "routes": _tuple_of(_fields(ADDRESS, NUMBER, NUMBER, _optional(ADDRESS))),
    "local_prefixes": _tuple_of(_fields(ADDRESS, NUMBER)),
    "firewall": Kind(_dump_plain, _load_plain),
}

HOST = {"name": TEXT, "system": TEXT, "kernel": TEXT, "boot_id": TEXT}


def _dump_holders(holders: dict[int, int]) -> list[list[int]]:
    return [list(holders), list(holders.values())]


def _load_holders(value: object) -> dict[int, int]:
    inodes, held = LIST.load(value)
    if set(map(type, chain(inodes, held))) - {int}:
        raise ValueError("a holder is no number")
    if min(chain(inodes, held), default=0) < 0 or max(chain(inodes, held), default=0) > MAX_NUMBER:
        raise ValueError("a holder is out of range")
    return dict(zip(inodes, held, strict=True))


# Section -> the snapshot's attributes in it.
SECTIONS = {
    "META": {
        "host": _object(lambda: Host(""), HOST),
        "taken_ns": TIME_NS,
        "road": TEXT,
        "facts": NUMBER,
        "own_netns": NUMBER,
        "protocols": _optional(_set_of(TEXT)),
        "missing": _mapping(NUMBER, TEXT),
        "refused": NUMBER,
        "users": _mapping(NUMBER, TEXT),
        "interfaces": _mapping(NUMBER, _mapping(NUMBER, TEXT)),
    },
    "HOLD": {
        "holders": Kind(_dump_holders, _load_holders),
        "shared": _mapping(NUMBER, _tuple_of(NUMBER)),
        "socket_units": _mapping(NUMBER, _fields(TEXT, TEXT)),
    },
    "PROC": {
        "processes": _mapping(NUMBER, _object(lambda: Process(0, ""), PROCESS)),
        "places": _mapping(NUMBER, _object(Place, PLACE)),
    },
    "UNIX": {"unix_names": _mapping(NUMBER, BYTES)},
    "NETN": {"namespaces": _mapping(NUMBER, _object(lambda: Namespace(0, ""), NAMESPACE))},
}


def dump_snapshot(snapshot: Snapshot) -> dict[str, bytes]:
    """Return the JSON of every section."""
    return {
        tag: to_json({name: kind.dump(getattr(snapshot, name)) for name, kind in table.items()})
        for tag, table in SECTIONS.items()
    }


def load_snapshot(snapshot: Snapshot, sections: dict[str, bytes]) -> None:
    """Fill in the attributes that the sections hold.

    Raises:
        ValueError, TypeError, RecursionError: one isn't what it should be.
    """
    for tag, table in SECTIONS.items():
        given = DICT.load(from_json(sections[tag])) if tag in sections else {}
        for name, kind in table.items():
            if name in given:
                setattr(snapshot, name, kind.load(given[name]))


def to_json(value: object) -> bytes:
    """Spell plain data as compact JSON."""
    from json import dumps

    return dumps(value, separators=(",", ":")).encode("ascii")


def from_json(text: bytes) -> Any:  # noqa: ANN401  # whatever the file holds; Kinds check it
    """Read JSON.

    Raises:
        ValueError, RecursionError: it is none.
    """
    from json import loads

    return loads(text)


def namespaces_with_interfaces(rows: Rows) -> set[int]:
    """Return the namespaces in which a socket is bound to an interface."""
    met = set(record.Projection("netns", "interface").read(rows))
    return {netns for netns, interface in met if interface}


def users_met(rows: Rows) -> set[int]:
    """Return the known user ids of the rows."""
    met = set(record.Projection("known", "uid").read(rows))
    return {uid for known, uid in met if known & record.UID}
