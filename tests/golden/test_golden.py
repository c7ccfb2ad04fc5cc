"""What programs and people rely on stays as it is: schema, help, lists, drawn from a hand-made Snapshot.

A wanted change: `FT_GOLDEN=write pytest tests/golden`, then read the diff.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.support.asked import written
from tests.support.zoo import snapshot

from fivetuple.analysis.manual import command_page
from fivetuple.cli.cards import cards
from fivetuple.cli.commands import command_names
from fivetuple.views.schema import schema

FOLDER = Path(__file__).parent

LISTS = {
    "ls.txt": ("ls", "-a"),
    "ls-wide.txt": ("ls", "-a", "-o", "wide"),
    "ls-sorted.txt": ("ls", "-ta", "--sort", "-local_port"),
    "ls-flags.txt": ("ls", "-taemoi"),
    "ls-summary.txt": ("ls", "-as"),
    "ls-by-process.txt": ("ls", "-a", "--by", "process"),
    "ls-by-remote.txt": ("ls", "-ta", "--by", "remote"),
    "ls.json": ("ls", "-a", "--json"),
    "ls.jsonl": ("ls", "-a", "-o", "jsonl"),
    "ls.csv": ("ls", "-a", "-o", "csv"),
    "ls.md": ("ls", "-a", "-o", "markdown"),
    "services-database.txt": ("services", "5432"),
    "explain-time-wait.txt": ("explain", "TIME_WAIT"),
    "explain.txt": ("explain",),
}
NARROW = {
    "ls-80.txt": (80, ("ls", "-a")),
    "ls-40.txt": (40, ("ls", "-a")),
    "services-60.txt": (60, ("services", "20-25")),
}
HELP = ("ls", "explain", "help", "services", "schema", "man", "completion")


def _holds(name: str, text: str) -> None:
    """Compare with the golden file, or write it when that is wished."""
    path = FOLDER / name
    if os.environ.get("FT_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_drawn_as_before(name):
    _holds(name, written(snapshot(), *LISTS[name])[0])


@pytest.mark.parametrize("name", NARROW)
def test_a_list_on_a_terminal_is_drawn_as_before(name, monkeypatch):
    columns, arguments = NARROW[name]
    monkeypatch.setenv("COLUMNS", str(columns))

    _holds(name, written(snapshot(), *arguments, "--color", "never", is_terminal=True)[0])


@pytest.mark.parametrize("name", HELP)
def test_help_is_drawn_as_before(name):
    _holds(f"help-{name}.txt", "\n".join(command_page(cards(command_names())[name])) + "\n")


def test_within_a_major_version_columns_are_only_added():
    """Fields of the golden schema may not go or change their type; new ones are written with FT_GOLDEN=write."""
    path = FOLDER / "schema.json"
    if os.environ.get("FT_GOLDEN") == "write":
        path.write_text(json.dumps(schema(), indent=1) + "\n")
    promised = json.loads(path.read_text())["$defs"]["socket"]["properties"]

    now = schema()["$defs"]["socket"]["properties"]

    assert {name: now.get(name, {}).get("type") for name in promised} == {
        name: field["type"] for name, field in promised.items()
    }


def test_the_golden_schema_knows_every_field():
    promised = json.loads((FOLDER / "schema.json").read_text())

    assert promised == schema()
