"""Print a manual page in roff: of ft, or of one command.

The pages are drawn from what the commands say of themselves, as `--help` is.

Examples:
    ft man | man -l -                          read it now
    ft man ls > /usr/local/share/man/man1/ft-ls.1
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fivetuple.analysis.manual import EXIT_STATUS, INTRODUCTION, flags_text, summary, usage
from fivetuple.model.answer import Answer, Verbatim
from fivetuple.model.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from fivetuple.model.command import Card, Option, Request

ARGUMENTS = "[COMMAND]"
OPTIONS = ()
WANTS_CARDS = True

# The package's name and not its version: a page does not change because nothing else did.
HEADER = '.TH "{title}" "1" "" "fivetuple" "User Commands"'
VARIABLES = (
    ("NO_COLOR", "No colours when it is set and not empty."),
    ("COLUMNS", "The width of tables on a terminal."),
    ("FT_DEBUG", "Show a traceback when ft itself fails."),
)


def run(request: Request) -> Answer:
    """Print the page.

    Raises:
        BadInput: the word is no command.
    """
    cards: Mapping[str, Card] = request.get("cards")
    name = " ".join(request.words)
    if name and name not in cards:
        from difflib import get_close_matches

        near = get_close_matches(name[:40], list(cards), 1)
        hint = f"; did you mean {near[0]}?" if near else f": {', '.join(sorted(cards))}"
        raise BadInput(f"'{name}' is no command of ft{hint}")
    lines = list(_command_page(cards[name], cards) if name else _whole_page(cards))
    return Answer(
        [Verbatim("\n".join(lines))], {"page": f"ft-{name}" if name else "ft", "roff": lines}
    )


def _whole_page(cards: Mapping[str, Card]) -> Iterator[str]:
    """Write ft(1)."""
    yield HEADER.format(title="FT")
    yield from (".SH NAME", r"ft \- see every port and socket of this machine, and who owns it")
    yield from (".SH SYNOPSIS", r"\fBft\fR [\fICOMMAND\fR] [\fIOPTION\fR...] [\fIARGUMENT\fR...]")
    yield ".SH DESCRIPTION"
    yield from _prose(INTRODUCTION)
    yield ".SH COMMANDS"
    for name, card in sorted(cards.items()):
        yield from (".TP", rf"\fB{_text(name)}\fR", _text(summary(card)))
    view = next(card for card in cards.values() if card.is_view)
    for heading, options in view.options[-2:]:
        yield f".SH {heading.upper()}"
        yield from _options(options)
    yield from _ending(f"ft-{name}" for name in sorted(cards))


def _command_page(card: Card, cards: Mapping[str, Card]) -> Iterator[str]:
    """Write the page of one command."""
    yield HEADER.format(title=f"FT-{card.name.upper()}")
    yield from (".SH NAME", rf"ft\-{_text(card.name)} \- {_text(summary(card).rstrip('.'))}")
    yield from (".SH SYNOPSIS", rf"\fB{_text(usage(card))}\fR")
    text, _, examples = card.text.partition("Examples:\n")
    paragraphs = text.strip().split("\n")[1:]
    yield ".SH DESCRIPTION"
    yield from _prose([summary(card), *paragraphs])
    if examples:
        yield from (
            ".SH EXAMPLES",
            ".nf",
            *(_text(line.strip()) for line in examples.split("\n")),
            ".fi",
        )
    for heading, options in card.options:
        yield f".SH {heading.upper()}"
        yield from _options(options)
    yield from _ending(["ft", *(f"ft-{name}" for name in sorted(cards) if name != card.name)])


def _prose(lines: Iterable[str]) -> Iterator[str]:
    """Write paragraphs; a line that is indented stays a line of its own."""
    is_kept = False
    for line in lines:
        if line.startswith(" ") != is_kept:
            is_kept = not is_kept
            yield ".nf" if is_kept else ".fi"
        yield _text(line) if line.strip() else ".PP"
    if is_kept:
        yield ".fi"


def _options(options: Sequence[Option]) -> Iterator[str]:
    for option in options:
        yield from (".TP", rf"\fB{_text(flags_text(option))}\fR", _text(option.help))


def _ending(others: Iterable[str]) -> Iterator[str]:
    """Write what every page ends with."""
    yield ".SH EXIT STATUS"
    for status, words in EXIT_STATUS:
        yield from (".TP", rf"\fB{status}\fR", _text(words))
    yield ".SH ENVIRONMENT"
    for name, words in VARIABLES:
        yield from (".TP", rf"\fB{_text(name)}\fR", _text(words))
    yield ".SH SEE ALSO"
    yield ",\n".join(rf"\fB{_text(name)}\fR(1)" for name in (*others, "ss", "lsof"))


def _text(line: str) -> str:
    """Return a line as roff shows it: groff(7) gives backslash, minus, quotes and the first dot a meaning."""
    made = line.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")
    made = made.replace("^", r"\(ha").replace("~", r"\(ti")
    return r"\&" + made if made.startswith(".") else made
