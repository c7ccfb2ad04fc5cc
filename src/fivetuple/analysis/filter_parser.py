"""The grammar of filters: words -> tree, or a complaint that shows the place and what would work.

    filter  = [ any ]
    any     = all { ( "or" | "|" | "||" ) all }
    all     = one { [ "and" | "&" | "&&" ] one }        nothing between two tests means and
    one     = { "not" | "!" } ( "(" any ")" | states | test )
    states  = { "state" STATE... | "exclude" STATE... }  one run, folded as ss folds it
    test    = FIELD [ OPERATOR ] VALUE { "," VALUE } | [ "is" ] FLAG

It follows ss's manual (man 8 ss, EXPRESSION) where `and` binds more tightly than `or`. ss itself
reads them from left to right (iproute2 misc/ssfilter.y, since "Eliminate shift/reduce
conflicts", 4.19); `is_mixed` tells that a filter means something else there.
"""

from __future__ import annotations

from fivetuple.analysis.filter_fields import FIELD_OF, FIELDS, KINDS, REFUSED
from fivetuple.analysis.filter_scanner import CONNECTIVES, Scanner
from fivetuple.analysis.filter_tree import Group, Test, group, negated
from fivetuple.analysis.filter_values import joined, read_value
from fivetuple.model.errors import BadInput
from fivetuple.model.state import NAMES, WORDS, parse_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn, TypeVar

    from fivetuple.analysis.filter_fields import Field

    Tree = Test | Group
    Value = TypeVar("Value")

DEEPEST = 40  # parentheses and nots; Python's own parser refuses code of 200 brackets
NAME_SHOWN = 40  # characters of a word that is no field
MOST_TESTS = 5000  # far above what people write, far below what Python's compiler refuses
EVERY_STATE = sum(1 << number for number in NAMES)
STATE_CLAUSES = frozenset(("state", "exclude", "excl"))


