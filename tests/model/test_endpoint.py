"""Endpoints and five-tuples: text to bytes and back, flipped, wildcards, v4-mapped."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivetuple.model.endpoint import (
    AF_INET6,
    ANY_V4,
    ANY_V6,
    Endpoint,
    FiveTuple,
    address_text,
    endpoint_text,
    is_link_local,
    is_loopback,
    pack_address,
    parse_endpoint,
    parse_port,
)
from fivetuple.model.errors import BadInput

V4 = st.ip_addresses(v=4)
V6 = st.ip_addresses(v=6).filter(lambda address: not str(address).startswith("::ffff:"))
PORTS = st.integers(0, 65535)


@given(V4 | V6, PORTS)
def test_an_endpoint_reads_back_from_its_text(address, port):
    endpoint = Endpoint(pack_address(str(address)), port)

    assert parse_endpoint(str(endpoint)) == endpoint


@given(V4 | V6)
def test_an_address_is_written_as_the_standard_library_writes_it(address):
    assert ipaddress.ip_address(address_text(pack_address(str(address)))) == address


@given(V4, V4 | V6, PORTS, PORTS)
def test_flipping_twice_changes_nothing(local, remote, local_port, remote_port):
    one = FiveTuple(
        "tcp",
        Endpoint(pack_address(str(local)), local_port),
        Endpoint(pack_address(str(remote)), remote_port),
    )

    assert one.flip().flip() == one
    assert one.flip().local == one.remote


def test_both_ends_of_a_connection_compare_equal_when_one_is_an_ipv6_socket():
    assert pack_address("10.0.0.5") == pack_address("::ffff:10.0.0.5")


def test_a_mapped_address_of_an_ipv6_socket_is_written_as_ss_writes_it():
    assert address_text(pack_address("10.0.0.5"), AF_INET6) == "::ffff:10.0.0.5"
    assert endpoint_text(pack_address("10.0.0.5"), 80, AF_INET6) == "[::ffff:10.0.0.5]:80"


def test_wildcards_and_scopes_are_read():
    assert pack_address("*") == ANY_V4
    assert parse_endpoint(":80") == Endpoint(ANY_V4, 80)
    assert pack_address("[::]") == ANY_V6
    assert pack_address("fe80::1%eth0") == pack_address("fe80::1")


@pytest.mark.parametrize("text", ["300.1.1.1", "1.2.3", "::g", "", "a b", "\0", "1.2.3.4.5", "é"])
def test_what_is_no_address_is_refused_with_a_sentence(text):
    with pytest.raises(BadInput, match="is not an IPv4 or IPv6 address"):
        pack_address(text)


@pytest.mark.parametrize("text", ["65536", "99999999999999999999", "-1", "80a", "", "٣"])
def test_what_is_no_port_is_refused(text):
    with pytest.raises(BadInput):
        parse_port(text)


@pytest.mark.parametrize("text", ["80", "1.2.3.4", "::1", "2001:db8::1:80", "1.2.3.4:"])
def test_an_endpoint_needs_an_address_and_a_port(text):
    with pytest.raises(BadInput):
        parse_endpoint(text)


@given(st.text())
def test_any_text_is_an_endpoint_or_bad_input(text):
    said = "an endpoint"
    try:
        parse_endpoint(text)
    except BadInput as error:
        said = str(error)

    assert said


@given(V4 | V6)
def test_loopback_and_link_local_are_told_as_the_standard_library_tells_them(address):
    packed = pack_address(str(address))

    assert is_loopback(packed) == address.is_loopback
    assert is_link_local(packed) == address.is_link_local
