"""Lens: the fields of many rows, by code that is written for the question and compiled once.

A question names its fields; the lens writes one comprehension over the wanted columns and
evaluates only that for every row. `values` gives tuples (JSON, CSV, sorting, grouping),
`cells` gives the texts of a table, `lines` gives finished lines of a table.
100,000 rows of seven fields take some 0.1 s that way; an object a row would take 1 s.
"""

from __future__ import annotations

from fivetuple.analysis.ownership import Ownership
from fivetuple.analysis.row_helpers import UNKNOWN, helpers
from fivetuple.model import fields, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from fivetuple.model.snapshot import Rows, Snapshot


class Lens:
    """Looks at the rows of one Snapshot; learns its listeners as the rows pass."""

    __slots__ = ("_names", "ownership", "snapshot")

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.ownership = Ownership(snapshot)
        self._names = helpers(snapshot, self.ownership)

    def values(self, names: Sequence[str]) -> Callable[[Rows], list[tuple[Any, ...]]]:
        """Return a function: rows -> one tuple of values a row. Unknown is None."""
        body = "".join(f"{fields.FIELD[name].value}, " for name in names)
        return self._function(f"({body})", [fields.FIELD[name].value for name in names])

    def cells(self, names: Sequence[str]) -> Callable[[Rows], list[tuple[str, ...]]]:
        """Return a function: rows -> one tuple of table cells a row, harmless on a terminal."""
        texts = [f"str({_cell(fields.FIELD[name])})" for name in names]
        return self._function(f"({', '.join(texts)},)", texts)

    def lines(
        self, names: Sequence[str], widths: Sequence[int], gap: str = "  "
    ) -> Callable[[Rows], list[str]]:
        """Return a function: rows -> finished lines; the last column is not padded.

        Padding is half of the work of a line, so it is done once for what repeats: names of
        protocols and states, zeros, and dashes.
        """
        last = len(names) - 1
        texts = [
            self._padded(
                fields.FIELD[name],
                0 if index == last and fields.FIELD[name].align == "<" else width,
            )
            for index, (name, width) in enumerate(zip(names, widths, strict=True))
        ]
        row = "f'" + gap.join(f"{{C{index}}}" for index in range(len(texts))) + "'"
        assigned = " ".join(f"for C{index} in ({text},)" for index, text in enumerate(texts))
        return self._function(row, texts, assigned)

    def _padded(self, field: fields.Field, width: int) -> str:
        """Write the expression of a padded cell."""
        text = _cell(field)
        cache, bracket, _ = (field.text or "").partition("[")
        if bracket and isinstance(self._names.get(cache), dict) and field.text.endswith("]"):
            name = f"PADDED_{cache}"
            self._names[name] = _PaddedTexts(self._names[cache], width)
            return text.replace(cache, name, 1)
        column = record.COLUMN.get(field.name)
        if column is not None and column.group and field.text and field.text.startswith(field.name):
            zero, dash = f"'{0:>{width}}'", f"'{UNKNOWN:>{width}}'"
            return f"(({zero} if {field.name} == 0 else f'{{{field.name}:>{width}}}') if known & {column.group} else {dash})"
        if not width:
            return text
        if '"' in text or "\\" in text:  # Python 3.11 takes neither inside an f-string
            return f"format({text}, '{field.align}{width}')"
        return f'f"{{({text}):{field.align}{width}}}"'

    def _function(
        self, row: str, sources: Sequence[str], clauses: str = ""
    ) -> Callable[[Rows], list[Any]]:
        """Compile `lambda rows: [row for (columns) in unpack(rows)]` over the columns it reads."""
        needed = _columns_in(" ".join(sources))
        projection = record.Projection(*needed)
        code = (
            f"lambda rows: [{row} for ({', '.join(projection.names)},) in UNPACK(rows) {clauses}]"
        )
        function = eval(code, self._names | {"UNPACK": projection.read})  # noqa: S307  # only our own table's text
        learn = self.ownership.learn
        if "OWN" not in code and "WHO(" not in code:
            return function  # type: ignore[no-any-return]

        def learning(rows: Rows) -> list[Any]:
            learn(rows)
            return function(rows)  # type: ignore[no-any-return]

        return learning


def _columns_in(source: str) -> tuple[str, ...]:
    """Find the record's columns that an expression reads."""
    words = set()
    word = ""
    for character in source + " ":
        if character.isalnum() or character == "_":
            word += character
        elif word:
            words.add(word)
            word = ""
    # one column at least: a struct of padding alone yields empty tuples and no row count
    return tuple(name for name in record.NAMES if name in words) or ("kind",)


def _cell(field: fields.Field) -> str:
    """Write the expression of a table's cell: text, never None."""
    if field.text is not None:
        return f"({field.text})"
    if field.align == ">":
        return f"CELL({field.value})"
    return f"WORD({field.value})"


class _PaddedTexts(dict):  # type: ignore[type-arg]  # a cache: key -> padded text
    """Another cache's texts, padded to a width."""

    def __init__(self, source: dict[Any, str], width: int) -> None:
        super().__init__()
        self._source = source
        self._width = width

    def __missing__(self, key: object) -> str:
        text = self[key] = f"{self._source[key]:<{self._width}}"
        return text
