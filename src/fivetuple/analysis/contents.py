"""What can be explained: the contents page of `ft explain`, and the pages of its groups.

A group is a list of articles, or a table drawn from the declarations: the columns of a socket,
the fields of filters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fivetuple.analysis.explaining import COLUMN_GROUP, topics
from fivetuple.model.answer import Column, Heading, Line, Table
from fivetuple.model.fields import FIELD

if TYPE_CHECKING:
    from typing import Any

    Page = tuple[list[object], dict[str, Any]]

# What people call a group -> its heading in topics().
GROUP_WORDS = {
    "states": "TCP states",
    "ports": "Ports and addresses",
    "sockets": "Sockets and queues",
    "tcp": "TCP on the wire",
    "socket options": "Socket options",
    "errors": "Errors",
    "columns": COLUMN_GROUP,
    "fields": COLUMN_GROUP,
}
FILTER_WORDS = ("filters", "filter")

FILTER_RULES = [
    "A filter is a list of tests; side by side or with `and` all must hold, with `or` one of them; `not` or `!` turns one round. `and` binds more tightly than `or`; parentheses decide, quoted for the shell.",
    "A test is FIELD OPERATOR VALUE: process = nginx, rtt > 50ms, dport = :443. Values with commas are alternatives: port = 80,443. `in` is `=`. ~ takes a regular expression. A name alone, as `loopback`, is a test too.",
    "`state NAME` and `exclude NAME` choose states as in ss; ss's groups all, connected, synchronized, bucket and big work.",
]


def contents() -> Page:
    """Return the contents page; columns and the registry are only named, they have pages of their own."""
    blocks: list[object] = []
    rows = []
    for heading, entries in topics().items():
        rows += [{"group": heading, "word": word, "title": title} for word, title in entries]
        if heading == COLUMN_GROUP:
            continue
        blocks += [Line("")] if blocks else []
        blocks += [Heading(heading), _table(entries)]
    blocks += [
        Line(""),
        Line(
            "And: `ft explain columns`, `ft explain filters`, any port number, any service or command by its name."
        ),
    ]
    return blocks, {"topics": rows}


def group_of(term: str) -> Page | None:
    """Return the page of a group; None when the term names none."""
    word = " ".join(term.lower().split())
    if word in FILTER_WORDS:
        return _filters()
    heading = GROUP_WORDS.get(word)
    if heading is None:
        return None
    entries = topics()[heading]
    table = _columns() if heading == COLUMN_GROUP else _table(entries)
    rows = [{"word": name, "title": title} for name, title in entries]
    return [Heading(heading), table], {
        "word": word,
        "group": heading,
        "title": heading,
        "entries": rows,
    }


def _table(entries: list[tuple[str, str]]) -> Table:
    return Table([Column(""), Column("", "<", 0, folds=True)], entries)


def _columns() -> Table:
    columns = [
        Column("FIELD"),
        Column("HEADING", "<", 2),
        Column("UNIT", "<", 1),
        Column("MEANING", "<", 0, folds=True),
    ]
    return Table(
        columns, [(name, field.title, field.unit, field.meaning) for name, field in FIELD.items()]
    )


def _filters() -> Page:
    """Draw the filter language from its table of fields."""
    from fivetuple.analysis.filter_fields import FIELDS, KINDS

    columns = [
        Column("FIELD"), Column("ALSO", "<", 3), Column("OPERATORS", "<", 2), Column("EXAMPLE"), Column("MEANING", "<", 1, folds=True),
    ]  # fmt: skip
    rows = [
        (
            field.name,
            " ".join(field.aliases),
            " ".join(KINDS[field.kind].operators),
            field.example,
            field.meaning,
        )
        for field in FIELDS.values()
    ]
    kinds = Table(
        [Column("KIND OF VALUE"), Column("IS WRITTEN", "<", 0, folds=True)],
        [(name, kind.value) for name, kind in KINDS.items()],
    )
    blocks: list[object] = [
        Heading("filters: which sockets `ft ls` shows"), *map(Line, FILTER_RULES), Line(""), Table(columns, rows), Line(""), kinds,
    ]  # fmt: skip
    fields = [
        dict(zip(("field", "aliases", "operators", "example", "meaning"), row, strict=True))
        for row in rows
    ]
    return blocks, {
        "word": "filters",
        "group": "filters",
        "title": "filters",
        "paragraphs": list(FILTER_RULES),
        "fields": fields,
    }
