"""`--help`: the page of one command, or of the whole."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fivetuple.analysis.manual import command_page, contents_page
from fivetuple.cli.cards import cards
from fivetuple.cli.columns import folded
from fivetuple.cli.page import terminal_width

if TYPE_CHECKING:
    from collections.abc import Mapping


def page(name: str, commands: Mapping[str, str]) -> str:
    """Return the help of a command, of the whole when no command is named."""
    known = cards(commands)
    lines = command_page(known[name]) if name in known else contents_page(known)
    if not sys.stdout.isatty():
        return "\n".join(lines) + "\n"
    width = terminal_width()
    return "\n".join(part for line in lines for part in _fitted(line, width)) + "\n"


def _fitted(line: str, width: int) -> list[str]:
    """Wrap a line under the column where its last part begins, or further in than its beginning."""
    if len(line) <= width:
        return [line]
    indent = len(line) - len(line.lstrip(" "))
    start = line.rfind("  ") + 2
    if not indent < start <= width // 2:
        first, *rest = folded(line[indent:], width - indent - 4)
        return [" " * indent + first, *(" " * (indent + 4) + each for each in rest)]
    first, *rest = folded(line[start:], width - start)
    return [line[:start] + first, *(" " * start + each for each in rest)]
