"""argv -> Request, by click, from the declarations of the command and of cli/options.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fivetuple.cli.mistakes import unknown_option, wrong_value
from fivetuple.cli.options import FORMATS, name_of
from fivetuple.cli.quick import is_count, read_list
from fivetuple.model.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fivetuple.model.command import Option

LEAST_S, MOST_S = 0.1, 86400.0  # of --watch
USUAL_S = 2.0


class _Seconds(click.ParamType[Any]):
    """A time to wait."""

    name = "seconds"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            seconds = float(str(value))
        except ValueError:
            self.fail(f"'{value}' is no number of seconds", param, ctx)
        if not LEAST_S <= seconds <= MOST_S:  # nan is in no range
            self.fail(f"{value} s: it waits {LEAST_S} to {MOST_S:.0f} s", param, ctx)
        return seconds


class _Count(click.ParamType[Any]):
    """A number from 0 up."""

    name = "count"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        text = str(value)
        if not is_count(text):
            self.fail(f"'{text}' is no whole number from 0 up", param, ctx)
        return int(text)


class _List(click.ParamType[Any]):
    """Words separated by commas."""

    name = "list"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        return read_list(str(value))


TYPES: dict[str, click.ParamType[Any]] = {
    "text": click.STRING,
    "int": _Count(),
    "many": _List(),
    "seconds": _Seconds(),
}


def parse(
    name: str, options: Sequence[Option], arguments: Sequence[str]
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return (words, options) of a command line.

    Raises:
        BadInput: an option is unknown or its value is wrong; the message says which would work.
    """
    command = make_command(name, options)
    try:
        context = command.make_context(name, _spelled_out(options, arguments))
    except click.exceptions.NoSuchOption as error:
        raise BadInput(
            unknown_option(name, error.option_name, error.possibilities or (), arguments)
        ) from error
    except click.BadParameter as error:
        raise BadInput(wrong_value(name, error, options)) from error
    except click.UsageError as error:
        raise BadInput(error.format_message()) from error
    given = dict(context.params)
    words = tuple(given.pop("_words", ()))
    for option in options:
        if option.kind == "many":
            given[name_of(option)] = tuple(word for part in given[name_of(option)] for word in part)
    return words, {key: value for key, value in given.items() if _is_given(value)}


def make_command(name: str, options: Sequence[Option]) -> click.Command:
    """Make the click command of a declaration."""
    params: list[click.Parameter] = [click.Argument(["_words"], nargs=-1)]
    params += [_parameter(option) for option in options]
    return click.Command(name, params=params, add_help_option=False)


def _is_given(value: object) -> bool:
    """Tell what was typed from what click fills in; `--limit 0` was typed."""
    return value is not None and value is not False and value != ()


def _parameter(option: Option) -> click.Option:
    declared = [*option.flags, name_of(option)]
    if option.kind == "flag":
        return click.Option(declared, is_flag=True)
    if option.kind == "choice":
        return click.Option(declared, type=click.Choice(option.choices))
    if option.kind == "seconds":
        return click.Option(declared, type=TYPES["seconds"], is_flag=False, flag_value=USUAL_S)
    return click.Option(declared, type=TYPES[option.kind], multiple=option.kind == "many")


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
            words[-1] = f"--watch={USUAL_S:g}"
    return words


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()
