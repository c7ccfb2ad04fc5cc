"""`ft`: from the argument vector to the exit status. The only place that prints errors.

Exit status: 0 yes, fine or found; 1 the answer is no; 2 wrong usage; 3 incomplete for lack of
permission, with --strict; 4 not available here; 5 our own fault; 130 interrupted.
A closed pipe is silent and 0.
"""

from __future__ import annotations

import gc
import os
import sys
import time

from fivetuple.cli.asking import ask, complain, finish, needs_of
from fivetuple.cli.commands import command_names, is_view, load
from fivetuple.cli.options import COLUMN_FORMATS, COMMON, OUTPUT
from fivetuple.cli.route import PORT, route
from fivetuple.model.command import Request
from fivetuple.model.errors import BadInput, FivetupleError, NotAvailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType
    from typing import NoReturn

INTERRUPTED = 130
OWN_FAULT = 5


def leave() -> NoReturn:
    """Run `ft` and end the process at once: what it holds is not worth taking apart."""
    gc.disable()  # rows make tuples by the hundred thousand and no cycles
    os._exit(main())  # stdout is empty by then, and stderr goes line by line


def main() -> int:
    """Run `ft` with the process's arguments and return its exit status."""
    _open_streams()
    try:
        status = run(sys.argv[1:])
        sys.stdout.flush()
    except FivetupleError as error:
        complain(str(error))
        status = error.exit_status
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BrokenPipeError:
        status = 0  # the reader has seen enough
    except OSError as error:
        complain(
            f"cannot go on: {error.strerror or error}{f': {error.filename}' if error.filename else ''}"
        )
        status = OWN_FAULT
    except Exception as error:  # never a traceback to a user; FT_DEBUG shows it
        if os.environ.get("FT_DEBUG"):
            raise
        complain(f"this is our fault: {_where(error)}; FT_DEBUG=1 shows more, please report it")
        status = OWN_FAULT
    _empty_stdout()
    return status


def run(arguments: Sequence[str]) -> int:
    """Answer one command line.

    Raises:
        FivetupleError: with the sentence to show and the exit status to leave with.
    """
    if list(arguments) in (["--version"], ["-V"]):
        from fivetuple import __version__

        sys.stdout.write(f"ft {__version__}\n")
        return 0
    commands = command_names()
    name, rest = route(arguments, commands)
    is_typed = name in arguments
    if _asks_for_help(rest):
        from fivetuple.cli.help import page

        sys.stdout.write(page(name if is_typed else "", commands))
        return 0
    try:
        status = _answer(name, load(commands[name]), rest, commands)
    except BadInput as error:
        meant = _meant(name, rest, commands, is_typed=is_typed)
        if meant is None:
            from fivetuple.cli.mistakes import formats_taken

            raise BadInput(f"{error}{formats_taken(rest, str(error))}") from error
        raise BadInput(f"{error}\ndid you mean: {meant}") from error
    if status == 1 and not is_typed and (meant := _meant(name, rest, commands, is_typed=False)):
        complain(f"did you mean: {meant}")
    return status


def _answer(name: str, module: ModuleType, rest: Sequence[str], commands: Mapping[str, str]) -> int:
    """Answer one command whose arguments are `rest`."""
    request = request_of(name, module, rest, commands)
    if request.get("output") in COLUMN_FORMATS:
        raise NotAvailable(
            f"-o {request.get('output')} needs the history extra, which is not part of this release; -o csv or -o jsonl can be read instead"
        )
    if request.get("watch"):
        from fivetuple.cli.watch import watch

        return watch(module, request)
    snapshot, answer = ask(module, request)
    return finish(answer, snapshot, request, needs_of(module, request))


def request_of(
    name: str, module: ModuleType, arguments: Sequence[str], commands: Mapping[str, str]
) -> Request:
    """Read the command line of one command.

    Raises:
        BadInput: it can't be understood.
    """
    from fivetuple.cli.quick import quick_parse

    options = (*module.OPTIONS, *(COMMON if is_view(module) else OUTPUT))
    parsed = quick_parse(options, arguments)
    if parsed is None:
        from fivetuple.cli.arguments import parse

        parsed = parse(name, options, arguments)
    words, given = parsed
    if words and not module.ARGUMENTS:
        from fivetuple.cli.mistakes import needless_word

        raise BadInput(needless_word(name, words[0]))
    if given.pop("json", False):
        given["output"] = "json"
    given["interactive"] = sys.stderr.isatty()
    if getattr(module, "FITS_SCREEN", False):
        from fivetuple.cli.page import screen_size

        given["screen_size"] = screen_size(given.get("output"))
    if getattr(module, "WANTS_CARDS", False):
        from fivetuple.cli.cards import cards

        given["cards"] = cards(commands)
    return Request(name, words, given, time.time_ns())


def _open_streams() -> None:
    """Make stdout and stderr writable whatever the locale, and present where they were closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # `ft >&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # for the whole process
        else:
            stream.reconfigure(errors="backslashreplace")  # a locale without our letters


def _empty_stdout() -> None:
    """Give what is still buffered away: where it can't be written, Python would complain at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _meant(
    name: str, rest: Sequence[str], commands: Mapping[str, str], *, is_typed: bool
) -> str | None:
    """Return the command line that was meant: `ft prot 80`, `ft ls -o jsno`."""
    from fivetuple.cli.mistakes import meant_format, near_command

    if is_typed or name != PORT:
        return meant_format(rest)
    words = [word for word in rest if not word.startswith("-")]
    near = near_command(words[0], commands) if words else None
    return f"ft {' '.join([near, *rest[rest.index(words[0]) + 1 :]])}" if near else None


def _asks_for_help(arguments: Sequence[str]) -> bool:
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return any(word in ("--help", "-h") for word in arguments[:end])


def _where(error: Exception) -> str:
    """Name the error and the line of ours where it happened."""
    trace = error.__traceback__
    place = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f"{os.path.basename(code.co_filename)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error} ({place})"


if __name__ == "__main__":
    leave()
