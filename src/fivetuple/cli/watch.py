"""`--watch`: ask again every few seconds, and mark what changed.

On a terminal the screen is drawn anew; `-o jsonl` gives a stream of changes, one object a line:
first every socket as `present`, then `opened`, `changed` (with the old state) and `closed`.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from fivetuple.analysis.lens import Lens
from fivetuple.cli import render
from fivetuple.cli.encode import rfc3339
from fivetuple.cli.asking import ask, finish, needs_of
from fivetuple.model.answer import Answer
from fivetuple.model.command import Request
from fivetuple.model.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from fivetuple.model.answer import SocketTable

# What one socket is called over time: its cookie where the road knows it, else what names it.
KEY = ("netns", "cookie", "inode", "protocol", "local", "remote")
CLEAR = "\x1b[H\x1b[2J"
MARKS = {"opened": "+", "closed": "-", "changed": "~", "present": " "}


def watch(module: ModuleType, request: Request) -> int:
    """Repeat a question until Ctrl-C.

    Raises:
        BadInput: it can't be repeated: it reads a file, or the format has one object only.
    """
    if request.get("from"):
        raise BadInput("--watch looks at this machine again and again; a file does not change: leave out --from")
    if request.get("output") in ("json", "csv", "markdown"):
        raise BadInput("--watch writes a table, or a stream of changes with -o jsonl")
    seconds = float(request.get("watch"))
    if request.get("output") == "jsonl":
        return _stream(module, request, seconds)
    before: dict[tuple[Any, ...], str] | None = None
    while True:
        now = _at(request)
        snapshot, answer = ask(module, now)
        if sys.stdout.isatty():
            sys.stdout.write(CLEAR)
        sys.stdout.write(f"{time.strftime('%H:%M:%S')}  ft {request.command} every {seconds:g} s, Ctrl-C ends\n")
        if answer.sockets is None:
            finish(answer, snapshot, now, needs_of(module, now))
        else:
            before = _draw_changes(answer, before, now)
        sys.stdout.flush()
        time.sleep(seconds)


def _at(request: Request) -> Request:
    """Return the request as of now."""
    return Request(request.command, request.words, request.options, time.time_ns())


def _draw_changes(answer: Answer, before: Mapping[tuple[Any, ...], str] | None, request: Request) -> dict[tuple[Any, ...], str]:
    """Draw the list with a mark at each line: + opened, - closed, ~ another state."""
    table = answer.sockets
    assert table is not None  # noqa: S101  # the caller looked
    rows = _rows(table, cells=True)
    known = before if before is not None else {key: state for key, (state, _) in rows.items()}
    page = render.page_for(request)
    fields = table.fields
    heads = [render.FIELD[name].title for name in fields]
    lines = [(_change(known, key, state), cells) for key, (state, cells) in rows.items()]
    closed = len(known.keys() - rows.keys())
    widths = [max(len(head), *(len(cells[i]) for _, cells in lines)) if lines else len(head) for i, head in enumerate(heads)]
    sys.stdout.write(_fit("  " + _joined(heads, widths, fields), page) + "\n")
    for change, cells in lines:
        sys.stdout.write(_fit(f"{MARKS[change]} " + _joined(cells, widths, fields), page) + "\n")
    opened = sum(change == "opened" for change, _ in lines)
    sys.stdout.write(f"{len(lines)} sockets, {opened} opened, {closed} closed since the last look\n")
    return {key: state for key, (state, _) in rows.items()}


def _joined(cells: Any, widths: list[int], fields: tuple[str, ...]) -> str:
    parts = (
        f"{cell:{render.FIELD[name].align}{width}}" for cell, width, name in zip(map(str, cells), widths, fields, strict=True)
    )
    return render.GAP.join(parts).rstrip()


def _fit(line: str, page: render.Page) -> str:
    return line if page.width is None else line[: page.width]


def _change(known: Mapping[tuple[Any, ...], str], key: tuple[Any, ...], state: str) -> str:
    if key not in known:
        return "opened"
    return "present" if known[key] == state else "changed"


def _rows(table: SocketTable, *, cells: bool) -> dict[tuple[Any, ...], tuple[str, Any]]:
    """Return key -> (state, the row's cells or values)."""
    lens = Lens(table.snapshot)
    keys = lens.values((*KEY, "state"))
    rows_of = lens.cells(table.fields) if cells else lens.values(table.fields)
    found = {}
    for chunk in table.snapshot.chunks():
        lens.ownership.learn(chunk)
        rows = table.keep(chunk) if table.keep else chunk
        for (*key, state), row in zip(keys(rows), rows_of(rows), strict=True):
            found[_key(key)] = (state, row)
    return found


def _key(values: list[Any]) -> tuple[Any, ...]:
    netns, cookie, *names = values
    return (netns, cookie) if cookie else (netns, *names)


def _stream(module: ModuleType, request: Request, seconds: float) -> int:
    """Write changes as JSON lines."""
    known: dict[tuple[Any, ...], tuple[str, Any]] = {}
    first = True
    while True:
        _, answer = ask(module, _at(request))
        if answer.sockets is None:
            raise BadInput(f"ft {request.command} has no stream of changes; ft ls has")
        names = answer.sockets.fields
        rows = _rows(answer.sockets, cells=False)
        for key, (state, values) in rows.items():
            old = known.get(key)
            if old is None:
                _emit("present" if first else "opened", names, values)
            elif old[0] != state:
                _emit("changed", names, values, was=old[0])
        for key in known.keys() - rows.keys():
            _emit("closed", names, known[key][1])
        sys.stdout.flush()
        known, first = rows, False
        time.sleep(seconds)


def _emit(change: str, names: tuple[str, ...], values: Any, **extra: str) -> None:
    row = {"change": change, "at": rfc3339(time.time_ns()), **extra, **dict(zip(names, values, strict=True))}
    sys.stdout.write(json.dumps(row) + "\n")


