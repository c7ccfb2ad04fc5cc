"""Help pages as lines of text, drawn from what the commands declare."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fivetuple.model.command import Card, Option

# What the contents page begins with: the questions that bring people here.
INTRODUCTION = (
    "ft shows every port and socket of this machine: who owns it, what state it is in, and why.",
    "",
    "  ft                 one screen for this machine",
    "  ft 5432            the whole story of a port (also: ft :5432, ft nginx, ft 812, ft 10.0.0.5:443)",
    "  ft ls -tulpn       the list; ss's flags and filters work",
    "  ft explain WORD    what a state, an error, an option or a column means",
)
NAME_WIDTH = 14
FLAGS_WIDTH = 22

EXIT_STATUS = (
    (0, "yes, fine or found"),
    (1, "the answer is no: nothing found, cannot, differs"),
    (2, "wrong usage"),
    (3, "incomplete for lack of permission, with --strict"),
    (4, "not available here"),
    (5, "our own fault, or the answer could not be written"),
    (130, "interrupted"),
)


def usage(card: Card) -> str:
    """Return the usage line: `ft ls [OPTION...] [FILTER...]`."""
    name = "" if card.name == "overview" else card.name
    return " ".join(word for word in ("ft", name, "[OPTION...]", card.arguments) if word)


def summary(card: Card) -> str:
    """Return the first line of what the command says of itself."""
    return str(card.text.partition("\n")[0])


def command_page(card: Card) -> list[str]:
    """Return the page of one command."""
    lines = [f"Usage: {usage(card)}", "", *card.text.split("\n")]
    for heading, options in card.options:
        lines += ["", f"{heading}:", *option_lines(options)]
    return lines


def contents_page(cards: Mapping[str, Card]) -> list[str]:
    """Return the page of the whole: commands, common options, exit status."""
    some_view = next(card for card in cards.values() if card.is_view)
    lines = [*INTRODUCTION, "", "Commands:"]
    lines += [f"  {name:<{NAME_WIDTH}} {summary(card)}" for name, card in sorted(cards.items())]
    for heading, options in some_view.options[-2:]:
        lines += ["", f"{heading}, of every question:", *option_lines(options)]
    lines += [
        "",
        "Exit status:",
        *(f"  {status:<{NAME_WIDTH}} {words}" for status, words in EXIT_STATUS),
    ]
    return [*lines, "", "`ft help COMMAND` tells more; `ft --version` tells the version."]


def option_lines(options: Sequence[Option]) -> Iterator[str]:
    """List options and what they do, in two columns."""
    for option in options:
        flags = flags_text(option)
        if len(flags) > FLAGS_WIDTH:
            yield f"  {flags}"
            flags = ""
        yield f"  {flags:<{FLAGS_WIDTH}}  {option.help}"


def flags_text(option: Option) -> str:
    """Return `-N, --netns WHICH`."""
    return ", ".join(option.flags) + (f" {option.metavar}" if option.metavar else "")
