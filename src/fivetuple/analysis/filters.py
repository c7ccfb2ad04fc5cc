"""The filter language: ss's, and more fields. `parse` reads it, a Filter keeps the rows that match.

    parse(["state", "established", "( dport = :443 or sport = :22 )", "process = nginx"])

docs/filters.md explains the language; filter_fields.py is the table of its fields,
filter_parser.py its grammar. Imported by `ft ls` only when there are filter words.
"""

from __future__ import annotations

from fivetuple.analysis.filter_compile import plan_of
from fivetuple.analysis.filter_fields import FIELD_OF, FIELDS
from fivetuple.analysis.filter_hint import bounds_of
from fivetuple.analysis.filter_owners import World
from fivetuple.analysis.filter_parser import Parser
from fivetuple.analysis.filter_tree import Group, Test, leaves_of
from fivetuple.analysis.filter_units import parse_duration_us, parse_size_bytes
from fivetuple.analysis.filter_values import text_of_test
from fivetuple.model import facts, record
from fivetuple.model.endpoint import AF_NETLINK, AF_PACKET, AF_UNIX, AF_VSOCK
from fivetuple.model.question import Hint
from fivetuple.model.state import LISTEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fivetuple.analysis.filter_plan import Plan
    from fivetuple.model.snapshot import Rows, Snapshot

__all__ = ["Filter", "parse", "parse_duration_us", "parse_size_bytes"]

_FACT_OF_FAMILY = {
    AF_UNIX: facts.UNIX,
    AF_NETLINK: facts.NETLINK,
    AF_PACKET: facts.PACKET,
    AF_VSOCK: facts.VSOCK,
}
_FACT_OF_NAME = {
    "unix": facts.UNIX,
    "netlink": facts.NETLINK,
    "packet": facts.PACKET,
    "vsock": facts.VSOCK,
}
_MIXED = "`and` binds more tightly than `or` here, as ss's manual says; ss itself reads from left to right. Parentheses make both agree"


def parse(words: Sequence[str]) -> Filter:
    """Read a filter: words as the shell split them, or one string.

    Raises:
        BadInput: it can't be read; the message shows it, marks the place and says what would work.
    """
    parser = Parser(words)
    tree = parser.parse()
    return Filter(tree, (_MIXED,) if parser.is_mixed else ())


class Filter:
    """A filter that was read. It belongs to no Snapshot and can be used for many."""

    __slots__ = ("_mentioned", "_plan", "columns", "hint", "needs", "notes", "tree")

    def __init__(self, tree: Test | Group, notes: tuple[str, ...] = ()) -> None:
        self.tree = tree
        self.notes = notes
        """What a person should know about how it was read; for stderr."""
        tests = tuple(leaves_of(tree))
        self._mentioned = frozenset(name for test in tests for name in _mentioned(test))
        self._plan = plan_of(tree)
        self.columns = tuple(name for name in record.NAMES if name in self._plan.columns)
        """The columns of RECORD that it reads."""
        self.needs = _needs(tests)
        """Facts."""
        self.hint = _hint(tree, self._plan)
        """What it can match at most; protocols None: it does not restrict them."""

    def __str__(self) -> str:
        """Return the filter in its one spelling; `parse` reads it back to an equal tree."""
        return _text(self.tree)

    def mentions(self, field: str) -> bool:
        """Tell whether it speaks of a field, under any of its names."""
        return FIELD_OF.get(field, field) in self._mentioned

    def row_filter(self, snapshot: Snapshot) -> Callable[[Rows], Rows]:
        """Return a function that keeps the matching rows: RECORD[n] -> RECORD[m], the same buffer if all match.

        It must see the rows in their order, and listeners before their connections: what waits
        to be accepted is known by its listener.
        """
        world = World(snapshot)
        select = self._selector(world)
        learn = world.ownership.learn if self._plan.asks_owners else None
        size = record.SIZE

        def keep(rows: Rows) -> Rows:
            if learn:
                learn(rows)
            chosen = select(rows)
            if len(chosen) * size == len(rows):
                return rows
            view = memoryview(rows)
            return b"".join([view[start : start + size] for start in chosen])

        return keep

    def _selector(self, world: World) -> Callable[[Rows], list[int]]:
        """Compile the function that finds where the matching rows begin."""
        # one column at least: a struct of padding alone yields empty tuples and no row count
        projection = record.Projection(*(self.columns or ("kind",)))
        columns = ", ".join(projection.names)
        code = f"lambda rows: [START for START, ({columns},) in zip(STARTS(0, len(rows), SIZE), UNPACK(rows)) if {self._plan.source}]"
        known = {"UNPACK": projection.read, "STARTS": range, "SIZE": record.SIZE}
        function: Callable[[Rows], list[int]] = eval(code, self._plan.bind(world) | known)  # noqa: S307  # no user's text
        return function


def _families(test: Test) -> set[int]:
    """Return the families that the values of a host or port were written with."""
    if test.field in ("local", "remote"):
        return {
            host.family for host in test.values if host.is_only or host.family in _FACT_OF_FAMILY
        }
    kind = FIELDS[test.field].kind
    return {ports.family for ports in test.values if ports.family} if kind == "port" else set()


def _mentioned(test: Test) -> tuple[str, ...]:
    """Name the fields a test is about; a host with a family speaks of that too."""
    families = _families(test)
    return (
        test.field,
        *(("family",) if families else ()),
        *(("path",) if AF_UNIX in families else ()),
    )


def _needs(tests: Sequence[Test]) -> int:
    total = facts.SOCKETS
    for test in tests:
        field = FIELDS[test.field]
        total |= field.needs
        for family in _families(test):
            total |= _FACT_OF_FAMILY.get(family, 0)
        if field.kind in ("protocol", "family"):
            for name in test.values:
                total |= _FACT_OF_NAME.get(name, 0)
    return total


def _hint(tree: Test | Group, plan: Plan) -> Hint:
    """Return the bounds; with listeners where owners are asked for, as what waits belongs to them."""
    states, protocols = bounds_of(tree)
    return Hint(states | 1 << LISTEN if plan.asks_owners else states, protocols)


def _text(tree: Test | Group, *, is_inside: bool = False) -> str:
    if isinstance(tree, Test):
        return text_of_test(FIELDS[tree.field], tree)
    if tree.word == "not":
        return f"not {_text(tree.parts[0], is_inside=True)}"
    text = f" {tree.word} ".join(_text(part, is_inside=True) for part in tree.parts)
    return f"( {text} )" if is_inside else text
