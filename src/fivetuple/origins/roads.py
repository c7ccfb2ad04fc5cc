"""Roads into the kernel, one shape for all: who holds sockets, and the rows of each protocol."""

from __future__ import annotations

import os
from struct import Struct

from fivetuple.model import facts
from fivetuple.model.endpoint import AF_INET
from fivetuple.model.errors import BadInput, NotAvailable, NotPermitted
from fivetuple.model.names import PROTOCOL_NUMBERS, PROTOCOLS
from fivetuple.model.question import EVERY_STATE
from fivetuple.origins import sources
from fivetuple.origins.lateness import inodes_of
from fivetuple.origins.repeats import without_sockets
from fivetuple.origins.sources import FACT_OF, SOURCES, Want, from_diag, from_proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Protocol

    from fivetuple.model.namespace import Namespace
    from fivetuple.model.question import Question
    from fivetuple.model.snapshot import Rows, Snapshot
    from fivetuple.origins.lateness import Look

    class Road(Protocol):
        """One way to ask the kernel."""

        name: str

        def read_owners(self, snapshot: Snapshot) -> None:
            """Fill in `holders` and `shared`."""
            ...

        def begin_look(self) -> Look:
            """Begin to look once more for holders; the result waits for it and tells."""
            ...

        def read(
            self, question: Question, spaces: list[Namespace | None], snapshot: Snapshot
        ) -> Iterator[Rows]:
            """Give the rows of the protocols in the question's hint; None is our own namespace."""
            ...

        def close(self) -> None:
            """Let go of what the kernel keeps for us."""
            ...


LISTEN = 1 << 10
BOUND_INACTIVE = 1 << 13
CONNECTIONS = EVERY_STATE & ~(LISTEN | BOUND_INACTIVE)

HAS = {"bpf": ("bpf", "diag", "proc"), "netlink": ("diag", "proc"), "proc": ("proc",)}
TROUBLE = (NotAvailable, NotPermitted, BadInput, OSError)  # of one source: another may do

HOLDER = Struct("<QQ")
FEW_INODES = 8  # so many are found by searching the bytes; more by walking over the rows


def open_road(name: str, question: Question, spaces: Sequence[Namespace | None] = (None,)) -> Road:
    """Open a road to the namespaces; None is our own.

    Raises:
        NotAvailable, NotPermitted: it can't be taken; the message says why.
    """
    return _BpfRoad(question, None in spaces) if name == "bpf" else _PlainRoad(name)


