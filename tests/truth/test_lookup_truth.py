"""lookup() against the kernel: random sets of sockets, real packets, and who really got each.

The kernel's choice must be among the sockets that lookup() names, and where it names one, or says
that it is certain, it must be that one. Rows come by netlink and, where BPF works, by iterators.
"""

from __future__ import annotations

import errno
import os
import random
import select
import socket
import struct
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.namespaces import enter, in_namespace, ip, namespace, pair

from fivetuple.analysis.lookup import Verdict, lookup
from fivetuple.analysis.lookup_candidates import Packet
from fivetuple.kernel import netns, netns_settings
from fivetuple.model import facts, record
from fivetuple.model.endpoint import Endpoint, pack_address
from fivetuple.model.errors import NotAvailable, NotPermitted
from fivetuple.model.namespace import Namespace
from fivetuple.model.question import EVERY_STATE, Hint, Question
from fivetuple.model.state import SYN_RECV
from fivetuple.origins.live import Live

if TYPE_CHECKING:
    from fivetuple.model.snapshot import Snapshot

pytestmark = pytest.mark.kernel

SEED = 20261121
NEEDS = facts.SOCKETS | facts.OPTIONS | facts.BACKLOG
IPPROTO_UDPLITE = 136
KINDS = {
    "tcp": (socket.SOCK_STREAM, 0),
    "udp": (socket.SOCK_DGRAM, 0),
    "udplite": (socket.SOCK_DGRAM, IPPROTO_UDPLITE),
}
EXTRA_V4, EXTRA_V6 = "10.99.0.1", "fd99::1"
SO_BINDTODEVICE, SO_MEMINFO = 25, 55
ANSWER_S = 0.3
STATES = record.Projection("state", "local_port")


@dataclass
class World:
    """Two linked namespaces as a child inside the first one sees them."""

    inside: str
    outside: str
    device: str
    v4: list[str]
    v6: list[str]
    remote_v4: str
    remote_v6: str
    space: Namespace = field(default_factory=lambda: Namespace(0, ""))

    def read_space(self) -> None:
        """Read addresses and routes once: they stay."""
        self.space = Namespace(netns.own(), "test")
        netns_settings.read_interfaces(self.space)
        netns_settings.read_routes(self.space)

    def snapshot(self, road: str, protocol: str) -> Snapshot:
        snapshot = Live(road, 0).snapshot(
            Question(NEEDS, Hint(EVERY_STATE, frozenset((protocol,))))
        )
        snapshot.namespaces = {self.space.inode: self.space}
        snapshot.interfaces = {self.space.inode: self.space.interfaces}
        return snapshot

    def client(self, kind: str, family: int, *, is_remote: bool) -> socket.socket:
        """Open a socket here or in the other namespace: it stays where it was opened."""
        if not is_remote:
            return socket.socket(family, *KINDS[kind])
        enter(self.outside)
        try:
            return socket.socket(family, *KINDS[kind])
        finally:
            enter(self.inside)


def inode(sock: socket.socket) -> int:
    return os.fstat(sock.fileno()).st_ino


def roads() -> list[str]:
    """Return the roads that work here; netlink always does."""
    try:
        Live("bpf", 0).snapshot(Question(facts.SOCKETS, Hint()))
    except (NotAvailable, NotPermitted):
        return ["netlink"]
    return ["netlink", "bpf"]


def random_socket(
    world: World, dice: random.Random, kind: str, port: int, mode: str
) -> socket.socket | None:
    """Open one socket on the port, in some way; None when the kernel refuses it beside the others."""
    family = dice.choice((socket.AF_INET, socket.AF_INET6))
    made = socket.socket(family, *KINDS[kind])
    if mode in ("reuseaddr", "mixed"):
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if mode == "reuseport" or (mode == "mixed" and dice.random() < 0.5):
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if dice.random() < 0.3:
        made.setsockopt(
            socket.SOL_SOCKET, SO_BINDTODEVICE, dice.choice((world.device, "lo")).encode()
        )
    if family == socket.AF_INET:
        address = dice.choice(("0.0.0.0", "0.0.0.0", *world.v4))
    else:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, dice.random() < 0.4)
        address = dice.choice(
            ("::", "::", "::", *world.v6, *(f"::ffff:{each}" for each in world.v4))
        )
    try:
        made.bind((address, port))
        if kind == "tcp" and dice.random() < 0.9:
            made.listen(8)
    except OSError as err:
        made.close()
        if err.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EINVAL):
            raise
        return None
    made.setblocking(False)
    return made


