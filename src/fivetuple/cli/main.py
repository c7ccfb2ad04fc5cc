"""`ft`: from the argument vector to the exit status. The only place that prints errors.

Exit status: 0 yes, fine or found; 1 the answer is no; 2 wrong usage; 3 incomplete for lack of
permission, with --strict; 4 not available here; 5 our own fault; 130 interrupted.
A closed pipe is silent and 0.
"""

from __future__ import annotations

import os
import sys
import time

from fivetuple.cli.commands import command_names, is_view, load
from fivetuple.cli.options import COMMON, OUTPUT
from fivetuple.cli.route import route
from fivetuple.model.command import Request
from fivetuple.model.errors import FivetupleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from fivetuple.model.answer import Answer
    from fivetuple.model.snapshot import Snapshot

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


def ask(module: ModuleType, request: Request) -> tuple[Snapshot | None, Answer]:
    """Get the Snapshot that the command needs, and its answer."""
    if not is_view(module):
        return None, module.run(request)
    question = module.question(request)
    if question is None:
        return None, module.answer(None, request)
    from fivetuple.origins import open_origin

    origin = open_origin(request.get("from"), request.get("road"), request.now_ns)
    snapshot = origin.snapshot(question)
    return snapshot, module.answer(snapshot, request)


def needs_of(module: ModuleType, request: Request) -> int:
    """Return the Facts that the question needs: what else a file lacks is nobody's trouble."""
    question = module.question(request) if is_view(module) else None
    return question.needs if question else 0


def finish(answer: Answer, snapshot: Snapshot | None, request: Request, needs: int) -> int:
    """Write the answer to stdout and what has to be said beside it to stderr."""
    if answer.is_whole or request.get("output") in ("json", "jsonl", "csv"):
        from fivetuple.cli.encode import write
    else:
        from fivetuple.cli.render import write
    status = write(answer, snapshot, request)
    sys.stdout.flush()
    if not request.flag("quiet"):
        for note in answer.notes:
            complain(note)
        if snapshot is not None:
            say_what_is_missing(snapshot, request, needs)
    if request.flag("strict") and snapshot is not None and snapshot.refused & needs:
        return 3
    return status


def say_what_is_missing(snapshot: Snapshot, request: Request, needs: int) -> None:
    """Say once each what the answer lacks and why; the same reason is not said twice."""
    from fivetuple.model import facts

    said: dict[str, list[str]] = {}
    for fact, reason in snapshot.missing.items():
        if fact & needs or (fact == facts.BPF and request.get("road")):
            said.setdefault(reason, []).extend(facts.names(fact))
    for reason, names in said.items():
        complain(f"not shown: {', '.join(names)}: {reason}")


def complain(sentence: str) -> None:
    """Write one harmless line to stderr."""
    from fivetuple.model.text import printable

    lines = sentence.split("\n")
    sys.stderr.write("ft: " + "\n    ".join(printable(line) for line in lines) + "\n")


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
