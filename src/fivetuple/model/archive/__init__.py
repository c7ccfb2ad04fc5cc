"""Archive: a Snapshot as bytes, and back: what `ft save` writes and `--from FILE` reads.

    MAGIC  major u16  minor u16  sections u32  crc32        little-endian throughout
    each section: tag, compression, stored bytes u64, plain bytes u64, crc32 of the stored bytes,
                  crc32 of this head; then the stored bytes

COLS is the column table of the rows (names, formats, groups), ROWS the rows turned to byte
planes (`rows.py`), the others are JSON (`values.py`). So a file explains itself: another
version of us takes the columns and attributes it knows by their names. A reader skips sections
that it doesn't know; a change that older readers would misunderstand raises the major version.

The numbers of Facts are stored as they are: never give one another meaning.
100,000 sockets with all columns: 3.6 MB, 0.3 s to write, 0.1 s to read (row by row instead of
in planes 7.3 MB and 0.8 s; lzma gains 1 % for twice the time).
"""

from __future__ import annotations

from struct import Struct
from zlib import crc32

from fivetuple.model.archive import values
from fivetuple.model.archive.rows import column_table, from_planes, to_planes
from fivetuple.model.errors import BadInput, FivetupleError
from fivetuple.model.snapshot import Host, Snapshot
from fivetuple.model.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.model.snapshot import Rows

# Like PNG's: the first byte is no text, and a transfer that changes line ends destroys it.
MAGIC = b"\x89FT\r\n\x1a\n\0"
MAJOR, MINOR = 1, 0
STORED, DEFLATED = 0, 1
LEVEL = 6

# 3.6 million sockets, or as much JSON: more than a host has, less than a laptop's memory.
LIMIT_BYTES = 1 << 30
# JSON becomes up to 20 times as big in memory, so it has a lower limit than rows.
JSON_LIMIT_BYTES = 1 << 27
DEFLATE_RATIO = 1032  # deflate can't do better (zlib's technical notes), so more is a lie

_HEADER = Struct("<8sHHI")
_HEAD = Struct("<4sB3xQQI")
_CRC = Struct("<I")
_REQUIRED = ("COLS", "ROWS", "META")


def dumps(snapshot: Snapshot) -> bytes:
    """Return the snapshot as the bytes of a file.

    Raises:
        FivetupleError: it is larger than `loads` would take.
    """
    rows = snapshot.rows
    _look_up_names(snapshot)
    sections = {"COLS": values.to_json(column_table()), "ROWS": to_planes(rows)}
    sections |= values.dump_snapshot(snapshot)
    if _too_large(sections):
        raise FivetupleError("the snapshot is larger than a saved file may be (1 GiB)")
    header = _HEADER.pack(MAGIC, MAJOR, MINOR, len(sections))
    parts = [header, _CRC.pack(crc32(header))]
    for tag, plain in sections.items():
        parts += _section(tag, plain)
    return b"".join(parts)


def loads(data: bytes) -> Snapshot:
    """Return the snapshot that the bytes hold.

    Raises:
        BadInput: not such a file, damaged, cut off, or of a newer major version.
    """
    try:
        sections = _sections(data)
        if absent := [tag for tag in _REQUIRED if tag not in sections]:
            raise _damaged(f"it has no section {absent[0]}")
        snapshot = Snapshot(Host(""), 0, road="", facts=0)
        rows = from_planes(sections.pop("ROWS"), values.from_json(sections.pop("COLS")))
        values.load_snapshot(snapshot, sections)
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as err:
        raise _damaged(f"{type(err).__name__}: {str(err)[:100]}") from err
    snapshot.stream((rows,))
    len(snapshot)  # it holds its rows from here on, and they can be walked again
    return snapshot


def _look_up_names(snapshot: Snapshot) -> None:
    """Make a live snapshot look up the names that it would give when they are asked for."""
    for netns in values.namespaces_with_interfaces(snapshot.rows):
        snapshot.interfaces.get(netns)
    for uid in values.users_met(snapshot.rows):
        snapshot.users.get(uid)


