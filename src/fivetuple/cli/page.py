"""Page: where text goes: how wide it is, and whether it takes colours."""

from __future__ import annotations

import os
import sys

from fivetuple.model.answer import BAD, FAINT, GOOD, STRONG, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.model.command import Request

LEAST_WIDTH = 20  # below that nothing can be read, and the terminal may wrap
USUAL_WIDTH = 80  # of a terminal that does not tell: a serial line, a pty that nobody sized
USUAL_ROWS = 24
COLOURS = {STRONG: "1", FAINT: "2", GOOD: "32", WARN: "33", BAD: "31"}


class Page:
    """Where the text goes."""

    __slots__ = ("has_colour", "is_markdown", "width")

    def __init__(self, width: int | None, *, has_colour: bool, is_markdown: bool = False) -> None:
        self.width = width
        """Columns of the terminal; None where nothing has to fit."""
        self.has_colour = has_colour
        self.is_markdown = is_markdown


def page_for(request: Request) -> Page:
    """Look at stdout, COLUMNS, NO_COLOR, TERM and --color; `-o wide` is never cut."""
    is_terminal = sys.stdout.isatty()
    wish = request.get("color") or "auto"
    is_plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    has_colour = wish == "always" or (wish == "auto" and is_terminal and not is_plain)
    output = request.get("output")
    if output == "markdown":
        return Page(None, has_colour=False, is_markdown=True)
    must_fit = is_terminal and output != "wide"
    return Page(terminal_width() if must_fit else None, has_colour=has_colour)


def terminal_width() -> int:
    """Return the columns of the terminal at stdout; COLUMNS wins, as with ps and ls."""
    wish = os.environ.get("COLUMNS", "")
    if wish.isascii() and wish.isdigit() and 0 < len(wish) < 6 and int(wish):
        return max(int(wish), LEAST_WIDTH)
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    return max(columns or USUAL_WIDTH, LEAST_WIDTH)


def screen_size(output: object) -> tuple[int, int] | None:
    """Return (lines, columns) of the terminal at stdout; None where nothing has to fit on a screen."""
    if not sys.stdout.isatty() or output not in (None, "table"):
        return None
    try:
        lines = os.get_terminal_size(sys.stdout.fileno()).lines
    except (OSError, ValueError):
        lines = 0
    return lines or USUAL_ROWS, terminal_width()


def coloured(text: str, style: str, page: Page) -> str:
    """Return the text in the colour of its style, where the page takes colours."""
    colour = COLOURS.get(style) if page.has_colour else None
    return f"\x1b[{colour}m{text}\x1b[0m" if colour and text else text


def styled(text: str, like: object, page: Page) -> str:
    """Return the text in the style that another text has."""
    return coloured(text, getattr(like, "style", ""), page)
