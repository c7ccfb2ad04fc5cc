"""Counting sockets: by process, remote, port, state ... (`--by`), and the summary of `-s`."""

from __future__ import annotations

from collections import Counter

from fivetuple.analysis.lens import Lens
from fivetuple.model.answer import Answer, Column, Line, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from fivetuple.analysis.choosing import Keep
    from fivetuple.model.snapshot import Snapshot

# what --by counts: the fields that make a group's name, and what they are called in JSON
KEYS = {
    "process": ("process",),
    "remote": ("remote_address", "remote_port"),
    "port": ("protocol", "local_port"),
    "state": ("protocol", "state"),
    "user": ("user",),
    "container": ("container",),
    "unit": ("unit",),
    "netns": ("netns", "netns_name"),
    "protocol": ("protocol",),
    "service": ("service",),
    "command": ("command",),
}
STATES_SHOWN = 4


def counted(snapshot: Snapshot, keep: Keep | None, by: str, limit: int | None) -> Answer:
    """Count the sockets by a field, the largest group first."""
    names = KEYS[by]
    groups: dict[tuple[Any, ...], Counter[str]] = {}
    for *key, state in _values(snapshot, keep, (*names, "state")):
        groups.setdefault(tuple(key), Counter())[state] += 1
    order = sorted(groups, key=lambda key: (-groups[key].total(), str(key)))[:limit]
    rows = [
        dict(zip(names, key, strict=True))
        | {"count": groups[key].total(), "states": dict(groups[key].most_common())}
        for key in order
    ]
    columns = [
        Column(name.replace("_", " ").upper(), ">" if name == "local_port" else "<")
        for name in names
    ]
    table = Table(
        [Column("SOCKETS", ">"), *columns, Column("STATES", "<", 1)],
        [
            [str(row["count"]), *(_shown(row[name]) for name in names), states_text(groups[key])]
            for key, row in zip(order, rows, strict=True)
        ],
    )
    return Answer([table], {"by": by, "groups": rows}, lists="groups", status=0 if rows else 1)


def states_text(states: Counter[str]) -> str:
    """Write the commonest states: `ESTABLISHED 12, TIME_WAIT 3`."""
    common = [f"{state} {count}" for state, count in states.most_common(STATES_SHOWN)]
    left = len(states) - STATES_SHOWN
    return ", ".join(common) + (f", {left} more" if left > 0 else "")


def summary(snapshot: Snapshot, keep: Keep | None) -> Answer:
    """Count by protocol, family and state, as `ss -s` does."""
    counts: Counter[tuple[str, str, str]] = Counter(
        _values(snapshot, keep, ("protocol", "family", "state"))
    )
    protocols: dict[str, dict[str, Any]] = {}
    for (protocol, family, state), count in sorted(counts.items()):
        entry = protocols.setdefault(
            protocol, {"protocol": protocol, "total": 0, "families": Counter(), "states": Counter()}
        )
        entry["total"] += count
        entry["families"][family] += count
        entry["states"][state] += count
    rows = sorted(protocols.values(), key=lambda entry: -entry["total"])
    table = Table(
        [Column("PROTOCOL"), Column("SOCKETS", ">"), Column("IPV4", ">"), Column("IPV6", ">"), Column("STATES", "<", 1)],
        [
            [row["protocol"], str(row["total"]), _shown(row["families"].get("inet")), _shown(row["families"].get("inet6")),
             ", ".join(f"{state} {count}" for state, count in row["states"].most_common())]
            for row in rows
        ],
    )  # fmt: skip
    total = counts.total()
    data = {
        "total": total,
        "summary": [
            row | {"families": dict(row["families"]), "states": dict(row["states"])} for row in rows
        ],
    }
    return Answer([Line(f"{total} sockets"), table], data, lists="summary")


def _values(
    snapshot: Snapshot, keep: Keep | None, names: tuple[str, ...]
) -> Iterator[tuple[Any, ...]]:
    lens = Lens(snapshot)
    values = lens.values(names)
    for chunk in snapshot.chunks():
        lens.ownership.learn(chunk)
        yield from values(keep(chunk) if keep else chunk)


def _shown(value: object) -> str:
    return "-" if value is None else str(value)
