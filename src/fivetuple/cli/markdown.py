"""Answers as GitHub-flavoured Markdown. What strangers wrote stays text: no HTML, links or borders."""

from __future__ import annotations

from fivetuple.model.answer import Heading, Line, Pairs, Table, Verbatim
from fivetuple.model.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# The backslash is one of them: left alone, `\|` in a name would end its cell.
MEANINGFUL = frozenset("\\|`*_[]~")


def draw(block: object) -> Iterator[str]:
    """Give the lines of one block."""
    if isinstance(block, Heading):
        yield f"\n## {escaped(block.text)}\n"
    elif isinstance(block, Line):
        yield escaped(block.text).strip() + "\n" if block.text.strip() else ""
    elif isinstance(block, Pairs):
        yield from (f"- **{escaped(label)}**: {escaped(value)}" for label, value in block.items)
    elif isinstance(block, Table):
        yield from table([column.title for column in block.columns], block.rows)
    elif isinstance(block, Verbatim):
        yield from ("    " + line for line in block.text.split("\n"))
    else:
        raise TypeError(type(block).__name__)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Give the lines of a table."""
    yield "| " + " | ".join(titles) + " |"
    yield "|" + "---|" * len(titles)
    for row in rows:
        yield "| " + " | ".join(escaped(cell) for cell in row) + " |"


def escaped(text: object) -> str:
    """Return a text as Markdown that shows it."""
    harmless = printable(str(text)).replace("&", "&amp;").replace("<", "&lt;")
    return "".join("\\" + c if c in MEANINGFUL else c for c in harmless)