class Parser:
    """Reads one filter."""

    __slots__ = ("_depth", "_scanner", "_tests", "is_mixed")

    def __init__(self, words: Sequence[str]) -> None:
        self._scanner = Scanner(words)
        self._depth = 0
        self._tests = 0
        self.is_mixed = False
        """True when ss would group the `and`s and `or`s in another way."""

    def parse(self) -> Tree:
        """Return the tree of the whole filter.

        Raises:
            BadInput: the filter can't be read.
        """
        scanner = self._scanner
        if not scanner.skip():
            return group("and", ())
        tree = self._any()
        if scanner.skip():
            scanner.complain(
                "nothing is open that this could close", scanner.place, scanner.place + 1
            )
        return tree

    def _any(self) -> Tree:
        scanner = self._scanner
        parts = [self._all()[0]]
        while scanner.skip() and scanner.text[scanner.place] != ")" and scanner.connective():
            part, is_several = self._all()
            self.is_mixed |= is_several
            parts.append(part)
        return group("or", parts)

    def _all(self) -> tuple[Tree, bool]:
        """Read tests with `and` or nothing between; tell whether there were several."""
        scanner = self._scanner
        parts = [self._one()]
        while scanner.skip() and scanner.text[scanner.place] != ")":
            before = scanner.place
            if scanner.connective() == "or":
                scanner.place = before
                break
            parts.append(self._one())
        return group("and", parts), len(parts) > 1

    def _one(self) -> Tree:
        scanner = self._scanner
        is_not = False
        while self._takes_not():
            is_not = not is_not
        if not scanner.skip():
            self._missing("a test")
        if scanner.takes("("):
            tree = self._parenthesis()
        elif self._begins_states():
            tree = self._states()
        else:
            tree = self._test()
        self._tests += 1
        if self._tests > MOST_TESTS:
            scanner.complain(f"it has more than {MOST_TESTS} tests", scanner.start, scanner.place)
        return negated(tree) if is_not else tree

    def _takes_not(self) -> bool:
        scanner = self._scanner
        if scanner.takes("!"):
            return True
        if scanner.peek_name() == "not":
            scanner.name()
            return True
        return False

    def _parenthesis(self) -> Tree:
        """Read on behind a `(` up to its `)`."""
        scanner = self._scanner
        start = scanner.start
        self._depth += 1
        if self._depth > DEEPEST:
            scanner.complain(f"it is nested more than {DEEPEST} deep", start, start + 1)
        if scanner.takes(")"):
            scanner.complain("there is nothing between these", start, scanner.place)
        tree = self._any()
        if not scanner.takes(")"):
            scanner.complain("this is not closed", start, start + 1, "put a ) behind it")
        self._depth -= 1
        return tree

    def _begins_states(self) -> bool:
        """Tell whether ss's `state X` or `exclude X` comes, and no comparison `state = X`."""
        scanner = self._scanner
        if scanner.peek_name() not in STATE_CLAUSES:
            return False
        before = scanner.place
        is_clause = scanner.name() != "state" or not scanner.operator()
        scanner.place = before
        return is_clause

    def _states(self) -> Test:
        """Read a run of clauses as ss does: the first decides whether none or all is the beginning."""
        scanner = self._scanner
        scanner.skip()
        start = scanner.place
        mask = 0 if scanner.peek_name() == "state" else EVERY_STATE
        while self._begins_states():
            clause = scanner.name()
            chosen = self._state_words(clause)
            mask = mask | chosen if clause == "state" else mask & ~chosen
        if not mask:
            scanner.complain("no state is left", start, scanner.place)
        return Test("state", "=", (mask,))

    def _state_words(self, clause: str) -> int:
        """Read the states behind `state` or `exclude`: one at least, with commas or without."""
        scanner = self._scanner
        mask = 0
        while True:
            items = scanner.values(is_list=True, is_text=False)
            if not items[0][0]:
                self._missing(f"the state behind '{clause}'")
            for text, start, end in items:
                mask |= self._checked(
                    lambda word: sum(1 << n for n in parse_state(word)), text, start, end
                )
            plain = scanner.peek_name().lower().replace("-", "").replace("_", "")
            if plain.partition(",")[0] not in WORDS:
                return mask

    def _test(self) -> Test:
        """Read one field's test."""
        scanner = self._scanner
        if scanner.peek_name() == "is":
            scanner.name()
        name = scanner.name()
        start, end = scanner.start, scanner.place
        field = FIELDS.get(FIELD_OF.get(name.replace("-", "_"), ""))
        if field is None:
            self._unknown(name, start, end)
        operator = scanner.operator()
        kind = KINDS[field.kind]
        if not kind.operators:
            if operator:
                scanner.complain(
                    f"'{name}' is said alone, or with not",
                    scanner.start,
                    scanner.place,
                    f"write {name} or not {name}",
                )
            return Test(field.name, "", ())
        if operator and operator not in kind.operators:
            fit = " ".join(kind.operators)
            scanner.complain(
                f"'{name}' can't be compared with {operator}",
                scanner.start,
                scanner.place,
                f"it takes {fit}",
            )
        return self._with_values(field, name, operator or "=")

    def _with_values(self, field: Field, name: str, operator: str) -> Test:
        scanner = self._scanner
        if field.name in ("path", "cgroup") or operator == "~":
            items = scanner.values(is_list=False, is_text=True)
        elif (
            field.kind == "host"
            and scanner.skip()
            and scanner.text.startswith(("unix:", "/", "@"), scanner.place)
        ):
            items = scanner.values(is_list=False, is_text=False)
        else:
            items = scanner.values(is_list=True, is_text=field.kind == "text")
        if items[0][1] == items[0][2] or self._is_connective(items):
            scanner.place = items[0][1]
            self._missing(f"a value for '{name}'", f"for example: {field.example}", items[0][2])
        values: list[Any] = []
        for text, start, end in items:
            if start == end:
                scanner.complain("a value is missing beside this comma", max(start - 1, 0), start)
            values += self._checked(
                lambda word: read_value(field, name.replace("-", "_"), operator, word),
                text,
                start,
                end,
            )
        is_order = operator not in ("=", "!=", "~")
        if is_order and (
            len(values) > 1 or (field.kind == "port" and values[0].low != values[0].high)
        ):
            scanner.complain(
                f"{operator} compares with one number", items[0][1], items[-1][2], "this is several"
            )
        return Test(field.name, operator, joined(field.kind, tuple(values)))

    def _is_connective(self, items: list[tuple[str, int, int]]) -> bool:
        """Tell whether what was read as a value is the `and` of a test that has none."""
        text, start, end = items[0]
        is_bare = self._scanner.text[start:end] == text
        return is_bare and len(items) == 1 and text in (*CONNECTIVES, "not", "!")

    def _checked(self, read: Callable[[str], Value], text: str, start: int, end: int) -> Value:
        """Call a reader of values; let its complaint show the place."""
        try:
            return read(text)
        except BadInput as error:
            self._scanner.complain(str(error), start, end)

    def _missing(self, what: str, hint: str = "", end: int = 0) -> NoReturn:
        place = self._scanner.place
        self._scanner.complain(f"{what} is missing here", place, max(end, place + 1), hint)

    def _unknown(self, name: str, start: int, end: int) -> NoReturn:
        """Complain of a word that is no field, with what it may have been meant for."""
        from fivetuple.analysis.filter_suggestions import hint_for

        scanner = self._scanner
        if not name:
            found = scanner.text[start : start + 1]
            scanner.complain(
                f"'{found}' can't stand here",
                start,
                start + 1,
                "a test begins with a field: state established",
            )
        if name in REFUSED:
            scanner.complain(f"'{name}' is no field", start, end, REFUSED[name])
        stands_alone = scanner.text[end:].lstrip()[:1] not in tuple("=!<>~")
        hint = hint_for(name, stands_alone=stands_alone)
        scanner.complain(f"'{name[:NAME_SHOWN]}' is no field", start, end, hint)
