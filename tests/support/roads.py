"""One road's answer in a form that tests compare: rows as dicts, owners as sets of (pid, fd)."""

from __future__ import annotations

from collections import Counter, namedtuple
from typing import TYPE_CHECKING, Any

import fivetuple
from fivetuple.model import record
from fivetuple.model.names import PROTOCOLS, protocol_name

if TYPE_CHECKING:
    from collections.abc import Iterable

KERNEL_ROADS = ("bpf", "netlink", "proc")
IDENTITY = (
    "family", "type", "protocol_number", "state", "local", "local_port", "remote", "remote_port", "inode",
)  # fmt: skip

Dump = namedtuple("Dump", "rows holders missing refused road namespaces")
"""rows: dicts of columns and `protocol`; holders: inode -> {(pid, fd)}; the others as in Snapshot."""


def dump(
    road: str | None = None,
    netns: str | None = "self",
    protocols: Iterable[str] = PROTOCOLS,
    **words: Any,
) -> Dump:
    """Read the machine by a road; picklable, for `in_namespace`."""
    return dump_of(
        fivetuple.snapshot(road=road, netns=netns or "self", protocols=protocols, **words)
    )


def dump_of(snapshot: Any) -> Dump:
    """Return a snapshot's rows and owners."""
    rows = [row | {"protocol": _protocol(row)} for row in record.unpack(snapshot.rows)]
    holders = {inode: set(snapshot.holders_of(inode)) for inode in {row["inode"] for row in rows}}
    namespaces = {inode: space.name for inode, space in snapshot.namespaces.items()}
    return Dump(rows, holders, dict(snapshot.missing), snapshot.refused, snapshot.road, namespaces)


def identities(rows: Iterable[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    """Count the rows by what says which socket it is."""
    return Counter(tuple(row[name] for name in IDENTITY) for row in rows)


def different_columns(one: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the columns that both rows know and that differ: name -> both values."""
    both = one["known"] & other["known"]
    return {
        column.name: (one[column.name], other[column.name])
        for column in record.COLUMNS
        if column.name != "known"
        and (not column.group or both & column.group)
        and one[column.name] != other[column.name]
    }


def _protocol(row: dict[str, Any]) -> str:
    return protocol_name(row["family"], row["type"], row["protocol_number"])
