"""A terminal's lines, divided among the lists of the overview; what one list spares, the next one gets."""

from __future__ import annotations

from fivetuple.analysis.folding import room_for
from fivetuple.model.answer import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from fivetuple.analysis.oddities import Oddity

SHARES = (0.5, 0.3, 0.2)  # of the screen: listeners, destinations, oddities
# Lines that are no entries: the title, blanks, headings, a note, the prompt; and of a list that is rare.
FIXED_ROWS = 10
ODD_HEADING_ROWS = 3
LEAST_ROWS = 8  # below that the screen overflows: nothing can be read in less
WORD_END = 5  # columns that a wrapped line leaves empty, on average


class Screen:
    """How many lines each list may take; None for all of them, where nothing has to fit."""

    __slots__ = ("_columns", "_odd_rows", "listening", "talking")

    def __init__(
        self,
        size: tuple[int, int] | None,
        entries: tuple[int, int],
        odd: Sequence[Oddity],
        summary: str,
    ) -> None:
        """size: lines and columns; entries: how many listeners and destinations there are."""
        self.listening: int | None = None
        self.talking: int | None = None
        self._odd_rows: int | None = None
        self._columns = size[1] if size else 0
        if size:
            fixed = FIXED_ROWS + self._height(summary) + (ODD_HEADING_ROWS if odd else 0)
            wants = (*entries, sum(map(self._odd_height, odd)))
            rows = max(size[0] - fixed, LEAST_ROWS)
            self.listening, self.talking, self._odd_rows = room_for(wants, SHARES, rows)

    def after_listening(self, blocks: Sequence[object]) -> None:
        """Give the destinations what the listeners did not need."""
        if self.talking is not None:
            self.talking += _spared(self.listening, blocks)

    def after_talking(self, blocks: Sequence[object]) -> None:
        """Give the oddities what the destinations did not need."""
        if self._odd_rows is not None:
            self._odd_rows += _spared(self.talking, blocks)

    def oddities_shown(self, odd: Sequence[Oddity]) -> int | None:
        """Return how many oddities there is room for, with their meaning."""
        left = self._odd_rows
        if left is None:
            return None
        for count, each in enumerate(odd):
            left -= self._odd_height(each)
            if left < 0:
                return count
        return len(odd)

    def _odd_height(self, each: Oddity) -> int:
        return self._height(each.what, 2) + self._height(each.meaning, 4)

    def _height(self, text: str, indent: int = 0) -> int:
        """Return how many lines a text takes."""
        return -(-len(text) // max(self._columns - indent - WORD_END, 1))


def _spared(room: int | None, blocks: Sequence[object]) -> int:
    """Return how many lines of its room a list did not need; one says what was folded."""
    used = sum(len(block.rows) for block in blocks if isinstance(block, Table))
    return max((room or 0) - used - 1, 0)
