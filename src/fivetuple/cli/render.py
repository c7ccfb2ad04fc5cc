"""Answers as text for people: tables, lines, pairs; plain, coloured, or as Markdown.

On a terminal a table fits the width: its last columns are cut, and what was cut says so with an
ellipsis. Elsewhere nothing is cut, coloured or left out.
"""

from __future__ import annotations

import os
import sys

from fivetuple.analysis.lens import Lens
from fivetuple.model.answer import BAD, FAINT, GOOD, STRONG, WARN, Answer, SocketTable
from fivetuple.model.fields import FIELD
from fivetuple.model.snapshot import in_blocks
from fivetuple.model.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from fivetuple.model.command import Request
    from fivetuple.model.snapshot import Rows, Snapshot

GAP = "  "
MEASURED_ROWS = 500  # widths of a streamed table come from its first rows
LEAST_WIDTH = 40
COLOURS = {STRONG: "1", FAINT: "2", GOOD: "32", WARN: "33", BAD: "31"}
STATE_COLOURS = {"LISTEN": "32", "TIME_WAIT": "2", "CLOSE_WAIT": "33", "SYN_SENT": "33", "SYN_RECV": "33"}


class Page:
    """Where the text goes: how wide it is, and whether it takes colours."""

    __slots__ = ("has_colour", "is_markdown", "width")

    def __init__(self, width: int | None, *, has_colour: bool, is_markdown: bool = False) -> None:
        self.width = width
        """Columns of the terminal; None where nothing has to fit."""
        self.has_colour = has_colour
        self.is_markdown = is_markdown


def page_for(request: Request) -> Page:
    """Look at stdout, COLUMNS, NO_COLOR, TERM and --color."""
    is_terminal = sys.stdout.isatty()
    wish = request.get("color") or "auto"
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    has_colour = wish == "always" or (wish == "auto" and is_terminal and not plain)
    width = None
    if is_terminal:
        try:
            width = max(os.get_terminal_size(sys.stdout.fileno()).columns, LEAST_WIDTH)
        except OSError:
            width = 80
    return Page(width, has_colour=has_colour, is_markdown=request.get("output") == "markdown")


def write(answer: Answer, snapshot: Snapshot | None, request: Request) -> int:  # noqa: ARG001  # the same as encode.write
    """Write the answer to stdout; return the exit status, 1 when an asked-for list is empty."""
    page = page_for(request)
    status = answer.status
    for block in answer.blocks:
        for line in draw(block, page, has_headings=not request.flag("no_headers")):
            sys.stdout.write(line + "\n")
    if answer.sockets is not None:
        count = write_sockets(answer.sockets, page, has_headings=not request.flag("no_headers"))
        if not count and request.words:
            status = status or 1
    return status


def write_sockets(table: SocketTable, page: Page, *, has_headings: bool) -> int:
    """Write socket rows as they come; return how many."""
    if page.is_markdown:
        rows = [cells for chunk in ordered(table) for cells in chunk]
        for line in _markdown([FIELD[name].title for name in table.fields], rows):
            sys.stdout.write(line + "\n")
        return len(rows)
    if table.sort or page.has_colour or page.width:
        return _write_fitted(table, page, has_headings=has_headings)
    return _write_streaming(table, has_headings=has_headings)


def _write_streaming(table: SocketTable, *, has_headings: bool) -> int:
    """Write each chunk as soon as it comes; the first one's rows decide how wide columns are."""
    lens = Lens(table.snapshot)
    lines: Callable[[Rows], list[str]] | None = None
    count = 0
    for chunk in table.snapshot.chunks():
        rows = table.keep(chunk) if table.keep else chunk
        if not len(rows):
            lens.ownership.learn(chunk)
            continue
        if table.keep:
            lens.ownership.learn(chunk)
        if lines is None:
            widths = _measure(lens, table.fields, rows)
            lines = lens.lines(table.fields, widths, GAP)
            if has_headings:
                sys.stdout.write(_heading(table.fields, widths) + "\n")
        made = lines(rows)
        if table.limit is not None:
            made = made[: table.limit - count]
        if made:
            count += len(made)
            made.append("")
            sys.stdout.write("\n".join(made))
        if table.limit is not None and count >= table.limit:
            break
    if lines is None and has_headings:
        sys.stdout.write(_heading(table.fields, [len(FIELD[name].title) for name in table.fields]) + "\n")
    return count


