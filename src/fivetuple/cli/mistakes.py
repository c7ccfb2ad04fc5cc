"""What somebody may have meant who typed something that ft does not know. For complaints only."""

from __future__ import annotations

from difflib import get_close_matches
from itertools import pairwise
from typing import TYPE_CHECKING

from fivetuple.cli.options import COLUMN_FORMATS, COMMON, FORMATS, name_of
from fivetuple.model.text import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import click

    from fivetuple.model.command import Option

LONGEST_WORD = 40  # a longer one is no typing mistake

# Habits of ss, netstat and lsof that are written another way here.
ELSEWHERE = {
    "-A": "name protocols by -t -u -x -w, or by a filter: protocol = tcp,udp",
    "--query": "name protocols by -t -u -x -w, or by a filter: protocol = tcp,udp",
    "-E": "--watch shows sockets as they open and close",
    "--events": "--watch shows sockets as they open and close",
    "-c": "--watch repeats a question",
    "-O": "every socket is one line already",
    "--oneline": "every socket is one line already",
    "-F": "`ft explain filters` shows the filter language; the words follow the options",
    "-b": "`--fields local,remote,options` shows socket options",
    "--inet": "-4 -6, or nothing: internet sockets are what ft lists",
    "-P": "ports are numbers always: leave it out",
    "-v": "-o wide shows more columns",
    "-I": "`ft ls dev = eth0` keeps the sockets bound to an interface",
}


def unknown_option(
    command: str, option: str, possibilities: Sequence[str], arguments: Sequence[str]
) -> str:
    """Return the sentence about an option that a command does not have."""
    said = f"ft {command} has no option {printable(option)}"
    possibilities = [*get_close_matches(option, ("--version", "--help"), 1, 0.7), *possibilities]
    if command in ("overview", "port"):  # what `ft -tulpn` and `ft --by process` come to
        from fivetuple.views import ls

        if command == "overview":
            said = f"ft without a command has no option {printable(option)}"
        if option in {flag for each in ls.OPTIONS for flag in each.flags}:
            return f"{said}; the list of sockets has: ft ls {printable(' '.join(arguments))}"
    if option in ELSEWHERE:
        return f"{said}: {ELSEWHERE[option]}"
    near = f"; did you mean {possibilities[0]}?" if possibilities else ""
    page = f"ft {command} --help" if command != "overview" else "ft --help"
    return f"{said}{near} (`{page}`)"


def wrong_value(command: str, error: click.BadParameter, options: Sequence[Option]) -> str:
    """Return the sentence about an option's value that can't be used."""
    parameter = error.param
    option = next(
        (each for each in options if parameter is not None and name_of(each) == parameter.name),
        None,
    )
    if option is None:
        return printable(error.message)
    flag = "-o" if name_of(option) == "output" else option.flags[-1]
    if option.kind != "choice":
        return f"ft {command}: {flag}: {printable(error.message)}"
    typed = error.message.partition("'")[2].partition("' is not")[0]
    near = get_close_matches(typed.lower()[:LONGEST_WORD], option.choices, 1)
    hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(option.choices)}"
    return f"ft {command}: {flag} {printable(typed)}: {hint}"


def near_command(word: str, commands: Collection[str]) -> str | None:
    """Return the command that a mistyped word probably meant."""
    if not word.isascii() or not word.replace("-", "").isalpha() or len(word) > LONGEST_WORD:
        return None
    if word == "version":
        return "--version"
    near = get_close_matches(
        word.lower(), [name for name in commands if name != "overview"], 1, 0.6
    )
    return near[0] if near else None


def meant_format(arguments: Sequence[str]) -> str | None:
    """Return `-o json` where a word after -o is nearly a format: a filter was not meant."""
    flags = {flag for option in COMMON for flag in option.flags}
    for before, word in pairwise(arguments):
        if (
            before == "-o"
            and word not in flags
            and (near := get_close_matches(word.lower(), FORMATS, 1, 0.7))
        ):
            return f"-o {near[0]}"
    return None


def formats_taken(arguments: Sequence[str], complaint: str) -> str:
    """Return the line that names the formats where the word after -o is what was complained of."""
    if not any(
        before == "-o" and f"'{word}' is no field" in complaint
        for before, word in pairwise(arguments)
    ):
        return ""
    formats = [name for name in FORMATS if name not in COLUMN_FORMATS]
    return f"\nas a format, -o takes {', '.join(formats)}"


def needless_word(command: str, word: str) -> str:
    """Return the sentence about a word given to a command that takes options only."""
    shown = printable(word[:LONGEST_WORD])
    page = "`ft --help`" if command == "overview" else f"`ft {command} --help`"
    about = f"; about a port or a program: ft {shown}" if command == "overview" else ""
    return f"ft {command} takes options only, and '{shown}' is none{about} ({page})"
