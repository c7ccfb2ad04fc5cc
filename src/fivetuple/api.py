"""The Python API: one moment of a host as a value that can be walked, filtered and saved.

    >>> import fivetuple
    >>> snapshot = fivetuple.snapshot(protocols=("tcp",))
    >>> all(socket.protocol == "tcp" for socket in snapshot)
    True

`import fivetuple` gives all of it; nothing is imported before it is used.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from fivetuple.model import facts, record
from fivetuple.model.question import EVERY_STATE, Hint, Question
from fivetuple.model.snapshot import Snapshot as _Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fivetuple.model.socket import Socket

OWNERS = facts.OWNERS | facts.PROCESS_NAMES
DETAILS = facts.TCP_INFO | facts.OPTIONS | facts.TIMERS | facts.BACKLOG


class Snapshot(_Snapshot):
    """One moment of one host. Iterating gives a Socket a row; `rows` are the bytes themselves."""

    __slots__ = ()

    @classmethod
    def of(cls, plain: _Snapshot) -> Snapshot:
        """Return the same snapshot as one that can be walked."""
        made = cls.__new__(cls)
        for name in _Snapshot.__slots__:
            setattr(made, name, getattr(plain, name))
        return made

    def __iter__(self) -> Iterator[Socket]:
        """Give every socket, in the kernel's order."""
        return self.where()

    def where(self, *words: str) -> Iterator[Socket]:
        """Give the sockets that a filter of `ft ls` keeps: `where("state established dport = :443")`.

        Raises:
            BadInput: the filter can't be understood; the message shows where.
        """
        from fivetuple.analysis.lens import Lens
        from fivetuple.model.socket import Socket

        rows = self.rows
        lens = Lens(self)
        lens.ownership.learn(rows)
        if words:
            from fivetuple.analysis.filters import parse

            rows = parse(words).row_filter(self)(rows)
        for values in lens.values(Socket._fields)(rows):
            yield Socket(*values)

    def select(self, *columns: str) -> Iterator[tuple[int | bytes, ...]]:
        """Give some columns of the record of every row, in the order of the record: fast, no owners.

        Raises:
            KeyError: a name is no column of model/record.py.
        """
        return record.Projection(*columns).read(self.rows)


def snapshot(  # noqa: PLR0913  # each is a word of its own, all by name
    *,
    source: str | None = None,
    protocols: Iterable[str] | None = None,
    netns: str = "self",
    owners: bool = True,
    processes: bool = False,
    details: bool = True,
    road: str | None = None,
) -> Snapshot:
    """Read the sockets of this machine, or of a saved file.

    Args:
        source: a file of `ft save`, pasted ss, netstat or lsof text, `ssh:HOST`; None: this kernel.
        protocols: names such as tcp, udp, unix; None: the internet's.
        netns: self, all, a name, or a pid.
        owners: find the processes.
        processes: and their command lines, units, containers and parents.
        details: tcp_info, options, timers.
        road: bpf, netlink, proc or psutil; None: the fastest that works.

    Raises:
        BadInput: an argument or the file can't be used.
        NotAvailable, NotPermitted: the kernel gives no sockets at all, or not by that road.
    """
    from fivetuple.model.names import INTERNET_PROTOCOLS
    from fivetuple.origins import open_origin

    needs = facts.SOCKETS | (OWNERS if owners or processes else 0) | (DETAILS if details else 0)
    if processes:
        needs |= facts.PROCESSES | facts.USERS
    if netns != "self":
        needs |= facts.NAMESPACES
    hint = Hint(EVERY_STATE, frozenset(INTERNET_PROTOCOLS if protocols is None else protocols))
    origin = open_origin(source, road, time.time_ns())
    return Snapshot.of(origin.snapshot(Question(needs, hint, netns)))
