from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.lookups import packet

from fivetuple.analysis.firewall_form import Condition
from fivetuple.analysis.lookup_conditions import Meeting, holds

MEETING = Meeting(packet("tcp", "203.0.113.5:40000", "192.0.2.1:80"), "eth0", "", "new", "local")


@pytest.mark.parametrize(
    ("field", "values", "expected"),
    [
        ("protocol", ("tcp",), True),
        ("protocol", ("6",), True),
        ("protocol", ("all",), True),
        ("protocol", ("udp", "sctp"), False),
        ("family", ("ipv4",), True),
        ("family", ("ip6",), False),
        ("source", ("203.0.113.0/24",), True),
        ("source", ("203.0.113.0/255.255.255.0",), True),
        ("source", ("203.0.113.6-203.0.113.9",), False),
        ("destination", ("192.0.2.9", "192.0.2.1"), True),
        ("destination", ("::/0",), False),
        ("destination", ("@blocked",), None),
        ("destination_port", ((1, 79), (80, 90)), True),
        ("source_port", ((1, 1023),), False),
        ("in_interface", ("eth*",), True),
        ("in_interface", ("lo",), False),
        ("out_interface", ("*",), False),
        ("state", ("established", "related"), False),
        ("state", ("new",), True),
        ("destination_type", ("local",), True),
        ("mark", ("0x1",), None),
        ("other", ("-m recent",), None),
    ],
)
def test_condition_holds_or_not_or_cannot_be_told(field, values, expected):
    assert holds(Condition(field, values), MEETING) is expected
    opposite = None if expected is None else not expected
    assert holds(Condition(field, values, negated=True), MEETING) is opposite


def test_unknown_interface_and_addresses_are_no_answer():
    blind = MEETING._replace(in_interface=None, destination_type=None)

    assert holds(Condition("in_interface", ("eth0",)), blind) is None
    assert holds(Condition("destination_type", ("local",)), blind) is None


@given(st.sampled_from(["source", "destination"]), st.text(max_size=30))
def test_no_text_of_a_rule_breaks_the_comparison(field, text):
    assert holds(Condition(field, (text,)), MEETING) in (True, False, None)
