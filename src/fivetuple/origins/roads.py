"""Roads into the kernel, one shape for all: who holds sockets, and the rows of each protocol.

How to read SOURCES: for each protocol, who can give its rows, the best first; a road takes the
first of them that it has. The next one is asked when the kernel lacks one (no raw sock_diag on
many kernels), and the last one's reason goes to `missing`.
"""

from __future__ import annotations

from collections import namedtuple
from struct import Struct

from fivetuple.model import facts
from fivetuple.model.endpoint import AF_INET, AF_INET6
from fivetuple.model.errors import NotAvailable, NotPermitted
from fivetuple.model.names import PROTOCOL_NUMBERS, PROTOCOLS
from fivetuple.model.question import EVERY_STATE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from fivetuple.model.namespace import Namespace
    from fivetuple.model.question import Question
    from fivetuple.model.snapshot import Rows, Snapshot

    class Road(Protocol):
        """One way to ask the kernel."""

        name: str

        def read_owners(self, snapshot: Snapshot) -> None:
            """Fill in `holders` and `shared`."""
            ...

        def find_owners(self, snapshot: Snapshot, inodes: set[int]) -> None:
            """Look once more for the holders of these sockets."""
            ...

        def read(self, question: Question, spaces: list[Namespace | None], snapshot: Snapshot) -> Iterator[Rows]:
            """Give the rows of the protocols in the question's hint; None is our own namespace."""
            ...

        def close(self) -> None:
            """Let go of what the kernel keeps for us."""
            ...


IPPROTO_RAW = 255  # what sock_diag calls raw sockets by, whatever protocol they carry (net/ipv4/raw_diag.c)
LISTEN = 1 << 10
BOUND_INACTIVE = 1 << 13
CONNECTIONS = EVERY_STATE & ~(LISTEN | BOUND_INACTIVE)

SOURCES = {
    "tcp": ("bpf", "diag", "proc"),
    "udp": ("bpf", "diag", "proc"),
    "udplite": ("diag", "proc"),
    "raw": ("diag", "proc"),
    "icmp": ("proc",),
    "icmp6": ("proc",),
    "sctp": ("diag", "proc"),
    "dccp": ("diag",),
    "mptcp": ("diag",),
    "unix": ("diag", "proc"),
    "netlink": ("diag", "proc"),
    "packet": ("diag", "proc"),
    "vsock": ("diag", "bpf"),
}
HAS = {"bpf": ("bpf", "diag", "proc"), "netlink": ("diag", "proc"), "proc": ("proc",)}
FACT_OF = {"unix": facts.UNIX, "netlink": facts.NETLINK, "packet": facts.PACKET, "vsock": facts.VSOCK, "raw": facts.RAW}
# /proc/net/protocols: the kernel's own name of the protocols that it may lack
KERNEL_NAMES = {"sctp": b"SCTP", "dccp": b"DCCP", "mptcp": b"MPTCP", "udplite": b"UDP-Lite", "vsock": b"AF_VSOCK", "icmp": b"PING", "icmp6": b"PINGv6"}
PROC_FILES = {
    "tcp": ("tcp", "tcp6"),
    "udp": ("udp", "udp6"),
    "udplite": ("udplite", "udplite6"),
    "raw": ("raw", "raw6"),
    "icmp": ("icmp",),
    "icmp6": ("icmp6",),
    "sctp": ("sctp",),
    "unix": ("unix",),
    "netlink": ("netlink",),
    "packet": ("packet",),
}

HOLDER = Struct("<QQ")
pack = HOLDER.pack

Want = namedtuple("Want", "states tcp_info options netns")


def open_road(name: str, question: Question) -> Road:
    """Open a road.

    Raises:
        NotAvailable, NotPermitted: it can't be taken; the message says why.
    """
    return _BpfRoad(question) if name == "bpf" else _PlainRoad(name)


