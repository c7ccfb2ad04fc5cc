"""What to do next: said where it applies, and only there."""

from __future__ import annotations

import pytest
from tests.support.ask import answered
from tests.support.made import NOW_NS, Made

from fivetuple.model import facts
from fivetuple.model.command import Request
from fivetuple.views import port


def advice(made: Made, word: str) -> str:
    return " ".join(
        answered(port, made.snapshot(), Request("port", (word,), {}, NOW_NS)).data["advice"]
    )


def test_a_free_port_and_only_that_says_that_clients_are_refused():
    made = Made()
    made.socket("192.0.2.10:40000", "10.0.0.1:3306")

    assert "a client is refused" in advice(made, "7")
    assert "a client is refused" not in advice(made, "3306")


def test_port_0_which_nothing_can_listen_on_gets_no_advice():
    assert not advice(Made(), "0")


def test_an_outgoing_connection_is_kept_off_by_reserving_beside_what_is_reserved():
    made = Made()
    made.socket("192.0.2.10:40000", "10.0.0.1:3306")
    [space] = made.spaces.values()
    space.sysctls = {**space.sysctls, "net.ipv4.ip_local_reserved_ports": "8080,39999"}

    assert "sysctl -w net.ipv4.ip_local_reserved_ports=8080,39999-40000" in advice(made, "40000")


def test_an_outgoing_connection_below_the_range_is_no_matter_of_reserving():
    made = Made()
    made.socket("192.0.2.10:5000", "10.0.0.1:3306")

    assert "EADDRINUSE" in advice(made, "5000")
    assert "sysctl" not in advice(made, "5000")


def test_time_wait_says_how_long_and_what_is_needed_at_once():
    made = Made()
    made.socket(
        "192.0.2.10:80", "198.51.100.7:50000", "TIME_WAIT", inode=0, known=0xFFFF, timer_ms=41_200
    )

    assert "SO_REUSEADDR and the sockets before had it, too; after 42 s in any case" in advice(
        made, "80"
    )


@pytest.mark.parametrize(
    ("local", "is_told"),
    [
        ("0.0.0.0:6379", True),
        ("192.0.2.10:6379", False),
        ("127.0.0.1:6379", False),
        ("0.0.0.0:443", False),
    ],
)
def test_a_private_service_on_every_address_is_warned_of(local, is_told):
    made = Made()
    made.listen(local)

    assert ("belongs in a private network" in advice(made, local.rpartition(":")[2])) == is_told


@pytest.mark.parametrize(
    ("unit", "container", "command"),
    [
        ("nginx.service", None, "systemctl stop nginx.service"),
        (None, "shop", "docker stop shop"),
        (None, None, "kill 9 (app)"),
        ("session-1.scope", None, "kill 9 (app)"),
    ],
)
def test_a_port_is_freed_by_what_runs_its_owner(unit, container, command):
    made = Made()
    made.process(9, "app", unit=unit, container=container)
    made.listen("0.0.0.0:80", 9)

    assert f"To free it: {command}" in advice(made, "80")


def test_a_worker_s_parent_of_the_same_program_is_named():
    made = Made()
    made.process(8, "nginx")
    made.process(9, "nginx", parent=8)
    made.listen("0.0.0.0:80", 9)

    assert "To free it: kill 8 (nginx)" in advice(made, "80")


def test_the_server_of_an_ssh_session_is_not_named():
    made = Made()
    made.process(8, "sshd")
    made.process(9, "sshd", parent=8)
    made.listen("127.0.0.1:6010", 9)

    assert "To free it: kill 9 (sshd)" in advice(made, "6010")


def test_workers_of_process_1_are_not_ended_one_by_one():
    made = Made()
    made.process(1, "nginx", parent=0)
    made.process(9, "nginx", parent=1)
    made.listen("0.0.0.0:80", 1, 9)

    assert "stop the container whose first process nginx is" in advice(made, "80")
    assert "kill" not in advice(made, "80")


@pytest.mark.parametrize(
    ("parent", "told"),
    [("nginx", "To free it, as root: kill 8 (nginx)"), ("sudo", "To free it root may be needed")],
)
def test_who_sees_not_every_owner_is_told_where_root_is_needed(parent, told):
    made = Made()
    made.process(8, parent)
    made.process(9, "nginx", parent=8)
    made.processes[9].uid = 33
    made.listen("0.0.0.0:80", 9, uid=0)
    snapshot = made.snapshot()
    snapshot.refused = facts.OWNERS

    sentences = answered(port, snapshot, Request("port", ("80",), {}, NOW_NS)).data["advice"]

    assert told in " ".join(sentences)
    assert "To free it: kill" not in " ".join(sentences)


def test_process_1_is_never_told_to_be_killed():
    made = Made()
    made.process(1, "init")
    made.listen("0.0.0.0:80", 1)

    assert "kill" not in advice(made, "80")


def test_a_loopback_listener_says_how_others_reach_it():
    made = Made()
    made.listen("127.0.0.1:80")

    assert "Only its own network namespace can reach it" in advice(made, "80")
