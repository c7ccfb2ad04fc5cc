"""What prototypes got wrong once: each pitfall of the roads has its test here."""

from __future__ import annotations

import array
import os
import socket
import struct
import threading
from contextlib import contextmanager

import pytest
from tests.support import every_state, ss
from tests.support.namespaces import child_in, in_namespace, namespace
from tests.support.roads import KERNEL_ROADS, dump

from fivetuple.kernel.bpf_iter import BpfRoad
from fivetuple.model import facts, record
from fivetuple.model.errors import NotAvailable
from fivetuple.model.question import Hint, Question
from fivetuple.model.snapshot import Host, Snapshot
from fivetuple.model.state import BOUND_INACTIVE, FIN_WAIT2
from fivetuple.origins import roads, sources
from fivetuple.origins.lateness import with_late_owners

pytestmark = pytest.mark.kernel

SO_COOKIE = 57
ONLY_TCP = Question(facts.SOCKETS | facts.OWNERS, Hint(protocols=frozenset(("tcp",))), "self", True)
road_names = pytest.mark.parametrize("name", KERNEL_ROADS)


@pytest.fixture(scope="module")
def lab():
    with namespace() as name, child_in(name, every_state.CODE) as child:
        yield name, child.facts, {road: dump(road, name) for road in KERNEL_ROADS}


@road_names
def test_fin_wait2_is_told_of_a_socket_that_the_kernel_has_shrunk(lab, name):
    dumps = lab[2]
    shrunk = [row for row in dumps[name].rows if row["state"] == FIN_WAIT2 and not row["inode"]]

    assert len(shrunk) == 1  # ss: FIN-WAIT-2 ino:0
    assert not shrunk[0]["known"] & record.UID


def test_drops_of_udp_are_those_of_ss(lab):
    name, told, dumps = lab
    theirs = {cookie: int(words["d"]) for cookie, words in ss.inet(name, "-u").items()}
    for road in ("bpf", "netlink"):
        ours = {row["cookie"]: row["drops"] for row in dumps[road].rows if row["protocol"] == "udp"}
        assert ours == theirs
    (dropping,) = (row for row in dumps["bpf"].rows if row["local_port"] == told["ports"]["udp"])
    assert dropping["drops"] > 10


def test_cookies_are_there_and_are_the_sockets_own(lab):
    _, told, dumps = lab
    for road in ("bpf", "netlink"):
        (row,) = (row for row in dumps[road].rows if row["inode"] == told["inode"])
        assert row["cookie"] == told["cookie"] != 0
    for row in dumps["bpf"].rows:
        assert bool(row["cookie"]) == bool(row["known"] & record.COOKIE)


def test_bpf_gives_a_cookie_to_a_socket_that_nobody_asked_for_one():
    with namespace() as name:
        row, own = in_namespace(name, _fresh_cookie)

    assert row in (0, own)  # 0: not known; never another's


def _fresh_cookie():
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = dump("bpf", protocols=("tcp",))
        (row,) = found.rows
        own = struct.unpack("=Q", server.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8))[0]
        return row["cookie"] if row["known"] & record.COOKIE else 0, own


def test_the_iterators_walked_as_many_sockets_as_they_gave():
    with namespace() as name, child_in(name, every_state.CODE):
        counts = in_namespace(name, _walked)

    for rows, walked in counts.values():
        assert rows == walked > 0


def _walked():
    with BpfRoad(("tcp", "udp")) as road:
        return {
            program: (
                sum(len(rows) for rows in road.stream(program)) // record.SIZE,
                road.walked[program],
            )
            for program in ("tcp", "udp")
        }


# --- sockets that change hands between the two looks -------------------------------------------


@contextmanager
def a_pass(name):
    """A road that has read the owners, and the snapshot that they are in."""
    snapshot = Snapshot(Host("here"), 0, road=name, facts=ONLY_TCP.needs)
    road = roads.open_road(name, ONLY_TCP)
    try:
        road.read_owners(snapshot)
        yield road, snapshot
    finally:
        road.close()


def rows_of(road, snapshot):
    chunks = with_late_owners(road.read(ONLY_TCP, [None], snapshot), road.begin_look, snapshot)
    return [row for chunk in chunks for row in record.unpack(bytes(chunk))]


@road_names
def test_a_socket_opened_after_the_owners_were_read_has_its_owner(name):
    with a_pass(name) as (road, snapshot), socket.create_server(("127.0.0.1", 0)) as server:
        inode = os.fstat(server.fileno()).st_ino
        rows = rows_of(road, snapshot)

        assert [row["inode"] for row in rows].count(inode) == 1
        assert snapshot.holders_of(inode) == ((os.getpid(), server.fileno()),)


@road_names
def test_a_socket_that_was_on_its_way_while_owners_were_read_has_its_new_owner(name):
    ours, theirs = socket.socketpair()
    server = socket.create_server(("127.0.0.1", 0))
    inode = os.fstat(server.fileno()).st_ino
    ours.sendmsg(
        [b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [server.fileno()]))]
    )
    server.close()  # now it is in flight: no table of descriptors has it
    with ours, theirs, a_pass(name) as (road, snapshot):
        assert inode not in snapshot.holders
        _, rights, _, _ = theirs.recvmsg(1, socket.CMSG_SPACE(4))
        (fd,) = struct.unpack("i", rights[0][2])
        try:
            rows = rows_of(road, snapshot)
        finally:
            os.close(fd)

    assert [row["inode"] for row in rows].count(inode) == 1
    assert snapshot.holders_of(inode) == ((os.getpid(), fd),)


