"""Snapshot: one moment of one host: socket rows, who holds them, and what is missing and why.

Rows (RECORD) come in chunks. A stored Snapshot has them all; a live one that streams can be
walked once, and nothing then holds more than one chunk: `chunks()`. Whoever needs to walk twice
asks for `rows`, which keeps them.

Holders are many to many (fork, descriptor passing) and keyed by the socket's inode number,
which is unique on a host at one moment. 100,000 of them are one dict of ints made in C:
`pid << 32 | fd`; the few sockets with more than one holder are in `shared`.
"""

from __future__ import annotations

from fivetuple.model import record
from fivetuple.model.errors import FivetupleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fivetuple.model.namespace import Namespace
    from fivetuple.model.process import Place, Process

    Rows = bytes | bytearray | memoryview

FD_MASK = 0xFFFFFFFF


BLOCK_ROWS = 1000  # of a kept Snapshot: what is made from a block of rows stays small


def in_blocks(rows: Rows) -> Iterator[Rows]:
    """Give RECORD[n] in pieces of at most BLOCK_ROWS rows."""
    view = memoryview(rows)
    step = BLOCK_ROWS * record.SIZE
    return (view[start : start + step] for start in range(0, len(view), step))


class Host:
    """The machine that a Snapshot shows."""

    __slots__ = ("boot_id", "kernel", "name", "system")

    def __init__(
        self, name: str, system: str = "Linux", kernel: str = "", boot_id: str = ""
    ) -> None:
        self.name = name
        self.system = system
        """`Linux`, `Darwin`, `Windows`."""
        self.kernel = kernel
        self.boot_id = boot_id


class Snapshot:
    """One moment of one host. Every question is a pure function of it."""

    __slots__ = (
        "_chunks", "_rows", "facts", "holders", "host", "interfaces", "missing", "namespaces",
        "own_netns", "places", "processes", "protocols", "refused", "road", "shared", "socket_units", "taken_ns", "unix_names", "users",
    )  # fmt: skip

    def __init__(
        self,
        host: Host,
        taken_ns: int,
        *,
        road: str,
        facts: int,
        chunks: Iterable[Rows] = (),
        own_netns: int = 0,
    ) -> None:
        self.host = host
        self.taken_ns = taken_ns
        """ns since the epoch."""
        self.road = road
        """`bpf`, `netlink`, `proc`, `psutil`, or the kind of text that was read: `ss`, `netstat` ..."""
        self.facts = facts
        """The Facts that it gives."""
        self.own_netns = own_netns
        """Inode of the network namespace that the question was asked from."""
        self.protocols: frozenset[str] | None = None
        """The rows are of these protocols only; None: not known, or all."""
        self.missing: dict[int, str] = {}
        """Fact -> why it could not be had, a sentence without its full stop."""
        self.refused = 0
        """Of the missing facts, those that more privileges would give."""
        self.holders: dict[int, int] = {}
        """Socket inode -> pid << 32 | fd of its first holder."""
        self.shared: dict[int, tuple[int, ...]] = {}
        """Socket inode -> every holder, for those that have more than one."""
        self.processes: dict[int, Process] = {}
        """pid -> Process, for holders and (with Facts PROCESSES) their ancestors."""
        self.places: dict[int, Place] = {}
        """cgroup id -> Place, for sockets whose process is gone or unknown."""
        self.socket_units: dict[int, tuple[str, str]] = {}
        """Inode of a listener that systemd holds -> (its socket unit, the service that will answer)."""
        self.unix_names: dict[int, bytes] = {}
        """Inode of a unix socket -> its path; an abstract name starts with a NUL byte."""
        self.namespaces: dict[int, Namespace] = {}
        self.interfaces: dict[int, Mapping[int, str]] = {}
        """Namespace -> interface index -> name."""
        self.users: Mapping[int, str] = {}
        """User id -> name."""
        self._chunks: Iterable[Rows] | None = chunks
        self._rows: Rows | None = None

    def stream(self, chunks: Iterable[Rows]) -> None:
        """Set where the rows come from."""
        self._chunks = chunks

    def miss(self, fact: int, reason: str, *, refused: bool = False) -> None:
        """Note that a fact could not be had; the first reason stays."""
        self.missing.setdefault(fact, reason)
        if refused:
            self.refused |= fact

    def chunks(self) -> Iterator[Rows]:
        """Iterate over the rows in buffers of RECORD[n]; a streaming Snapshot allows it once.

        A buffer is valid until the next one is asked for: roads read into the same memory again.

        `missing`, `holders` and `unix_names` are complete when the last chunk has come.
        """
        if self._rows is not None:
            return in_blocks(self._rows)
        if self._chunks is None:
            raise FivetupleError("this snapshot streamed its rows and they were read already")
        chunks, self._chunks = self._chunks, None
        return iter(chunks)

    @property
    def rows(self) -> Rows:
        """All rows as one buffer, RECORD[n]."""
        if self._rows is None:
            rows = bytearray()
            for (
                chunk
            ) in self.chunks():  # no join: it would hold chunks that are overwritten by then
                rows += chunk
            self._rows = rows
        return self._rows

    def __len__(self) -> int:
        return len(self.rows) // record.SIZE

    def holders_of(self, inode: int) -> tuple[tuple[int, int], ...]:
        """Return every (pid, fd) that holds the socket, () when none is known."""
        first = self.holders.get(inode)
        if first is None:
            return ()
        return tuple((held >> 32, held & FD_MASK) for held in self.shared.get(inode, (first,)))

    def read(self, projection: record.Projection) -> Iterator[tuple[object, ...]]:
        """Iterate over the projection's columns of every row."""
        return projection.read(self.rows)
