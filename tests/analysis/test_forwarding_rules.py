"""NAT rules: which can take a packet to a port of this host, walked as the kernel does."""

from __future__ import annotations

import pytest
from tests.support.made import HOST, Made

from fivetuple.analysis.forwarding_rules import (
    address_words,
    condition_words,
    has_riddles,
    is_chosen_at_random,
    taking_rules,
)
from fivetuple.model.endpoint import pack_address


def taken(*rules: str, port: int = 80, protocols=("tcp",), address: str | None = None):
    """Return what iptables-save with these rules of the table nat takes."""
    chains = sorted({rule.split()[1] for rule in rules} | {"PREROUTING", "OUTPUT"})
    heads = [
        f":{chain} {'ACCEPT' if chain in ('PREROUTING', 'OUTPUT') else '-'} [0:0]"
        for chain in chains
    ]
    text = "\n".join(["*nat", *heads, *rules, "COMMIT"])
    made = Made()
    made.space(
        HOST,
        "host",
        "192.0.2.10/24",
        "10.0.0.1/24",
        firewall={"nft": [], "iptables": {"ip": text}, "legacy": {}, "problems": []},
    )
    space = made.spaces[HOST]
    return space, taking_rules(space, port, protocols, pack_address(address) if address else None)


def targets(*rules: str, **more):
    return [each.rule.step.address for each in taken(*rules, **more)[1]]


TO = "-j DNAT --to-destination"


@pytest.mark.parametrize(
    ("rule", "is_taken"),
    [
        (f"-A PREROUTING -p tcp -m tcp --dport 80 {TO} 10.9.0.1:8080", True),
        (f"-A PREROUTING -p tcp -m tcp --dport 79:81 {TO} 10.9.0.1", True),
        (f"-A PREROUTING -p tcp -m tcp --dport 81 {TO} 10.9.0.1", False),
        (f"-A PREROUTING -p udp -m udp --dport 80 {TO} 10.9.0.1", False),
        (f"-A PREROUTING -d 10.0.0.1/32 -p tcp -m tcp --dport 80 {TO} 10.9.0.1", True),
        (f"-A PREROUTING -d 10.0.0.0/24 {TO} 10.9.0.1", True),
        (f"-A PREROUTING -d 10.5.0.1/32 -p tcp -m tcp --dport 80 {TO} 10.9.0.1", False),
        (f"-A PREROUTING ! -d 10.5.0.1/32 -p tcp -m tcp --dport 80 {TO} 10.9.0.1", True),
        (f"-A PREROUTING -s 10.5.0.1/32 -p tcp -m tcp --dport 80 {TO} 10.9.0.1", True),
        (f"-A PREROUTING -m addrtype --dst-type UNICAST -p tcp {TO} 10.9.0.1", False),
        (f"-A PREROUTING -d 127.0.0.1/32 -p tcp -m tcp --dport 80 {TO} 10.9.0.1", False),
        (f"-A OUTPUT -d 127.0.0.1/32 -p tcp -m tcp --dport 80 {TO} 10.9.0.1", True),
        (f"-A OUTPUT -o eth0 -p tcp -m tcp --dport 80 {TO} 10.9.0.1", False),
        ("-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 3128", True),
        ("-A PREROUTING -p tcp -m tcp --dport 80 -j ACCEPT", False),
    ],
)  # fmt: skip
def test_a_rule_takes_only_what_can_match_an_own_address(rule, is_taken):
    assert bool(taken(rule)[1]) == is_taken


def test_what_surely_returns_or_accepts_before_hides_what_follows():
    rule = f"-A PREROUTING -p tcp -m tcp --dport 80 {TO} 10.9.0.1"

    assert targets("-A PREROUTING -p tcp -j RETURN", rule) == []
    assert targets("-A PREROUTING -p tcp -j ACCEPT", rule) == []
    assert targets("-A PREROUTING -i docker0 -j RETURN", rule) == ["10.9.0.1"]
    assert targets("-A PREROUTING -s 10.0.0.0/8 -j RETURN", rule) == ["10.9.0.1"]


def test_the_first_rule_that_surely_holds_is_the_only_one():
    first, second = (f"-A PREROUTING -p tcp -m tcp --dport 80 {TO} 10.9.0.{n}" for n in (1, 2))

    assert targets(first, second) == ["10.9.0.1"]
    assert targets(first.replace("-p tcp", "-s 10.1.1.1/32 -p tcp", 1), second) == [
        "10.9.0.1",
        "10.9.0.2",
    ]


def test_a_return_leaves_its_own_chain_only():
    rules = (
        "-A PREROUTING -j MINE",
        "-A MINE -p tcp -j RETURN",
        f"-A MINE -p tcp {TO} 10.9.0.1",
        f"-A PREROUTING -p tcp {TO} 10.9.0.2",
    )

    assert targets(*rules) == ["10.9.0.2"]


def test_an_address_that_was_asked_for_is_the_only_one():
    rule = f"-A OUTPUT -d 10.96.0.1/32 -p tcp -m tcp --dport 443 {TO} 10.9.0.1:6443"

    assert targets(rule, port=443) == []
    assert targets(rule, port=443, address="10.96.0.1") == ["10.9.0.1"]


def test_random_choices_are_all_told_and_are_no_riddles():
    space, found = taken(
        f"-A PREROUTING -p tcp -m statistic --mode random --probability 0.5 {TO} 10.9.0.1",
        f"-A PREROUTING -p tcp {TO} 10.9.0.2",
    )

    assert [each.rule.step.address for each in found] == ["10.9.0.1", "10.9.0.2"]
    assert is_chosen_at_random(found[0])
    assert not has_riddles(found[0])
    assert address_words(space, found[0]) == "every own address"


def test_conditions_that_depend_on_the_sender_are_told_in_words():
    space, [found] = taken(
        f"-A PREROUTING ! -i docker0 -s 10.0.0.0/8 -d 10.0.0.1/32 -p tcp {TO} 10.9.0.1"
    )

    assert condition_words(found) == ["not arriving by docker0", "from 10.0.0.0/8"]
    assert address_words(space, found) == "10.0.0.1"
    assert not found.is_sure


def test_a_match_that_ft_does_not_know_is_a_riddle():
    _, [found] = taken(f"-A PREROUTING -p tcp -m string --string x --algo bm {TO} 10.9.0.1")

    assert has_riddles(found)


def test_a_namespace_without_rules_takes_nothing():
    assert taking_rules(Made().spaces[HOST], 80, ("tcp", "udp"), None) == []