@road_names
def test_rows_late_after_the_look_began_get_one_of_their_own(name):
    with socket.create_server(("127.0.0.1", 0)) as first, a_pass(name) as (road, snapshot):
        snapshot.holders.pop(os.fstat(first.fileno()).st_ino)
        chunks = _and_then(road.read(ONLY_TCP, [None], snapshot))
        looked = list(with_late_owners(chunks, road.begin_look, snapshot))
        opened = chunks_opened.pop()
        with opened:
            inode = os.fstat(opened.fileno()).st_ino
            assert any(
                row["inode"] == inode for chunk in looked for row in record.unpack(bytes(chunk))
            )
            assert snapshot.holders_of(inode) == ((os.getpid(), opened.fileno()),)
        assert snapshot.holders_of(os.fstat(first.fileno()).st_ino)


chunks_opened: list[socket.socket] = []


def _and_then(chunks):
    """Give the chunks, and then one row more: of a socket that is opened only then."""
    for chunk in chunks:
        yield bytes(chunk)
    opened = socket.create_server(("127.0.0.1", 0))
    chunks_opened.append(opened)
    yield record.pack(
        {"family": 2, "known": record.INODE, "inode": os.fstat(opened.fileno()).st_ino}
    )


def test_a_socket_of_a_thread_with_descriptors_of_its_own_has_its_owner_by_proc():
    ready, done = threading.Event(), threading.Event()
    found = []

    def work():
        import ctypes

        assert ctypes.CDLL(None).unshare(0x400) == 0  # CLONE_FILES
        with socket.create_server(("127.0.0.1", 0)) as server:
            found.append(os.fstat(server.fileno()).st_ino)
            ready.set()
            done.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert ready.wait(10)
        for name in KERNEL_ROADS:
            with a_pass(name) as (road, snapshot):
                rows_of(road, snapshot)
            assert {pid for pid, _ in snapshot.holders_of(found[0])} == {os.getpid()}, name
    finally:
        done.set()
        thread.join()


# --- lists that break off, and sockets that are merely bound -----------------------------------


class BrokenRoad(roads._PlainRoad):
    """Its netlink list ends amid the rows, as when the kernel has no memory for the rest."""

    def __init__(self):
        super().__init__("netlink")

    def _source(self, source, protocol, want, snapshot):
        rows = super()._source(source, protocol, want, snapshot)
        return _broken(rows) if source == "diag" else rows


def _broken(rows):
    yield bytes(next(iter(rows)))
    raise NotAvailable("sock_diag broke off its list of sockets: 'Cannot allocate memory'")


def test_a_list_that_breaks_off_is_not_begun_again_by_the_next_source():
    with socket.create_server(("127.0.0.1", 0)) as server:
        inode = os.fstat(server.fileno()).st_ino
        snapshot = Snapshot(Host("here"), 0, road="netlink", facts=ONLY_TCP.needs)
        chunks = [bytes(chunk) for chunk in BrokenRoad().read(ONLY_TCP, [None], snapshot)]

    inodes = [row["inode"] for chunk in chunks for row in record.unpack(chunk) if row["inode"]]
    assert inodes.count(inode) == 1
    assert len(inodes) == len(set(inodes))
    assert "Cannot allocate memory" in snapshot.missing[facts.SOCKETS]


@pytest.mark.parametrize(
    ("release", "lists"),
    [
        ("6.8.0", True),
        ("6.18.44-fc", True),
        ("7.0-rc1", True),
        ("6.7.9", False),
        ("5.10.0-8-amd64", False),
        ("6.1.0-13-amd64", False),
        ("odd", False),
    ],
)
def test_the_kernel_whose_sock_diag_lists_bound_sockets_is_known_by_its_release(release, lists):
    assert sources.diag_lists_bound(release) is lists


def test_where_sock_diag_does_not_list_bound_sockets_their_files_are_looked_at(lab, monkeypatch):
    name, told, dumps = lab
    monkeypatch.setattr(sources, "DIAG_OF_BOUND", (99, 0))
    by_files, by_netlink = dump("bpf", name, ("tcp",)), dump("netlink", name, ("tcp",))

    assert _bound(by_files) == _bound(dumps["bpf"]) == [told["ports"]["bound"]]
    assert "6.8" in by_netlink.missing[facts.BOUND_INACTIVE]


def _bound(found):
    return sorted(row["local_port"] for row in found.rows if row["state"] == BOUND_INACTIVE)


def test_the_walk_for_bound_sockets_is_left_out_only_when_the_counters_prove_it(monkeypatch):
    for counters, may_be in (
        ([(5000, 100, 5100)] * 2, False),
        ([(5000, 100, 5101)] * 2, True),  # one is in no hash of ours
        ([(5000, 100, 5100), (5001, 100, 5101)], True),  # they move: nothing is proved
        ([(3, 1, 4)] * 2, True),  # few: asking costs nothing
        ([None], True),
    ):
        looks = iter(counters)
        monkeypatch.setattr(sources, "_tcp_counters", lambda looks=looks: next(looks))
        assert sources.may_be_bound() is may_be