class _PlainRoad:
    """sock_diag or /proc/net, owners from /proc/PID/fd."""

    def __init__(self, name: str) -> None:
        self.name = name
        if name == "netlink":
            from fivetuple.kernel import sock_diag

            # listeners alone: the kernel walks no connection for that, and a closed road says why
            for _ in sock_diag.dump(AF_INET, PROTOCOL_NUMBERS["tcp"], states=LISTEN, netns=0):
                break
        elif name == "proc" and not os.path.exists("/proc/thread-self/net"):  # pathlib costs 8 ms
            raise NotAvailable("/proc is not mounted, or keeps /proc/net from us")

    def read_owners(self, snapshot: Snapshot) -> None:
        from fivetuple.kernel import owners

        snapshot.holders, snapshot.shared, reason = owners.scan()
        if reason:
            snapshot.miss(facts.OWNERS, reason, refused=True)

    def begin_look(self) -> Look:
        return _scan_again  # a scan holds the interpreter: side by side with rows it would not be faster

    def read(
        self, question: Question, spaces: list[Namespace | None], snapshot: Snapshot
    ) -> Iterator[Rows]:
        for space in spaces:
            yield from _in_namespace(space, question, snapshot, self)

    def close(self) -> None:
        """Hold nothing: each list has its own netlink socket or file."""

    def rows(self, question: Question, snapshot: Snapshot) -> Iterator[Rows]:
        """Read every protocol of the calling thread's namespace."""
        want = _want_here(question)
        present = sources.in_kernel()
        for protocol in PROTOCOLS:
            if protocol in question.hint.protocols and sources.is_in_kernel(protocol, present):
                yield from self._protocol(protocol, want, snapshot)

    def _protocol(self, protocol: str, want: Want, snapshot: Snapshot) -> Iterator[Rows]:
        """Read one protocol from the first source that has it.

        A source that broke off amid its list is not followed by another, which would repeat rows.
        """
        reason = ""
        for source in SOURCES[protocol]:
            if source not in HAS[self.name]:
                continue
            has_given = False
            try:
                for rows in self._source(source, protocol, want, snapshot):
                    has_given = True
                    yield rows
            except TROUBLE as error:
                reason = reason or str(error)
                if has_given:
                    snapshot.miss(FACT_OF.get(protocol, facts.SOCKETS), f"{protocol}: {error}")
                    return
            else:
                return
        if self._may_have(protocol):
            reason = reason or f"the {self.name} road has no {protocol} sockets"
            snapshot.miss(FACT_OF.get(protocol, facts.SOCKETS), reason)

    def _may_have(self, protocol: str) -> bool:
        """Tell whether there can be sockets of the protocol, which no source gave."""
        present = sources.in_kernel()
        names = sources.KERNEL_NAMES.get(protocol, ())
        return (
            not present
            or protocol not in ("mptcp", "dccp")  # vsock does not count its sockets
            or any(present.get(name) for name in names)
        )

    def _source(self, source: str, protocol: str, want: Want, snapshot: Snapshot) -> Iterator[Rows]:
        if source == "proc":
            return from_proc(protocol, want, snapshot.unix_names)
        if protocol == "tcp" and want.states & BOUND_INACTIVE and not sources.diag_lists_bound():
            snapshot.miss(
                facts.BOUND_INACTIVE, "sock_diag lists them from Linux 6.8 on, BPF always"
            )
        return from_diag(protocol, want, snapshot.unix_names)


class _BpfRoad(_PlainRoad):
    """Iterators for TCP, UDP and owners; sock_diag and /proc/net for the rest."""

    def __init__(self, question: Question, reads_own: bool) -> None:
        from fivetuple.kernel.bpf_iter import BpfRoad

        self.name = "bpf"
        has_info = question.needs & facts.TCP_INFO
        self._programs = {"tcp": "tcp_full" if has_info else "tcp", "udp": "udp", "vsock": "files"}
        wanted = ["owners"] if question.needs & facts.OWNERS else []
        protocols = question.hint.protocols
        if "tcp" in protocols and (
            question.hint.states & CONNECTIONS or question.needs & facts.OPTIONS
        ):  # sock_diag tells of listeners alone in less time, and not their options
            wanted.append(self._programs["tcp"])
        if "udp" in protocols:
            wanted.append("udp")
        if "vsock" in protocols and sources.is_in_kernel("vsock", sources.in_kernel()):
            wanted.append("files")
        self._road = BpfRoad(tuple(wanted))
        self._loaded = wanted
        self._begun: dict[int, Callable[[], list[Rows]]] = {}
        if reads_own and self._programs["tcp"] in wanted:
            self._begin_bound(_want_here(question))

    def read_owners(self, snapshot: Snapshot) -> None:
        from fivetuple.kernel import owners

        snapshot.holders, snapshot.shared = owners.join(self._road.owners())

    def begin_look(self) -> Look:
        from fivetuple.kernel import owners
        from fivetuple.origins.background import begun

        wait = begun(self._road.owners)
        return lambda inodes: owners.join(_rows_of(wait(), inodes))

    def close(self) -> None:
        self._road.close()

    def _source(self, source: str, protocol: str, want: Want, snapshot: Snapshot) -> Iterator[Rows]:
        if source != "bpf":
            return super()._source(source, protocol, want, snapshot)
        program = self._programs[protocol]
        if program not in self._loaded:  # only listeners are asked for: netlink walks nothing else
            raise NotAvailable(f"the {program} iterator was not needed")
        return self._iterate(program, protocol, want, snapshot)

    def _iterate(
        self, program: str, protocol: str, want: Want, snapshot: Snapshot
    ) -> Iterator[Rows]:
        rows: Iterator[Rows] = self._road.stream(program)
        if protocol == "vsock":
            rows = sources.vsock_among(rows)
        elif protocol == "tcp":
            if want.netns not in self._begun:
                self._begin_bound(want)
            bound = self._begun.pop(want.netns, list)()
            yield from bound
            rows = without_sockets(rows, set().union(*map(inodes_of, bound)))
        yield from rows

    def _begin_bound(self, want: Want) -> None:
        """Begin to read the TCP sockets that are merely bound, if there can be any.

        Iterators walk the hashes of listeners and connections, not the one of bound ports. These
        come first: what is bound, and connects while we read, is in the one list or in both.
        The kernel walks them while the owners are read, which takes as long.
        """
        if want.states & BOUND_INACTIVE and sources.may_be_bound():
            from fivetuple.origins.background import begun

            self._begun[want.netns] = begun(lambda: [bytes(rows) for rows in self._bound(want)])

    def _bound(self, want: Want) -> Iterator[Rows]:
        """Read the TCP sockets that are merely bound; where sock_diag can't tell, by their files."""
        has_given = False
        if sources.diag_lists_bound():
            try:
                for rows in from_diag("tcp", want._replace(states=BOUND_INACTIVE), {}):
                    has_given = True
                    yield rows
            except (NotAvailable, NotPermitted):
                if has_given:
                    raise
            else:
                return
        from fivetuple.kernel.bpf_iter import BpfRoad

        with BpfRoad(("files",)) as road:
            yield from sources.bound_among(road.stream("files"), want.netns)


