from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivetuple.analysis.lookup_words import packet_of
from fivetuple.model.errors import BadInput

ASKED = ("tcp", "203.0.113.5:40000", "192.0.2.1:80")


def test_ends_are_read_as_they_are_on_the_wire():
    packet, _ = packet_of(ASKED)

    assert (packet.protocol, str(packet.source), str(packet.destination)) == ASKED


def test_scope_of_an_address_is_its_interface():
    packet, scope = packet_of(("udp", "[fe80::5%eth0]:546", "[ff02::1:2%eth1]:547"))

    assert (packet.destination.port, scope) == (547, "eth1")
    assert packet_of(ASKED)[1] is None


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "say the protocol"),
        (("tcp", "1.2.3.4:5"), "say the protocol"),
        (("icmp", "1.2.3.4:5", "1.2.3.4:6"), "has no ports"),
        (("http", "1.2.3.4:5", "1.2.3.4:6"), "not tcp, udp or udplite"),
        (("tcp", "1.2.3.4", "1.2.3.4:6"), "not ADDRESS:PORT"),
        (("tcp", "1.2.3.4:99999", "1.2.3.4:6"), "out of range"),
        (("tcp", "1.2.3.400:1", "1.2.3.4:6"), "not an IPv4 or IPv6 address"),
        (("tcp", "[::1]:5", "1.2.3.4:6"), "not of one family"),
        (("tcp", "1.2.3.4:5", "*:80"), "a packet's destination is one"),
        (("tcp", ":5", "1.2.3.4:80"), "a packet's source is one"),
        (("tcp", "1.2.3.4:5", "1.2.3.4:0"), "port 0"),
    ],
)
def test_words_that_name_no_packet_are_refused(words, complaint):
    with pytest.raises(BadInput, match=complaint):
        packet_of(words)


def test_protocol_is_read_in_any_case():
    assert packet_of(("UDP", "1.2.3.4:5", "1.2.3.4:6"))[0].protocol == "udp"


@given(st.lists(st.one_of(st.sampled_from(ASKED), st.text(max_size=40)), max_size=4))
def test_no_words_raise_anything_but_bad_input(words):
    with suppress(BadInput):
        packet_of(words)
