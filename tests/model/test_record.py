"""The record: one table from which layouts, projections and the C header follow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from struct import calcsize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivetuple.model import record
from fivetuple.model.fields import FIELD, FIELDS

ROOT = Path(__file__).resolve().parents[2]
LIMITS = {"B": 0xFF, "H": 0xFFFF, "I": 0xFFFFFFFF, "Q": 0xFFFFFFFFFFFFFFFF}


def value_of(column: record.Column) -> st.SearchStrategy[int | bytes]:
    if column.format.endswith("s"):
        return st.binary(min_size=int(column.format[:-1]), max_size=int(column.format[:-1]))
    return st.integers(0, LIMITS[column.format])


ROWS = st.fixed_dictionaries({column.name: value_of(column) for column in record.COLUMNS})
SUBSETS = st.lists(st.sampled_from(record.NAMES), min_size=1, unique=True)


@given(st.lists(ROWS, max_size=4))
def test_what_is_packed_is_unpacked(rows):
    packed = b"".join(record.pack(row) for row in rows)

    assert len(packed) == len(rows) * record.SIZE
    assert list(record.unpack(packed)) == rows


@given(ROWS, SUBSETS)
def test_a_projection_gives_its_columns_in_the_order_of_the_table(row, names):
    projection = record.Projection(*names)

    [values] = projection.read(record.pack(row))

    assert projection.names == tuple(name for name in record.NAMES if name in names)
    assert values == tuple(row[name] for name in projection.names)


def test_every_column_is_aligned_as_a_c_compiler_aligns_it():
    for column in record.COLUMNS:
        size = 1 if column.format.endswith("s") else calcsize("<" + column.format)
        assert record.OFFSET[column.name] % size == 0, column.name
    assert record.SIZE % 8 == 0


def test_every_group_has_its_own_bit_of_known():
    bits = list(record.GROUP_NAMES)

    assert all(bit and bit & (bit - 1) == 0 for bit in bits)
    assert len(set(bits)) == len(bits)
    assert max(bits) <= LIMITS["H"]


def test_columns_that_are_not_there_are_refused():
    with pytest.raises(KeyError):
        record.Projection("colour")
    with pytest.raises(KeyError):
        record.pack({"colour": 1})


@pytest.mark.parametrize("script", ["gen_record_h.py", "gen_socket_pyi.py"])
def test_generated_files_are_what_the_tables_say(script):
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / script, "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_every_field_says_what_it_means_and_every_column_follows():
    assert all(field.meaning for field in FIELDS)
    shown_otherwise = {"kind", "known", "peer_inode", "window_scales", "local", "remote"}
    assert {column.name for column in record.COLUMNS} - shown_otherwise <= FIELD.keys()
