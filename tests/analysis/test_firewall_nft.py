"""nft's JSON in our form; the lines above each case are what nft would list."""

from __future__ import annotations

from typing import Any

import pytest

from fivetuple.analysis.firewall import ruleset
from fivetuple.analysis.firewall_form import Condition, Rule

TCP = Condition("protocol", ("tcp",))


def _payload(protocol: str, field: str) -> dict[str, Any]:
    return {"payload": {"protocol": protocol, "field": field}}


def _match(left: object, right: object, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


def _rules(*expressions: list[Any], more: tuple[Any, ...] = ()) -> list[Rule]:
    base = {
        "family": "ip",
        "table": "nat",
        "name": "pre",
        "type": "nat",
        "hook": "prerouting",
        "prio": -100,
    }
    rules = [
        {"rule": {"family": "ip", "table": "nat", "chain": "pre", "handle": n, "expr": expression}}
        for n, expression in enumerate(expressions)
    ]
    return list(ruleset({"nft": [{"chain": base}, *more, *rules]}).rules())


DPORT = _payload("tcp", "dport")


# iifname "eth0" tcp dport 443 counter dnat to 10.0.0.1:8443
def test_new_address_and_port_with_interface_and_counter():
    (rule,) = _rules(
        [
            _match({"meta": {"key": "iifname"}}, "eth0"),
            _match(DPORT, 443),
            {"counter": {"packets": 7, "bytes": 1}},
            {"dnat": {"addr": "10.0.0.1", "port": 8443}},
        ]
    )

    assert rule.conditions == (
        Condition("in_interface", ("eth0",)),
        TCP,
        Condition("destination_port", ((443, 443),)),
    )
    assert (rule.step.address, rule.step.ports, rule.step.packets) == ("10.0.0.1", (8443, 8443), 7)
    assert (rule.base.hook, rule.base.priority, rule.chains) == ("prerouting", -100, ("pre",))
    assert rule.step.text == "nft ip nat pre handle 0"


# tcp dport { 8000, 8100-8200 } redirect to :9000
def test_sets_and_ranges_of_ports():
    (rule,) = _rules(
        [_match(DPORT, {"set": [8000, {"range": [8100, 8200]}]}), {"redirect": {"port": 9000}}]
    )

    assert rule.conditions[1].values == ((8000, 8000), (8100, 8200))
    assert (rule.step.verdict, rule.step.address, rule.step.ports) == (
        "redirect",
        None,
        (9000, 9000),
    )


# tcp dport != 22 ip daddr 10.0.0.0/8 dnat to 10.1.0.1-10.1.0.9:100-200
def test_negation_prefix_and_ranges_of_targets():
    (rule,) = _rules(
        [
            _match(DPORT, 22, "!="),
            _match(_payload("ip", "daddr"), {"prefix": {"addr": "10.0.0.0", "len": 8}}),
            {"dnat": {"addr": {"range": ["10.1.0.1", "10.1.0.9"]}, "port": {"range": [100, 200]}}},
        ]
    )

    assert rule.conditions[1:] == (
        Condition("destination_port", ((22, 22),), True),
        Condition("destination", ("10.0.0.0/8",)),
    )
    assert (rule.step.address, rule.step.ports) == ("10.1.0.1-10.1.0.9", (100, 200))


# dnat ip addr . port to tcp dport map @backends
def test_map_gives_a_rule_for_each_element():
    backends = {
        "map": {
            "family": "ip",
            "table": "nat",
            "name": "backends",
            "elem": [[80, {"concat": ["10.0.0.1", 8080]}], [81, {"concat": ["10.0.0.2", 8081]}]],
        }
    }
    first, second = _rules(
        [{"dnat": {"family": "ip", "addr": {"map": {"key": DPORT, "data": "@backends"}}}}],
        more=(backends,),
    )

    assert first.conditions == (TCP, Condition("destination_port", ((80, 80),)))
    assert (first.step.address, first.step.ports) == ("10.0.0.1", (8080, 8080))
    assert (second.step.address, second.step.ports) == ("10.0.0.2", (8081, 8081))


# ip daddr . meta l4proto . th dport vmap { 10.96.0.1 . tcp . 443 : goto ep }, as kube-proxy writes it
def test_verdict_map_leads_to_the_chain_with_its_key_as_condition():
    key = {
        "concat": [_payload("ip", "daddr"), {"meta": {"key": "l4proto"}}, _payload("th", "dport")]
    }
    element = [{"concat": ["10.96.0.1", "tcp", 443]}, {"goto": {"target": "ep"}}]
    endpoint = {
        "rule": {
            "family": "ip",
            "table": "nat",
            "chain": "ep",
            "handle": 9,
            "expr": [{"dnat": {"addr": "10.0.0.9", "port": 6443}}],
        }
    }

    rule, back = _rules([{"vmap": {"key": key, "data": {"set": [element]}}}], more=(endpoint,))

    assert rule.conditions == (
        Condition("destination", ("10.96.0.1",)),
        TCP,
        Condition("destination_port", ((443, 443),)),
    )
    assert (rule.chains, rule.step.address) == (("pre", "ep"), "10.0.0.9")
    assert (back.chains, back.step.verdict) == (("pre",), "return")


def test_named_set_and_its_elements_with_time_outs():
    blocked = {
        "set": {
            "family": "ip",
            "table": "nat",
            "name": "blocked",
            "elem": [{"elem": {"val": "192.0.2.1", "timeout": 60}}],
        }
    }
    (rule,) = _rules(
        [_match(_payload("ip", "saddr"), "@blocked"), {"return": None}], more=(blocked,)
    )

    assert rule.conditions == (Condition("source", ("192.0.2.1",)),)


def test_local_destination_is_told_by_the_routing_table():
    (rule,) = _rules(
        [
            _match({"fib": {"result": "type", "flags": ["daddr"]}}, "local"),
            {"redirect": {"port": 53}},
        ]
    )

    assert rule.conditions == (Condition("destination_type", ("local",)),)


def test_what_we_do_not_understand_is_said_and_not_taken_for_true():
    strange = _match(_payload("tcp", "flags"), "syn", "in")
    (flags,) = _rules([strange, {"drop": None}])
    (limited,) = _rules([{"limit": {"rate": 5, "per": "second"}}, {"accept": None}])
    (random, other) = _rules(
        [
            {
                "dnat": {
                    "addr": {
                        "map": {
                            "key": {"numgen": {"mode": "random", "mod": 2}},
                            "data": {"set": [[0, "10.0.0.5"], [1, "10.0.0.6"]]},
                        }
                    }
                }
            }
        ]
    )

    assert not any(rule.is_understood for rule in (flags, limited, random, other))
    assert {random.step.address, other.step.address} == {"10.0.0.5", "10.0.0.6"}


def test_port_comparisons_are_ranges():
    (above,) = _rules([_match(DPORT, 60000, ">"), {"drop": None}])

    assert above.conditions[1].values == ((60001, 65535),)


def test_rule_that_only_marks_or_logs_is_no_rule_of_ours():
    assert _rules([{"log": None}, {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 1}}]) == []


def test_chains_that_jump_in_a_circle_end():
    jump = {
        "rule": {
            "family": "ip",
            "table": "nat",
            "chain": "a",
            "handle": 9,
            "expr": [{"jump": {"target": "pre"}}],
        }
    }

    assert _rules([{"jump": {"target": "a"}}], more=(jump,)) == []


@pytest.mark.parametrize("family", ["bridge", "arp", "netdev"])
def test_chains_of_other_families_are_not_ours(family):
    base = {
        "family": family,
        "table": "t",
        "name": "c",
        "type": "filter",
        "hook": "input",
        "prio": 0,
    }

    assert ruleset({"nft": [{"chain": base}]}).bases == ()
