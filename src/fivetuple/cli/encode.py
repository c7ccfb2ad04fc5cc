"""Answers as data: JSON, JSON lines and CSV, streamed. Unknown is null in JSON, empty in CSV.

JSON is one object: schema, host, taken, then what the command says, then `missing`, which comes
last because a streamed answer knows only at its end what it lacks.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fivetuple.analysis.lens import Lens
from fivetuple.model import facts
from fivetuple.model.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fivetuple.model.answer import Answer, SocketTable
    from fivetuple.model.command import Request
    from fivetuple.model.snapshot import Snapshot

SCHEMA = "fivetuple/1"
FORMULA_STARTS = frozenset(("=", "+", "-", "@", "\t", "\r"))


def write(answer: Answer, snapshot: Snapshot | None, request: Request) -> int:
    """Write the answer to stdout; return the exit status, 1 when an asked-for list is empty."""
    output = request.get("output")
    if answer.is_whole:
        sys.stdout.write(json.dumps(answer.data, indent=2) + "\n")
        return answer.status
    if output == "json":
        count = _write_json(answer, snapshot)
    elif output == "jsonl":
        count = _write_lines(answer)
    else:
        count = _write_csv(answer, has_headings=not request.flag("no_headers"))
    if answer.sockets is not None and not count and request.words:
        return answer.status or 1
    return answer.status


def rfc3339(nanoseconds: int) -> str:
    """Return a time in UTC with microseconds: `2026-11-21T05:00:00.000000Z` (RFC 3339)."""
    moment = datetime.fromtimestamp(nanoseconds // 10**9, UTC).replace(
        microsecond=nanoseconds % 10**9 // 1000
    )
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _write_json(answer: Answer, snapshot: Snapshot | None) -> int:
    out = sys.stdout.write
    head: dict[str, Any] = {"schema": SCHEMA}
    if snapshot is not None:
        head |= {"host": snapshot.host.name, "taken": rfc3339(snapshot.taken_ns)}
    out("{" + ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()))
    count = 0
    if answer.sockets is not None:
        out(',\n"sockets": [')
        for text in _encoded_rows(answer.sockets):
            out(("\n" if count == 0 else ",\n") + text)
            count += 1
        out("\n]" if count else "]")
    for key, value in answer.data.items():
        out(f",\n{json.dumps(key)}: {json.dumps(value)}")
    if snapshot is not None:
        missing = {
            name: reason for fact, reason in snapshot.missing.items() for name in facts.names(fact)
        }
        out(f',\n"missing": {json.dumps(missing)}')
    out("}\n")
    return count


def _write_lines(answer: Answer) -> int:
    count = 0
    if answer.sockets is not None:
        for text in _encoded_rows(answer.sockets):
            sys.stdout.write(text + "\n")
            count += 1
        return count
    for row in _listed(answer):
        sys.stdout.write(json.dumps(row) + "\n")
        count += 1
    return count


def _write_csv(answer: Answer, *, has_headings: bool) -> int:
    """Write RFC 4180 lines; a cell that a spreadsheet would run as a formula gets an apostrophe.

    Control characters are spelled out: people look at CSV with cat and less.
    """
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    count = 0
    if answer.sockets is not None:
        if has_headings:
            writer.writerow(_names(answer.sockets))
        for values in _values(answer.sockets):
            writer.writerow([_csv_cell(value) for value in values])
            count += 1
        return count
    rows = _listed(answer)
    names: list[str] = list(dict.fromkeys(key for row in rows for key in row))
    if has_headings and names:
        writer.writerow(names)
    for row in rows:
        writer.writerow([_csv_cell(row.get(name)) for name in names])
    return len(rows)


def _csv_cell(value: object) -> object:
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    if isinstance(value, (list, tuple)):
        return _csv_cell(
            " ".join(json.dumps(item) if isinstance(item, dict) else str(item) for item in value)
        )
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, str):
        return ("'" if value[:1] in FORMULA_STARTS else "") + printable(value)
    return value


def _listed(answer: Answer) -> list[dict[str, Any]]:
    """Return the rows of an answer that is no list of sockets; the whole of it as one row if none."""
    if answer.lists is not None:
        return list(answer.data[answer.lists])
    return [dict(answer.data)]


def _encoded_rows(table: SocketTable) -> Iterator[str]:
    """Give one JSON object a socket."""
    names = _names(table)
    encode = json.JSONEncoder().encode
    for row in _values(table):
        yield encode(dict(zip(names, row, strict=True)))


def _names(table: SocketTable) -> tuple[str, ...]:
    """Return the members of a socket's object; the peer's host name where names were asked for."""
    return table.fields if table.host_names is None else (*table.fields, "remote_name")


def _values(table: SocketTable) -> Iterator[tuple[Any, ...]]:
    """Give the values of the kept rows, sorted where that was asked, up to the limit."""
    from itertools import islice

    names = table.host_names
    rows = islice(_all_values(table), table.limit)
    return rows if names is None else ((*row[:-1], names.get(row[-1])) for row in rows)


def _all_values(table: SocketTable) -> Iterator[tuple[Any, ...]]:
    """Give the values of the fields; with host names asked for, the remote address behind them."""
    lens = Lens(table.snapshot)
    values = lens.values(
        table.fields if table.host_names is None else (*table.fields, "remote_address")
    )
    if table.sort:
        from fivetuple.analysis.sorting import sorted_rows

        for block in sorted_rows(table, lens):
            yield from values(block)
        return
    for chunk in table.snapshot.chunks():
        lens.ownership.learn(chunk)
        rows = table.keep(chunk) if table.keep else chunk
        if len(rows):
            yield from values(rows)
