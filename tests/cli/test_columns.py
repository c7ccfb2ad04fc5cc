"""How wide a text is on a terminal, and how it is made to fit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fivetuple.cli.columns import GAP, folded, padded, shortened, squeezed, width_of

TEXTS = st.text(st.characters(blacklist_categories=("Cc", "Cf", "Cs", "Zl", "Zp")), max_size=40)


def test_wide_letters_take_two_columns_and_marks_none():
    assert width_of("ab") == 2
    assert width_of("日本") == 4
    assert width_of("é") == 1
    assert width_of("e\u0301") == 1


def test_padding_counts_columns_not_characters():
    assert padded("日本", 6, "<") == "日本  "
    assert padded("7", 3, ">") == "  7"


def test_what_was_cut_says_so():
    assert shortened("orders-api (900)", 9) == "orders-a…"
    assert shortened("192.0.2.10:443", 8, keeps_end=True) == "….10:443"
    assert shortened("short", 9) == "short"
    assert shortened("日本語", 4) == "日…"


@given(TEXTS, st.integers(0, 30), st.booleans())
def test_a_shortened_text_fits(text, room, keeps_end):
    assert (
        width_of(shortened(text, room, keeps_end=keeps_end)) <= max(room, 0)
        or width_of(text) <= room
    )


@given(TEXTS, st.integers(4, 30))
def test_folding_fits_and_loses_no_letter(text, room):
    lines = folded(text, room)

    assert all(width_of(line) <= room for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(
    st.lists(st.tuples(st.integers(1, 60), st.sampled_from("<>")), min_size=1, max_size=8),
    st.integers(10, 200),
)
def test_numbers_keep_their_width_and_the_rest_gives_way(columns, room):
    widths, aligns = [width for width, _ in columns], [align for _, align in columns]

    made = squeezed(widths, aligns, room)

    assert all(
        after == before
        for after, before, align in zip(made, widths, aligns, strict=True)
        if align == ">"
    )
    assert all(after <= before for after, before in zip(made, widths, strict=True))
    total = sum(made) + len(GAP) * (len(made) - 1)
    assert total <= room or all(
        after <= 6 for after, align in zip(made, aligns, strict=True) if align == "<"
    )
