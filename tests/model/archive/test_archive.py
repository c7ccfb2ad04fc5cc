import struct
import zlib

import pytest
from hypothesis import given, settings
from tests.strategies import contents, snapshots

from fivetuple.model import archive, record
from fivetuple.model.errors import BadInput
from fivetuple.model.process import Process
from fivetuple.model.snapshot import Host, Snapshot

HEADER = struct.Struct("<8sHHI")
HEAD = struct.Struct("<4sB3xQQI")


def small():
    made = Snapshot(
        Host("web1"), 7, road="bpf", facts=3, chunks=(record.pack({"family": 2, "local_port": 80}),)
    )
    made.holders = {5: 9 << 32 | 3}
    made.processes = {9: Process(9, "nginx", comm=b"ngi\xffnx", argv=(b"nginx", b"-g\n"))}
    made.unix_names = {4: b"\0\x80abstract"}
    return made


def sections_of(data):
    magic, major, minor, count = HEADER.unpack_from(data)
    at = HEADER.size + 4
    found = []
    for _ in range(count):
        tag, compression, stored, plain, _ = HEAD.unpack_from(data, at)
        at += HEAD.size + 4
        found.append((tag, compression, plain, data[at : at + stored]))
        at += stored
    return (magic, major, minor), found


def file_of(header, sections):
    start = HEADER.pack(*header, len(sections))
    parts = [start, struct.pack("<I", zlib.crc32(start))]
    for tag, compression, plain, body in sections:
        head = HEAD.pack(tag, compression, len(body), plain, zlib.crc32(body))
        parts += head, struct.pack("<I", zlib.crc32(head)), body
    return b"".join(parts)


@given(snapshots())
@settings(deadline=None, max_examples=60)
def test_everything_comes_back(snapshot):
    assert contents(archive.loads(archive.dumps(snapshot))) == contents(snapshot)


def test_a_loaded_snapshot_can_be_walked_twice():
    snapshot = archive.loads(archive.dumps(small()))

    assert b"".join(snapshot.chunks()) == b"".join(snapshot.chunks())


def test_every_flipped_bit_is_noticed():
    data = archive.dumps(small())

    for place in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[place >> 3] ^= 1 << (place & 7)
        with pytest.raises(BadInput):
            archive.loads(bytes(flipped))


def test_every_cut_is_noticed():
    data = archive.dumps(small())

    for length in range(len(data)):
        with pytest.raises(BadInput):
            archive.loads(data[:length])


def test_what_follows_the_end_is_noticed():
    with pytest.raises(BadInput, match="3 bytes follow its end"):
        archive.loads(archive.dumps(small()) + b"xyz")


def test_a_newer_major_version_asks_for_an_update():
    (magic, _, minor), sections = sections_of(archive.dumps(small()))

    with pytest.raises(
        BadInput, match=r"saved by a newer ft .format 2, this one reads 1.: update fivetuple"
    ):
        archive.loads(file_of((magic, 2, minor), sections))


def test_a_newer_minor_version_with_more_sections_is_read():
    (magic, major, _), sections = sections_of(archive.dumps(small()))
    sections.append((b"NEWS", 0, 3, b"\1\2\3"))

    snapshot = archive.loads(file_of((magic, major, 9), sections))

    assert contents(snapshot) == contents(small())


def test_an_older_file_without_some_attributes_keeps_their_defaults():
    header, sections = sections_of(archive.dumps(small()))

    kept = [section for section in sections if section[0] not in (b"UNIX", b"PROC")]
    snapshot = archive.loads(file_of(header, kept))

    assert snapshot.unix_names == {}
    assert snapshot.processes == {}
    assert len(snapshot) == 1


@pytest.mark.parametrize("tag", [b"COLS", b"ROWS", b"META"])
def test_a_file_without_what_it_needs_is_refused(tag):
    header, sections = sections_of(archive.dumps(small()))

    with pytest.raises(BadInput, match=f"no section {tag.decode()}"):
        archive.loads(file_of(header, [section for section in sections if section[0] != tag]))


def test_a_bomb_does_not_unpack_beyond_its_announced_size():
    header, sections = sections_of(archive.dumps(small()))
    bomb = zlib.compress(bytes(50_000_000), 9)

    with pytest.raises(BadInput, match="not as long as it says"):
        archive.loads(file_of(header, [*sections, (b"BOMB", 1, 10, bomb)]))


@pytest.mark.parametrize(
    ("plain", "words"), [(1 << 40, "more than 1 GiB"), (1 << 26, "can't be as long")]
)
def test_an_absurd_length_is_refused_before_anything_is_unpacked(plain, words):
    header, sections = sections_of(archive.dumps(small()))

    with pytest.raises(BadInput, match=words):
        archive.loads(file_of(header, [*sections, (b"BOMB", 1, plain, zlib.compress(b"x"))]))


@pytest.mark.parametrize(
    "text",
    [b"[" * 100_000, b"nonsense", b"{}", b'{"taken_ns": "x"}', b'{"taken_ns": -1}', b'{"missing": [1]}', b"[]",
     b'{"users": [[1, 2]]}', b'{"interfaces": [[{}, []]]}', b'{"host": 5}', b'{"facts": true}', b"\xff", b"9" * 9000],
)  # fmt: skip
def test_any_json_in_a_section_is_read_or_refused(text):
    header, sections = sections_of(archive.dumps(small()))
    changed = [section for section in sections if section[0] != b"META"]

    try:
        archive.loads(file_of(header, [*changed, (b"META", 0, len(text), text)]))
    except BadInput as error:
        assert str(error).startswith("the saved snapshot is damaged: ")  # noqa: PT017
    else:
        assert text == b"{}"


def test_names_that_are_looked_up_when_asked_for_are_saved():
    class AsMet(dict[int, object]):
        def get(self, key, default=None):
            self[key] = {3: "eth0"} if key == 77 else "root"
            return self[key]

    snapshot = small()
    row = {"family": 2, "netns": 77, "interface": 3, "uid": 0, "known": record.UID}
    snapshot.stream((record.pack(row),))
    snapshot.interfaces, snapshot.users = AsMet(), AsMet()

    loaded = archive.loads(archive.dumps(snapshot))

    assert loaded.interfaces == {77: {3: "eth0"}}
    assert loaded.users == {0: "root"}
