"""Collector: makes a Snapshot of the rows, owners and gaps that a text's parser finds.

A text names no network namespace (all rows have netns 0), and often no inodes. Joins need them:
owners are keyed by inode, and inode 0 means that no process holds the socket. So a row without a
known inode gets a number of its own above 2**40, which no kernel reaches (they count in 32 bits),
and its `known` lacks INODE: it is never shown. Cgroups, which ss tells by path, and interfaces,
told by name, get numbers here in the same way.
"""

from __future__ import annotations

import struct

from fivetuple.model import facts, record
from fivetuple.model.errors import BadInput
from fivetuple.model.process import Process
from fivetuple.model.snapshot import Host, Snapshot
from fivetuple.model.text import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

FIRST_OWN_NUMBER = 1 << 40
MAX_PID = 1 << 22  # include/linux/threads.h PID_MAX_LIMIT
MAX_FD = 0xFFFFFFFF
NETNS = 0
UNKNOWN_FD = MAX_FD
"""Stands for the descriptor of a holder whose text names none (netstat); no process has that many."""
SHOWN_CHARACTERS = 80
LONGEST_ROW = 4096  # of netstat and lsof; the time of some expressions grows with its square

BAD_ROW = (ValueError, LookupError, OverflowError, struct.error, BadInput)
"""What a row that can't be read may raise while it is parsed or added."""

SAVE_INSTEAD = "no text holds it: `ft save FILE` on that machine does"


class Collector:
    """Takes the rows of one text, in their order."""

    def __init__(self, system: str = "Linux") -> None:
        self.system = system
        self.given = facts.SOCKETS
        """The Facts that the text turned out to give."""
        self.holders: dict[int, list[int]] = {}
        self.processes: dict[int, Process] = {}
        self.unix_names: dict[int, bytes] = {}
        self.unreadable = 0
        self._first_unreadable = ""
        self._rows: list[bytes] = []
        self._interfaces: dict[str, int] = {}
        self._cgroups: dict[str, int] = {}
        self._own_number = FIRST_OWN_NUMBER

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, values: dict[str, Any]) -> int:
        """Add a row; return its inode, made up when `known` lacks INODE.

        Raises:
            struct.error: a value is out of its column's range.
        """
        if not values["known"] & record.INODE:
            self._own_number += 1
            values["inode"] = self._own_number
        self._rows.append(record.pack(values))
        inode: int = values["inode"]
        return inode

    def add_rows(self, rows: bytes) -> None:
        """Add finished rows."""
        if rows:
            self._rows.append(rows)

    def hold(self, inode: int, pid: int, fd: int, name: str, comm: bytes = b"") -> None:
        """Note that a process holds the socket. A pid or fd that can't be one is passed over."""
        if not 0 < pid <= MAX_PID or fd > MAX_FD:
            return
        if not inode:
            return
        self.given |= facts.OWNERS | facts.PROCESS_NAMES
        held = pid << 32 | fd
        holders = self.holders.setdefault(inode, [])
        if held not in holders[-8:]:  # lsof repeats a socket once a thread
            holders.append(held)
        if pid not in self.processes:
            self.processes[pid] = Process(pid, name, comm=comm)

    def interface(self, name: str) -> int:
        """Return the number of an interface; ss writes `ifN` for one without a name."""
        if name[:2] == "if" and name[2:].isdecimal():
            name = name[2:]
        if name.isdecimal():
            return int(name)
        # numbers of our own from the top, so that they don't meet the ones that a text tells
        return self._interfaces.setdefault(name, 0xFFFFFFFF - len(self._interfaces))

    def cgroup(self, path: str) -> int:
        """Return the number of a cgroup that is known by its path only."""
        return self._cgroups.setdefault(path, FIRST_OWN_NUMBER + len(self._cgroups))

    def lines(self, text: str) -> Iterator[str]:
        """Yield the text's lines without what ends them; refuse those that are too long for a row."""
        for line in text.split("\n"):
            if len(line) > LONGEST_ROW:
                self.refuse(line)
            else:
                yield line.rstrip()

    def refuse(self, line: str) -> None:
        """Note a line that can't be read."""
        if not self.unreadable:
            self._first_unreadable = printable(line.strip()[:SHOWN_CHARACTERS])
        self.unreadable += 1

    def snapshot(
        self,
        tool: str,
        taken_ns: int,
        wishes: Mapping[int, str],
        cure: str,
        notes: Iterable[str] = (),
    ) -> Snapshot:
        """Return what was collected.

        tool: what printed the text; wishes: fact -> why the text lacks it and what to paste;
        cure: what to do about rows that can't be read; notes: what else the rows don't tell.

        Raises:
            BadInput: the text has no row that can be read.
        """
        if not self._rows and self.unreadable:
            raise BadInput(
                f"the text looks like {tool}'s, but no line is a socket; the first is "
                f"'{self._first_unreadable}': {cure}"
            )
        snapshot = Snapshot(
            Host("", self.system),
            taken_ns,
            road=tool,
            facts=self.given,
            chunks=(b"".join(self._rows),),
        )
        snapshot.holders = {inode: held[0] for inode, held in self.holders.items()}
        snapshot.shared = {
            inode: tuple(held) for inode, held in self.holders.items() if len(held) > 1
        }
        snapshot.processes = self.processes
        snapshot.unix_names = self.unix_names
        snapshot.interfaces = {NETNS: {number: name for name, number in self._interfaces.items()}}
        snapshot.places = _places(self._cgroups)
        gaps = list(notes)
        if self.unreadable:
            gaps.insert(
                0,
                f"{counted(self.unreadable, 'line')} could not be read, the first '{self._first_unreadable}': {cure}",
            )
        if gaps:
            snapshot.miss(facts.SOCKETS, "; ".join(gaps))
        for fact in facts.NAMES:
            if not self.given & fact and fact not in (facts.BPF, facts.CHURN):
                snapshot.miss(fact, wishes.get(fact, SAVE_INSTEAD))
        len(snapshot)  # it holds its rows from here on, and they can be walked again
        return snapshot


def counted(count: int, noun: str) -> str:
    """Return `1 line`, `3 lines`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _places(cgroups: Mapping[str, int]) -> dict[int, Any]:
    """Read unit and container off the cgroups' paths."""
    if not cgroups:
        return {}
    from fivetuple.kernel.cgroups import place_of

    return {number: place_of(path) for path, number in cgroups.items()}
