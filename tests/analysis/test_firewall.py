"""The rules of a namespace from whatever was read, or recorded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivetuple.analysis.firewall import rewrites, ruleset
from fivetuple.model.errors import BadInput

IPTABLES = "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1\nCOMMIT\n"
SAME_FOR_NFT = [
    {
        "chain": {
            "family": "ip",
            "table": "nat",
            "name": "PREROUTING",
            "type": "nat",
            "hook": "prerouting",
            "prio": -100,
        }
    },
    {
        "rule": {
            "family": "ip",
            "table": "nat",
            "chain": "PREROUTING",
            "expr": [{"xt": {"type": "target", "name": "DNAT"}}, {"drop": None}],
        }
    },
]


def test_no_firewall_has_no_rules():
    assert list(ruleset(None).rules()) == []
    assert rewrites(ruleset({"nft": [], "iptables": {}, "legacy": {}, "problems": []})) == []


def test_table_of_iptables_counts_once():
    rules = ruleset({"nft": SAME_FOR_NFT, "iptables": {"ip": IPTABLES}})

    assert [rule.base.source for rule in rules.rules()] == ["iptables"]


def test_table_of_iptables_that_was_not_read_is_not_understood():
    (rule,) = ruleset({"nft": SAME_FOR_NFT}).rules()

    assert not rule.is_understood


@pytest.mark.parametrize(
    "firewall",
    [
        {"nft": [{"rule": {"family": "ip"}}]},
        {"nft": 7},
        {"nft": ["x"]},
        {"iptables": ["ip"]},
        {"legacy": {"ip": 5}},
    ],
)
def test_data_of_another_form_is_refused(firewall):
    with pytest.raises(BadInput, match="not in the form of nft and iptables"):
        ruleset(firewall)


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "match",
                    "left",
                    "right",
                    "payload",
                    "set",
                    "concat",
                    "vmap",
                    "key",
                    "data",
                    "dnat",
                    "addr",
                    "map",
                    "jump",
                    "target",
                    "op",
                    "elem",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
)


@given(st.lists(JSON, max_size=3))
def test_random_expressions_raise_bad_input_or_nothing(expression):
    base = SAME_FOR_NFT[0]
    rule = {"rule": {"family": "ip", "table": "nat", "chain": "PREROUTING", "expr": expression}}

    try:
        rules = ruleset({"nft": [base, rule]})
    except BadInput:
        return

    assert all(each.chains[0] == "PREROUTING" for each in rules.rules())
