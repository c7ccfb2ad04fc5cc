"""A list of sockets as text: streamed where nothing has to fit, fitted on a terminal.

Widths come from the first 500 rows: a later row that is wider pushes its line, nothing is cut
off a terminal. On a terminal the queue columns go first, then the widest columns are narrowed.
"""

from __future__ import annotations

import sys
from itertools import chain

from fivetuple.analysis.lens import Lens
from fivetuple.cli.columns import GAP, padded, shortened, squeezed, width_of
from fivetuple.cli.page import coloured
from fivetuple.model import record
from fivetuple.model.answer import STRONG
from fivetuple.model.fields import FIELD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fivetuple.cli.page import Page
    from fivetuple.model.answer import SocketTable
    from fivetuple.model.snapshot import Rows

    Cells = tuple[str, ...]

MEASURED_ROWS = 500
# Which columns a narrow terminal loses, the first of them first; chosen ones (--fields) all stay.
DISPENSABLE = ("cookie", "inode", "backlog", "accept_queue", "send_queue_bytes", "recv_queue_bytes")
KEPT_ENDS = frozenset(("local", "remote", "path"))  # the port and the file's name are at the end
STATE_COLOURS = {
    "LISTEN": "32",
    "TIME_WAIT": "2",
    "CLOSE_WAIT": "33",
    "SYN_SENT": "33",
    "SYN_RECV": "33",
}


def write_sockets(
    table: SocketTable, page: Page, *, has_headings: bool, is_chosen: bool = False
) -> int:
    """Write socket rows as they come; return how many. is_chosen: the user named the columns."""
    if page.is_markdown:
        from fivetuple.cli.markdown import table as markdown_table

        rows = [cells for chunk in ordered(table) for cells in chunk]
        for line in markdown_table([FIELD[name].title for name in table.fields], rows):
            sys.stdout.write(line + "\n")
        return len(rows)
    if table.sort or table.host_names or page.has_colour or page.width:
        return _write_fitted(table, page, has_headings=has_headings, is_chosen=is_chosen)
    return _write_streaming(table, has_headings=has_headings)


def ordered(table: SocketTable) -> Iterator[list[Cells]]:
    """Give the cells of the rows, in chunks, sorted where that was asked, up to the limit."""
    lens = Lens(table.snapshot)
    cells = lens.cells(table.fields)
    left = table.limit if table.limit is not None else sys.maxsize
    if table.sort:
        from fivetuple.analysis.sorting import sorted_rows

        chunks: Iterator[Rows] = sorted_rows(table, lens)
    else:
        chunks = _kept(table, lens)
    for rows in chunks:
        made = cells(rows)[:left]
        left -= len(made)
        if made:
            yield with_names(made, table) if table.host_names else made
        if left <= 0:
            break


def _kept(table: SocketTable, lens: Lens) -> Iterator[Rows]:
    for chunk in table.snapshot.chunks():
        lens.ownership.learn(chunk)
        yield table.keep(chunk) if table.keep else chunk


def with_names(rows: Sequence[Cells], table: SocketTable) -> list[Cells]:
    """Put the host's name beside the address, where --resolve found one."""
    from fivetuple.cli.resolve import beside

    at = {i for i, name in enumerate(table.fields) if name in ("remote", "remote_address")}
    names = table.host_names or {}
    return [
        tuple(beside(cell, names) if i in at else cell for i, cell in enumerate(row))
        for row in rows
    ]


def _write_streaming(table: SocketTable, *, has_headings: bool) -> int:
    """Write each chunk as soon as it comes; the first rows decide how wide columns are."""
    lens = Lens(table.snapshot)
    chunks = _learned(table, lens)
    held, sample = _first_rows(table, lens, chunks)
    widths = _measured(table.fields, sample)
    lines = lens.lines(table.fields, widths, GAP)
    if has_headings:
        sys.stdout.write(_heading(table.fields, widths) + "\n")
    count = 0
    for rows in chain(held, chunks):
        made = lines(rows)
        if table.limit is not None:
            made = made[: table.limit - count]
        if made:
            count += len(made)
            made.append("")
            sys.stdout.write("\n".join(made))
        if table.limit is not None and count >= table.limit:
            break
    return count


