"""Globs match as fnmatch does; a regular expression that could take for ever is refused."""

from __future__ import annotations

import fnmatch
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fivetuple.analysis.patterns import SEEN_CHARACTERS, glob_matcher, regex_matcher
from fivetuple.model.errors import BadInput


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab*?c", max_size=8), st.text(alphabet="abc/", max_size=8))
def test_glob_matches_as_fnmatch_does(pattern, text):
    assert glob_matcher(pattern)(text) == fnmatch.fnmatchcase(text, pattern)


@settings(max_examples=300, deadline=None)
@given(
    st.from_regex(r"\A[a*]?\[!?[a-c]{1,3}(x-z)?\][b*]?\Z"), st.text(alphabet="abcxyz", max_size=4)
)
def test_sets_match_as_fnmatch_does(pattern, text):
    assert glob_matcher(pattern)(text) == fnmatch.fnmatchcase(text, pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"a\*b", "a*b"),
        (r"\[x", "[x"),
        ("[x", "[x"),
        ("[]x]", "]"),
        (r"a\b", r"a\b"),
        (r"\\", "\\"),
        ("", ""),
    ],
)
def test_characters_are_taken_literally(pattern, text):
    assert glob_matcher(pattern)(text)


def test_glob_of_many_stars_ends_soon():
    begun = time.perf_counter()

    assert not glob_matcher("*a" * 30 + "b?")("a" * 5000)
    assert time.perf_counter() - begun < 2


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a*)*",
        "(a|aa)+$",
        "(?:a{1,50})+",
        "((ab)?c)*",
        "(x(a|b+))*",
        "(?=(a+)+)b",
        "(a+|b)+?",
    ],
)
def test_regular_expression_that_could_take_for_ever_is_refused(pattern):
    with pytest.raises(BadInput, match="for ever"):
        regex_matcher(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^ngin", "nginx"),
        ("[0-9]{1,3}", "a17"),
        ("web|nginx", "my nginx"),
        ("(ab)+", "xabab"),
        ("(?i)NGINX", "nginx"),
        ("[[]", "["),
    ],
)
def test_plain_regular_expression_is_found_anywhere(pattern, text):
    assert regex_matcher(pattern)(text)
    assert not regex_matcher(pattern)("?")


@pytest.mark.parametrize("pattern", ["(", "[", "*", "(?P<x", "a{99999999999}", "(" * 5000])
def test_what_is_no_regular_expression_is_refused(pattern):
    with pytest.raises(BadInput, match="regular expression"):
        regex_matcher(pattern)


def test_regular_expression_sees_the_beginning_of_a_long_text():
    assert not regex_matcher("x")("a" * SEEN_CHARACTERS + "x")
