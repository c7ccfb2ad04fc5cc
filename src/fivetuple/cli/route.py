"""Which command an argument vector means: `ft ls ...`, `ft --json`, `ft 5432`, `ft nginx`."""

from __future__ import annotations

from fivetuple.cli.options import COMMON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

OVERVIEW, PORT = "overview", "port"
TAKES_VALUE = frozenset(
    flag
    for option in COMMON
    if option.kind not in ("flag", "seconds")
    for flag in (*option.flags, "-o")
)


def route(arguments: Sequence[str], commands: Collection[str]) -> tuple[str, list[str]]:
    """Return (command, its arguments). Options may stand before the command.

    No word at all is the overview; a first word that is no command is a port, a service, a
    process or an address, which `ft port` knows how to tell.
    """
    before: list[str] = []
    index = 0
    while index < len(arguments):
        word = arguments[index]
        if word == "--":
            index += 1
            break
        if not word.startswith("-") or word == "-":
            break
        before.append(word)
        if word in TAKES_VALUE and index + 1 < len(arguments):
            index += 1
            before.append(arguments[index])
        elif (
            word == "--watch" and index + 1 < len(arguments) and arguments[index + 1][:1].isdigit()
        ):
            # `ft --watch 5` waits five seconds; `ft --watch=2 5432` is about a port
            index += 1
            before.append(arguments[index])
        index += 1
    rest = list(arguments[index:])
    if not rest:
        return OVERVIEW, before
    if rest[0] in commands:
        return rest[0], before + rest[1:]
    return PORT, before + rest
