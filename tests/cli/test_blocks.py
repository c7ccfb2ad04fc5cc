"""The blocks of an answer as lines."""

from __future__ import annotations

import pytest

from fivetuple.cli.blocks import draw
from fivetuple.cli.columns import width_of
from fivetuple.cli.page import Page
from fivetuple.model.answer import WARN, Column, Heading, Line, Pairs, Styled, Table, Verbatim

PLAIN = Page(None, has_colour=False)
TABLE = Table(
    (
        Column("PORT", ">"),
        Column("NAME"),
        Column("NOTE", "<", 2),
        Column("WHAT FOR", "<", 0, folds=True),
    ),
    [
        ("22", "ssh", "x" * 30, "log in, copy files, forward ports and more besides"),
        ("443", "https", "", "web"),
    ],
)


def test_a_table_off_a_terminal_is_whole():
    lines = list(draw(TABLE, PLAIN))

    assert lines[0] == "  PORT  NAME   NOTE                            WHAT FOR"
    assert (
        lines[1] == f"    22  ssh    {'x' * 30}  log in, copy files, forward ports and more besides"
    )
    assert lines[2] == "   443  https                                  web"


def test_a_narrow_table_loses_what_matters_least_and_folds_the_rest():
    lines = list(draw(TABLE, Page(40, has_colour=False)))

    assert "NOTE" not in lines[0]
    assert all(width_of(line) <= 40 for line in lines)
    assert (
        " ".join(" ".join(line[15:].split()) for line in lines[1:-1])
        == "log in, copy files, forward ports and more besides"
    )


def test_no_headings_when_not_wanted():
    assert len(list(draw(TABLE, PLAIN, has_headings=False))) == 2


def test_names_of_strangers_are_measured_as_they_are_shown():
    rows = [("\x1b[31m\n", "a"), ("b", "c")]

    lines = list(draw(Table((Column("A"), Column("B")), rows), PLAIN))

    assert lines[1] == r"  \x1b[31m\n  a"
    assert lines[2] == "  b           c"


def test_sentences_are_wrapped_under_their_indent():
    lines = list(draw(Line("    one two three four five six"), Page(16, has_colour=False)))

    assert lines == ["    one two", "    three four", "    five six"]


def test_pairs_wrap_beside_their_label():
    lines = list(
        draw(
            Pairs([("owner", "nginx"), ("why", "it was started by hand long ago")]),
            Page(26, has_colour=False),
        )
    )

    assert lines[0] == "  owner  nginx"
    assert lines[1] == "  why    it was started by"
    assert lines[2] == "         hand long ago"


def test_colour_stands_beside_the_words_and_never_in_their_place():
    table = Table((Column("STATE"),), [(Styled("CLOSE_WAIT", WARN),)])

    assert list(draw(table, Page(None, has_colour=True)))[1] == "  \x1b[33mCLOSE_WAIT\x1b[0m"
    assert list(draw(table, PLAIN))[1] == "  CLOSE_WAIT"


def test_verbatim_is_neither_wrapped_nor_escaped():
    assert list(draw(Verbatim("a\tb\n" + "x" * 90), Page(40, has_colour=False))) == [
        "a\tb",
        "x" * 90,
    ]


def test_markdown_shows_what_strangers_wrote_as_text():
    page = Page(None, has_colour=False, is_markdown=True)
    table = Table((Column("A"), Column("B")), [("a|b\\|c", "<img src=x> [l](u) `c` *b* _i_ ~s~")])

    lines = list(draw(table, page))

    assert lines[:2] == ["| A | B |", "|---|---|"]
    assert lines[2] == r"| a\|b\\\|c | &lt;img src=x> \[l\](u) \`c\` \*b\* \_i\_ \~s\~ |"
    assert list(draw(Heading("a\nb"), page)) == ["\n## a\\\\nb\n"]


def test_what_is_no_block_is_a_fault_of_ours():
    with pytest.raises(TypeError):
        list(draw(object(), PLAIN))
