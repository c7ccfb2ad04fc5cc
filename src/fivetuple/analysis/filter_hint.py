"""What a filter can match at most: states and protocols, so that the kernel may send less.

Always an over-approximation: where a test tells nothing about states or protocols, everything
is possible. `not` is carried down to the tests, for only there it is known what it excludes.
"""

from __future__ import annotations

from fivetuple.analysis.filter_tree import Group, Test
from fivetuple.model.endpoint import AF_UNIX, FAMILY_NAMES
from fivetuple.model.names import INTERNET_PROTOCOLS, OTHER_PROTOCOLS
from fivetuple.model.question import EVERY_STATE
from fivetuple.model.state import CLOSE, CLOSING, FIN_WAIT1, FIN_WAIT2, LAST_ACK, LISTEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    Bounds = tuple[int, frozenset[str] | None]

INTERNET = frozenset(INTERNET_PROTOCOLS)
ANYTHING: Bounds = (EVERY_STATE, None)
_FLAG_STATES = {
    "listening": 1 << LISTEN | 1 << CLOSE,
    "orphan": 1 << FIN_WAIT1 | 1 << FIN_WAIT2 | 1 << CLOSING | 1 << LAST_ACK,
}


def bounds_of(tree: Test | Group, *, is_not: bool = False) -> Bounds:
    """Return (states, protocols) beyond which no row matches; protocols None: any."""
    if isinstance(tree, Test):
        return _of_test(tree, is_not=is_not)
    if tree.word == "not":
        return bounds_of(tree.parts[0], is_not=not is_not)
    parts = [bounds_of(part, is_not=is_not) for part in tree.parts]
    return _all_of(parts) if (tree.word == "and") != is_not else _any_of(parts)


def _all_of(parts: list[Bounds]) -> Bounds:
    states, protocols = ANYTHING
    for more_states, more in parts:
        states &= more_states
        if more is not None:
            protocols = more if protocols is None else protocols & more
    return states, protocols


def _any_of(parts: list[Bounds]) -> Bounds:
    states = 0
    protocols: frozenset[str] | None = frozenset()
    for more_states, more in parts:
        states |= more_states
        protocols = None if protocols is None or more is None else protocols | more
    return states, protocols


def _of_test(test: Test, *, is_not: bool) -> Bounds:
    if test.field == "state":
        mask = test.values[0]
        return (EVERY_STATE & ~mask if (test.operator == "!=") != is_not else mask), None
    if is_not or test.operator == "!=":
        return ANYTHING
    if test.field in _FLAG_STATES:
        return _FLAG_STATES[test.field], None
    return EVERY_STATE, _protocols(test)


def _protocols(test: Test) -> frozenset[str] | None:
    """Return the protocols that can pass a test that is not negated; None: any."""
    if test.field == "protocol":
        return frozenset(test.values)
    if test.field == "family":
        return frozenset().union(*(_of_family(name) for name in test.values))
    if test.field == "path":
        return frozenset((FAMILY_NAMES[AF_UNIX],))
    if test.field in ("local", "remote"):
        return frozenset().union(
            *(_of_family(FAMILY_NAMES.get(host.family, "")) for host in test.values)
        )
    return INTERNET if test.field == "loopback" else None


def _of_family(name: str) -> frozenset[str]:
    return frozenset((name,)) if name in OTHER_PROTOCOLS else INTERNET
