"""Print the JSON Schema of what `--json` gives.

Within a major version fields are only added. A field that is unknown is null.
"""

from __future__ import annotations

from fivetuple.model import record
from fivetuple.model.answer import Answer, Column, Table
from fivetuple.model.fields import DEFAULT_DATA, FIELD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fivetuple.model.command import Request
    from fivetuple.model.snapshot import Snapshot

ARGUMENTS = ""
OPTIONS = ()
DIALECT = "https://json-schema.org/draft/2020-12/schema"
LISTS = {"pids": "integer", "options": "string"}
TEXTS = frozenset(("timer", "shutdown", "interface", "congestion_algorithm"))
SURE = frozenset(("protocol", "family", "type", "state", "netns"))
DERIVED_NUMBERS = frozenset(("pid", "fd"))


def question(request: Request) -> None:  # every view has one
    """Ask for nothing: the schema is the same everywhere."""


def answer(snapshot: Snapshot | None, request: Request) -> Answer:  # the same
    """Print the schema; as a table for people who ask for one."""
    if request.get("output") in ("table", "wide", "markdown", "csv", "jsonl"):
        return Answer(
            [Table([Column("FIELD"), Column("TYPE"), Column("UNIT"), Column("MEANING")], _rows())],
            {"fields": _listed()},
            lists="fields",
        )
    return Answer(data=schema(), is_whole=True)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the object that `ft ls --json` prints."""
    members = {name: _property(name) for name in DEFAULT_DATA}
    members["remote_name"] = {
        "type": ["string", "null"],
        "description": "host name of the remote address; there with --resolve only",
    }
    return {
        "$schema": DIALECT,
        "title": "fivetuple/1",
        "type": "object",
        "required": ["schema"],
        "properties": {
            "schema": {"const": "fivetuple/1"},
            "host": {"type": "string", "description": "name of the machine"},
            "taken": {
                "type": "string",
                "format": "date-time",
                "description": "when, RFC 3339 in UTC",
            },
            "sockets": {"type": "array", "items": {"$ref": "#/$defs/socket"}},
            "missing": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "what the answer lacks -> why",
            },
        },
        "$defs": {
            "socket": {
                "type": "object",
                "properties": members,
            }
        },
    }


def _property(name: str) -> dict[str, Any]:
    field = FIELD[name]
    words = f"{field.meaning} ({field.unit})" if field.unit else field.meaning
    if name in LISTS:
        kinds: object = "array" if name in SURE else ["array", "null"]
        return {"type": kinds, "items": {"type": LISTS[name]}, "description": words}
    kind = kind_of(name)
    return {"type": kind if name in SURE else [kind, "null"], "description": words}


def kind_of(name: str) -> str:
    """Return `integer` or `string`."""
    column = record.COLUMN.get(name)
    is_number = name in DERIVED_NUMBERS or (
        column is not None
        and not column.format.endswith("s")
        and name not in TEXTS
        and name not in ("family", "type", "state")
    )
    return "integer" if is_number else "string"


def _listed() -> list[dict[str, str]]:
    return [
        {
            "field": name,
            "type": kind_of(name),
            "unit": FIELD[name].unit,
            "meaning": FIELD[name].meaning,
        }
        for name in DEFAULT_DATA
    ]


def _rows() -> list[list[str]]:
    return [[row["field"], row["type"], row["unit"], row["meaning"]] for row in _listed()]
