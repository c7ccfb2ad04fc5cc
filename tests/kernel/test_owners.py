"""Who holds which socket: real processes, real descriptors."""

from __future__ import annotations

import array
import ctypes
import os
import socket
import struct
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.namespaces import NOBODY, become, child_in, in_namespace, require_root

from fivetuple.kernel import owners

pytestmark = pytest.mark.kernel

CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000
ROW = struct.Struct("<QQ")

LISTENER = """
import socket
s = socket.create_server(("127.0.0.1", 0))
ready(inode=os.fstat(s.fileno()).st_ino, fd=s.fileno())
wait()
"""


def held(pid, fd):
    return pid << 32 | fd


def mount(source, target, kind, flags=0, options=""):
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode())
    if done != 0:
        raise OSError(ctypes.get_errno(), f"mount {kind} on {target}")


def with_own_mounts(kind, options, uid, function):
    """Run in a forked child whose /proc is a mount of its own; it goes away with the child."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(CLONE_NEWNS) == 0
    mount("none", "/", "none", MS_REC | MS_PRIVATE)
    mount(kind, "/proc", kind, 0, options)
    if uid is not None:
        become(uid)
    return function()


def scan_beside_own_socket():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        holders, _, reason = owners.scan()
        return (
            holders.get(os.fstat(own.fileno()).st_ino),
            held(os.getpid(), own.fileno()),
            len(holders),
            reason,
        )


def test_socket_is_held_by_the_process_that_opened_it():
    with child_in(None, LISTENER) as child:
        holders, shared, _ = owners.scan()

    assert holders[child.facts["inode"]] == held(child.pid, child.facts["fd"])
    assert child.facts["inode"] not in shared


def test_forked_socket_has_every_holder_and_the_first_is_the_lowest():
    code = """
import socket
s = socket.create_server(("127.0.0.1", 0))
pid = os.fork()
if pid == 0:
    wait()
    os._exit(0)
again = os.dup(s.fileno())
ready(inode=os.fstat(s.fileno()).st_ino, fd=s.fileno(), again=again, fork=pid)
wait()
os.waitpid(pid, 0)
"""
    with child_in(None, code) as child:
        holders, shared, _ = owners.scan()
        facts = child.facts
        os.kill(facts["fork"], 9)

    every = sorted(
        held(*pair)
        for pair in [
            (child.pid, facts["fd"]),
            (child.pid, facts["again"]),
            (facts["fork"], facts["fd"]),
        ]
    )
    assert shared[facts["inode"]] == tuple(every)
    assert holders[facts["inode"]] == every[0]


def test_descriptor_passed_to_an_unrelated_process_is_held_by_both(tmp_path):
    receiver_code = f"""
import array, socket
door = socket.socket(socket.AF_UNIX); door.bind({str(tmp_path / "door")!r}); door.listen(1)
ready()
end, _ = door.accept()
fds = array.array("i")
_, ancillary, _, _ = end.recvmsg(1, socket.CMSG_SPACE(fds.itemsize))
fds.frombytes(ancillary[0][2])
end.sendall(b"%d" % fds[0])
wait()
"""
    with (
        child_in(None, receiver_code) as receiver,
        socket.socket() as passed,
        socket.socket(socket.AF_UNIX) as way,
    ):
        way.connect(str(tmp_path / "door"))
        fds = array.array("i", [passed.fileno()])
        way.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        received = int(way.recv(16))
        inode = os.fstat(passed.fileno()).st_ino
        _, shared, _ = owners.scan()

        assert set(shared[inode]) == {
            held(os.getpid(), passed.fileno()),
            held(receiver.pid, received),
        }


def test_only_the_given_processes_are_read():
    with child_in(None, LISTENER) as one, child_in(None, LISTENER) as other:
        holders, _, reason = owners.scan([one.pid])

    assert one.facts["inode"] in holders
    assert other.facts["inode"] not in holders
    assert reason is None


def test_process_that_ended_is_no_error():
    with child_in(None, LISTENER) as child:
        child.end()

        assert owners.scan([child.pid]) == ({}, {}, None)
        assert owners.scan_threads([child.pid]) == ({}, {}, None)


def test_process_that_ends_between_open_and_read_is_no_error():
    table = owners._Table()
    with child_in(None, LISTENER) as child:
        directory = os.open(f"/proc/{child.pid}/fd", os.O_RDONLY)
        child.end()
        try:
            found = table._read_links(child.pid, directory)
        finally:
            os.close(directory)

    assert found <= 0
    assert table.holders == {}


def test_scan_goes_on_while_descriptors_close():
    """Sockets that close after the directory was listed and before their link was read."""
    stop = threading.Event()

    def churn():
        while not stop.is_set():
            for one in [socket.socket() for _ in range(50)]:
                one.close()

    with socket.socket() as steady:
        inode, steady_held = os.fstat(steady.fileno()).st_ino, held(os.getpid(), steady.fileno())
        thread = threading.Thread(target=churn)
        thread.start()
        try:
            scans = [owners.scan([os.getpid()]) for _ in range(50)]
        finally:
            stop.set()
            thread.join()

    assert all(holders[inode] == steady_held for holders, _, _ in scans)
    assert all(reason is None for _, _, reason in scans)


def test_sockets_of_a_process_whose_first_thread_ended_are_found():
    code = """
