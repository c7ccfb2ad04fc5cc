"""Rows of a saved snapshot: byte planes, and columns found by their names.

A plane holds one byte of every row: all first bytes, then all second bytes, and so on. Columns
hold like beside like that way, so they pack to half the size in a quarter of the time, and a
column can be taken, widened or left out by itself. Integers are little-endian, so the planes of
a wider one are those of the narrow one and more, of zeros.

A column that the file lacks makes its whole group unknown; one that we don't know is dropped;
the bits of `known` are translated by the groups' names.
"""

from __future__ import annotations

from struct import Struct, calcsize

from fivetuple.model import record
from fivetuple.model.errors import BadInput
from fivetuple.model.record import COLUMNS, GROUP_NAMES, OFFSET, SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fivetuple.model.snapshot import Rows

    Found = dict[str, tuple[int, int, str]]  # name -> first plane, planes, format

_KNOWN = Struct("<" + record.COLUMN["known"].format)
INTEGERS = {"B": 1, "H": 2, "I": 4, "Q": 8}
MAX_WIDTH = 4096
MAX_FAMILY = 64  # AF_MAX is 46 (include/linux/socket.h)
# Without these a row is no socket; any other column of ours may be younger than the file.
REQUIRED = (
    "kind", "family", "type", "state", "protocol_number", "local_port", "remote_port", "known",
    "netns", "local", "remote",
)  # fmt: skip


def column_table() -> dict[str, Any]:
    """Return what the file says about its rows."""
    return {
        "columns": [
            [column.name, column.format, GROUP_NAMES.get(column.group, "")] for column in COLUMNS
        ],
        "groups": {name: bit for bit, name in GROUP_NAMES.items()},
    }


def to_planes(rows: Rows) -> bytes:
    """Turn rows to planes."""
    whole = bytes(rows)
    return b"".join([whole[byte::SIZE] for byte in range(SIZE)])


def from_planes(planes: bytes, table: dict[str, Any]) -> bytearray:
    """Return RECORD[n] of this version of us from the planes of a file with that column table.

    Raises:
        BadInput: the rows are of a kind that this version does not know.
        ValueError, TypeError, LookupError: planes or table are damaged.
    """
    found, size = _columns(table["columns"])
    count, rest = divmod(len(planes), size)
    if rest:
        raise ValueError("the rows are not as long as their columns")
    view = memoryview(planes)
    unfit = {column.name for column in COLUMNS if not _fits(column, found, view, count)} - {"known"}
    if absent := [name for name in REQUIRED if name in unfit or name not in found]:
        raise ValueError(f"the rows have no column {absent[0]} that this ft can hold")
    lost = {record.COLUMN[name].group for name in unfit}
    rows = bytearray(count * SIZE)
    for column in COLUMNS:
        if column.name in unfit or (column.group and column.group in lost):
            continue
        first, width, _ = found[column.name]
        for byte in range(min(width, calcsize("<" + column.format))):
            start = (first + byte) * count
            rows[OFFSET[column.name] + byte :: SIZE] = view[start : start + count]
    groups = dict(table["groups"])
    first, width, _ = found["known"]
    bits = [(groups.get(name, 0), bit) for bit, name in GROUP_NAMES.items() if bit not in lost]
    if width != _KNOWN.size or bits != [(bit, bit) for bit in GROUP_NAMES]:
        _translate_known(rows, view[first * count : (first + width) * count], width, bits)
    _check(rows)
    return rows


def _columns(listed: list[list[Any]]) -> tuple[Found, int]:
    """Return where each column's planes are, and the length of a row."""
    found: Found = {}
    size = 0
    for name, layout, _group in listed:
        if not isinstance(name, str) or not isinstance(layout, str):
            raise TypeError("a column has no name or no format")
        is_text = layout[-1:] == "s"
        width = int(layout[:-1]) if is_text else INTEGERS.get(layout, 0)
        if not 0 < width <= MAX_WIDTH or name in found:
            raise ValueError(f"'{name[:40]}' is no column")
        found[name] = (size, width, "s" if is_text else "")
        size += width
    if not size:
        raise ValueError("the rows have no columns")
    return found, size


def _fits(column: record.Column, found: Found, planes: memoryview, count: int) -> bool:
    """Tell whether the file has the column with values that ours can hold."""
    if column.name not in found:
        return False
    first, width, kind = found[column.name]
    if kind != ("s" if column.format[-1] == "s" else ""):
        return False
    ours = calcsize("<" + column.format)
    beyond = planes[(first + ours) * count : (first + width) * count] if width > ours else b""
    return not any(beyond)


def _translate_known(
    rows: bytearray, planes: memoryview, width: int, bits: list[tuple[int, int]]
) -> None:
    """Write the groups that the file's `known` tells with the bits that this version gives them.

    bits: (theirs, ours) of every group that both have.
    """
    count = len(planes) // width
    translated: dict[tuple[int, ...], bytes] = {}
    known = []
    for value in zip(
        *(planes[byte * count : (byte + 1) * count] for byte in range(width)), strict=True
    ):
        ours = translated.get(value)
        if ours is None:
            theirs = int.from_bytes(bytes(value), "little")
            ours = translated[value] = _KNOWN.pack(sum(bit for old, bit in bits if theirs & old))
        known.append(ours)
    whole = b"".join(known)
    for byte in range(_KNOWN.size):
        rows[OFFSET["known"] + byte :: SIZE] = whole[byte :: _KNOWN.size]


def _check(rows: bytearray) -> None:
    """Refuse rows that the rest of us could not even show."""
    if any(rows[OFFSET["kind"] :: SIZE]):
        raise BadInput("the snapshot holds rows of a kind that this ft does not know: update it")
    if max(rows[OFFSET["family"] :: SIZE], default=0) >= MAX_FAMILY:
        raise ValueError("a row has no address family")
