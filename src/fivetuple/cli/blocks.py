"""The blocks of an answer as lines for people: headings, sentences, pairs, tables.

On a terminal a table fits the width: columns that matter least go first, then the widest are
narrowed, and an ellipsis says where. Elsewhere nothing is cut, coloured or left out.
"""

from __future__ import annotations

from fivetuple.cli.columns import GAP, folded, padded, shortened, squeezed, width_of
from fivetuple.cli.page import coloured, styled
from fivetuple.model.answer import FAINT, STRONG, Heading, Line, Pairs, Table, Verbatim
from fivetuple.model.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fivetuple.cli.page import Page
    from fivetuple.model.answer import Column

INDENT = "  "


def draw(block: object, page: Page, *, has_headings: bool = True) -> Iterator[str]:
    """Give the lines of one block."""
    if page.is_markdown:
        from fivetuple.cli.markdown import draw as draw_markdown

        yield from draw_markdown(block)
    elif isinstance(block, Heading):
        for line in folded(printable(block.text), page.width):
            yield coloured(line, STRONG, page)
    elif isinstance(block, Line):
        yield from _sentence(block.text, page)
    elif isinstance(block, Pairs):
        yield from _pairs(block.items, page)
    elif isinstance(block, Table):
        yield from _table(block, page, has_headings=has_headings)
    elif isinstance(block, Verbatim):
        yield from block.text.split("\n")
    else:
        raise TypeError(type(block).__name__)


def _sentence(text: str, page: Page) -> Iterator[str]:
    """Wrap a line at the page's width; what follows the first is indented as it is."""
    indent = text[: len(text) - len(text.lstrip(" "))]
    room = None if page.width is None else max(page.width - len(indent), 10)
    for line in folded(printable(text.strip(" ")), room):
        yield styled((indent + line).rstrip(" "), text, page)


def _pairs(items: Iterable[tuple[str, str]], page: Page) -> Iterator[str]:
    """Write labels and values in two columns; long values are wrapped under their beginning."""
    pairs = [(printable(label), value) for label, value in items]
    width = max((width_of(label) for label, _ in pairs), default=0)
    room = None if page.width is None else max(page.width - width - len(INDENT + GAP), 10)
    for label, value in pairs:
        head = label
        for line in folded(printable(str(value)), room):
            start = f"{INDENT}{padded(head, width, '<')}{GAP}"
            yield (coloured(start, FAINT, page) + styled(line, value, page)).rstrip(" ")
            head = ""


def _table(table: Table, page: Page, *, has_headings: bool) -> Iterator[str]:
    # what a stranger wrote is made harmless before it is measured: that changes its width
    cells = [[(printable(str(cell)), cell) for cell in row] for row in table.rows]
    titles = [str(column.title) for column in table.columns]
    widths = [
        max([width_of(title), *(width_of(row[i][0]) for row in cells)])
        for i, title in enumerate(titles)
    ]
    shown = _shown(table.columns, widths, page)
    columns = [table.columns[i] for i in shown]
    widths = [widths[i] for i in shown]
    if page.width is not None:
        widths = squeezed(widths, [column.align for column in columns], page.width - len(INDENT))
    if has_headings and any(titles):
        heads = [(titles[i], "") for i in shown]
        for line in _row(heads, columns, widths, page):
            yield coloured(line, FAINT, page)
    for row in cells:
        yield from _row([row[i] for i in shown], columns, widths, page)


def _shown(columns: Sequence[Column], widths: Sequence[int], page: Page) -> list[int]:
    """Return which columns are drawn: those with the highest priority number go while it is too wide."""
    shown = list(range(len(columns)))
    while page.width is not None:
        needed = sum(widths[i] for i in shown) + len(GAP) * len(shown)
        # a column that folds needs no more than half of the page
        needed -= sum(max(widths[i] - page.width // 2, 0) for i in shown if columns[i].folds)
        worst = max(shown, key=lambda i: columns[i].priority)
        if needed <= page.width or columns[worst].priority == 0:
            break
        shown.remove(worst)
    return shown


def _row(
    cells: Sequence[tuple[str, object]],
    columns: Sequence[Column],
    widths: Sequence[int],
    page: Page,
) -> Iterator[str]:
    """Write one row; cells that may fold take as many lines as they need, others are shortened."""
    stacks = []
    for (text, original), column, width in zip(cells, columns, widths, strict=True):
        lines = folded(text, width) if column.folds else [shortened(text, width)]
        stacks.append([(line, original) for line in lines])
    for number in range(max(map(len, stacks), default=0)):
        parts = []
        for stack, column, width in zip(stacks, columns, widths, strict=True):
            text, original = stack[number] if number < len(stack) else ("", "")
            filled = padded(text, width, column.align)
            parts.append(filled.replace(text, styled(text, original, page), 1) if text else filled)
        yield (INDENT + GAP.join(parts)).rstrip(" ")
