"""Command: what a command takes, declared once; parsing, help, completion and docs follow from it.

A file in views/ or actions/ is a command: its docstring is its help, and it has

    ARGUMENTS   how its words are written in the usage line, `""` for none
    OPTIONS     a tuple of Option
    question(request) -> Question            (views) what it needs to know
    answer(snapshot, request) -> Answer      (views)
    run(request) -> Answer                   (actions)
    WANTS_CARDS = True                       the request brings every command's Card (help, man ...)
"""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

Option = namedtuple("Option", "flags help kind metavar choices", defaults=("flag", "", ()))
"""flags: `-x`, `--long`; kind: flag, text, int, choice, many (comma-separated or repeated)."""

Card = namedtuple("Card", "name text arguments options is_view")
"""What help, man pages and completion know of a command. text: its docstring; options: a tuple of
(heading, options), its own first. `request.get("cards")` maps names to them, each made when asked."""


class Request:
    """What the user asked, checked and typed."""

    __slots__ = ("command", "now_ns", "options", "words")

    def __init__(
        self, command: str, words: tuple[str, ...], options: Mapping[str, Any], now_ns: int
    ) -> None:
        self.command = command
        self.words = words
        """The arguments that are no options, as typed."""
        self.options = options
        """Long name without dashes, `-` as `_` -> value; absent: not given."""
        self.now_ns = now_ns

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401  # what options hold
        """Return an option's value."""
        return self.options.get(name, default)

    def flag(self, name: str) -> bool:
        """Tell whether a flag was given."""
        return bool(self.options.get(name))
