"""Which namespaces are read, with whose names and owners, by root and by others."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest
from tests.support.hard_times import NOBODY
from tests.support.namespaces import child_in, in_namespace, namespace
from tests.support.roads import KERNEL_ROADS, dump, dump_of

import fivetuple
from fivetuple.model import facts
from fivetuple.model.errors import BadInput
from fivetuple.model.question import Hint, Question
from fivetuple.origins.live import Live

pytestmark = pytest.mark.kernel

SERVER = """
import socket
keep = [socket.create_server(("127.0.0.1", 5000)), socket.create_server(("::1", 5001), family=socket.AF_INET6)]
keep[0].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
mine = socket.socket(type=socket.SOCK_DGRAM)
mine.bind(("127.0.0.1", 5002))
held = socket.socket()
held.bind(("127.0.0.1", 5003))
ready(netns=os.stat("/proc/self/ns/net").st_ino)
wait()
"""
PORTS = {5000, 5001, 5002, 5003}
PROTOCOLS = ("tcp", "udp")


@pytest.fixture(scope="module")
def two():
    """Two namespaces with the same ports, and who holds them."""
    with (
        namespace() as one,
        namespace() as other,
        child_in(one, SERVER) as server,
        child_in(other, SERVER) as twin,
    ):
        yield (one, server), (other, twin)


def shown(dump_, netns):
    return {
        (row["local_port"], *(pid for pid, _ in dump_.holders[row["inode"]]))
        for row in dump_.rows
        if row["netns"] == netns
    }


def expected(child, road):
    return {(port, child.pid) for port in PORTS if road != "proc" or port != 5003}


roads = pytest.mark.parametrize("road", KERNEL_ROADS)


@roads
def test_all_shows_every_namespace_with_its_name_and_owners(two, road):
    found = dump(road, "all", PROTOCOLS)

    for name, child in two:
        netns = child.facts["netns"]
        assert found.namespaces[netns] == name
        assert shown(found, netns) == expected(child, road)


@roads
@pytest.mark.parametrize("word", ["name", "pid", "inode"])
def test_one_namespace_is_chosen_by_name_by_pid_and_by_number(two, road, word):
    (name, child), _ = two
    words = {"name": name, "pid": str(child.pid), "inode": str(child.facts["netns"])}
    found = dump(road, words[word], PROTOCOLS)

    assert {row["netns"] for row in found.rows} == {child.facts["netns"]}
    assert shown(found, child.facts["netns"]) == expected(child, road)


@roads
@pytest.mark.parametrize("scope", ["self", "auto"])
def test_inside_a_namespace_only_that_one_is_shown(two, road, scope):
    (name, child), _ = two
    found = in_namespace(name, partial(dump, road, scope, PROTOCOLS))

    assert {row["netns"] for row in found.rows} == {child.facts["netns"]}
    assert shown(found, child.facts["netns"]) == expected(child, road)


def test_on_the_host_auto_is_all(two):
    found = dump(None, "auto", PROTOCOLS)

    assert {child.facts["netns"] for _, child in two} <= {row["netns"] for row in found.rows}


def test_a_namespace_that_nobody_knows_is_bad_input(two):
    with pytest.raises(BadInput, match="no network namespace 'ft-none'"):
        dump(None, "ft-none")


@roads
def test_a_namespace_that_dies_while_others_are_read_is_left_out(road):
    question = Question(
        facts.SOCKETS | facts.OWNERS, Hint(protocols=frozenset(PROTOCOLS)), "all", True
    )
    with namespace() as stays, child_in(stays, SERVER) as child:
        with namespace() as dies, child_in(dies, SERVER) as doomed:
            gone = doomed.facts["netns"]
            snapshot = Live(road, 0).snapshot(question)  # it knows both, and has read neither
        found = dump_of(snapshot)

        assert gone in snapshot.namespaces
        assert gone not in {row["netns"] for row in found.rows}
        assert shown(found, child.facts["netns"]) == expected(child, road)
        assert dies not in found.missing.get(facts.OTHER_NAMESPACES, "")


@roads
def test_rows_of_a_namespace_are_not_mixed_with_those_of_another(two, road):
    found = dump(road, "all", PROTOCOLS)
    inodes = [row["inode"] for row in found.rows if row["inode"]]

    assert len(inodes) == len(set(inodes))


# --- unprivileged ------------------------------------------------------------------------------


def as_nobody(name):
    """What a user without privileges sees in the namespace; one socket is his own."""
    import _socket

    own = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    own.bind(("127.0.0.1", 5999))
    try:
        return dump(None, "self", PROTOCOLS), os.getpid(), dump(None, "all", PROTOCOLS)
    finally:
        own.close()


@pytest.fixture
def imported():
    """Everything that a child without privileges could not import any more."""
    dump("proc")
    dump("netlink", "all")
    with namespace() as name:  # what is imported when privileges lack
        in_namespace(name, partial(dump, "netlink"))


def test_a_user_without_privileges_sees_all_sockets_of_the_own_namespace(two, imported):
    (name, child), _ = two
    own, pid, everywhere = in_namespace(name, as_nobody, name, uid=NOBODY)

    assert {row["local_port"] for row in own.rows} == {*PORTS, 5999}
    assert own.road == "netlink"
    assert "CAP_BPF" in own.missing[facts.BPF]
    owners = {row["local_port"]: own.holders[row["inode"]] for row in own.rows}
    assert {holder for holder, _ in owners[5999]} == {pid}
    assert owners[5000] == set()
    assert "other users" in own.missing[facts.OWNERS]
    assert own.refused & facts.OWNERS
    # of the others there is a reason, and nothing is taken for everything
    assert {row["netns"] for row in everywhere.rows} == {child.facts["netns"]}
    assert everywhere.refused & facts.OTHER_NAMESPACES


def test_a_streamed_namespace_is_read_one_buffer_at_a_time(two):
    (name, _), _ = two
    question = Question(facts.SOCKETS, Hint(protocols=frozenset(PROTOCOLS)), name, True)
    snapshot = Live(None, 0).snapshot(question)

    chunks = snapshot.chunks()
    first = bytes(next(chunks))
    del chunks  # a reader that has enough: the thread inside ends too

    assert first
    assert fivetuple.snapshot(netns=name, protocols=PROTOCOLS)


def test_the_main_thread_stays_where_it_is(two):
    before = Path("/proc/thread-self/ns/net").stat().st_ino
    dump(None, two[0][0])

    assert Path("/proc/thread-self/ns/net").stat().st_ino == before