class _PlainRoad:
    """sock_diag or /proc/net, owners from /proc/PID/fd."""

    def __init__(self, name: str) -> None:
        self.name = name
        if name == "netlink":
            from fivetuple.kernel import sock_diag

            # listeners alone: the kernel walks no connection for that, and a closed road says why
            next(iter(sock_diag.dump(AF_INET, PROTOCOL_NUMBERS["tcp"], states=LISTEN, netns=0)), None)

    def read_owners(self, snapshot: Snapshot) -> None:
        from fivetuple.kernel import owners

        snapshot.holders, snapshot.shared, reason = owners.scan()
        if reason:
            snapshot.miss(facts.OWNERS, reason, refused=True)

    def find_owners(self, snapshot: Snapshot, inodes: set[int]) -> None:  # noqa: ARG002  # the scan finds all or none
        self.read_owners(snapshot)

    def read(self, question: Question, spaces: list[Namespace | None], snapshot: Snapshot) -> Iterator[Rows]:
        for space in spaces:
            yield from _in_namespace(space, snapshot, lambda: self._rows(question, snapshot))

    def close(self) -> None:
        """Hold nothing: each list has its own netlink socket or file."""

    def _rows(self, question: Question, snapshot: Snapshot) -> Iterator[Rows]:
        """Read every protocol of the calling thread's namespace."""
        from fivetuple.kernel import netns

        want = Want(
            question.hint.states,
            bool(question.needs & facts.TCP_INFO),
            bool(question.needs & (facts.OPTIONS | facts.TIMERS)),
            netns.own(),
        )
        present = _present()
        for protocol in PROTOCOLS:
            if protocol in question.hint.protocols and (protocol not in KERNEL_NAMES or KERNEL_NAMES[protocol] in present):
                yield from self._protocol(protocol, want, snapshot)

    def _protocol(self, protocol: str, want: Want, snapshot: Snapshot) -> Iterator[Rows]:
        """Read one protocol from the first source that has it."""
        reason = None
        for source in SOURCES[protocol]:
            if source not in HAS[self.name]:
                continue
            try:
                yield from self._source(source, protocol, want, snapshot)
            except (NotAvailable, NotPermitted) as error:
                reason = reason or str(error)
            else:
                return
        fact = FACT_OF.get(protocol, facts.SOCKETS)
        snapshot.miss(fact, reason or f"the {self.name} road has no {protocol} sockets")

    def _source(self, source: str, protocol: str, want: Want, snapshot: Snapshot) -> Iterator[Rows]:
        if source == "diag":
            return _from_diag(protocol, want, snapshot)
        return _from_proc(protocol, want, snapshot)


class _BpfRoad(_PlainRoad):
    """Iterators for TCP, UDP and owners; sock_diag and /proc/net for the rest."""

    def __init__(self, question: Question) -> None:
        from fivetuple.kernel.bpf_iter import BpfRoad

        self.name = "bpf"
        has_info = question.needs & facts.TCP_INFO
        self._programs = {"tcp": "tcp_full" if has_info else "tcp", "udp": "udp", "vsock": "files"}
        wanted = ["owners"] if question.needs & facts.OWNERS else []
        protocols = question.hint.protocols
        if "tcp" in protocols and question.hint.states & CONNECTIONS:
            wanted.append(self._programs["tcp"])
        wanted += [program for protocol, program in (("udp", "udp"), ("vsock", "files")) if protocol in protocols]
        self._road = BpfRoad(tuple(wanted))
        self._loaded = wanted

    def read_owners(self, snapshot: Snapshot) -> None:
        from fivetuple.kernel import owners

        snapshot.holders, snapshot.shared = owners.join(self._road.owners())

    def find_owners(self, snapshot: Snapshot, inodes: set[int]) -> None:
        from fivetuple.kernel import owners

        raw = self._road.owners()
        found = b"".join([pack(inode, held) for inode, held in HOLDER.iter_unpack(raw) if inode in inodes])
        holders, shared = owners.join(memoryview(found))
        snapshot.holders.update(holders)
        snapshot.shared.update(shared)

    def close(self) -> None:
        self._road.close()

    def _source(self, source: str, protocol: str, want: Want, snapshot: Snapshot) -> Iterator[Rows]:
        if source != "bpf":
            return super()._source(source, protocol, want, snapshot)
        program = self._programs[protocol]
        if program not in self._loaded:  # only listeners are asked for: netlink walks nothing else
            raise NotAvailable(f"the {program} iterator was not needed")
        return self._iterate(program, protocol, want, snapshot)

    def _iterate(self, program: str, protocol: str, want: Want, snapshot: Snapshot) -> Iterator[Rows]:
        yield from self._road.stream(program)
        if protocol == "tcp" and want.states & BOUND_INACTIVE and _may_be_bound():
            # iterators walk the hashes of listeners and connections, not the one of bound ports
            yield from _from_diag("tcp", want._replace(states=BOUND_INACTIVE), snapshot)


