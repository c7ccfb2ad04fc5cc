"""Both ends of a connection: found where they surely are, and nowhere else."""

from __future__ import annotations

from tests.support.made import HOST, Made

from fivetuple.analysis.pairing import Pairing
from fivetuple.model.endpoint import pack_address
from fivetuple.model.names import PROTOCOL_NUMBERS

TCP = PROTOCOL_NUMBERS["tcp"]


def other_end(made: Made, local: str, port: int, remote: str, remote_port: int, netns: int = HOST):
    snapshot = made.snapshot()
    pairing = Pairing(snapshot, snapshot.rows)
    return pairing.other_end(
        TCP, netns, pack_address(local), port, pack_address(remote), remote_port
    )


def pair(made: Made, netns: int, other_netns: int, address: str = "10.0.0.2") -> None:
    made.socket("10.0.0.1:80", f"{address}:5000", netns=netns)
    made.socket(f"{address}:5000", "10.0.0.1:80", "ESTABLISHED", 9, netns=other_netns)


def test_the_other_end_in_another_namespace_is_found_with_its_process():
    made = Made()
    made.process(9, "curl")
    pair(made, HOST, 2)

    end = other_end(made, "10.0.0.1", 80, "10.0.0.2", 5000)

    assert end is not None
    assert (end.netns, end.process.name, end.pids) == (2, "curl", (9,))


def test_an_ipv6_socket_that_speaks_ipv4_is_paired():
    made = Made()
    made.socket("[::ffff:10.0.0.1]:80", "[::ffff:10.0.0.2]:5000", netns=HOST)
    made.socket("10.0.0.2:5000", "10.0.0.1:80", netns=2)

    assert other_end(made, "10.0.0.1", 80, "10.0.0.2", 5000) is not None


def test_two_candidates_elsewhere_are_no_proof():
    made = Made()
    pair(made, HOST, 2)
    made.socket("10.0.0.2:5000", "10.0.0.1:80", netns=3)

    assert other_end(made, "10.0.0.1", 80, "10.0.0.2", 5000) is None


def test_one_s_own_namespace_goes_before_others():
    made = Made()
    pair(made, HOST, 2)
    made.socket("10.0.0.2:5000", "10.0.0.1:80", netns=HOST)

    end = other_end(made, "10.0.0.1", 80, "10.0.0.2", 5000)

    assert end is not None
    assert end.netns == HOST


def test_loopback_does_not_leave_its_namespace():
    made = Made()
    made.socket("127.0.0.1:80", "127.0.0.1:5000", netns=HOST)
    made.socket("127.0.0.1:5000", "127.0.0.1:80", netns=2)

    assert other_end(made, "127.0.0.1", 80, "127.0.0.1", 5000) is None


def test_a_peer_on_another_machine_has_no_end_here():
    made = Made()
    made.socket("10.0.0.1:80", "198.51.100.7:5000")

    assert other_end(made, "10.0.0.1", 80, "198.51.100.7", 5000) is None
