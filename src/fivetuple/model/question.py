"""Question and Hint: what a view needs to know, so that an origin reads no more than that."""

from __future__ import annotations

from collections import namedtuple

from fivetuple.model.names import INTERNET_PROTOCOLS, PROTOCOLS

EVERY_STATE = 0xFFFFFFFF

Hint = namedtuple("Hint", "states protocols", defaults=(EVERY_STATE, frozenset(INTERNET_PROTOCOLS)))
"""What could match at most, so that the kernel may send less; the full filter runs all the same.

states: bit mask of 1 << state; protocols: frozenset of names of model/names.py.
"""

EVERYTHING = Hint(EVERY_STATE, frozenset(PROTOCOLS))
INTERNET = Hint()

Question = namedtuple("Question", "needs hint netns stream", defaults=(INTERNET, "self", False))
"""needs: Facts; hint: Hint; netns: `self`, `all`, `auto` (all on the host, own one inside a
container), a name or a pid; stream: the rows are read once and in any order, so the Snapshot
need not hold them."""
