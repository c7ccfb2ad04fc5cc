"""Capabilities and what is missing, as root and as nobody."""

from __future__ import annotations

import os

import pytest
from tests.support.namespaces import NOBODY, in_namespace

from fivetuple.kernel import support


def test_capabilities_are_the_bits_of_the_effective_set():
    assert support.capabilities(b"Name:\tft\nCapEff:\t0000000000000400\n") == {"NET_BIND_SERVICE"}
    assert support.capabilities(b"CapEff:\t000001ffffffffff\n") == set(support.CAPABILITIES)
    assert support.capabilities(b"Name:\tft\n") == set()


@pytest.mark.kernel
def test_nobody_is_told_what_each_thing_takes():
    said = {
        what: in_namespace(None, support.missing_for, what, uid=NOBODY) for what in support.NEEDS
    }

    assert (
        said["owners of other users"]
        == "this takes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH: run `sudo ft`"
    )
    assert said["other namespaces"] == "this takes CAP_SYS_ADMIN and CAP_SYS_PTRACE: run `sudo ft`"
    assert said["bpf"] == "this takes CAP_BPF and CAP_PERFMON: run `sudo ft`"
    assert None not in said.values()


@pytest.mark.kernel
def test_root_of_the_host_lacks_nothing():
    assert {what: support.missing_for(what) for what in support.NEEDS} == dict.fromkeys(
        support.NEEDS
    )


@pytest.mark.kernel
def test_root_of_a_user_namespace_is_told_that_it_is_not_the_hosts():
    def root_of_a_user_namespace() -> tuple[str | None, str | None]:
        import ctypes

        new_user = 0x10000000
        if ctypes.CDLL(None).unshare(new_user) != 0:
            pytest.skip("kernel lacks user namespaces for this user")
        return support.missing_for("bpf"), support.missing_for("firewall")

    bpf, firewall = in_namespace(None, root_of_a_user_namespace, uid=NOBODY)

    assert (
        bpf == "this takes root of the host, and we run in a user namespace (a rootless container)"
    )
    assert firewall is None


def test_one_capability_stands_in_for_two():
    everything_but = frozenset(support.CAPABILITIES) - {"BPF", "PERFMON"}

    assert all(support._stands_in(everything_but, name) for name in ("BPF", "PERFMON"))
    assert not support._stands_in(everything_but, "NET_ADMIN")


@pytest.mark.skipif(os.name != "posix", reason="kernel lacks user namespaces")
def test_absent_proc_means_no_capabilities_known():
    assert support._read("/proc/self/nothing") == b""
