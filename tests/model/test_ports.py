"""The port number space: IANA's classes, and what the sysctls of a host make of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivetuple.model.errors import BadInput
from fivetuple.model.ports import (
    EPHEMERAL_DEFAULTS,
    PortSpace,
    format_ranges,
    parse_port,
    parse_range,
    parse_ranges,
    port_class,
    port_space,
)

PORTS = st.integers(0, 65535)
RANGES = st.lists(st.tuples(PORTS, PORTS).map(lambda pair: (min(pair), max(pair))), max_size=8)


def test_every_port_has_one_class():
    names = [port_class(port).name for port in range(65536)]

    assert names.count("well-known") == 1024
    assert names.count("registered") == 48128
    assert names.count("dynamic") == 16384


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_number_outside_has_no_class(port):
    with pytest.raises(BadInput, match="ports are 0-65535"):
        port_class(port)


def test_linux_macos_and_windows_defaults():
    assert EPHEMERAL_DEFAULTS["linux"] == (32768, 60999)
    assert EPHEMERAL_DEFAULTS["macos"] == EPHEMERAL_DEFAULTS["windows"] == (49152, 65535)
    assert PortSpace().ephemeral_count == PortSpace().usable_ephemeral_count == 28232
    assert PortSpace(*EPHEMERAL_DEFAULTS["windows"]).ephemeral_count == 16384


def test_the_space_is_read_from_the_texts_of_sysctls():
    space = port_space(
        {
            "net.ipv4.ip_local_port_range": "40000\t40099\n",
            "net.ipv4.ip_local_reserved_ports": "8080,40000-40009,40050\n",
            "net.ipv4.ip_unprivileged_port_start": "80\n",
        }
    )

    assert (space.ephemeral_low, space.ephemeral_high) == (40000, 40099)
    assert space.reserved == ((8080, 8080), (40000, 40009), (40050, 40050))
    assert space.usable_ephemeral_count == 89
    assert space.is_privileged(79)
    assert not space.is_privileged(80)


def test_absent_sysctls_are_linux_defaults():
    space = port_space({})

    assert (space.ephemeral_low, space.ephemeral_high, space.unprivileged_start) == (
        32768,
        60999,
        1024,
    )


@given(RANGES)
def test_reserved_ports_round_trip(ranges):
    space = PortSpace(reserved=ranges)

    assert parse_ranges(format_ranges(space.reserved)) == space.reserved


@given(RANGES, PORTS, PORTS)
def test_usable_ports_are_those_of_the_range_that_are_not_reserved(ranges, one, other):
    low, high = min(one, other), min(max(one, other), min(one, other) + 300)
    space = PortSpace(low, high, ranges)

    assert space.usable_ephemeral_count == sum(
        space.is_ephemeral(port) for port in range(low, high + 1)
    )


@given(PORTS, PORTS)
def test_a_port_range_round_trips(one, other):
    low, high = sorted((one, other))

    assert parse_range(f"{low}\t{high}\n") == (low, high)


@given(st.text())
def test_any_text_is_ranges_or_bad_input(text):
    for parse in (parse_range, parse_ranges, parse_port):
        try:
            parse(text)
        except BadInput:
            continue


@pytest.mark.parametrize("text", ["", "1", "1 2 3", "a b", "2 1", "0 65536", "-1 5", "٣ ٤"])
def test_a_bad_port_range_is_refused(text):
    with pytest.raises(BadInput):
        parse_range(text)


@pytest.mark.parametrize("text", [",", "1,", "5-1", "65536", "1--2", "1-2-3", "9" * 5000])
def test_a_bad_list_of_reserved_ports_is_refused(text):
    with pytest.raises(BadInput):
        parse_ranges(text)


@pytest.mark.parametrize("port", range(0, 65536, 257))
def test_every_port_is_described_by_its_class(port):
    described = PortSpace().describe(port)

    assert described.port_class == port_class(port).name
    assert described.is_privileged == (0 < port < 1024)
    assert described.is_ephemeral == (32768 <= port <= 60999)


def test_a_privileged_port_names_the_capability_not_root():
    sentences = " ".join(PortSpace().describe(80).sentences)

    assert "CAP_NET_BIND_SERVICE" in sentences
    assert "root" not in sentences


def test_where_a_container_lowers_the_start_port_80_needs_no_privilege():
    described = PortSpace(unprivileged_start=0).describe(80)

    assert not described.is_privileged
    assert "No privilege is needed here" in " ".join(described.sentences)


def test_a_service_port_inside_the_ephemeral_range_is_warned_about_unless_reserved():
    bare = PortSpace().describe(33060)
    reserved = PortSpace(reserved=[(33060, 33060)]).describe(33060)

    assert "an outgoing connection may take it" in " ".join(bare.sentences)
    assert reserved.is_reserved
    assert "never chooses it" in " ".join(reserved.sentences)


def test_node_ports_are_told():
    assert PortSpace().describe(30080).is_node_port
    assert not PortSpace().describe(32768).is_node_port


def test_this_host_reads_as_a_port_space():
    folder = Path("/proc/sys/net/ipv4")
    if not (folder / "ip_local_port_range").exists():
        pytest.skip("no Linux sysctls here")
    names = ("ip_local_port_range", "ip_local_reserved_ports", "ip_unprivileged_port_start")

    space = port_space({f"net.ipv4.{name}": (folder / name).read_text() for name in names})

    assert 0 < space.usable_ephemeral_count <= space.ephemeral_count


def test_a_reserved_port_outside_the_range_and_port_0_are_described():
    reserved = PortSpace(reserved=[(8080, 8080)]).describe(8080)
    zero = PortSpace().describe(0)

    assert "reserved: the kernel never chooses it" in " ".join(reserved.sentences)
    assert "asks the system to choose" in " ".join(zero.sentences)
    assert not zero.is_privileged
