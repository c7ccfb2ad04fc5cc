"""Folding: as many lines as there is room for, and nothing is lost without being counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fivetuple.analysis.folding import ALIKE, LEAST_ALIKE, NAMESPACE, fold, port_words, room_for

ENTRIES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 9)), max_size=60)


def folded(entries, room):
    """Entries are (namespace, program, weight); namespace 0 is our own."""
    return fold(
        entries,
        room,
        alike=lambda each: each[:2],
        namespace=lambda each: each[0] or None,
        weight=lambda some: (sum(each[2] for each in some),),
    )


@given(ENTRIES, st.integers(1, 30))
def test_lines_fit_the_room_and_every_entry_is_shown_or_counted(entries, room):
    lines, left = folded(entries, room)

    assert len(lines) <= max(room, 1)
    assert sum(len(line.entries) for line in lines) + left == len(entries)


@given(ENTRIES)
def test_without_a_room_every_entry_has_its_line_in_order(entries):
    lines, left = folded(entries, None)

    assert [entry for line in lines for entry in line.entries] == entries
    assert (len(lines), left) == (len(entries), 0)


def test_the_largest_group_folds_first_and_no_more_than_needed():
    entries = [(0, 1, 0)] * 5 + [(0, 2, 0)] * 3 + [(0, 3, 0)]

    lines, left = folded(entries, 6)

    assert [(len(line.entries), line.how) for line in lines] == [
        (5, ALIKE), (1, "one"), (1, "one"), (1, "one"), (1, "one"),
    ]  # fmt: skip
    assert left == 0


def test_namespaces_fold_when_programs_are_not_enough_and_our_own_never_does():
    entries = [(0, n, 0) for n in range(3)] + [(space, n, 0) for space in (1, 2) for n in range(4)]

    lines, left = folded(entries, 6)

    assert [(line.entries[0][0], line.how) for line in lines] == [
        (0, "one"), (0, "one"), (0, "one"), (1, NAMESPACE), (2, NAMESPACE),
    ]  # fmt: skip
    assert left == 0


def test_the_heaviest_lines_stay_in_their_order():
    lines, left = folded([(0, n, weight) for n, weight in enumerate((1, 9, 0, 5))], 3)

    assert [line.entries[0][2] for line in lines] == [9, 5]
    assert left == 2
    assert LEAST_ALIKE == 3


def test_ports_are_a_number_or_a_range_with_its_count():
    assert port_words([80, 80]) == "80"
    assert port_words(range(8000, 8300)) == "8000-8299 (300 ports)"
    assert port_words([5, 1, 9]) == "1-9 (3 ports)"


@given(st.lists(st.integers(0, 500), min_size=3, max_size=3), st.integers(0, 100))
def test_a_screen_is_divided_without_waste(wants, rows):
    given_rows = room_for(wants, (0.5, 0.3, 0.2), rows)

    assert sum(given_rows) == min(rows, sum(wants))
    assert all(0 <= got <= want for got, want in zip(given_rows, wants, strict=True))
