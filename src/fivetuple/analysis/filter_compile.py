"""From a filter's tree to one Python expression over a row's columns: how each kind is written.

`plan_of(tree)` writes it once a filter; see filter_plan.py for what it may consist of.
"""

from __future__ import annotations

from fivetuple.analysis.filter_ends import write_either_port, write_hosts, write_ports
from fivetuple.analysis.filter_fields import FIELDS
from fivetuple.analysis.filter_lookups import LOOKUPS
from fivetuple.analysis.filter_plan import Plan, either
from fivetuple.analysis.filter_tree import Group, Test
from fivetuple.model import names, record
from fivetuple.model.endpoint import AF_INET, AF_INET6, FAMILY_NAMES, LOOPBACK_V6, V4_PREFIX
from fivetuple.model.state import CLOSE, CLOSING, FIN_WAIT1, FIN_WAIT2, LAST_ACK, LISTEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Writer = Callable[[Plan, Test], str]

_SYMBOL = {"=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_FAMILY_NUMBERS = {name: number for number, name in FAMILY_NAMES.items()}
_TYPE_NUMBERS = {name: number for number, name in names.TYPE_NAMES.items()}
# include/net/inet_connection_sock.h, net/ipv4/inet_diag.c: idiag_timer; include/net/sock.h: shutdown
_TIMER_NUMBERS = {"retransmit": 1, "keepalive": 2, "timewait": 3, "persist": 4}
_SHUTDOWN_NUMBERS = {"read": 1, "write": 2, "both": 3}


def plan_of(tree: Test | Group) -> Plan:
    """Write the expression of a filter."""
    plan = Plan()
    plan.source = _expression(plan, tree)
    return plan


def _expression(plan: Plan, tree: Test | Group) -> str:
    if isinstance(tree, Test):
        writer = _WRITERS.get(tree.field)
        if writer is None and tree.field not in LOOKUPS:
            writer = _WRITERS_OF_KIND[FIELDS[tree.field].kind]
        return writer(plan, tree) if writer else plan.looked_up(tree)
    if tree.word == "not":
        return f"(not {_expression(plan, tree.parts[0])})"
    if not tree.parts:
        return "True"
    return "(" + f" {tree.word} ".join(_expression(plan, part) for part in tree.parts) + ")"


def _state(plan: Plan, test: Test) -> str:
    mask = test.values[0]
    column = plan.column("state")
    if mask & (mask - 1) == 0:
        return f"({column} {_SYMBOL[test.operator]} {plan.constant(mask.bit_length() - 1)})"
    return either([f"({plan.constant(mask)} >> {column} & 1)"], test.operator)


def _number(plan: Plan, test: Test) -> str:
    """Write a comparison of a plain column."""
    column = plan.column(test.field)
    if len(test.values) > 1:
        word = "in" if test.operator == "=" else "not in"
        return plan.known(column, f"({column} {word} {plan.constant(frozenset(test.values))})")
    return plan.known(
        column, f"({column} {_SYMBOL[test.operator]} {plan.constant(test.values[0])})"
    )


def _word_numbers(column: str, numbers: dict[str, int]) -> Writer:
    """Make the writer of a column whose words stand for numbers."""

    def write(plan: Plan, test: Test) -> str:
        values = frozenset(numbers[word] for word in test.values)
        word = "not in" if test.operator == "!=" else "in"
        # 0 is no timer, and no direction shut down: no value, so no comparison
        present = f"{plan.column(column)} and " if column in ("timer", "shutdown") else ""
        return plan.known(
            column, f"({present}{plan.column(column)} {word} {plan.constant(values)})"
        )

    return write


def _options(plan: Plan, test: Test) -> str:
    bits = 0
    for name in test.values:
        bits |= getattr(record, name.upper())
    comparison = either([f"({plan.column('options')} & {plan.constant(bits)})"], test.operator)
    # a bit that is set is a fact; that it is not set is one only where all options are known
    return comparison if test.operator == "=" else plan.known("options", comparison)


def _mark(plan: Plan, test: Test) -> str:
    column = plan.column("mark")
    parts = [
        f"({column} & {plan.constant(mark.mask)} == {plan.constant(mark.value)})"
        for mark in test.values
    ]
    return plan.known("mark", either(parts, test.operator))


def _listening(plan: Plan, _test: Test) -> str:
    state, kind, port = plan.column("state"), plan.column("type"), plan.column("local_port")
    return f"({state} == {LISTEN} or {state} == {CLOSE} and {kind} == {names.DGRAM} and {port} > 0)"


def _loopback(plan: Plan, _test: Test) -> str:
    v4, v6 = plan.constant(V4_PREFIX + b"\x7f"), plan.constant(LOOPBACK_V6)
    sides = [plan.column("local"), plan.column("remote")]
    parts = [f"{side}[:13] == {v4} or {side} == {v6}" for side in sides]
    return f"({plan.column('family')} in {plan.constant((AF_INET, AF_INET6))} and ({' or '.join(parts)}))"


def _orphan(plan: Plan, _test: Test) -> str:
    """Closed by its process, and the kernel still has FINs to send or to wait for (no TIME_WAIT)."""
    states = plan.constant(frozenset((FIN_WAIT1, FIN_WAIT2, CLOSING, LAST_ACK)))
    return plan.known(
        "inode", f"({plan.column('inode')} == 0 and {plan.column('state')} in {states})"
    )


class _Verdicts(dict):  # type: ignore[type-arg]  # a cache: int -> bool
    """Whether the protocol of `family << 24 | type << 16 | protocol_number` is one of those wanted."""

    def __init__(self, wanted: tuple[str, ...]) -> None:
        self._wanted = frozenset(wanted)

    def __missing__(self, key: int) -> bool:
        verdict = self[key] = (
            names.protocol_name(key >> 24, key >> 16 & 0xFF, key & 0xFFFF) in self._wanted
        )
        return verdict


def _protocol(plan: Plan, test: Test) -> str:
    key = f"{plan.column('family')} << 24 | {plan.column('type')} << 16 | {plan.column('protocol_number')}"
    return either([f"{plan.constant(_Verdicts(test.values))}[{key}]"], test.operator)


_WRITERS: dict[str, Writer] = {
    "protocol": _protocol,
    "port": write_either_port,
    "listening": _listening,
    "loopback": _loopback,
    "orphan": _orphan,
    "family": _word_numbers("family", _FAMILY_NUMBERS),
    "type": _word_numbers("type", _TYPE_NUMBERS),
    "timer": _word_numbers("timer", _TIMER_NUMBERS),
    "shutdown": _word_numbers("shutdown", _SHUTDOWN_NUMBERS),
}
_WRITERS_OF_KIND: dict[str, Writer] = {
    "state": _state,
    "option": _options,
    "mark": _mark,
    "port": write_ports,
    "host": write_hosts,
    "count": _number,
    "size": _number,
    "us": _number,
    "ms": _number,
}