def _want_here(question: Question) -> Want:
    """Return what the question wants of the calling thread's namespace."""
    from fivetuple.kernel import netns

    return Want(
        question.hint.states,
        bool(question.needs & facts.TCP_INFO),
        bool(question.needs & (facts.OPTIONS | facts.TIMERS)),
        netns.own(),
    )


def _scan_again(inodes: set[int]) -> tuple[dict[int, int], dict[int, tuple[int, ...]]]:
    """Look for the holders of these sockets in /proc, also in tables that threads keep apart."""
    from fivetuple.kernel import owners

    holders: dict[int, int] = {}
    shared: dict[int, tuple[int, ...]] = {}
    for look in (owners.scan, owners.scan_threads):
        found, several, _ = look()
        holders.update((inode, found[inode]) for inode in inodes if inode in found)
        shared.update((inode, several[inode]) for inode in inodes if inode in several)
        inodes = inodes.difference(holders)
        if not inodes:
            break
    return holders, shared


def _rows_of(raw: memoryview, inodes: set[int]) -> bytes:
    """Return the owner rows of these sockets."""
    if len(inodes) > FEW_INODES:
        return b"".join([HOLDER.pack(*row) for row in HOLDER.iter_unpack(raw) if row[0] in inodes])
    octets = bytes(raw)
    found = []
    for inode in inodes:
        word = inode.to_bytes(8, "little")
        at = octets.find(word)
        while at >= 0:
            if at % HOLDER.size == 0:
                found.append(octets[at : at + HOLDER.size])
            at = octets.find(word, at + 1)
    return b"".join(found)


def _in_namespace(
    space: Namespace | None, question: Question, snapshot: Snapshot, road: _PlainRoad
) -> Iterator[Rows]:
    """Read in a namespace: our own one by this thread, another one by a thread inside it."""
    if space is None:
        yield from road.rows(question, snapshot)
        return
    from fivetuple.origins.elsewhere import read_inside

    try:
        yield from read_inside(space, lambda: road.rows(question, snapshot))
    except NotPermitted as error:
        snapshot.miss(facts.OTHER_NAMESPACES, str(error), refused=True)
    except NotAvailable:
        return  # the namespace died meanwhile
