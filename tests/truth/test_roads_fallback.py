"""A road that is closed names its reason and the next is taken; what can be told is told."""

from __future__ import annotations

import json
import subprocess

import pytest
from tests.support.hard_times import HARD_TIMES
from tests.support.namespaces import child_in, namespace

pytestmark = pytest.mark.kernel

SERVER = """
import socket
server = socket.create_server(("127.0.0.1", 5000))
client = socket.create_connection(server.getsockname())
bound = socket.socket()
bound.bind(("127.0.0.1", 5001))
udp = socket.socket(type=socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 5002))
ready()
wait()
"""
LISTENS, CONNECTS, WAITS, BOUND = (
    ("tcp", "LISTEN"),
    ("tcp", "ESTABLISHED"),
    ("udp", "UNCONN"),
    ("tcp", "BOUND_INACTIVE"),
)
EVERYTHING = sorted([LISTENS, CONNECTS, CONNECTS, WAITS, BOUND])

# The time; what is missing -> a word of its reason; whether the owner is told; the exit status of
# ls, and of ls --strict
TIMES = {
    "nothing": ({}, True),
    "no CAP_BPF": ({"the BPF road": "CAP_BPF"}, True),
    "no capabilities": ({"the BPF road": "CAP_BPF", "owners": "CAP_SYS_PTRACE"}, None),
    "bpf forbidden": ({"the BPF road": "seccomp"}, True),
    "no BTF": ({"the BPF road": "/sys/kernel/btf/vmlinux"}, True),
    "no libbpf": ({"the BPF road": "libbpf.so.1"}, True),
    "netlink forbidden": ({}, True),
    "bpf and netlink forbidden": (
        {
            "the BPF road": "seccomp",
            "TCP details": "seccomp filter or security module",
            "backlog limits": "/proc/net does not tell",
            "bound but inactive TCP sockets": "/proc/net does not tell",
        },
        True,
    ),
    "nobody": ({"the BPF road": "CAP_BPF", "owners": "other users"}, False),
    "nobody, hidepid": ({"the BPF road": "CAP_BPF", "owners": "hidepid"}, False),
}


@pytest.fixture(scope="module")
def lab():
    with namespace() as name, child_in(name, SERVER) as child:
        yield name, child.pid


def run(time, name, *arguments):
    return subprocess.run(
        HARD_TIMES[time](name, *arguments), capture_output=True, text=True, check=False, timeout=30
    )


@pytest.mark.parametrize("time", TIMES)
def test_the_sockets_are_shown_with_the_reason_for_what_is_not(lab, time):
    name, pid = lab
    expected, has_owner = TIMES[time]

    done = run(time, name, "ls", "--json")
    answer = json.loads(done.stdout)
    rows = answer["sockets"]

    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    shown = sorted((row["protocol"], row["state"]) for row in rows)
    lacks_bound = "bound but inactive TCP sockets" in expected
    assert shown == [row for row in EVERYTHING if row != BOUND or not lacks_bound]
    for fact, word in expected.items():
        assert word in answer["missing"].get(fact, ""), answer["missing"]
    if has_owner is not None:
        owners = {row["pid"] for row in rows if row["inode"]}
        assert owners == {pid if has_owner else None}


@pytest.mark.parametrize("time", TIMES)
def test_the_table_and_the_overview_come_without_a_traceback(lab, time):
    name, _ = lab
    for arguments in (("ls", "-tln"), ()):
        done = run(time, name, *arguments)

        assert done.returncode == 0, done.stderr
        assert "5000" in done.stdout
        assert "Traceback" not in done.stderr
        assert "our fault" not in done.stderr


@pytest.mark.parametrize(
    ("time", "status"),
    [("nobody", 3), ("nobody, hidepid", 3), ("no /proc", 0), ("netlink forbidden", 0)],
)
def test_strict_tells_what_privileges_would_add(lab, time, status):
    assert run(time, lab[0], "ls", "-tlnp", "--strict").returncode == status


def test_without_proc_the_sockets_are_shown_by_bpf_and_by_netlink(lab):
    name, _ = lab
    for road, complaint in (("bpf", ""), ("netlink", "/proc is not mounted")):
        done = run("no /proc", name, "ls", "-tuanp", "--road", road)

        assert done.returncode == 0, done.stderr
        assert {"5000", "5001", "5002"} <= {word.rpartition(":")[2] for word in done.stdout.split()}
        assert "Traceback" not in done.stderr
        assert complaint in done.stderr  # of the owners


@pytest.mark.parametrize(
    ("time", "road", "word"),
    [
        ("no CAP_BPF", "bpf", "CAP_BPF"),
        ("bpf forbidden", "bpf", "seccomp"),
        ("no BTF", "bpf", "CONFIG_DEBUG_INFO_BTF"),
        ("no libbpf", "bpf", "libbpf1"),
        ("netlink forbidden", "netlink", "Operation not permitted"),
        ("no /proc", "proc", "/proc is not mounted"),
    ],
)
def test_a_road_that_was_asked_for_and_is_closed_is_an_error_with_its_reason(lab, time, road, word):
    done = run(time, lab[0], "ls", "--road", road)

    assert done.returncode in (3, 4)
    assert done.stdout == ""
    assert word in done.stderr
    assert done.stderr.count("\n") == 1
