"""The words of a filter, read one at a time, with their places; and the complaint that shows one.

A filter comes as the shell split it or as one string; both are the same text here. What a
character means depends on where it stands (`(` opens a group, or begins a pattern), so the
parser asks for what it expects: a name, an operator, a value.
"""

from __future__ import annotations

from fivetuple.model.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

OPERATORS = {
    "=": "=", "==": "=", "eq": "=", "in": "=", "!=": "!=", "ne": "!=", "neq": "!=",
    "<": "<", "lt": "<", "<=": "<=", "le": "<=", "leq": "<=",
    ">": ">", "gt": ">", ">=": ">=", "ge": ">=", "geq": ">=", "~": "~",
}  # fmt: skip
_SYMBOLS = ("<=", ">=", "!=", "==", "=", "<", ">", "~")  # the longer first
CONNECTIVES = {"and": "and", "&": "and", "&&": "and", "or": "or", "|": "or", "||": "or"}
_ENDS_NAME = frozenset("=!<>~()&|'\"")
SHOWN_WIDTH = 150  # of a longer filter, only what is around the place is shown


class Scanner:
    """A place in the text of a filter."""

    __slots__ = ("_words", "place", "start", "text")

    def __init__(self, words: Sequence[str]) -> None:
        self.text = ""
        self.place = 0
        self.start = 0
        """Where the last thing that was read began."""
        self._words: dict[int, int] = {}
        parts = []
        length = 0
        for word in map(_decoded, words):
            self._words[length] = length + len(word)
            parts.append(word)
            length += len(word) + 1
        self.text = " ".join(parts)

    def skip(self) -> bool:
        """Go past white space; tell whether something follows."""
        text, place = self.text, self.place
        while place < len(text) and text[place].isspace():
            place += 1
        self.place = place
        return place < len(text)

    def takes(self, symbol: str) -> bool:
        """Go past the character if it comes next."""
        if self.skip() and self.text.startswith(symbol, self.place):
            self.start, self.place = self.place, self.place + len(symbol)
            return True
        return False

    def peek_name(self) -> str:
        """Return the name that comes next, "" if none does; go past nothing but space."""
        self.skip()
        text, end = self.text, self.place
        while end < len(text) and not text[end].isspace() and text[end] not in _ENDS_NAME:
            end += 1
        return text[self.place : end]

    def name(self) -> str:
        """Read the name that comes next."""
        name = self.peek_name()
        self.start, self.place = self.place, self.place + len(name)
        return name

    def connective(self) -> str:
        """Read `and` or `or` in any spelling; "" when something else comes."""
        self.skip()
        for symbol in ("&&", "||", "&", "|"):
            if self.takes(symbol):
                return CONNECTIVES[symbol]
        word = CONNECTIVES.get(self.peek_name(), "")
        if word:
            self.name()
        return word

    def operator(self) -> str:
        """Read an operator in any spelling; "" when something else comes."""
        for symbol in _SYMBOLS:
            if self.takes(symbol):
                return OPERATORS[symbol]
        word = self.peek_name()
        if word in OPERATORS:
            self.name()
            return OPERATORS[word]
        if word == "not":
            before = self.place
            self.name()
            if self.peek_name() == "in":
                self.start = before
                self.place += 2
                return "!="
            self.place = before
        return ""

    def values(self, *, is_list: bool, is_text: bool) -> list[tuple[str, int, int]]:
        """Read a value, or several with commas between: (text, start, end) each.

        is_text: spaces and quotes in a word that the shell kept together are part of the value.
        """
        self.skip()
        self.start = self.place
        end = self._words.get(self.place, 0)
        if is_text and end > self.place and self.text[self.place] not in "'\"":
            word = self.text[self.place : end]
            if any(character.isspace() or character in "'\"" for character in word):
                self.place = end
                return [(word, self.start, end)]
        found = [self._value(is_list=is_list)]
        while is_list and self.takes(","):
            self.skip()
            found.append(self._value(is_list=is_list))
        return found

    def _value(self, *, is_list: bool) -> tuple[str, int, int]:
        """Read one value up to white space, a comma (in a list) or a `)` that closes nothing in it."""
        text, start, place = self.text, self.place, self.place
        pieces: list[str] = []
        depth = 0
        while place < len(text) and not text[place].isspace():
            character = text[place]
            if character in "'\"":
                end = text.find(character, place + 1)
                if end < 0:
                    self.complain("this quote is not closed", place, len(text))
                pieces.append(text[place + 1 : end])
                place = end + 1
                continue
            if (character == "," and is_list) or (character == ")" and depth == 0):
                break
            depth += (character == "(") - (character == ")")
            if character == "\\" and text[place + 1 : place + 2].isspace():
                place += 1
                character = text[place]
            pieces.append(character)
            place += 1
        self.place = place
        return "".join(pieces), start, place

    def complain(self, message: str, start: int, end: int, hint: str = "") -> NoReturn:
        """Raise BadInput that shows the filter, marks the place, and says what would work."""
        from fivetuple.model.text import printable

        shown, marks = _marked(self.text, start, max(end, start + 1))
        lines = [f"can't read this filter: {printable(message)}", f"  {shown}", f"  {marks}"]
        raise BadInput("\n".join([*lines, printable(hint)] if hint else lines))


def _decoded(word: str) -> str:
    """Return a word of argv as text of the kind that model/text.decode makes of bytes."""
    if word.isascii():
        return word
    try:
        return word.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        return word.encode("utf-8", "backslashreplace").decode("utf-8")


def _marked(text: str, start: int, end: int) -> tuple[str, str]:
    """Return the text, harmless for a terminal and cut around the place, and the line with the marks."""
    from fivetuple.model.text import printable

    first = max(0, start - SHOWN_WIDTH // 2) if len(text) > SHOWN_WIDTH else 0
    last = min(len(text), first + SHOWN_WIDTH)
    before = ("..." if first else "") + printable(text[first:start])
    place = printable(text[start : min(end, last)])
    after = printable(text[min(end, last) : last]) + ("..." if last < len(text) else "")
    return before + place + after, " " * _width(before) + "^" * max(_width(place), 1)


def _width(text: str) -> int:
    """Count the terminal columns of a printable text."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
