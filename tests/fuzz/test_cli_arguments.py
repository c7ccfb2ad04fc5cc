"""The quick reader of command lines against click: any mix of flags and words is read the same way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivetuple.cli.arguments import parse
from fivetuple.cli.commands import command_names, is_view, load
from fivetuple.cli.options import COMMON, FORMATS, OUTPUT
from fivetuple.cli.quick import quick_parse
from fivetuple.cli.route import route
from fivetuple.model.errors import BadInput
from fivetuple.views import ls

LS = (*ls.OPTIONS, *COMMON)
FLAGS = [flag for option in LS if option.kind == "flag" for flag in option.flags]
LETTERS = "".join(flag[1] for flag in FLAGS if not flag.startswith("--"))
WORDS = st.sampled_from(
    [
        "state",
        "established",
        "(",
        ")",
        "dport",
        "=",
        ":443",
        "!",
        "-",
        "",
        "json",
        "80",
        "ünï",
        "a b",
    ]
)
CLUSTERS = st.text(LETTERS + "of-z", min_size=1, max_size=5).map(lambda letters: "-" + letters)
LINES = st.lists(
    st.one_of(
        st.sampled_from(FLAGS),
        CLUSTERS,
        WORDS,
        st.sampled_from(
            [
                "-o",
                "--",
                *FORMATS,
                "--limit",
                "5",
                "--output",
                "--fields=pid",
                "--watch",
                "--jsno",
                "-f",
                "inet",
                "--fields",
                "--sort",
                "-local_port",
                "pid,state",
                "--sort=-pid",
                "--limit=7",
                "--limit=x",
                "--by",
                "process",
                "-N",
                "--netns=",
                "--from",
                "--color=never",
            ]
        ),
        st.text(max_size=6),
    ),
    max_size=8,
)


def _by_click(options, line):
    try:
        return parse("ls", options, line)
    except BadInput:
        return None


@given(LINES)
def test_quick_reads_what_click_reads(line):
    quick = quick_parse(LS, line)

    if quick is not None:
        assert _by_click(LS, line) == quick


@given(st.lists(st.one_of(st.sampled_from(FLAGS), WORDS), max_size=8))
def test_plain_flags_and_words_never_need_click(line):
    assert quick_parse(LS, line) is not None


@pytest.mark.parametrize("name", sorted(command_names()))
@given(line=LINES)
def test_every_command_is_read_the_same_way(name, line):
    module = load(command_names()[name])
    options = (*module.OPTIONS, *(COMMON if is_view(module) else OUTPUT))

    quick = quick_parse(options, line)

    if quick is not None:
        assert _by_click(options, line) == quick


@given(
    st.lists(
        st.text(max_size=8) | st.sampled_from(["ls", "port", "--netns", "--watch", "--", "-"]),
        max_size=6,
    )
)
def test_every_line_has_a_command_and_loses_no_word(line):
    name, rest = route(line, command_names())

    assert name in command_names()
    assert len(line) - len(rest) <= 2  # the command itself, and `--`
    assert [word for word in rest if word not in line] == []


@given(st.lists(st.text(max_size=12), max_size=4))
def test_click_raises_our_error_and_nothing_else(line):
    _by_click(LS, line)
