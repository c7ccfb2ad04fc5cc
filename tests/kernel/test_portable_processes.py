"""Processes by psutil agree with those that we read ourselves."""

from __future__ import annotations

import os

import pytest
from tests.support.namespaces import NOBODY, child_in, in_namespace, require_root

from fivetuple.kernel import portable_processes, processes

pytestmark = pytest.mark.kernel


def test_processes_agree_with_proc():
    with child_in(None, "ready(); wait()") as child:
        ours = processes.read_full([child.pid])
        theirs = portable_processes.read_processes([child.pid], with_ancestors=True)

    assert theirs.keys() == ours.keys()
    one, other = ours[child.pid], theirs[child.pid]
    for name in ("pid", "name", "exe", "argv", "parent_pid", "uid"):
        assert getattr(other, name) == getattr(one, name), name
    assert one.started_ns is not None
    assert other.started_ns is not None
    # psutil counts from the boot time in whole seconds.
    assert abs(other.started_ns - one.started_ns) < 2_000_000_000


def test_process_that_ended_is_left_out():
    with child_in(None, "ready()") as child:
        child.end()

        assert portable_processes.read_processes([child.pid]) == {}


def test_ancestors_are_read_only_when_asked_for():
    assert list(portable_processes.read_processes([os.getpid()])) == [os.getpid()]


def test_what_is_closed_to_us_stays_empty():
    require_root("another user's process")
    with child_in(None, "ready(); wait()") as child:
        found = in_namespace(None, read_plain, child.pid, uid=NOBODY)

    assert found == (b"", 0)


def read_plain(pid):
    found = portable_processes.read_processes([pid])[pid]
    return found.exe, found.uid
