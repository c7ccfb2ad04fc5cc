"""Bytes that pretend to be a saved snapshot: they are refused in our words, or read."""

import json
import struct
import zlib

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies import snapshots

from fivetuple.analysis.lens import Lens
from fivetuple.model import archive, fields
from fivetuple.model.errors import BadInput

HEADER = struct.Struct("<8sHHI")
HEAD = struct.Struct("<4sB3xQQI")
SAVED = snapshots().map(archive.dumps)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["B", "16s", "known", "QUEUES"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def load(data):
    snapshot, said = None, ""
    try:
        snapshot = archive.loads(data)
    except BadInput as error:
        said = str(error)
    assert said.isprintable()
    return snapshot


def unpacked(data):
    """Return the sections of a whole file: tag -> plain bytes."""
    count = HEADER.unpack_from(data)[3]
    at = HEADER.size + 4
    sections = {}
    for _ in range(count):
        tag, compression, stored, _, _ = HEAD.unpack_from(data, at)
        at += HEAD.size + 4
        body = data[at : at + stored]
        sections[tag] = zlib.decompress(body) if compression else body
        at += stored
    return sections


def packed(sections):
    """Make a file with right checksums of whatever the sections hold."""
    start = HEADER.pack(archive.MAGIC, 1, 0, len(sections))
    parts = [start, struct.pack("<I", zlib.crc32(start))]
    for tag, body in sections.items():
        head = HEAD.pack(tag, 0, len(body), len(body), zlib.crc32(body))
        parts += head, struct.pack("<I", zlib.crc32(head)), body
    return b"".join(parts)


@given(st.binary(max_size=300))
def test_random_bytes_behind_the_magic(data):
    load(archive.MAGIC + data)


@given(SAVED, st.data())
@settings(deadline=None, max_examples=60)
def test_bytes_changed_anywhere(saved, data):
    changed = bytearray(saved)
    for _ in range(data.draw(st.integers(1, 5))):
        changed[data.draw(st.integers(0, len(saved) - 1))] = data.draw(st.integers(0, 255))

    load(bytes(changed))


@given(SAVED, st.data())
@settings(deadline=None, max_examples=150)
def test_sections_with_other_json_and_right_checksums(saved, data):
    sections = unpacked(saved)
    tag = data.draw(st.sampled_from(sorted(set(sections) - {b"ROWS"})))
    whole = json.loads(sections[tag])
    if data.draw(st.booleans()) and isinstance(whole, dict) and whole:
        whole[data.draw(st.sampled_from(sorted(whole)))] = data.draw(JSON)
    else:
        whole = data.draw(JSON)
    sections[tag] = json.dumps(whole).encode()

    load(packed(sections))


@given(SAVED, st.data())
@settings(deadline=None, max_examples=60)
def test_a_column_table_with_a_piece_changed(saved, data):
    sections = unpacked(saved)
    table = json.loads(sections[b"COLS"])
    column = data.draw(st.sampled_from(table["columns"]))
    column[data.draw(st.integers(0, 2))] = data.draw(JSON)
    table["groups"][data.draw(st.sampled_from(sorted(table["groups"])))] = data.draw(JSON)
    sections[b"COLS"] = json.dumps(table).encode()

    load(packed(sections))


@given(SAVED, st.binary(max_size=2000))
@settings(deadline=None, max_examples=60)
def test_random_rows_that_are_read_can_be_shown(saved, rows):
    sections = unpacked(saved)
    sections[b"ROWS"] = rows

    snapshot = load(packed(sections))

    if snapshot is not None:
        Lens(snapshot).values(fields.DEFAULT_DATA)(snapshot.rows)
        Lens(snapshot).cells(tuple(fields.FIELD))(snapshot.rows)
