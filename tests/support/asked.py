"""Commands asked in this process, of a Snapshot that is at hand, and written to a text."""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fivetuple.cli.asking import finish, needs_of
from fivetuple.cli.commands import command_names, load
from fivetuple.cli.main import request_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fivetuple.model.answer import Answer
    from fivetuple.model.command import Request
    from fivetuple.model.snapshot import Snapshot


class Screen(io.StringIO):
    """A stdout that may call itself a terminal; COLUMNS says how wide it is."""

    def __init__(self, *, is_terminal: bool = False) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@contextmanager
def screen(*, is_terminal: bool = False) -> Iterator[Screen]:
    """Put a screen in stdout's place."""
    made, before = Screen(is_terminal=is_terminal), sys.stdout
    sys.stdout = made
    try:
        yield made
    finally:
        sys.stdout = before


def request(*arguments: str) -> Request:
    """Return the request of a command line, as the front door makes it."""
    commands = command_names()
    return request_of(arguments[0], load(commands[arguments[0]]), arguments[1:], commands)


def answer(snapshot: Snapshot | None, *arguments: str) -> Answer:
    """Return a view's answer from a snapshot."""
    module = load(command_names()[arguments[0]])
    asked = request(*arguments)
    module.question(asked)
    return module.answer(snapshot, asked)  # type: ignore[no-any-return]


def written(
    snapshot: Snapshot | None, *arguments: str, is_terminal: bool = False
) -> tuple[str, int]:
    """Return what a command line writes to stdout, and its exit status."""
    module = load(command_names()[arguments[0]])
    asked = request(*arguments)
    with screen(is_terminal=is_terminal) as out:
        status = finish(module.answer(snapshot, asked), snapshot, asked, needs_of(module, asked))
    return out.getvalue(), status
