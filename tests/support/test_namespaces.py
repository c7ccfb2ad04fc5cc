"""The helpers themselves: nothing is left behind, and errors come home."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support import namespaces
from tests.support.namespaces import NOBODY, child_in, in_namespace, ip, namespace, pair, wait_for

pytestmark = pytest.mark.kernel


def _leave_a_process_behind(started: list[subprocess.Popen[bytes]]) -> None:
    with namespace() as name:
        stray = subprocess.Popen(["ip", "netns", "exec", name, "sleep", "60"])
        started.append(stray)
        wait_for(lambda: str(stray.pid) in ip("netns", "pids", name))
        raise KeyError(name)


def test_namespace_and_its_processes_end_with_the_block():
    started: list[subprocess.Popen[bytes]] = []

    with pytest.raises(KeyError) as caught:
        _leave_a_process_behind(started)

    assert started[0].wait(timeout=5) == -9
    assert not Path("/run/netns", caught.value.args[0]).exists()


def test_what_a_killed_run_left_is_swept_and_a_running_one_keeps_its_own():
    ended = subprocess.Popen(["true"])
    ended.wait()
    left, mine = f"ft-t{ended.pid}-0", f"ft-t{os.getpid()}-kept"
    ip("netns", "add", left)
    ip("netns", "add", mine)
    try:
        namespaces._sweep.cache_clear()
        namespaces._sweep()

        assert not Path("/run/netns", left).exists()
        assert Path("/run/netns", mine).exists()
    finally:
        ip("netns", "delete", mine)


def test_function_runs_inside_as_the_user_and_its_error_comes_home():
    def fail() -> None:
        raise KeyError(Path("/proc/self/ns/net").readlink(), os.getuid())

    with namespace() as name, pytest.raises(KeyError) as caught:
        in_namespace(name, fail, uid=NOBODY)

    assert caught.value.args[0] != Path("/proc/self/ns/net").readlink()
    assert caught.value.args[1] == NOBODY
    assert "in the child" in caught.value.__notes__[0]


def test_answer_that_cannot_be_pickled_is_said():
    with pytest.raises(RuntimeError, match="no picklable answer"):
        in_namespace(None, lambda: lambda: 1)


def test_child_that_fails_before_it_is_ready_tells_why():
    with pytest.raises(RuntimeError, match="ZeroDivisionError"), child_in(None, "1 / 0"):
        pass


def test_pair_is_ready_for_both_families():
    connect = "import socket; socket.create_connection(({address!r}, {port})).close()"
    listen = "import socket; s = socket.create_server(('::', 0), family=socket.AF_INET6, dualstack_ipv6=True); ready(port=s.getsockname()[1]); wait()"
    with namespace() as one, namespace() as two, child_in(two, listen) as child:
        link = pair(one, two)
        for address in (link.v4_b, link.v6_b):
            in_namespace(one, exec, connect.format(address=address, port=child.facts["port"]))


def test_deadline_fails_with_what_was_waited_for():
    with pytest.raises(AssertionError, match=r"the moon did not come within 0\.01 s; last: 0"):
        wait_for(lambda: 0, deadline_s=0.01, what="the moon")
