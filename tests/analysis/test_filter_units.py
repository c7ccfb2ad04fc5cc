"""Numbers with units, as people type them."""

from __future__ import annotations

import pytest

from fivetuple.analysis.filter_units import parse_count, parse_duration_us, parse_size_bytes
from fivetuple.model.errors import BadInput


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("50ms", 50_000),
        ("1us", 1),
        ("1.5h", 5_400_000_000),
        ("2min", 120_000_000),
        ("2m", 120_000_000),
        ("1d", 86_400_000_000),
        ("0.5us", 0.5),
        ("0", 0),
    ],
)
def test_duration_is_in_microseconds(text, microseconds):
    assert parse_duration_us(text) == microseconds


def test_duration_without_unit_takes_the_one_it_is_given_or_none():
    assert parse_duration_us("50", "ms") == 50_000
    with pytest.raises(BadInput, match="write 50us, 50ms or 50s"):
        parse_duration_us("50")


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("1500", 1500),
        ("64k", 65536),
        ("64K", 65536),
        ("64KiB", 65536),
        ("64kb", 65536),
        ("1.5M", 1572864),
        ("2G", 2**31),
        ("1T", 2**40),
        ("8b", 8),
    ],
)
def test_size_is_in_bytes_of_powers_of_1024(text, size_bytes):
    assert parse_size_bytes(text) == size_bytes


def test_count_is_decimal_or_hexadecimal():
    assert (parse_count("12"), parse_count("0x1F")) == (12, 31)


@pytest.mark.parametrize(
    "text", ["", "ms", "1..5", ".", "-1", "1e9", "5x", "5 x", "²", "k", "9" * 30]
)
@pytest.mark.parametrize("read", [parse_duration_us, parse_size_bytes, parse_count])
def test_other_texts_are_refused(read, text):
    with pytest.raises(BadInput):
        read(text)
