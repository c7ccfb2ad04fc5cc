"""Tables that say no more than they have to: columns in which no row has a word are left out."""

from __future__ import annotations

from fivetuple.model.answer import Column, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def lean_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Table:
    """Make a table without its empty columns; those with priority 0 stay all the same."""
    kept = [
        index
        for index, column in enumerate(columns)
        if column.priority == 0 or any(row[index] for row in rows)
    ]
    return Table([columns[i] for i in kept], [[row[i] for i in kept] for row in rows])
