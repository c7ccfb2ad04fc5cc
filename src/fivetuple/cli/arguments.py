"""argv -> Request, by click, from the declarations of the command and of cli/options.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fivetuple.cli.options import FORMATS, name_of
from fivetuple.model.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fivetuple.model.command import Option


class _List(click.ParamType[Any]):
    """Words separated by commas."""

    name = "list"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        return tuple(word.strip() for word in str(value).split(",") if word.strip())


TYPES: dict[str, click.ParamType[Any]] = {
    "text": click.STRING,
    "int": click.IntRange(min=0),
    "many": _List(),
    "seconds": click.FloatRange(min=0.1, max=86400),
}


def parse(name: str, options: Sequence[Option], arguments: Sequence[str]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return (words, options) of a command line.

    Raises:
        BadInput: an option is unknown or its value is wrong; the message says which would work.
    """
    command = make_command(name, options)
    try:
        context = command.make_context(name, list(_spelled_out(options, arguments)))
    except click.exceptions.NoSuchOption as error:
        near = f"; did you mean {' or '.join(sorted(error.possibilities))}?" if error.possibilities else ""
        raise BadInput(f"ft {name} has no option {error.option_name}{near} (`ft {name} --help`)") from error
    except click.UsageError as error:
        raise BadInput(f"ft {name}: {error.format_message()}") from error
    given = {key: value for key, value in context.params.items() if value not in (None, False, ())}
    return tuple(given.pop("words", ())), given


def make_command(name: str, options: Sequence[Option], usage: str = "") -> click.Command:
    """Make the click command of a declaration."""
    params: list[click.Parameter] = [click.Argument(["words"], nargs=-1, metavar=usage or "[WORD...]")]
    params += [_parameter(option) for option in options]
    return click.Command(name, params=params, add_help_option=False)


def _parameter(option: Option) -> click.Option:
    declared = [*option.flags, name_of(option)]
    if option.kind == "flag":
        return click.Option(declared, is_flag=True, help=option.help)
    if option.kind == "choice":
        return click.Option(declared, type=click.Choice(option.choices), help=option.help, metavar=option.metavar)
    if option.kind == "seconds":
        return click.Option(
            declared, type=TYPES["seconds"], is_flag=False, flag_value=2.0, help=option.help, metavar=option.metavar
        )
    return click.Option(declared, type=TYPES[option.kind], help=option.help, metavar=option.metavar)


def _spelled_out(options: Sequence[Option], arguments: Sequence[str]) -> list[str]:
    """Write `-o json` as `--output json`, also where a command has a -o of its own, as ss has."""
    has_own = any("-o" in option.flags for option in options if name_of(option) != "output")
    words: list[str] = []
    for index, argument in enumerate(arguments):
        following = arguments[index + 1] if index + 1 < len(arguments) else ""
        if argument == "--":
            words += arguments[index:]
            break
        is_output = argument == "-o" and (following in FORMATS or not has_own)
        words.append("--output" if is_output else argument)
        if argument == "--watch" and not _is_number(following):
            words[-1] = "--watch=2"
    return words


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()