def ends(world: World, dice: random.Random) -> tuple[str, str, bool]:
    """Return source, destination, and whether the source is the other namespace.

    A loopback address talks to addresses of `lo` only: elsewhere the packet arrives, but its
    answer finds no way back, and the sender learns nothing.
    """
    own, remote = (
        (world.v4, world.remote_v4) if dice.random() < 0.55 else (world.v6, world.remote_v6)
    )
    outward = [each for each in own if not each.startswith("127.") and each != "::1"]
    if dice.random() < 0.4:
        return remote, dice.choice(outward), True
    source = dice.choice(own)
    return source, dice.choice(outward if source in outward else own[:-1]), False


def packet_of(kind: str, sender: socket.socket, to: str, port: int, *, is_syn: bool) -> Packet:
    address, source_port, *_ = sender.getsockname()
    return Packet(
        kind,
        Endpoint(pack_address(address), source_port),
        Endpoint(pack_address(to), port),
        0,
        is_syn,
    )


def who_got_datagram(sender: socket.socket, sockets: list[socket.socket]) -> int | str:
    """Send one datagram on a connected socket; return the receiver's inode or what came back."""
    sender.send(b"?")
    readable, _, _ = select.select([*sockets, sender], [], [], ANSWER_S)
    for each in readable:
        try:
            each.recv(16)
        except ConnectionRefusedError:
            return "unreachable"
        else:
            return inode(each)
    return "dropped"


def who_got_connection(
    world: World, sender: socket.socket, to: str, port: int, sockets: list[socket.socket]
) -> int | str:
    """Connect; return the listener's inode or what came back.

    A listener bound to an interface sends its SYN-ACK out there. Where that is no way back, IPv6
    drops the SYN and counts that at the listener; IPv4 leaves the connection half open, and only
    that some listener took the SYN is known: "socket".
    """
    drops = {each: drops_of(each) for each in sockets}
    sender.settimeout(ANSWER_S)
    try:
        sender.connect((to, port))
    except ConnectionRefusedError:
        return "reset"
    except TimeoutError:
        for each in sockets:
            if drops_of(each) > drops[each]:
                return inode(each)
        rows = STATES.read(world.snapshot("netlink", "tcp").rows)
        return "socket" if (SYN_RECV, port) in rows else "dropped"
    readable, _, _ = select.select(sockets, [], [], ANSWER_S)
    for each in readable:
        with suppress(BlockingIOError):
            each.accept()[0].close()
            return inode(each)
    return "nobody"


def drops_of(sock: socket.socket) -> int:
    """Return SK_MEMINFO_DROPS, the ninth number (include/uapi/linux/sock_diag.h)."""
    drops: int = struct.unpack("9I", sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36))[8]
    return drops


@dataclass
class Tally:
    """What was compared, and what did not agree."""

    roads: list[str]
    complaints: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def note(self, road: str, verdict: Verdict, truth: int | str, story: str) -> None:
        count = "one" if len(verdict.sockets) == 1 else "several" if verdict.sockets else "none"
        self.seen[
            f"{road} {verdict.answer} {count} {'certain' if verdict.is_certain else 'unsure'}"
        ] += 1
        problem = complaint(verdict, truth)
        if problem:
            packet = verdict.packet
            self.complaints.append(
                f"{road}: {packet.source} -> {packet.destination}: {problem}; {verdict.reasons}; {story}"
            )


def complaint(verdict: Verdict, truth: int | str) -> str | None:
    """Compare; None when the verdict stands."""
    named = [each.inode for each in verdict.sockets]
    if isinstance(truth, str):
        return None if verdict.answer == truth else f"said {verdict.answer} {named}, was {truth}"
    if verdict.answer != "socket" or truth not in named:
        return f"said {verdict.answer} {named}, was {truth}"
    return None


def run_sets(world: World, count: int, kind: str, seed: int) -> Tally:
    """Make sets of sockets, send packets, compare."""
    world.read_space()
    for name in ("ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"):  # or most refusals are kept back
        Path("/proc/sys/net", name).write_text("0")
    dice = random.Random(seed)  # noqa: S311  # the same sets every time
    tally = Tally(roads())
    for number in range(count):
        with ExitStack() as stack:
            run_one_set(world, dice, kind, 20000 + number, tally, stack)
    return tally


