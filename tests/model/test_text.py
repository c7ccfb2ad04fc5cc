"""Strings from strangers are made harmless, and nothing of them is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fivetuple.model.text import decode, printable


@given(st.binary())
def test_bytes_become_one_harmless_line(raw):
    shown = printable(decode(raw))

    assert shown.isprintable()
    assert "\n" not in shown
    assert "\x1b" not in shown


@given(st.text())
def test_text_without_control_characters_is_left_alone(text):
    if text.isprintable():
        assert printable(text) == text


def test_escape_codes_line_breaks_and_direction_marks_are_spelled_out():
    assert printable("a\x1b[31mb\nc\u202ed\x7f\x9b") == "a\\x1b[31mb\\nc\\u202ed\\x7f\\x9b"


def test_invalid_utf8_is_spelled_out():
    assert decode(b"\xe9t\xe9") == "\\xe9t\\xe9"