def _too_large(sections: dict[str, bytes]) -> bool:
    return sum(map(len, sections.values())) > LIMIT_BYTES or any(
        len(plain) > JSON_LIMIT_BYTES for tag, plain in sections.items() if tag != "ROWS"
    )


def _section(tag: str, plain: Rows) -> tuple[bytes, bytes, bytes]:
    """Return head, the head's checksum, and body of one section."""
    from zlib import compress

    packed = compress(plain, LEVEL)
    is_smaller = len(packed) < len(plain)
    body = packed if is_smaller else bytes(plain)
    compression = DEFLATED if is_smaller else STORED
    head = _HEAD.pack(tag.encode(), compression, len(body), len(plain), crc32(body))
    return head, _CRC.pack(crc32(head)), body


def _sections(data: bytes) -> dict[str, bytes]:
    """Check and unpack every section: tag -> plain bytes."""
    view = memoryview(data)
    magic, major, _minor, count = _HEADER.unpack(_checked(view, 0, _HEADER.size))
    if magic != MAGIC:
        raise BadInput("this is no snapshot that `ft save` wrote")
    if major > MAJOR:
        raise BadInput(
            f"the snapshot was saved by a newer ft (format {major}, this one reads {MAJOR}): "
            "update fivetuple here"
        )
    offset = _HEADER.size + _CRC.size
    sections: dict[str, bytes] = {}
    budget = LIMIT_BYTES
    for _ in range(count):
        tag, compression, stored, plain, checksum = _HEAD.unpack(_checked(view, offset, _HEAD.size))
        offset += _HEAD.size + _CRC.size
        body = view[offset : offset + stored]
        if len(body) < stored:
            raise _damaged("it is cut off")
        name = tag.decode("ascii", "replace")
        if crc32(body) != checksum:
            raise _damaged(f"section {name} has changed since it was written")
        budget -= plain
        if budget < 0 or (name != "ROWS" and plain > JSON_LIMIT_BYTES):
            raise BadInput("the snapshot claims more than 1 GiB of contents, which ft won't read")
        sections[name] = _unpacked(name, compression, body, plain)
        offset += stored
    if offset != len(data):
        raise _damaged(f"{len(data) - offset} bytes follow its end")
    return sections


def _checked(view: memoryview, offset: int, size: int) -> memoryview:
    """Return `size` bytes whose checksum follows them."""
    whole = view[offset : offset + size + _CRC.size]
    if not offset and bytes(view[: len(MAGIC)]) != MAGIC:
        raise BadInput("this is no snapshot that `ft save` wrote")
    if len(whole) < size + _CRC.size:
        raise _damaged("it is cut off")
    if _CRC.unpack(whole[size:])[0] != crc32(whole[:size]):
        raise _damaged("a length or version in it has changed since it was written")
    return whole[:size]


def _unpacked(name: str, compression: int, body: memoryview, plain_length: int) -> bytes:
    """Return a section's plain bytes, and never more than its head announced."""
    from zlib import decompressobj, error

    if compression == STORED:
        plain = bytes(body)
    elif compression == DEFLATED:
        if plain_length > DEFLATE_RATIO * len(body):
            raise _damaged(f"section {name} can't be as long as it says")
        unpacker = decompressobj()
        try:
            plain = unpacker.decompress(body, plain_length + 1)
        except error as err:
            raise _damaged(f"section {name} does not unpack: {err}") from err
        if not unpacker.eof or unpacker.unused_data:
            plain = b""
    else:
        raise BadInput(f"section {name} is packed in a way that this ft can't read: update it")
    if len(plain) != plain_length:
        raise _damaged(f"section {name} is not as long as it says")
    return plain


def _damaged(what: str) -> BadInput:
    return BadInput(f"the saved snapshot is damaged: {printable(what)}")
