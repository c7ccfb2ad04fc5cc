"""Sysctls: of this kernel, of a namespace, and what isn't there."""

from __future__ import annotations

import subprocess

import pytest
from tests.support.namespaces import NOBODY, in_namespace, namespace

from fivetuple.kernel import sysctl


@pytest.mark.kernel
def test_values_are_those_of_the_namespace_of_the_reader():
    def widen_and_read() -> dict[str, str]:
        subprocess.run(["sysctl", "-qw", "net.core.somaxconn=77"], check=True)
        return sysctl.network()

    before = sysctl.network()["net.core.somaxconn"]
    with namespace() as name:
        inside = in_namespace(name, widen_and_read)

    assert inside["net.core.somaxconn"] == "77"
    assert sysctl.network()["net.core.somaxconn"] == before
    assert len(inside["net.ipv4.ip_local_port_range"].split()) == 2


@pytest.mark.kernel
def test_an_unprivileged_user_reads_what_ports_and_queues_need():
    found = in_namespace(None, sysctl.network, uid=NOBODY)

    assert {
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_tw_reuse",
        "net.core.somaxconn",
        "net.ipv6.bindv6only",
    } <= set(found)


def test_what_is_not_there_is_left_out(tmp_path):
    (tmp_path / "net/core").mkdir(parents=True)
    (tmp_path / "net/core/somaxconn").write_text("4096\n")
    (tmp_path / "net/core/folder").mkdir()

    names = ["net.core.somaxconn", "net.core.nothing", "net.core.folder"]

    assert sysctl.read(names, str(tmp_path)) == {"net.core.somaxconn": "4096"}


def test_interface_with_a_dot_is_written_with_a_slash(tmp_path):
    (tmp_path / "net/ipv4/conf/eth0.7").mkdir(parents=True)
    (tmp_path / "net/ipv4/conf/eth0.7/rp_filter").write_text("2\n")

    assert sysctl.read(["net.ipv4.conf.eth0/7.rp_filter"], str(tmp_path)) == {
        "net.ipv4.conf.eth0/7.rp_filter": "2"
    }
