"""Sorting socket rows by their fields; rows that do not know a field come last."""

from __future__ import annotations

from fivetuple.model import record
from fivetuple.model.endpoint import AF_INET, AF_INET6
from fivetuple.model.snapshot import BLOCK_ROWS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from fivetuple.analysis.lens import Lens
    from fivetuple.model.answer import SocketTable
    from fivetuple.model.snapshot import Rows

# Addresses are ordered by number, as 10.0.0.9 is before 10.0.0.10; the endpoint by port as well.
ENDPOINTS = {
    "local_address": record.Projection("family", "local"),
    "remote_address": record.Projection("family", "remote"),
    "local": record.Projection("family", "local_port", "local"),
    "remote": record.Projection("family", "remote_port", "remote"),
}


def sorted_rows(table: SocketTable, lens: Lens) -> Iterator[Rows]:
    """Give the kept rows in their order, in blocks: a sorted copy of all would be as large again."""
    everything = table.snapshot.rows
    lens.ownership.learn(everything)
    rows = table.keep(everything) if table.keep else everything
    size = record.SIZE
    order = list(range(len(rows) // size))
    for name, descending in reversed(table.sort):
        keys = _keys(name, rows, lens)
        known = [i for i in order if keys[i] is not None]
        known.sort(key=keys.__getitem__, reverse=descending)
        order = known + [i for i in order if keys[i] is None]
        del keys, known
    view = memoryview(rows)
    for start in range(0, len(order), BLOCK_ROWS):
        yield b"".join(
            [view[i * size : i * size + size] for i in order[start : start + BLOCK_ROWS]]
        )


def _keys(name: str, rows: Rows, lens: Lens) -> Sequence[Any]:
    """Return what each row is sorted by."""
    texts = [value for (value,) in lens.values((name,))(rows)]
    if name not in ENDPOINTS:
        return texts
    return [
        None
        if text is None
        else b"\0" + b"".join(_big_endian(number) for number in reversed(numbers))
        if family in (AF_INET, AF_INET6)
        else b"\1" + text.encode()
        for text, (family, *numbers) in zip(texts, ENDPOINTS[name].read(rows), strict=True)
    ]


def _big_endian(number: int | bytes) -> bytes:
    """Return bytes that sort as the port or the address does."""
    return number if isinstance(number, bytes) else number.to_bytes(2, "big")
