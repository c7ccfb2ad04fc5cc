"""Processes as /proc shows them: real ones, with names and arguments that strangers choose."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.namespaces import (
    NOBODY,
    child_in,
    in_namespace,
    namespace,
    require_root,
    wait_for,
)

from fivetuple.kernel import processes
from fivetuple.model.process import ancestors

pytestmark = pytest.mark.kernel

SLEEP = shutil.which("sleep") or "/bin/sleep"


@pytest.fixture
def run():
    """Start processes that are ended when the test is."""
    running = []

    def start(argv, **options):
        running.append(subprocess.Popen(argv, stdin=subprocess.PIPE, **options))
        # Popen returns in the middle of exec: the program is the new one, its words not there yet.
        wait_for(lambda: Path(f"/proc/{running[-1].pid}/cmdline").read_bytes())
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def test_names_come_with_program_and_command_line(run):
    process = run([SLEEP, "600"])

    found = processes.read_names([process.pid])[process.pid]

    assert found.name == Path(SLEEP).resolve().name
    assert found.argv == (SLEEP.encode(), b"600")
    assert found.exe == bytes(Path(SLEEP).resolve())


def test_script_gives_its_name_and_not_its_interpreters(run, tmp_path):
    script = tmp_path / "orders-api.py"
    script.write_text("import sys; sys.stdin.read()")
    process = run([sys.executable, str(script)])

    assert processes.read_names([process.pid])[process.pid].name == "orders-api.py"


def test_command_line_of_hostile_bytes_is_kept_and_shown_harmless(run):
    words = [b"a b", b"", b"\x1b[31m\n\xff'", b""]
    process = run([sys.executable.encode(), b"-c", b"import sys; sys.stdin.read()", *words])

    found = processes.read_names([process.pid])[process.pid]

    assert found.argv[3:] == tuple(words)
    assert found.command is not None
    assert found.command.endswith("""'a b' '' '\x1b[31m\n\\xff'"'"'' ''""")


def test_command_line_of_megabytes_is_cut_and_says_so(run):
    process = run([SLEEP, "600", *["0" * 120_000] * 4])

    argv = processes.read_names([process.pid])[process.pid].argv

    assert argv[-1] == processes.CUT_MARK
    assert sum(len(word) + 1 for word in argv[:-1]) - 1 == processes.COMMAND_LINE_MAX


def test_process_that_ended_is_left_out(run):
    process = run([SLEEP, "600"])
    process.kill()
    process.wait()

    assert processes.read_names([process.pid]) == {}
    assert processes.read_full([process.pid]) == {}


def test_zombie_keeps_the_name_of_its_thread():
    process = subprocess.Popen([SLEEP, "0"])
    wait_for(lambda: b") Z " in Path(f"/proc/{process.pid}/stat").read_bytes())

    full = processes.read_full([process.pid], with_ancestors=False)[process.pid]
    named = processes.read_names([process.pid])[process.pid]
    process.wait()

    assert (full.state, full.name, full.argv) == ("Z", "sleep", ())
    assert named.name == "sleep"


def test_everything_about_a_process(run):
    before_ns = time.time_ns()
    process = run([SLEEP, "600"], preexec_fn=os.setsid)
    after_ns = time.time_ns()

    full = processes.read_full([process.pid], with_ancestors=False)

    assert list(full) == [process.pid]
    found = full[process.pid]
    assert found.parent_pid == os.getpid()
    assert found.uid == os.geteuid()
    assert found.comm == b"sleep"
    assert found.state in {"S", "R", "D"}
    assert found.netns == Path("/proc/self/ns/net").stat().st_ino
    assert found.cgroup is not None
    assert found.cgroup.startswith("/")
    assert found.place is not None
    # It started between the two looks at the clock, to the 10 ms of /proc and 10 of rounding.
    assert found.started_ns is not None
    assert before_ns - 20_000_000 <= found.started_ns <= after_ns + 20_000_000


def test_start_does_not_change_when_it_is_asked_for_again(run):
    process = run([SLEEP, "600"])

    starts = {
        processes.read_full([process.pid], with_ancestors=False)[process.pid].started_ns or 0
        for _ in range(20)
    }

    # Two values 10 ms apart when the clocks' distance lies just on the edge of rounding.
    assert max(starts) - min(starts) in {0, 10_000_000}


def test_ancestors_lead_up_to_init():
    with child_in(
        None,
        "pid = os.fork()\nif pid == 0:\n    wait(); os._exit(0)\nready(pid=pid); wait(); os.waitpid(pid, 0)",
    ) as child:
        pid = child.facts["pid"]
        full = processes.read_full([pid])
        os.kill(pid, signal.SIGKILL)

    line = [process.pid for process in ancestors(full, pid)]
    assert line[:2] == [child.pid, os.getpid()]
    assert line[-1] == 1


def test_brackets_and_blanks_in_a_name_do_not_shift_the_fields():
    code = """
import ctypes
ctypes.CDLL(None).prctl(15, b"a) S 1 (b", 0, 0, 0)  # PR_SET_NAME
ready()
wait()
"""
    with child_in(None, code) as child:
        found = processes.read_full([child.pid], with_ancestors=False)[child.pid]

    assert found.comm == b"a) S 1 (b"
    assert found.parent_pid == os.getpid()


def test_process_in_another_namespace_tells_its_own():
    with namespace() as name, child_in(name, "ready(); wait()") as child:
        found = processes.read_full([child.pid], with_ancestors=False)[child.pid]

        assert found.netns == Path(f"/run/netns/{name}").stat().st_ino
    assert found.netns != Path("/proc/self/ns/net").stat().st_ino


def test_other_users_process_is_read_as_far_as_it_may():
    require_root("another user's process")
    with child_in(None, "ready(); wait()") as child:
        full, named = in_namespace(None, read_both, child.pid, uid=NOBODY)

    assert full["uid"] == 0
    assert full["netns"] is None
    assert full["exe"] == b""
    assert full["argv"][:1] == (sys.executable.encode(),)
    assert named == full["name"]


def read_both(pid):
    full = processes.read_full([pid], with_ancestors=False)[pid]
    return (
        {
            "uid": full.uid,
            "netns": full.netns,
            "exe": full.exe,
            "argv": full.argv,
            "name": full.name,
        },
        processes.read_names([pid])[pid].name,
    )


def test_effective_user_is_told():
    require_root("another user")
    with child_in(None, f"os.setresuid(0, {NOBODY}, 0); ready(); wait()") as child:
        assert processes.read_full([child.pid], with_ancestors=False)[child.pid].uid == NOBODY


def test_boot_time_agrees_with_the_kernels_to_its_second():
    with open("/proc/stat") as file:
        btime_s = next(int(line.split()[1]) for line in file if line.startswith("btime"))

    assert abs(processes.boot_time_ns() / 1e9 - btime_s) < 2
