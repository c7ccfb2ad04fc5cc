"""`--watch`: ask again every few seconds, and mark what changed.

On a terminal the screen is drawn anew; `-o jsonl` gives a stream of changes, one object a line:
first every socket as `present`, then `opened`, `changed` (with the old state) and `closed`.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from fivetuple.analysis.changes import CHANGED, CLOSED, OPENED, PRESENT, changes, look
from fivetuple.cli.asking import ask, finish, needs_of, say_what_is_missing
from fivetuple.cli.encode import rfc3339
from fivetuple.cli.page import Page, coloured, page_for, screen_size
from fivetuple.cli.socket_table import Layout, with_names
from fivetuple.model.answer import BAD, GOOD, WARN
from fivetuple.model.command import Request
from fivetuple.model.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    from fivetuple.analysis.changes import Change, Key, Seen
    from fivetuple.model.answer import Answer, SocketTable

CLEAR = "\x1b[H\x1b[2J"
FRAME_ROWS = 5  # the clock, the heading, what was folded, the counts, and the cursor's
MARKS = {PRESENT: " ", OPENED: "+", CLOSED: "-", CHANGED: "~"}
STYLES = {OPENED: GOOD, CLOSED: BAD, CHANGED: WARN}


def watch(module: ModuleType, request: Request) -> int:
    """Repeat a question until Ctrl-C.

    Raises:
        BadInput: it can't be repeated: it reads a file, or the format has one object only.
    """
    if request.get("from"):
        raise BadInput(
            "--watch looks at this machine again and again; what --from reads does not change"
        )
    if request.get("output") in ("json", "csv", "markdown"):
        raise BadInput("--watch writes a table, or a stream of changes with -o jsonl")
    gc.enable()  # main does without: it runs once
    if request.get("output") == "jsonl":
        return _stream(module, request)
    before: dict[Key, Seen] | None = None
    while True:
        now = _at(request)
        snapshot, answer = ask(module, now)
        if sys.stdout.isatty():
            sys.stdout.write(CLEAR)
        clock = time.strftime("%H:%M:%S")
        sys.stdout.write(
            f"{clock}  ft {request.command} every {_seconds(request):g} s, Ctrl-C ends\n"
        )
        if answer.sockets is None:
            finish(answer, snapshot, now, needs_of(module, now))
        else:
            _look_names_up(answer, request)
            before = _draw(answer.sockets, before, now)
        sys.stdout.flush()
        time.sleep(_seconds(request))


def _seconds(request: Request) -> float:
    return float(request.get("watch"))


def _at(request: Request) -> Request:
    """Return the request as of now."""
    return Request(request.command, request.words, request.options, time.time_ns())


def _draw(
    table: SocketTable, before: Mapping[Key, Seen] | None, request: Request
) -> dict[Key, Seen]:
    """Draw the list with a mark at each line: + opened, - closed, ~ another state."""
    now = look(table, as_cells=True)
    found = list(changes(before, now))
    counts = {kind: sum(change.kind == kind for change in found) for kind in STYLES}
    shown = _visible(found, screen_size(request.get("output")))
    if table.host_names:
        shown = [
            change._replace(row=row)
            for change, row in zip(
                shown, with_names([each.row for each in shown], table), strict=True
            )
        ]
    page = page_for(request)
    inner = Page(None if page.width is None else page.width - 2, has_colour=page.has_colour)
    layout = Layout(
        table.fields, [change.row for change in shown], inner, is_chosen=bool(request.get("fields"))
    )
    if not request.flag("no_headers"):
        sys.stdout.write("  " + layout.heading() + "\n")
    for change in shown:
        if change.kind == PRESENT:
            line = f"  {layout.line(change.row)}"
        else:
            line = coloured(
                f"{MARKS[change.kind]} {layout.plain_line(change.row)}", STYLES[change.kind], page
            )
        sys.stdout.write(line + "\n")
    if len(shown) < len(found):
        sys.stdout.write(
            f"  and {len(found) - len(shown)} more; --limit, --sort and a filter choose\n"
        )
    said = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    sys.stdout.write(f"{len(now)} sockets; since the last look {said}\n")
    return now


def _visible(found: Sequence[Change], size: tuple[int, int] | None) -> Sequence[Change]:
    """Return what fits the screen: first of all what changed, then the list from its top."""
    room = len(found) if size is None else max(size[0] - FRAME_ROWS, 3)
    if len(found) <= room:
        return found
    order = sorted(range(len(found)), key=lambda i: found[i].kind == PRESENT)[:room]
    return [found[i] for i in sorted(order)]


def _stream(module: ModuleType, request: Request) -> int:
    """Write changes as JSON lines."""
    before: dict[Key, Seen] | None = None
    while True:
        snapshot, answer = ask(module, _at(request))
        if answer.sockets is None:
            raise BadInput(f"ft {request.command} has no stream of changes; ft ls has")
        _look_names_up(answer, request)
        now = look(answer.sockets, as_cells=False)
        for change in changes(before, now):
            if before is None or change.kind != PRESENT:
                _emit(change, answer.sockets)
        sys.stdout.flush()
        if snapshot is not None and not request.flag("quiet") and before is None:
            say_what_is_missing(snapshot, request, needs_of(module, request))
        before = now
        time.sleep(_seconds(request))


def _look_names_up(answer: Answer, request: Request) -> None:
    """Ask for host names where that was wished; those known from the last look are not asked again."""
    if request.flag("resolve"):
        from fivetuple.cli.resolve import add_names

        add_names(answer)


def _emit(change: Change, table: SocketTable) -> None:
    row: dict[str, Any] = {"change": change.kind, "at": rfc3339(time.time_ns())}
    if change.was is not None:
        row["was"] = change.was
    row |= dict(zip(table.fields, change.row, strict=True))
    if table.host_names is not None and "remote_address" in row:
        row["remote_name"] = table.host_names.get(row["remote_address"])
    sys.stdout.write(json.dumps(row) + "\n")
