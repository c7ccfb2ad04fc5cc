"""What namespaces are called, from mount tables and processes."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.namespaces import wait_for

from fivetuple.kernel import netns_names
from fivetuple.model.namespace import Namespace

if TYPE_CHECKING:
    from collections.abc import Iterator

MOUNTS = b"""\
24 30 0:22 / /proc rw,nosuid shared:13 - proc proc rw
535 26 0:4 net:[4026532177] /run/netns/blue rw shared:282 - nsfs nsfs rw
536 26 0:4 net:[4026532177] /run/netns/a\\040b\\134c rw shared:282 - nsfs nsfs rw
537 26 0:4 net:[4026532246] /run/docker/netns/3f1c9a6de2b0 rw shared:283 - nsfs nsfs rw
538 26 0:4 mnt:[4026532300] /run/snapd/ns/lxd.mnt rw - nsfs nsfs rw
539 26 0:4 net:[junk] /run/netns/junk rw - nsfs nsfs rw
"""


def _named(*paths: str, pid: int | None = None) -> str:
    each = Namespace(4026532999, "", pid=pid)
    each.nsid_names = netns_names.given(paths)
    return netns_names.name_of(each, paths)


def test_mounted_network_namespaces_are_read_from_the_mount_table():
    assert netns_names.mounted(MOUNTS) == {
        4026532177: ["/run/netns/blue", "/run/netns/a b\\c"],
        4026532246: ["/run/docker/netns/3f1c9a6de2b0"],
    }


def test_name_that_somebody_gave_wins():
    assert _named("/run/netns/blue", pid=os.getpid()) == "blue"


def test_name_that_a_program_made_up_comes_after_what_runs_there():
    comm = Path("/proc/self/comm").read_text().strip()

    assert _named("/run/netns/cni-0a1b") == "cni-0a1b"
    assert _named("/run/docker/netns/3f1c9a6de2b0") == "3f1c9a6de2b0"
    assert (
        _named("/run/netns/8d4c8d16-1f0c-4c1e-9c3d-0a1b2c3d4e5f")
        == "8d4c8d16-1f0c-4c1e-9c3d-0a1b2c3d4e5f"
    )
    assert _named(pid=os.getpid()) == f"{comm} {os.getpid()}"


@pytest.mark.kernel
def test_namespace_is_named_after_the_container_or_service_in_it():
    with in_cgroup(f"docker-{'5f' * 32}.scope") as pid:
        assert _named("/run/netns/cni-0a1b", pid=pid) == "5f5f5f5f5f5f"
    with in_cgroup("system.slice/ft-test.service") as pid:
        assert _named(pid=pid) == "ft-test.service"
    with in_cgroup("user.slice/user-1000.slice/session-3.scope") as pid:
        assert _named(pid=pid) == f"sleep {pid}"


@contextmanager
def in_cgroup(path: str) -> Iterator[int]:
    """Start a process in a cgroup made for it; yield its pid; end it and remove the cgroup."""
    roots = [
        root
        for root in map(Path, ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"))
        if (root / "cgroup.procs").exists()
    ]
    if not roots:
        pytest.skip("kernel lacks cgroup v2")
    top = roots[0] / f"ft-t{os.getpid()}"
    folder = top / path
    process = subprocess.Popen(["sleep", "60"])
    try:
        folder.mkdir(parents=True)
        (folder / "cgroup.procs").write_text(str(process.pid))
        wait_for(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "sleep\n")
        yield process.pid
    except OSError as err:
        pytest.skip(f"kernel lacks a cgroup tree that we may write: {err}")
    finally:
        process.kill()
        process.wait()
        while folder != top.parent:
            with suppress(FileNotFoundError):
                folder.rmdir()
            folder = folder.parent


def test_nameless_namespace_has_its_number():
    assert _named() == "net:[4026532999]"


def test_hostile_name_is_harmless_to_show():
    assert _named("/run/netns/red\x1b[31m\n") == "red\\x1b[31m\\n"


def test_equal_names_are_told_apart():
    every = [Namespace(1, "web.service", pid=10), Namespace(2, "web.service"), Namespace(3, "db")]

    netns_names.tell_apart(every)

    assert [each.name for each in every] == ["web.service 10", "web.service 2", "db"]
