"""What a word is about: ports, protocols, processes, units, containers, addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.made import Made

from fivetuple.analysis.subject import subject_of
from fivetuple.model.endpoint import pack_address
from fivetuple.model.errors import BadInput


def snapshot():
    made = Made()
    made.process(812, "nginx", unit="web.service")
    made.process(70000, "api", container="shop")
    made.listen("0.0.0.0:80", 812)
    made.listen("0.0.0.0:81", 70000)
    return made.snapshot()


@pytest.mark.parametrize(
    ("word", "ports", "protocol", "pids"),
    [
        ("5432", (5432,), None, ()), (":5432", (5432,), None, ()), ("*:5432", (5432,), None, ()), ("53/udp", (53,), "udp", ()),
        ("udp/53", (53,), "udp", ()), ("udp:53", (53,), "udp", ()), ("TCP:ssh", (22,), "tcp", ()), ("812", (812,), None, (812,)), (":812", (812,), None, ()), ("812/tcp", (812,), "tcp", ()),
        ("70000", (), None, (70000,)), ("nginx", (), None, (812,)), ("NGINX", (), None, (812,)), ("web", (), None, (812,)),
        ("web.service", (), None, (812,)), ("shop", (), None, (70000,)), ("postgresql", (5432,), None, ()), (":ssh", (22,), None, ()),
        ("0", (0,), None, ()),
    ],
)  # fmt: skip
def test_words_are_read_by_their_shape(word, ports, protocol, pids):
    subject = subject_of(word, snapshot())

    assert (subject.ports, subject.protocol, subject.pids) == (ports, protocol, pids)


@pytest.mark.parametrize(
    ("word", "address", "ports"),
    [
        ("10.0.0.5:443", "10.0.0.5", (443,)), ("10.0.0.5", "10.0.0.5", ()), ("[::1]:80", "::1", (80,)), ("::1", "::1", ()),
        ("[2001:db8::1]", "2001:db8::1", ()), ("0.0.0.0:80", None, (80,)),
    ],
)  # fmt: skip
def test_addresses_may_have_a_port_and_a_wildcard_is_any(word, address, ports):
    subject = subject_of(word, snapshot())

    assert (subject.address, subject.ports) == (pack_address(address) if address else None, ports)


@pytest.mark.parametrize(
    ("word", "offered"),
    [
        ("localhost:5432", r"write 127\.0\.0\.1:5432 or \[::1\]:5432, or 5432 for the port"),
        ("db.example:5432", r"'db\.example' is not .* write its address, as in 10\.0\.0\.5:5432"),
    ],
)
def test_a_host_name_is_not_looked_up_and_what_works_is_offered(word, offered):
    with pytest.raises(BadInput, match=offered):
        subject_of(word, snapshot())


def test_a_program_named_as_a_service_says_which_port_that_has():
    made = Made()
    made.process(9, "ssh")
    made.socket("192.0.2.10:40000", "198.51.100.7:22", "ESTABLISHED", 9)

    subject = subject_of("ssh", made.snapshot())

    assert (subject.pids, subject.services) == ((9,), (22,))


@given(st.text(max_size=30))
def test_any_word_is_a_subject_or_bad_input(word):
    try:
        subject = subject_of(word, snapshot())
    except BadInput:
        return
    assert subject.ports or subject.pids or subject.address is not None
