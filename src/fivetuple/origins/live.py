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
from fivetuple.model.state import BOUND_INACTIVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fivetuple.model.namespace import Namespace
    from fivetuple.model.question import Question
    from fivetuple.model.snapshot import Rows
    from fivetuple.origins.roads import Road

ROADS = ("bpf", "netlink", "proc")
ALL = (1 << 24) - 1
EVERYWHERE = ("auto", "self", "all")  # what can't be entered is left out there, and said


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
        road = self._open_road(question, spaces, snapshot)
        snapshot.road = road.name
        if road.name != "bpf" and question.netns not in EVERYWHERE:
            _must_enter(spaces)
        chunks = road.read(question, spaces, snapshot)
        if question.needs & facts.OWNERS:
            from fivetuple.origins.lateness import with_late_owners

            chunks = with_late_owners(chunks, road.begin_look, snapshot)
        snapshot.stream(_then_close(chunks, road))
        if not question.stream:
            len(snapshot)
        self._describe(question, snapshot, spaces)
        return snapshot

    def _namespaces(self, question: Question, snapshot: Snapshot) -> list[Namespace | None]:
        """Return the namespaces in scope, None for our own; fill in their names."""
        from fivetuple.kernel import netns
        from fivetuple.model.namespace import Namespace

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
        for inode in inodes:
            if inode not in snapshot.namespaces:  # of a process that began after we looked
                pid = int(scope) if scope.isdecimal() else None
                snapshot.namespaces[inode] = Namespace(inode, scope, pid=pid)
        return [
            None if inode == snapshot.own_netns else snapshot.namespaces[inode] for inode in inodes
        ] or [None]

    def _open_road(
        self, question: Question, spaces: Sequence[Namespace | None], snapshot: Snapshot
    ) -> Road:
        """Open the wished road, or the first that works; read the owners by it."""
        from fivetuple.origins.roads import open_road

        reasons: list[str] = []
        for name in (self._wish,) if self._wish else ROADS:
            try:
                road = open_road(name, question, spaces)
                if question.needs & facts.OWNERS:
                    road.read_owners(snapshot)
            except (NotAvailable, NotPermitted) as error:
                if self._wish:
                    raise
                reasons.append(f"{name}: {error}")
                if name == "bpf":
                    snapshot.miss(facts.BPF, str(error), refused=isinstance(error, NotPermitted))
            else:
                if name == "proc":
                    _say_what_proc_lacks(snapshot, question, reasons[-1:])
                return road
        raise NotAvailable(f"no road to this machine's sockets: {'; '.join(reasons)}")

    def _describe(
        self, question: Question, snapshot: Snapshot, spaces: Iterable[Namespace | None]
    ) -> None:
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


def _must_enter(spaces: Iterable[Namespace | None]) -> None:
    """Refuse a namespace that was asked for by name and is closed to us: empty would be a lie.

    Raises:
        NotPermitted, NotAvailable: it can't be entered; the message says why.
    """
    from fivetuple.kernel import netns

    for space in spaces:
        if space is not None:
            netns.run_in(space, lambda: None)


def this_host() -> Host:
    """Describe this machine."""
    name = os.uname()
    return Host(name.nodename, name.sysname, name.release, _boot_id())


def _boot_id() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:  # pathlib costs 8 ms
            return file.read(64).decode("ascii", "replace").strip()
    except OSError:
        return ""


def _say_what_proc_lacks(snapshot: Snapshot, question: Question, reasons: list[str]) -> None:
    """Note the facts that were asked for and that /proc/net never tells; and why it had to do."""
    from fivetuple.origins.sources import NOT_IN_PROC

    why = "; ".join(["/proc/net does not tell", *reasons])
    asked = question.needs
    if "tcp" in question.hint.protocols and question.hint.states >> BOUND_INACTIVE & 1:
        asked |= facts.BOUND_INACTIVE
    for fact in facts.NAMES:
        if fact & NOT_IN_PROC & asked:
            snapshot.miss(fact, why)


def _then_close(chunks: Iterable[Rows], road: Road) -> Iterator[Rows]:
    """Give the chunks and close the road behind the last, or when nobody wants more."""
    try:
        yield from chunks
    finally:
        road.close()
