"""What namespaces are called, from mount tables and processes."""

from __future__ import annotations

import os
from pathlib import Path

from fivetuple.kernel import netns_names
from fivetuple.model.namespace import Namespace

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


def test_nameless_namespace_has_its_number():
    assert _named() == "net:[4026532999]"


def test_hostile_name_is_harmless_to_show():
    assert _named("/run/netns/red\x1b[31m\n") == "red\\x1b[31m\\n"


def test_equal_names_are_told_apart():
    every = [Namespace(1, "web.service", pid=10), Namespace(2, "web.service"), Namespace(3, "db")]

    netns_names.tell_apart(every)

    assert [each.name for each in every] == ["web.service 10", "web.service 2", "db"]
