"""The lines of a terminal, divided among the overview's lists."""

from __future__ import annotations

from fivetuple.analysis.oddities import Oddity
from fivetuple.analysis.screen import Screen
from fivetuple.model.answer import Column, Table


def odd(count: int) -> list[Oddity]:
    return [Oddity("CLOSE_WAIT", 1, 0, None, [], None, "w" * 30, "m" * 100)] * count


def table(rows: int) -> list[object]:
    return [Table([Column("A")], [["x"]] * rows)]


def test_where_nothing_has_to_fit_every_list_has_all_its_lines():
    screen = Screen(None, (500, 500), odd(9), "")

    assert (screen.listening, screen.talking, screen.oddities_shown(odd(9))) == (None, None, None)


def test_a_list_that_needs_less_leaves_the_rest_to_the_others():
    screen = Screen((50, 80), (500, 2), [], "s")

    assert (screen.listening, screen.talking) == (50 - 10 - 1 - 2, 2)


def test_lines_that_folding_spared_go_on_to_destinations_and_oddities():
    screen = Screen((40, 80), (500, 500), odd(9), "s")
    before = screen.talking
    assert before is not None

    screen.after_listening(table(3))
    between = screen.talking
    screen.after_talking(table(1))

    assert between is not None
    assert between > before
    assert (screen.oddities_shown(odd(9)) or 0) > 1


def test_sentences_are_higher_on_a_narrow_screen():
    wide, narrow = Screen((30, 160), (0, 0), odd(9), "s"), Screen((30, 50), (0, 0), odd(9), "s")

    assert (wide.oddities_shown(odd(9)) or 0) > (narrow.oddities_shown(odd(9)) or 0)
