"""Listeners: what is one service, whose it is, how far it is open, and which connections are its own."""

from __future__ import annotations

import pytest
from tests.support.made import ALL_KNOWN, HOST, Made

from fivetuple.analysis.listening import listeners, where_words
from fivetuple.model import record


def test_workers_and_both_families_are_one_entry_under_the_oldest():
    made = Made()
    made.process(20, "web", age_s=500)
    made.process(10, "web", age_s=100)
    for local in ("0.0.0.0:80", "[::]:80"):
        made.listen(local, 10, 20)

    [found] = listeners(made.snapshot())

    assert (found.process.pid, found.pids, found.sockets) == (20, {10, 20}, 2)
    assert found.end_words() == ["0.0.0.0:80", "*:80"]


def test_different_owners_of_one_port_stay_apart_and_count_their_own():
    made = Made()
    made.process(1, "one")
    made.process(2, "two")
    made.listen("127.0.0.1:80", 1)
    made.listen("0.0.0.0:80", 2)
    made.socket("127.0.0.1:80", "127.0.0.1:5000", "ESTABLISHED", 1)
    made.socket("192.0.2.10:80", "198.51.100.7:5000", "ESTABLISHED", 2)
    made.socket("192.0.2.10:80", "198.51.100.7:5001", "TIME_WAIT", inode=0)

    assert {each.process.name: each.connections for each in listeners(made.snapshot())} == {
        "one": 1,
        "two": 1,
    }


def test_a_connection_from_the_port_at_an_address_that_nobody_hears_is_no_client():
    made = Made()
    made.listen("127.0.0.9:40000")
    made.socket("192.0.2.10:40000", "198.51.100.7:443")

    assert [each.connections for each in listeners(made.snapshot())] == [0]


@pytest.mark.parametrize(
    ("locals_", "reach"),
    [
        (["127.0.0.1:80"], "loopback"), (["127.0.0.1:80", "[::1]:80"], "loopback"), (["192.0.2.10:80"], "one address"),
        (["127.0.0.1:80", "192.0.2.10:80"], "one address"), (["192.0.2.10:80", "[::]:80"], "every address"),
    ],
)  # fmt: skip
def test_the_widest_address_decides_how_far_it_is_open(locals_, reach):
    made = Made()
    for local in locals_:
        made.listen(local)

    assert listeners(made.snapshot())[0].reach == reach


def test_the_fullest_accept_queue_is_shown_not_the_sum():
    made = Made()
    made.listen("127.0.0.1:80", accept_queue=3, backlog=100)
    made.listen("127.0.0.1:80", accept_queue=11, backlog=10)
    made.listen("127.0.0.1:80", accept_queue=0, backlog=5)

    [found] = listeners(made.snapshot())

    assert (found.accept_queue, found.backlog, found.is_full) == (11, 10, True)


def test_a_queue_that_is_as_long_as_its_limit_is_not_full_yet():
    made = Made()
    made.listen("127.0.0.1:80", accept_queue=10, backlog=10)

    assert not listeners(made.snapshot())[0].is_full


def test_a_road_without_limits_gives_a_queue_and_no_limit():
    made = Made()
    made.listen("127.0.0.1:80", accept_queue=4, known=ALL_KNOWN & ~record.BACKLOG)

    [found] = listeners(made.snapshot())

    assert (found.accept_queue, found.backlog) == (4, None)


def test_datagram_sockets_wait_only_without_a_peer_and_with_a_port():
    made = Made()
    made.socket("0.0.0.0:53", "", "CLOSE", protocol="udp")
    made.socket("0.0.0.0:0", "", "CLOSE", protocol="udp")
    made.socket("127.0.0.1:5000", "127.0.0.1:53", "ESTABLISHED", protocol="udp")

    assert [(each.protocol, each.port) for each in listeners(made.snapshot())] == [("udp", 53)]


def test_our_own_namespace_comes_first_then_ports_in_order():
    made = Made()
    made.space(5, "box")
    made.listen("0.0.0.0:1", netns=5)
    made.listen("0.0.0.0:9")
    made.listen("0.0.0.0:7")

    assert [(each.netns, each.port) for each in listeners(made.snapshot())] == [
        (HOST, 7),
        (HOST, 9),
        (5, 1),
    ]


def test_a_socket_that_systemd_passed_on_belongs_to_the_service():
    made = Made()
    made.process(1, "systemd", age_s=9999)
    made.process(50, "sshd", unit="ssh.service")
    inode = made.listen("0.0.0.0:22", 1, 50)
    snapshot = made.snapshot()
    snapshot.socket_units[inode] = ("ssh.socket", "ssh.service")

    [found] = listeners(snapshot)

    assert found.process.name == "sshd"
    assert where_words(found) == "ssh.socket for ssh.service"
