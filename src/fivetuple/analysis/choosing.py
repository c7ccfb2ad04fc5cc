"""Choosing rows by protocol, state and family: what flags such as -t, -l and -4 say."""

from __future__ import annotations

from fivetuple.model import record
from fivetuple.model.endpoint import AF_INET, AF_INET6
from fivetuple.model.names import ProtocolNames
from fivetuple.model.question import EVERY_STATE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from fivetuple.model.snapshot import Rows

    Keep = Callable[[Rows], Rows]

COLUMNS = record.Projection("family", "type", "state", "protocol_number")
FAMILIES = {"inet": AF_INET, "inet6": AF_INET6}
BOTH = frozenset(FAMILIES.values())  # -4 and -6 say nothing of unix and its kin


def chooser(
    protocols: Collection[str] | None, states: int = EVERY_STATE, families: Collection[str] = ()
) -> Keep | None:
    """Return a function that keeps the chosen rows of a buffer; None when all are chosen.

    protocols: names, None for all; states: bit mask of 1 << state; families: inet, inet6.
    """
    if protocols is None and states == EVERY_STATE and not families:
        return None
    names = ProtocolNames()
    numbers = {FAMILIES[name] for name in families}

    def is_chosen(family: int, kind: int, state: int, number: int) -> bool:
        return (
            bool(states >> state & 1)
            and (not numbers or family in numbers or family not in BOTH)
            and (protocols is None or names[family << 24 | kind << 16 | number] in protocols)
        )

    verdicts: dict[tuple[int, ...], bool] = {}

    def keep(rows: Rows) -> Rows:
        flags: list[bool] = []
        add = flags.append
        for key in COLUMNS.read(rows):
            verdict = verdicts.get(key)
            if verdict is None:
                verdict = verdicts[key] = is_chosen(*key)
            add(verdict)
        return pick(rows, flags)

    return keep


def pick(rows: Rows, flags: list[bool]) -> Rows:
    """Return the rows whose flag is true; the same buffer when all are."""
    if all(flags):
        return rows
    size = record.SIZE
    view = memoryview(rows)
    return b"".join([view[i * size : i * size + size] for i, flag in enumerate(flags) if flag])


def both(first: Keep | None, second: Keep | None) -> Keep | None:
    """Return a function that keeps what both keep."""
    if first is None or second is None:
        return first or second
    return lambda rows: second(first(rows))
