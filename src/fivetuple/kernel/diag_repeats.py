"""Sockets that sock_diag lists twice because they came, went or changed while it was listing.

The kernel writes some 32 KiB, keeps of its place only the hash bucket and a count within it, and
goes on: what came or went in that bucket shifts the count. So a socket can come again at the
seam of two datagrams. A TCP socket can also come first as bound but inactive and later, from
another table, as what it has become; and netlink sockets with multicast groups always come from
two tables. All keep their cookie.

Remembering every cookie would cost 100 bytes a socket; those of the last few thousand sockets,
and of all bound ones (few), cost nothing that could be measured.
"""

from __future__ import annotations

from fivetuple.model.record import OFFSET, SIZE
from fivetuple.model.state import BOUND_INACTIVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

REMEMBERED = 4096  # two sets of as many reach back further than netlink's buffer of messages


class Repeats:
    """The cookies of sockets that came lately, and of all that came as bound but inactive."""

    __slots__ = ("_before", "_bound", "_lately")

    def __init__(self, unwanted: Iterable[int] = ()) -> None:
        """Take the sockets with the unwanted cookies for repeats."""
        self._before: set[int] = set()
        self._lately: set[int] = set()
        self._bound: set[int] = set(unwanted)

    def drop(self, rows: bytearray) -> bytearray:
        """Return the rows of sockets that have not come lately."""
        cookies = memoryview(rows).cast("Q")[OFFSET["cookie"] >> 3 :: SIZE >> 3].tolist()
        states = rows[OFFSET["state"] :: SIZE]
        fresh = set(cookies)
        if len(fresh) < len(cookies) or not all(
            map(fresh.isdisjoint, (self._lately, self._before, self._bound))
        ):
            rows = self._without_repeats(rows, cookies)
        if BOUND_INACTIVE in states:
            self._bound.update(
                cookie
                for cookie, state in zip(cookies, states, strict=True)
                if state == BOUND_INACTIVE
            )
        if len(self._lately) > REMEMBERED:
            self._before, self._lately = self._lately, set()
        self._lately |= fresh
        return rows

    def _without_repeats(self, rows: bytearray, cookies: list[int]) -> bytearray:
        seen = self._lately | self._before | self._bound
        kept = bytearray()
        for index, cookie in enumerate(cookies):
            if cookie not in seen:
                seen.add(cookie)
                kept += rows[index * SIZE : (index + 1) * SIZE]
        return kept
