"""Forwards: rules and programs, and who answers at their target."""

from __future__ import annotations

import pytest
from tests.support.ask import answered
from tests.support.made import HOST, NOW_NS, Made

from fivetuple.analysis.forwarding import forwards, target_words
from fivetuple.analysis.listening import listeners
from fivetuple.analysis.subject import Subject
from fivetuple.model.command import Request
from fivetuple.views import port

RULES = "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n"
FIREWALL = {"nft": [], "iptables": {"ip": RULES}, "legacy": {}, "problems": []}


def found(made: Made, number: int = 8080):
    snapshot = made.snapshot()
    everyone = listeners(snapshot)
    mine = [each for each in everyone if each.port == number]
    made_forwards = forwards(snapshot, Subject(str(number), (number,)), mine, everyone)
    return [(each, target_words(snapshot, each)) for each in made_forwards]


def a_host(*, is_listening: bool = True, boxes: int = 1) -> Made:
    made = Made()
    made.space(HOST, "host", "192.0.2.10/24", firewall=FIREWALL)
    made.process(9, "nginx")
    for number in range(boxes):
        made.space(10 + number, f"box{number}", "172.17.0.2/16")
        if is_listening:
            made.listen("0.0.0.0:80", 9, netns=10 + number)
    return made


def test_a_rule_s_target_is_followed_to_the_process_that_listens_there():
    [(each, words)] = found(a_host())

    assert (each.target, each.target_pid, each.is_answered) == ("172.17.0.2:80", 9, True)
    assert words == "172.17.0.2:80, nginx (9) in box0"


def test_a_target_without_a_listener_is_said_to_have_none():
    [(each, words)] = found(a_host(is_listening=False))

    assert each.is_answered is False
    assert words == "172.17.0.2:80, where nothing listens in box0"


@pytest.mark.parametrize("boxes", [0, 2])
def test_a_target_that_no_or_more_than_one_namespace_has_is_not_judged(boxes):
    [(each, words)] = found(a_host(boxes=boxes))

    assert each.is_answered is None
    assert words == "172.17.0.2:80"


def test_a_program_s_target_on_loopback_is_in_its_own_namespace():
    made = Made()
    made.space(5, "box")
    made.process(8, "socat", "socat", "TCP-LISTEN:8080", "TCP:127.0.0.1:80")
    made.process(9, "nginx")
    made.listen("0.0.0.0:8080", 8, netns=5)
    made.listen("127.0.0.1:80", 9, netns=5)
    made.listen("127.0.0.1:80")

    [(each, words)] = found(made)

    assert (each.target_netns, each.target_pid) == (5, 9)
    assert words == "127.0.0.1:80, nginx (9)"


def test_rules_in_a_form_that_is_not_known_are_no_forwards():
    made = Made()
    made.space(HOST, "host", "192.0.2.10/24", firewall={"nft": 7})

    assert found(made) == []


def relayed(target: str) -> Made:
    made = Made()
    made.space(5, "box", "172.17.0.2/16")
    made.process(8, "socat", "socat", "TCP-LISTEN:8443,fork", f"TCP:{target}")
    made.process(9, "nginx")
    made.listen("0.0.0.0:8443", 8)
    made.listen("0.0.0.0:80", 9)
    made.listen("0.0.0.0:80", 9, netns=5)
    return made


@pytest.mark.parametrize(
    ("target", "netns"), [("127.0.0.1:80", HOST), ("172.17.0.2:80", 5), ("127.0.0.1:81", None)]
)
def test_a_program_that_forwards_to_the_port_is_told_of(target, netns):
    forwarded = found(relayed(target), 80)

    assert [(each.source, each.target, each.pid, each.target_netns) for each, _ in forwarded] == (
        [("0.0.0.0:8443", target, 8, netns)] if netns else []
    )


@pytest.mark.parametrize("word", ["80", "8443", "socat", "nginx"])
def test_a_program_s_forward_reads_from_its_end_to_the_target_and_is_told_once(word):
    snapshot = relayed("127.0.0.1:80").snapshot()

    text = answered(port, snapshot, Request("port", (word,), {}, NOW_NS), 120).text

    assert text.count("  socat (8): 0.0.0.0:8443 -> 127.0.0.1:80, nginx (9)\n") == 1
