"""Reading leaves nothing behind: no BPF program, link, map or pin, no process; also when killed."""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support.every_state import CODE
from tests.support.namespaces import child_in, ip, namespace, wait_for

pytestmark = pytest.mark.kernel

BPF_NUMBERS = {"x86_64": 321, "aarch64": 280}
NEXT_ID = {"program": 11, "map": 12, "link": 31}  # BPF_*_GET_NEXT_ID
FT = (sys.executable, "-m", "fivetuple")
SOCKETS, PROCESSES = 50_000, 4
HOLDER = f"""
import resource, socket
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
keep = []
for port in range({SOCKETS // PROCESSES}):
    sock = socket.socket(type=socket.SOCK_DGRAM)
    sock.bind(("127.0.0.NUMBER", 10000 + port))
    keep.append(sock)
ready()
wait()
"""


def kernel_ids():
    """Every BPF program, map and link that the kernel has now: {(kind, id)}."""
    call, found = ctypes.CDLL(None, use_errno=True).syscall, set()
    for kind, command in NEXT_ID.items():
        attributes = ctypes.create_string_buffer(12)
        while call(BPF_NUMBERS[os.uname().machine], command, attributes, 12) == 0:
            (number,) = struct.unpack_from("I", attributes, 4)
            found.add((kind, number))
            struct.pack_into("I", attributes, 0, number)
    return found


def pins():
    return set(Path("/sys/fs/bpf").rglob("*")) if Path("/sys/fs/bpf").exists() else set()


@pytest.fixture(scope="module")
def many():
    """A namespace with 50,000 sockets, and who holds them."""
    with ExitStack() as stack:
        name = stack.enter_context(namespace())
        children = [
            stack.enter_context(
                child_in(name, HOLDER.replace("NUMBER", str(number + 1)), deadline_s=30)
            )
            for number in range(PROCESSES)
        ]
        yield name, {child.pid for child in children}


def assert_nothing_is_left(before, pinned, name, holders):
    # others may read with BPF meanwhile: what is there now must go, whoever's it is
    appeared = kernel_ids() - before
    wait_for(lambda: not appeared & kernel_ids(), 20, "the end of every BPF object that appeared")
    assert pins() == pinned
    assert {int(pid) for pid in ip("netns", "pids", name).split()} == holders


@pytest.mark.parametrize("road", ["bpf", "netlink", "proc"])
@pytest.mark.parametrize("scope", ["inside", "from the host"])
def test_killed_in_the_middle_of_a_dump(many, road, scope):
    name, holders = many
    before, pinned = kernel_ids(), pins()
    inside = ["nsenter", f"--net=/run/netns/{name}", "--"] if scope == "inside" else []
    netns = [] if inside else ["--netns", name]
    ft = subprocess.Popen(
        [*inside, *FT, "ls", "-uan", "--road", road, "--no-headers", *netns],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with ft:
        assert ft.stdout is not None
        assert ft.stdout.read(100)  # it has begun; the pipe is full soon, and it waits
        if road == "bpf":
            wait_for(lambda: kernel_ids() - before, 5, "a program of ours")
        assert ft.poll() is None
        ft.send_signal(signal.SIGKILL)
        ft.wait()

    assert_nothing_is_left(before, pinned, name, holders)


@pytest.mark.parametrize("road", ["bpf", "netlink", "proc"])
def test_a_reader_that_goes_away_ends_it_silently(many, road):
    name, holders = many
    before, pinned = kernel_ids(), pins()
    with subprocess.Popen(
        [*FT, "ls", "-uan", "--road", road, "--netns", name],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as ft:
        assert ft.stdout is not None
        assert ft.stdout.read(100)
        ft.stdout.close()
        assert ft.stderr is not None
        complaint = ft.stderr.read()
        status = ft.wait(timeout=20)

    assert (status, complaint) == (0, b"")
    assert_nothing_is_left(before, pinned, name, holders)


def test_a_whole_run_leaves_nothing():
    with namespace() as name, child_in(name, CODE) as child:
        before, pinned = kernel_ids(), pins()
        for arguments in ((), ("ls", "-a", "--json"), ("ls", "--netns", "all")):
            done = subprocess.run([*FT, *arguments], capture_output=True, check=False)
            assert done.returncode == 0, done.stderr

        assert_nothing_is_left(before, pinned, name, {child.pid})