import ctypes, socket, threading
s = socket.create_server(("127.0.0.1", 0))
def stay():
    while open("/proc/self/stat").read().rpartition(")")[2].split()[0] != "Z":
        pass
    ready(inode=os.fstat(s.fileno()).st_ino, fd=s.fileno())
    wait()
threading.Thread(target=stay).start()
ctypes.CDLL(None).syscall(EXIT_NUMBER, 0)
"""
    exit_number = {"x86_64": 60}.get(os.uname().machine, 93)
    with child_in(None, code.replace("EXIT_NUMBER", str(exit_number))) as child:
        holders, _, _ = owners.scan([child.pid])

    assert holders[child.facts["inode"]] == held(child.pid, child.facts["fd"])


def test_thread_with_its_own_table_is_found_by_scan_threads_alone():
    code = """
import ctypes, socket, threading
kept = socket.socket()
def leave():
    assert ctypes.CDLL(None).unshare(0x400) == 0  # CLONE_FILES
    own = socket.socket()
    ready(inode=os.fstat(own.fileno()).st_ino, fd=own.fileno(), kept=os.fstat(kept.fileno()).st_ino)
    wait()
threading.Thread(target=leave).start()
wait()
"""
    with child_in(None, code) as child:
        plain, _, _ = owners.scan([child.pid])
        threads, _, reason = owners.scan_threads([child.pid])

    assert child.facts["inode"] not in plain
    assert child.facts["kept"] in plain
    assert threads[child.facts["inode"]] == held(child.pid, child.facts["fd"])
    assert reason is None


def test_threads_that_share_their_table_are_not_read_again():
    code = """
import socket, threading
kept = socket.socket()
threading.Thread(target=wait, daemon=True).start()
ready()
wait()
"""
    with child_in(None, code) as child:
        assert owners.scan_threads([child.pid]) == ({}, {}, None)


def test_user_without_privileges_sees_own_sockets_and_learns_why_not_all():
    require_root("another user's process")
    with child_in(None, LISTENER) as child:
        found, expected, _, reason = in_namespace(None, scan_beside_own_socket, uid=NOBODY)
        holders, _, one_reason = in_namespace(None, owners.scan, [child.pid], uid=NOBODY)

    assert found == expected
    assert reason.endswith(
        "of other users: run as root, or grant CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"
    )
    assert holders == {}
    assert one_reason is not None
    assert one_reason.startswith("1 process of other users: ")


def test_kernel_threads_are_not_counted_as_closed():
    require_root("another user's process")
    kthreadd = 2
    if owners._read(f"/proc/{kthreadd}/comm") != b"kthreadd\n":
        pytest.skip("this pid namespace shows no kernel threads")

    assert in_namespace(None, owners.scan, [kthreadd], uid=NOBODY) == ({}, {}, None)


def test_root_without_the_capability_is_told_which_one():
    """Root of a container: uid 0, CAP_SYS_PTRACE dropped, and a process that has more than we."""
    require_root("another user's process")

    def drop_and_scan(pid):
        libc = ctypes.CDLL(None, use_errno=True)
        header = struct.pack("<Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3
        assert libc.capset(header, bytes(24)) == 0
        return owners.scan([pid])

    with child_in(None, LISTENER) as child:
        _, _, reason = in_namespace(None, drop_and_scan, child.pid)

    assert reason == "1 process of other users: grant CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"


@pytest.mark.parametrize("option", ["hidepid=2", "hidepid=4"])
def test_proc_that_hides_processes_is_named(option):
    require_root("mounts")

    found, expected, count, reason = in_namespace(
        None, with_own_mounts, "proc", option, NOBODY, scan_beside_own_socket
    )

    assert found == expected
    assert count >= 1
    assert (
        reason
        == "/proc hides other users' processes (hidepid): run as root, or grant CAP_SYS_PTRACE"
    )


def test_proc_that_shows_pids_and_no_more_counts_them():
    require_root("mounts")

    found, expected, _, reason = in_namespace(
        None, with_own_mounts, "proc", "hidepid=1", NOBODY, scan_beside_own_socket
    )

    assert found == expected
    assert "of other users: run as root" in reason


def test_hidepid_hides_nothing_from_root():
    require_root("mounts")

    def scan_reason():
        return owners.scan()[2]

    reason = in_namespace(None, with_own_mounts, "proc", "hidepid=2", None, scan_reason)

    assert "hidepid" not in (reason or "")


def test_missing_proc_is_named():
    require_root("mounts")

    holders, shared, reason = in_namespace(None, with_own_mounts, "tmpfs", "", None, owners.scan)

    assert (holders, shared) == ({}, {})
    assert reason == "/proc is not mounted"


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(1, 5), st.integers(0, 4))))
def test_join_gives_every_holder_in_any_order(triples):
    raw = b"".join(ROW.pack(inode, held(pid, fd)) for inode, pid, fd in triples)
    expected: dict[int, set[int]] = {}
    for inode, pid, fd in triples:
        expected.setdefault(inode, set()).add(held(pid, fd))

    holders, shared = owners.join(memoryview(raw))

    assert holders == {inode: min(every) for inode, every in expected.items()}
    assert shared == {
        inode: tuple(sorted(every)) for inode, every in expected.items() if len(every) > 1
    }