def _first_rows(
    table: SocketTable, lens: Lens, chunks: Iterator[Rows]
) -> tuple[list[bytes], list[Cells]]:
    """Hold chunks back until there are rows enough to measure: a protocol may have but one."""
    cells = lens.cells(table.fields)
    held: list[bytes] = []
    sample: list[Cells] = []
    for rows in chunks:
        held.append(bytes(rows))  # the reader may fill its buffer anew for the next chunk
        sample += cells(memoryview(rows)[: (MEASURED_ROWS - len(sample)) * record.SIZE])
        if len(sample) >= MEASURED_ROWS:
            break
    return held, sample


def _learned(table: SocketTable, lens: Lens) -> Iterator[Rows]:
    """Give the kept rows of each chunk, after its listeners were seen."""
    for chunk in table.snapshot.chunks():
        rows = table.keep(chunk) if table.keep else chunk
        if table.keep or not len(rows):
            lens.ownership.learn(chunk)
        if len(rows):
            yield rows


def _write_fitted(table: SocketTable, page: Page, *, has_headings: bool, is_chosen: bool) -> int:
    """Write a sorted or a terminal's table: chunk by chunk unless it is sorted."""
    chunks = ordered(table)
    first: list[Cells] = []
    for cells in chunks:
        first += cells
        if len(first) >= MEASURED_ROWS:
            break
    layout = Layout(table.fields, first, page, is_chosen=is_chosen)
    if has_headings:
        sys.stdout.write(layout.heading() + "\n")
    count = 0
    for cells in chain((first,), chunks):
        sys.stdout.write("".join([layout.line(row) + "\n" for row in cells]))
        count += len(cells)
    return count


class Layout:
    """Which columns a terminal shows, how wide each is, and how a row is written into them."""

    def __init__(
        self, fields: Sequence[str], cells: Sequence[Cells], page: Page, *, is_chosen: bool = False
    ) -> None:
        widths = _measured(fields, cells)
        shown = list(range(len(fields)))
        room = page.width or sys.maxsize
        for name in () if is_chosen else DISPENSABLE:
            if sum(widths[i] + len(GAP) for i in shown) - len(GAP) <= room:
                break
            shown = [i for i in shown if fields[i] != name]
        self._page = page
        self._shown = shown
        self._fields = fields
        self._aligns = [FIELD[fields[i]].align for i in shown]
        self._widths = squeezed([widths[i] for i in shown], self._aligns, room)
        self._state_at = fields.index("state") if page.has_colour and "state" in fields else None

    def heading(self) -> str:
        """Write the titles."""
        return coloured(
            self.plain_line([FIELD[name].title for name in self._fields]), STRONG, self._page
        )

    def line(self, row: Sequence[str]) -> str:
        """Write one row; its colour says nothing that its state does not say in words."""
        text = self.plain_line(row)
        colour = None if self._state_at is None else STATE_COLOURS.get(row[self._state_at])
        return f"\x1b[{colour}m{text}\x1b[0m" if colour else text

    def plain_line(self, row: Sequence[str]) -> str:
        """Write one row without colour."""
        parts = []
        for i, width, align in zip(self._shown, self._widths, self._aligns, strict=True):
            text = row[i]
            if self._page.width and width_of(text) > width:
                text = shortened(text, width, keeps_end=self._fields[i] in KEPT_ENDS)
            parts.append(padded(text, width, align))
        return GAP.join(parts).rstrip()


def _measured(fields: Sequence[str], cells: Sequence[Cells]) -> list[int]:
    """Return the width of each column in the first rows, heading included."""
    sample = cells[:MEASURED_ROWS]
    return [
        max([len(FIELD[name].title), *(width_of(row[i]) for row in sample)])
        for i, name in enumerate(fields)
    ]


def _heading(fields: Sequence[str], widths: Sequence[int]) -> str:
    parts = [
        padded(FIELD[name].title, width, FIELD[name].align)
        for name, width in zip(fields, widths, strict=True)
    ]
    return GAP.join(parts).rstrip()
