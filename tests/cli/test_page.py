"""How wide a page is, and whether it takes colours."""

from __future__ import annotations

import pytest
from tests.support.asked import request, screen

from fivetuple.cli.page import LEAST_WIDTH, USUAL_WIDTH, page_for, terminal_width


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("100", 100),
        ("1", LEAST_WIDTH),
        ("0", USUAL_WIDTH),
        ("", USUAL_WIDTH),
        ("x", USUAL_WIDTH),
        ("9" * 50, USUAL_WIDTH),
        ("-5", USUAL_WIDTH),
        ("٣", USUAL_WIDTH),
    ],
)
def test_width_is_columns_where_that_is_a_number(columns, expected, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)

    with screen(is_terminal=True):
        assert terminal_width() == expected


def test_off_a_terminal_nothing_has_to_fit(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")

    with screen():
        page = page_for(request("ls"))

    assert (page.width, page.has_colour) == (None, False)


def test_markdown_has_neither_width_nor_colour():
    with screen(is_terminal=True):
        page = page_for(request("ls", "-o", "markdown", "--color", "always"))

    assert (page.width, page.has_colour, page.is_markdown) == (None, False, True)
