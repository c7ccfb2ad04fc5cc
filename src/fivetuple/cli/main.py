"""`ft`: from the argument vector to the exit status. The only place that prints errors.

Exit status: 0 yes, fine or found; 1 the answer is no; 2 wrong usage; 3 incomplete for lack of
permission, with --strict; 4 not available here; 5 our own fault; 130 interrupted.
A closed pipe is silent and 0.
"""

from __future__ import annotations

import os
import sys
import time

from fivetuple.cli.asking import ask, complain, finish, needs_of
from fivetuple.cli.commands import command_names, is_view, load
from fivetuple.cli.options import COMMON, OUTPUT
from fivetuple.cli.route import route
from fivetuple.model.command import Request
from fivetuple.model.errors import FivetupleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

INTERRUPTED = 130
OWN_FAULT = 5


def main() -> int:
    """Run `ft` with the process's arguments and return its exit status."""
    try:
        status = run(sys.argv[1:])
        sys.stdout.flush()
    except FivetupleError as error:
        complain(str(error))
        status = error.exit_status
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BrokenPipeError:
        # the reader went away; Python would complain once more when it closes stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except OSError as error:
        complain(f"cannot write: {error.strerror}")
        status = OWN_FAULT
    except Exception as error:  # noqa: BLE001  # never a traceback to a user; FT_DEBUG shows it
        if os.environ.get("FT_DEBUG"):
            raise
        complain(f"this is our fault: {_where(error)}; FT_DEBUG=1 shows more, please report it")
        status = OWN_FAULT
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
    if _asks_for_help(rest):
        from fivetuple.cli.help import page

        sys.stdout.write(page(name if arguments and name in arguments else "", commands))
        return 0
    module = load(commands[name])
    request = request_of(name, module, rest)
    if request.get("watch"):
        from fivetuple.cli.watch import watch

        return watch(module, request)
    snapshot, answer = ask(module, request)
    return finish(answer, snapshot, request, needs_of(module, request))


def request_of(name: str, module: ModuleType, arguments: Sequence[str]) -> Request:
    """Read the command line of one command.

    Raises:
        BadInput: it can't be understood.
    """
    options = (*module.OPTIONS, *(COMMON if is_view(module) else OUTPUT))
    parsed = None
    if name == "ls":
        from fivetuple.cli.quick import quick_parse

        parsed = quick_parse(options, arguments)
    if parsed is None:
        from fivetuple.cli.arguments import parse

        parsed = parse(name, options, arguments)
    words, given = parsed
    if given.pop("json", False):
        given["output"] = "json"
    given["interactive"] = sys.stderr.isatty()
    return Request(name, words, given, time.time_ns())


def _asks_for_help(arguments: Sequence[str]) -> bool:
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return any(word in ("--help", "-h") for word in arguments[:end])


def _where(error: Exception) -> str:
    """Name the error and the line of ours where it happened."""
    trace = error.__traceback__
    place = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f"{os.path.basename(code.co_filename)}:{trace.tb_lineno}"  # noqa: PTH119  # no pathlib here
        trace = trace.tb_next
    return f"{type(error).__name__}: {error} ({place})"


if __name__ == "__main__":
    sys.exit(main())