def _in_namespace(space: Namespace | None, snapshot: Snapshot, read: object) -> Iterator[Rows]:
    """Read in a namespace: our own one streams, another one is read whole by a thread inside it."""
    if space is None:
        yield from read()  # type: ignore[operator]
        return
    from fivetuple.kernel import netns

    try:
        yield from netns.run_in(space, lambda: [bytes(rows) for rows in read()])  # type: ignore[operator]
    except NotPermitted as error:
        snapshot.miss(facts.OTHER_NAMESPACES, str(error), refused=True)
    except NotAvailable:
        return  # the namespace died meanwhile


def _from_diag(protocol: str, want: Want, snapshot: Snapshot) -> Iterator[Rows]:
    """Read one protocol by NETLINK_SOCK_DIAG."""
    if protocol in ("unix", "netlink", "packet", "vsock"):
        yield from _other_diag(protocol, want, snapshot)
        return
    from fivetuple.kernel import sock_diag

    number = PROTOCOL_NUMBERS.get(protocol, IPPROTO_RAW)
    for family in (AF_INET, AF_INET6):
        yield from sock_diag.dump(
            family, number, states=want.states, tcp_info=want.tcp_info, options=want.options, netns=want.netns
        )


def _other_diag(protocol: str, want: Want, snapshot: Snapshot) -> Iterator[Rows]:
    if protocol == "unix":
        from fivetuple.kernel import unix_diag

        rows, _ = unix_diag.dump(want.netns, snapshot.unix_names)
        yield from rows
        return
    from importlib import import_module

    yield from import_module(f"fivetuple.kernel.{protocol}_diag").dump(want.netns)


def _from_proc(protocol: str, want: Want, snapshot: Snapshot) -> Iterator[Rows]:
    """Read one protocol from the tables of /proc/net."""
    from fivetuple.kernel import procfs

    for kind in PROC_FILES.get(protocol, ()):
        try:
            yield from procfs.dump(kind, want.netns, names=snapshot.unix_names)
        except NotAvailable:
            if not kind.endswith("6"):  # IPv6 may be switched off
                raise


def _may_be_bound() -> bool:
    """Tell whether some TCP socket of the host is in no hash of our namespace.

    `alloc` counts the TCP sockets of every namespace, `inuse` those in our hashes (sockstat of
    net/ipv4/proc.c). When all are in ours, none is merely bound, and the walk through every bound
    port, 40 ms at 100,000 sockets, can be left out.
    """
    try:
        with open("/proc/net/sockstat", "rb") as file:  # noqa: PTH123  # pathlib costs 8 ms
            words = file.read().split(b"TCP:", 1)[1].split()
        with open("/proc/net/sockstat6", "rb") as file:  # noqa: PTH123
            words6 = file.read().split()
        return int(words[7]) > int(words[1]) + int(words6[2])
    except (OSError, IndexError, ValueError):
        return True


def _present() -> bytes:
    """Return what the kernel says of the protocols that it has; everything when it does not say."""
    try:
        with open("/proc/net/protocols", "rb") as file:  # noqa: PTH123  # pathlib costs 8 ms
            return file.read()
    except OSError:
        return b" ".join(KERNEL_NAMES.values())


