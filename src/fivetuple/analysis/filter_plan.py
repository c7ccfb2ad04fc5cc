"""Plan: the expression of one filter while it is written: its columns, its constants.

The source consists of column names, operators and names that we number ourselves (K0, K1 ...):
nothing that a user typed. What depends on a table of the Snapshot (a process's name, a
namespace's) is a function that `bind` makes for one Snapshot (filter_lookups.py).

Unknown is never compared: a column whose group is not in `known` makes its test false.
"""

from __future__ import annotations

from fivetuple.analysis.filter_lookups import LISTENER_COLUMNS, LOOKUPS
from fivetuple.model import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from fivetuple.analysis.filter_owners import World
    from fivetuple.analysis.filter_tree import Test


class Plan:
    """What the expression of one filter reads, and how to make its constants."""

    __slots__ = ("_constants", "_lookups", "asks_owners", "columns", "source")

    def __init__(self) -> None:
        self.source = ""
        """True for a row that matches; reads the columns by their names."""
        self.columns: set[str] = set()
        self.asks_owners = False
        """True when a test needs to know who listens: the rows must be learnt first."""
        self._constants: dict[str, object] = {}
        self._lookups: dict[str, Callable[[World], object]] = {}

    def bind(self, world: World) -> dict[str, Any]:
        """Return the names that the source uses beside columns, for one Snapshot."""
        return self._constants | {name: make(world) for name, make in self._lookups.items()}

    def column(self, name: str) -> str:
        """Note that a column is read."""
        self.columns.add(name)
        return name

    def constant(self, value: object) -> str:
        """Give a value a name."""
        name = f"K{len(self._constants) + len(self._lookups)}"
        self._constants[name] = value
        return name

    def known(self, column: str, expression: str) -> str:
        """Guard an expression by the bit of the column's group."""
        bit = record.COLUMN[column].group
        return f"({self.column('known')} & {bit} and {expression})" if bit else expression

    def looked_up(self, test: Test) -> str:
        """Write a call that asks a table of the Snapshot; it answers True, False or None: not known."""
        arguments, make = LOOKUPS[test.field]
        self.asks_owners |= LISTENER_COLUMNS.issubset(arguments)
        name = f"K{len(self._constants) + len(self._lookups)}"
        self._lookups[name] = lambda world: make(world, test)
        answer = f"{name}({', '.join(map(self.column, arguments))})"
        return f"({answer} is False)" if test.operator == "!=" else answer


def either(parts: list[str], operator: str) -> str:
    """Join the alternatives of one test; `!=` is none of them."""
    joined = parts[0] if len(parts) == 1 else "(" + " or ".join(parts) + ")"
    return f"(not {joined})" if operator == "!=" else joined