def _write_fitted(table: SocketTable, page: Page, *, has_headings: bool) -> int:
    """Write a sorted or a terminal's table: chunk by chunk unless it is sorted."""
    count = 0
    widths: list[int] = []
    fields = table.fields
    for cells in ordered(table):
        if not widths:
            widths = [max(len(FIELD[name].title), *(_width(row[i]) for row in cells[:MEASURED_ROWS])) for i, name in enumerate(fields)]
            if has_headings:
                sys.stdout.write(_coloured(_cut(_heading(fields, widths), page), STRONG, page) + "\n")
        for row in cells:
            parts = [_padded(cell, width, FIELD[name].align) for cell, width, name in zip(row, widths, fields, strict=True)]
            line = _cut(GAP.join(parts).rstrip(), page)
            colour = STATE_COLOURS.get(row[fields.index("state")]) if page.has_colour and "state" in fields else None
            sys.stdout.write(f"\x1b[{colour}m{line}\x1b[0m\n" if colour else line + "\n")
        count += len(cells)
    if not widths and has_headings:
        sys.stdout.write(_cut(_heading(fields, [len(FIELD[name].title) for name in fields]), page) + "\n")
    return count


def ordered(table: SocketTable) -> Iterator[list[tuple[str, ...]]]:
    """Give the cells of the rows, in chunks, sorted where that was asked, up to the limit."""
    lens = Lens(table.snapshot)
    cells = lens.cells(table.fields)
    left = table.limit if table.limit is not None else 1 << 62
    if table.sort:
        for block in in_blocks(sorted_rows(table, lens)):
            made = cells(block)[:left]
            left -= len(made)
            yield made
            if not left:
                return
        return
    for chunk in table.snapshot.chunks():
        lens.ownership.learn(chunk)
        rows = table.keep(chunk) if table.keep else chunk
        if len(rows) and left > 0:
            made = cells(rows)[:left]
            left -= len(made)
            yield made


