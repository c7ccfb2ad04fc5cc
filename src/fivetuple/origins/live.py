"""This kernel, now: chooses the cheapest road that gives the facts asked for.

    bpf      iterators for TCP, UDP and owners; sock_diag for what has no iterator
    netlink  sock_diag, owners from /proc/PID/fd
    proc     the tables of /proc/net, owners from /proc/PID/fd
    psutil   macOS and Windows

A road that fails leaves its reason in `snapshot.missing` and the next is taken.
"""

from __future__ import annotations

import os
import sys

from fivetuple.model import facts
from fivetuple.model.errors import NotAvailable, NotPermitted
from fivetuple.model.snapshot import Host, Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fivetuple.model.namespace import Namespace
    from fivetuple.model.question import Question
    from fivetuple.model.snapshot import Rows
    from fivetuple.origins.roads import Road

ROADS = ("bpf", "netlink", "proc")
ALL = (1 << 24) - 1


class Live:
    """The machine that we run on."""

    provides = ALL

    def __init__(self, road: str | None, now_ns: int) -> None:
        self._wish = road
        self._now_ns = now_ns

    def snapshot(self, question: Question) -> Snapshot:
        """Read what the question needs.

        Raises:
            NotAvailable, NotPermitted: the road that --road names can't be taken.
        """
        if self._wish == "psutil" or not sys.platform.startswith("linux"):
            from fivetuple.origins.portable import portable_snapshot

            return portable_snapshot(question, self._now_ns)
        from fivetuple.kernel import netns

        own = netns.own()
        snapshot = Snapshot(this_host(), self._now_ns, road="", facts=question.needs, own_netns=own)
        snapshot.protocols = question.hint.protocols
        spaces = self._namespaces(question, snapshot)
        road = self._open_road(question, snapshot)
        snapshot.road = road.name
        if question.needs & facts.OWNERS:
            road.read_owners(snapshot)
        chunks = road.read(question, spaces, snapshot)
        if question.needs & facts.OWNERS:
            chunks = _with_late_owners(chunks, road, snapshot)
        snapshot.stream(_then_close(chunks, road))
        if not question.stream:
            len(snapshot)
        self._describe(question, snapshot, spaces)
        return snapshot

    def _namespaces(self, question: Question, snapshot: Snapshot) -> list[Namespace | None]:
        """Return the namespaces in scope, None for our own; fill in their names."""
        from fivetuple.kernel import netns

        scope = question.netns
        if scope == "auto":
            scope = "all" if netns.host() in (None, snapshot.own_netns) else "self"
        knows_all = scope != "self" or question.needs & (facts.NAMESPACES | facts.OTHER_NAMESPACES)
        if not knows_all:
            return [None]
        unread: list[str] = []
        found = netns.find(unread=unread)
        snapshot.namespaces = {space.inode: space for space in found}
        if unread and scope == "all":
            snapshot.miss(facts.OTHER_NAMESPACES, unread[0], refused=True)
        if scope == "self":
            return [None]
        inodes = netns.resolve(scope, found)
        return [None if inode == snapshot.own_netns else snapshot.namespaces[inode] for inode in inodes]

    def _open_road(self, question: Question, snapshot: Snapshot) -> Road:
        """Open the wished road, or the first that works."""
        from fivetuple.origins.roads import open_road

        names = (self._wish,) if self._wish else ROADS
        for name in names:
            try:
                return open_road(name, question)
            except (NotAvailable, NotPermitted) as error:
                if self._wish:
                    raise
                snapshot.miss(facts.BPF if name == "bpf" else facts.SOCKETS, str(error))
        reason = snapshot.missing.get(facts.SOCKETS, "")
        raise NotAvailable(f"this machine lets us read its sockets by no road: {reason}")

    def _describe(self, question: Question, snapshot: Snapshot, spaces: Iterable[Namespace | None]) -> None:
        """Add what is known about owners, users, interfaces, namespaces."""
        needs = question.needs
        if needs & facts.OWNERS and needs & (facts.PROCESS_NAMES | facts.PROCESSES):
            from fivetuple.origins import people

            people.describe(snapshot, question)
        if needs & facts.USERS:
            from fivetuple.origins import people

            people.name_users(snapshot, is_streaming=question.stream)
        from fivetuple.origins import surroundings

        surroundings.describe(snapshot, question, spaces)


def this_host() -> Host:
    """Describe this machine."""
    name = os.uname()
    return Host(name.nodename, name.sysname, name.release, _boot_id())


def _boot_id() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:  # noqa: PTH123  # pathlib costs 8 ms
            return file.read(64).decode("ascii", "replace").strip()
    except OSError:
        return ""


def _then_close(chunks: Iterable[Rows], road: Road) -> Iterator[Rows]:
    """Give the chunks and close the road behind the last, or when nobody wants more."""
    try:
        yield from chunks
    finally:
        road.close()


def _with_late_owners(chunks: Iterable[Rows], road: Road, snapshot: Snapshot) -> Iterator[Rows]:
    """Hold back rows whose socket has a file but no known holder, and ask once more for them.

    Holders are read before the sockets. A socket that was opened in between, or passed from
    one process to another, is found by the second look; what is still nobody's then is a socket
    of the kernel's own, or of a process that we may not look into.
    """
    from fivetuple.origins.lateness import inodes_of, without_holder

    late: list[Rows] = []
    for chunk in chunks:
        known, unknown = without_holder(chunk, snapshot.holders)
        if len(unknown):
            late.append(bytes(unknown))
        if len(known):
            yield known
    if late:
        rows = b"".join(late)
        if facts.OWNERS not in snapshot.missing:
            road.find_owners(snapshot, inodes_of(rows))
        yield rows


