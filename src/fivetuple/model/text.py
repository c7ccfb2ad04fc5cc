r"""Strings from strangers: bytes until they are shown, then made harmless for where they are shown.

Process names, command lines, paths and host names may hold anything. `decode` makes text that
loses nothing (bytes that are no UTF-8 become `\xNN`); `printable` moreover makes it one line
without control, escape or direction-changing characters, for a terminal.
"""

from __future__ import annotations


def decode(raw: bytes) -> str:
    r"""Return the text of the bytes; what is not UTF-8 is spelled `\xNN`."""
    return raw.decode("utf-8", "backslashreplace")


def printable(text: str) -> str:
    """Return the text with every character that a terminal might act on spelled out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _spelled(c) for c in text)


def _spelled(character: str) -> str:
    r"""Spell one character as `\n`, `\x1b` or `\u202e`."""
    return character.encode("unicode_escape").decode("ascii")
