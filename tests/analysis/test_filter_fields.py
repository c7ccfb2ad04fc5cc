"""The table of the fields is complete, and the page of the language shows it."""

from __future__ import annotations

from pathlib import Path

from fivetuple.analysis.filter_fields import FIELD_OF, FIELDS, KINDS
from fivetuple.model import fields, record

PAGE = (Path(__file__).parents[2] / "docs/filters.md").read_text()


def test_every_column_and_every_shown_field_can_be_filtered():
    assert {*record.NAMES, *fields.FIELD} - {"kind", "known"} <= set(FIELD_OF)


def test_no_name_stands_for_two_fields():
    names = [name for field in FIELDS.values() for name in (field.name, *field.aliases)]

    assert len(names) == len(set(names))


def test_every_field_has_a_kind_a_meaning_and_an_example():
    for field in FIELDS.values():
        assert field.kind in KINDS
        assert field.meaning
        assert field.example


def test_page_of_the_language_shows_the_table():
    rows = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| `")]
    shown = {row[0][3:-1]: row for row in rows if len(row) == 6}

    assert list(shown) == list(FIELDS)
    for field in FIELDS.values():
        _, names, operators, value, example, meaning = shown[field.name]
        assert names.split() == [f"`{name}`" for name in field.aliases]
        assert operators.split() == [f"`{operator}`" for operator in KINDS[field.kind].operators]
        assert value == KINDS[field.kind].value
        assert example == f"`{field.example}`"
        assert meaning == f"{field.meaning} |"
