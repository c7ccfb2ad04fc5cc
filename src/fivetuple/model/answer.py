"""Answer: what a command has to say, before anybody decided how it is drawn.

`blocks` are for people; `data` is for programs and becomes the JSON object. A view fills both
from the same values; it knows neither the terminal nor the encoding.
"""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from fivetuple.model.snapshot import Rows, Snapshot

# What a text is about; how that looks is the surface's business, and never only a colour.
PLAIN, STRONG, FAINT, GOOD, WARN, BAD = "plain", "strong", "faint", "good", "warn", "bad"


class Styled(str):
    """A text with a style: one of the names above."""

    __slots__ = ("style",)
    style: str

    def __new__(cls, text: str, style: str = PLAIN) -> Styled:
        """Make the text; `style` is one of the names in this file."""
        made = super().__new__(cls, text)
        made.style = style
        return made


Heading = namedtuple("Heading", "text")
Line = namedtuple("Line", "text")
"""A sentence or a line; wrapped at the terminal's width."""
Pairs = namedtuple("Pairs", "items")
"""Labels and values, one a line: items is a sequence of (label, value)."""
Column = namedtuple("Column", "title align priority folds", defaults=("<", 0, False))
"""priority: when the terminal is narrow, columns with the highest number go first; 0 stays.
folds: its texts take several lines where they have no room; others are cut."""
Table = namedtuple("Table", "columns rows")
"""rows: sequences of texts, as many as there are columns."""
Verbatim = namedtuple("Verbatim", "text")
"""Lines for another program: a shell's script, a page for man(1). Neither wrapped nor escaped."""


class SocketTable:
    """Socket rows as a table: which fields, of which rows, in which order.

    Streams when nothing has to be sorted: the surface asks chunk by chunk.
    """

    __slots__ = ("fields", "host_names", "keep", "limit", "snapshot", "sort")

    def __init__(
        self,
        snapshot: Snapshot,
        fields: Sequence[str],
        *,
        keep: Callable[[Rows], Rows] | None = None,
        sort: Sequence[tuple[str, bool]] = (),
        limit: int | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.fields = tuple(fields)
        self.keep = keep
        """Filter of a buffer of rows; None keeps all."""
        self.sort = tuple(sort)
        """(field, descending) in the order of weight."""
        self.limit = limit
        self.host_names: Mapping[str, str] | None = None
        """Remote address -> host name, to be shown beside it; None: not asked for (--resolve)."""


class Answer:
    """What a command says."""

    __slots__ = ("blocks", "data", "is_whole", "lists", "notes", "sockets", "status")

    def __init__(  # noqa: PLR0913  # each by its name
        self,
        blocks: Iterable[object] = (),
        data: Mapping[str, Any] | None = None,
        *,
        sockets: SocketTable | None = None,
        lists: str | None = None,
        status: int = 0,
        notes: Sequence[str] = (),
        is_whole: bool = False,
    ) -> None:
        self.blocks = blocks
        self.data = data or {}
        """The members of the JSON object beside schema, host, taken and missing."""
        self.sockets = sockets
        """A list of sockets, streamed as the JSON member `sockets`."""
        self.lists = lists
        """The member of `data` whose rows jsonl and csv print, one a line."""
        self.status = status
        """0 yes, fine or found; 1 the answer is no."""
        self.is_whole = is_whole
        """`data` is the whole output, always JSON: a schema, not an answer within one."""
        self.notes = tuple(notes)
        """Said on stderr, once each."""
