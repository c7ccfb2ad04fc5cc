"""The used share of the ephemeral ports."""

from __future__ import annotations

import pytest
from tests.support.made import HOST, Made

from fivetuple.analysis.ports_used import port_spaces, share_used
from fivetuple.model.ports import PortSpace


@pytest.mark.parametrize(
    ("used", "share"),
    [
        ([], 0),
        ([[]], 0),
        ([[40000]], 0.1),
        ([[40000, 1]], 0.1),
        ([[40000], [40000, 40001]], 0.2),
        ([range(40000, 40010)], 1),
    ],
)
def test_the_busiest_own_address_counts_and_only_ephemeral_ports(used, share):
    assert share_used(PortSpace(40000, 40009), used) == share


def test_unknown_settings_give_no_share_and_no_usable_port_is_all_of_them():
    assert share_used(None, [[1]]) is None
    assert share_used(PortSpace(40000, 40000, reserved=[(40000, 40000)]), [[1]]) == 1.0


def test_only_namespaces_whose_settings_were_read_have_a_space():
    made = Made()
    made.space(5, "box")
    made.spaces[5].sysctls = {}

    assert set(port_spaces(made.snapshot())) == {HOST}