def sorted_rows(table: SocketTable, lens: Lens) -> Rows:
    """Return the kept rows as one sorted buffer; rows that do not know the field come last."""
    from fivetuple.model import record

    everything = table.snapshot.rows
    lens.ownership.learn(everything)
    rows = table.keep(everything) if table.keep else everything
    order = list(range(len(rows) // record.SIZE))
    for name, descending in reversed(table.sort):
        keys = [value for (value,) in lens.values((name,))(rows)]
        known = [i for i in order if keys[i] is not None]
        known.sort(key=lambda i: keys[i], reverse=descending)  # noqa: B023  # used before the next round
        order = known + [i for i in order if keys[i] is None]
    size = record.SIZE
    view = memoryview(rows)
    return b"".join([view[i * size : i * size + size] for i in order])


def _measure(lens: Lens, fields: Sequence[str], rows: Rows) -> list[int]:
    """Return the width of each column in the first rows, heading included."""
    from fivetuple.model import record

    sample = lens.cells(fields)(memoryview(rows)[: MEASURED_ROWS * record.SIZE])
    return [
        max(len(FIELD[name].title), *(len(str(row[i])) for row in sample)) if sample else len(FIELD[name].title)
        for i, name in enumerate(fields)
    ]


def _heading(fields: Sequence[str], widths: Sequence[int]) -> str:
    parts = [_padded(FIELD[name].title, width, FIELD[name].align) for name, width in zip(fields, widths, strict=True)]
    return GAP.join(parts).rstrip()


def draw(block: object, page: Page, *, has_headings: bool = True) -> Iterator[str]:
    """Give the lines of one block of an answer."""
    kind = type(block).__name__
    if kind == "Heading":
        text = _one_line(block.text)  # type: ignore[attr-defined]
        yield f"\n## {text}\n" if page.is_markdown else _coloured(text, STRONG, page)
    elif kind == "Line":
        yield from _wrapped(block.text, page)  # type: ignore[attr-defined]
    elif kind == "Pairs":
        yield from _pairs(block.items, page)  # type: ignore[attr-defined]
    elif kind == "Table":
        yield from _table(block.columns, list(block.rows), page, has_headings=has_headings)  # type: ignore[attr-defined]
    else:
        raise TypeError(kind)


def _pairs(items: Iterable[tuple[str, str]], page: Page) -> Iterator[str]:
    """Write labels and values in two columns; long values are wrapped under their beginning."""
    pairs = list(items)
    if page.is_markdown:
        yield from (f"- **{_one_line(label)}**: {_escaped(value)}" for label, value in pairs)
        return
    width = max((_width(label) for label, _ in pairs), default=0)
    for label, value in pairs:
        first = True
        room = None if page.width is None else max(page.width - width - 4, 20)
        for line in _folded(str(value), room):
            head = f"  {_padded(label if first else '', width, '<')}{GAP}"
            yield (_coloured(head, FAINT, page) + _styled(line, value, page)).rstrip()
            first = False


def _table(columns: Sequence[object], rows: list[Sequence[str]], page: Page, *, has_headings: bool) -> Iterator[str]:
    titles = [column.title for column in columns]  # type: ignore[attr-defined]
    if page.is_markdown:
        yield from _markdown(titles, rows)
        return
    columns, rows = _fit(columns, rows, page)
    widths = [
        max(_width(column.title), *(_width(str(row[i])) for row in rows)) if rows else _width(column.title)  # type: ignore[attr-defined]
        for i, column in enumerate(columns)
    ]
    if has_headings and any(titles):
        heads = [_padded(c.title, w, c.align) for c, w in zip(columns, widths, strict=True)]  # type: ignore[attr-defined]
        yield _coloured(_cut("  " + GAP.join(heads).rstrip(), page), FAINT, page)
    for row in rows:
        yield _row(row, columns, widths, page)


def _row(row: Sequence[str], columns: Sequence[object], widths: Sequence[int], page: Page) -> str:
    """Write one row; a cell that does not fit the terminal any more is cut."""
    left = (page.width or 1 << 30) - 2
    parts = []
    for index, (cell, column, width) in enumerate(zip(row, columns, widths, strict=True)):
        last = index == len(widths) - 1
        text = _padded(_one_line(cell), 0 if last and column.align == "<" else width, column.align)  # type: ignore[attr-defined]
        if _width(text) > left:
            text = _shortened(text, left)
        left -= _width(text) + len(GAP)
        parts.append(_styled(text, cell, page))
        if left <= 0:
            break
    return "  " + GAP.join(parts).rstrip()


def _fit(columns: Sequence[object], rows: list[Sequence[str]], page: Page) -> tuple[Sequence[object], list[Sequence[str]]]:
    """Leave out the columns with the highest priority number while the table is too wide."""
    if page.width is None:
        return columns, rows
    while True:
        widths = [max([_width(c.title)] + [_width(str(r[i])) for r in rows]) for i, c in enumerate(columns)]  # type: ignore[attr-defined]
        if sum(widths) + len(GAP) * len(widths) <= page.width:
            return columns, rows
        worst = max(range(len(columns)), key=lambda i: columns[i].priority)  # type: ignore[attr-defined]
        if columns[worst].priority == 0:  # type: ignore[attr-defined]
            return columns, rows
        columns = [c for i, c in enumerate(columns) if i != worst]
        rows = [[cell for i, cell in enumerate(row) if i != worst] for row in rows]


def _markdown(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(titles) + " |"
    yield "|" + "---|" * len(titles)
    for row in rows:
        yield "| " + " | ".join(_escaped(cell) for cell in row) + " |"


def _escaped(text: object) -> str:
    """Make a text harmless in Markdown: no HTML, no cell borders, no links."""
    harmless = printable(str(text)).replace("&", "&amp;").replace("<", "&lt;")
    return "".join("\\" + c if c in "|`*_[]" else c for c in harmless)


def _one_line(text: object) -> str:
    return printable(str(text))


def _wrapped(text: str, page: Page) -> Iterator[str]:
    if page.is_markdown:
        yield _escaped(text) + "\n"
        return
    indent = text[: len(text) - len(text.lstrip())]
    room = None if page.width is None else page.width - len(indent)
    for line in _folded(text.strip(), room):
        yield _styled(indent + line, text, page)


def _folded(text: str, room: int | None) -> list[str]:
    """Break a text at blanks so that it fits; a word longer than the room is broken anywhere."""
    clean = _one_line(text)
    if room is None or _width(clean) <= room:
        return [clean]
    from textwrap import wrap

    return wrap(clean, room, break_on_hyphens=False) or [""]


def _width(text: object) -> int:
    """Return the terminal columns a text takes: East Asian wide characters take two."""
    plain = str(text)
    if plain.isascii():
        return len(plain)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in plain)


def _padded(text: object, width: int, align: str) -> str:
    plain = str(text)
    blanks = " " * (width - _width(plain))
    return blanks + plain if align == ">" else plain + blanks


def _cut(line: str, page: Page) -> str:
    return line if page.width is None else _shortened(line, page.width)


def _shortened(text: str, room: int) -> str:
    """Cut a text to so many terminal columns, the last one an ellipsis."""
    if _width(text) <= room:
        return text
    kept = text[: max(room - 1, 0)]
    while _width(kept) > room - 1:
        kept = kept[:-1]
    return kept + "…"


def _styled(text: str, like: object, page: Page) -> str:
    return _coloured(text, getattr(like, "style", ""), page)


def _coloured(text: str, style: str, page: Page) -> str:
    colour = COLOURS.get(style) if page.has_colour else None
    return f"\x1b[{colour}m{text}\x1b[0m" if colour else text