def run_one_set(
    world: World, dice: random.Random, kind: str, port: int, tally: Tally, stack: ExitStack
) -> None:
    mode = dice.choice(("plain", "reuseaddr", "reuseport", "mixed"))
    made = [random_socket(world, dice, kind, port, mode) for _ in range(dice.randint(1, 8))]
    sockets = [stack.enter_context(each) for each in made if each]
    senders = []
    for _ in range(4):
        source, to, is_remote = ends(world, dice)
        family = socket.AF_INET6 if ":" in source else socket.AF_INET
        sender = stack.enter_context(world.client(kind, family, is_remote=is_remote))
        sender.bind((source, 0))
        senders.append((sender, to))
    if kind != "tcp":
        connect_some(dice, sockets, senders)
    snapshots = [world.snapshot(road, kind) for road in tally.roads]
    for sender, to in senders:
        packet = packet_of(kind, sender, to, port, is_syn=kind == "tcp")
        verdicts = [lookup(snapshot, world.space.inode, packet) for snapshot in snapshots]
        if kind == "tcp":
            truth = who_got_connection(
                world, sender, to, port, [each for each in sockets if is_listening(each)]
            )
        else:
            sender.connect((to, port))
            truth = who_got_datagram(sender, sockets)
        for road, verdict in zip(tally.roads, verdicts, strict=True):
            tally.note(
                road, verdict, truth, f"{kind} set on port {port} ({mode}):\n  {described(sockets)}"
            )


def connect_some(
    dice: random.Random, sockets: list[socket.socket], senders: list[tuple[socket.socket, str]]
) -> None:
    """Connect some of the datagram sockets to a sender, as far as addresses and families allow."""
    for each in sockets:
        if dice.random() < 0.25:
            sender, _ = dice.choice(senders)
            address, port, *_ = sender.getsockname()
            if each.family == socket.AF_INET6 and ":" not in address:
                address = f"::ffff:{address}"
            with suppress(OSError):
                each.connect((address, port))


def is_listening(sock: socket.socket) -> bool:
    return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def described(sockets: list[socket.socket]) -> str:
    """Write a set of sockets down, for whoever reads a failure."""
    lines = []
    for each in sockets:
        peer = "-"
        with suppress(OSError):
            peer = str(each.getpeername()[:2])
        device = each.getsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, 16).rstrip(b"\0").decode()
        v6only = each.family == socket.AF_INET6 and each.getsockopt(
            socket.IPPROTO_IPV6, socket.IPV6_V6ONLY
        )
        port = each.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)
        lines.append(
            f"{inode(each)} {each.family.name} {each.getsockname()[:2]} peer {peer} dev '{device}' v6only {v6only} reuseport {port}"
        )
    return "\n  ".join(lines)


@pytest.fixture
def world():
    """Two namespaces with a link, and one more address of each family on the first one's lo."""
    with namespace() as inside, namespace() as outside:
        link = pair(inside, outside, 7)
        ip("-n", inside, "address", "add", f"{EXTRA_V4}/32", "dev", "lo")
        ip("-n", inside, "address", "add", f"{EXTRA_V6}/128", "dev", "lo", "nodad")
        ip("-n", outside, "route", "add", f"{EXTRA_V4}/32", "via", link.v4_a)
        ip("-n", outside, "route", "add", f"{EXTRA_V6}/128", "via", link.v6_a)
        yield World(
            inside,
            outside,
            link.interface_a,
            ["127.0.0.1", "127.0.0.2", EXTRA_V4, link.v4_a],
            ["::1", EXTRA_V6, link.v6_a],
            link.v4_b,
            link.v6_b,
        )


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count"), [("tcp", 130), ("udp", 130), ("udplite", 40)])
def test_kernel_chooses_a_socket_that_is_named(world, kind, count):
    tally = in_namespace(world.inside, run_sets, world, count, kind, SEED)

    assert not tally.complaints, f"{len(tally.complaints)} of {tally.seen}:\n" + "\n".join(
        tally.complaints[:3]
    )
    assert {key.split()[1] for key in tally.seen} >= {
        "socket",
        "reset" if kind == "tcp" else "unreachable",
    }
    if "bpf" in tally.roads and kind != "udplite":
        unsure = sum(
            times
            for key, times in tally.seen.items()
            if key.startswith("bpf") and key.endswith("unsure")
        )
        assert unsure <= tally.seen.total() / 50  # two sockets connected alike, nothing else
