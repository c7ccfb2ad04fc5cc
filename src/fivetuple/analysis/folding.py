"""Folding: a long list as so many lines as there is room for, each entry in one of them or counted.

First what is alike (one program's ports, one service's addresses) becomes one line, the largest
group first; then what other namespaces have, one line a namespace; at last the lightest lines go,
and how many entries went with them is told.
"""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence
    from typing import TypeVar

    Entry = TypeVar("Entry")

LEAST_ALIKE = 3  # two lines say more than one that stands for two

Fold = namedtuple("Fold", "entries how")
"""One line: its entries, and how they came together: one of the words below."""
ONE, ALIKE, NAMESPACE = "one", "alike", "namespace"


def fold(
    entries: Sequence[Entry],
    room: int | None,
    *,
    alike: Callable[[Entry], Hashable],
    namespace: Callable[[Entry], Hashable],
    weight: Callable[[Sequence[Entry]], tuple[int, ...]],
) -> tuple[list[Fold], int]:
    """Return at most `room` lines in the order of the entries, and how many entries were left out.

    room: None: every entry on a line of its own. alike: the same for entries that may share a line;
    namespace: the same for entries of one foreign namespace, None for our own; weight: of a line's entries, the
    heaviest lines stay.
    """
    lines = [Fold([entry], ONE) for entry in entries]
    if room is None or len(lines) <= room:
        return lines, 0
    room = max(room - 1, 1)  # a line says that others were folded
    lines = _together(lines, room, ALIKE, LEAST_ALIKE, lambda line: alike(line.entries[0]))
    lines = _together(lines, room, NAMESPACE, 2, lambda line: namespace(line.entries[0]))
    if len(lines) <= room:
        return lines, 0
    weights = [weight(line.entries) for line in lines]
    order = sorted(range(len(lines)), key=weights.__getitem__, reverse=True)
    kept = sorted(order[:room])
    shown = [lines[i] for i in kept]
    return shown, len(entries) - sum(len(line.entries) for line in shown)


def _together(
    lines: list[Fold], room: int, how: str, least: int, key: Callable[[Fold], Hashable]
) -> list[Fold]:
    """Join lines of one key, the largest group first, until they fit; a key of None stays apart."""
    groups: dict[Hashable, list[int]] = {}
    for index, line in enumerate(lines):
        name = key(line)
        if name is not None:
            groups.setdefault(name, []).append(index)
    excess = len(lines) - room
    made = dict(enumerate(lines))
    for members in sorted(groups.values(), key=len, reverse=True):
        if excess <= 0 or len(members) < least:
            break
        made[members[0]] = Fold([entry for i in members for entry in lines[i].entries], how)
        for i in members[1:]:
            del made[i]
        excess -= len(members) - 1
    return list(made.values())


def port_words(ports: Iterable[int]) -> str:
    """Write many ports as a range with their count: `8000-8299 (300 ports)`, also with gaps in it."""
    each = sorted(set(ports))
    return str(each[0]) if len(each) == 1 else f"{each[0]}-{each[-1]} ({len(each)} ports)"


def room_for(wants: Sequence[int], shares: Sequence[float], rows: int) -> list[int]:
    """Divide the rows of a screen among lists: what one does not want, the others get."""
    given = [min(want, int(rows * share)) for want, share in zip(wants, shares, strict=True)]
    left = rows - sum(given)
    for index, want in enumerate(wants):
        more = max(min(want - given[index], left), 0)
        given[index] += more
        left -= more
    return given
