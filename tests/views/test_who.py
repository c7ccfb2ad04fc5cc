from __future__ import annotations

import pytest
from tests.support.lookups import ETH1, NETNS, row, snapshot, space

from fivetuple.model import facts
from fivetuple.model.answer import Heading, Line, Table
from fivetuple.model.command import Request
from fivetuple.model.errors import BadInput
from fivetuple.model.fields import DEFAULT_DATA
from fivetuple.model.namespace import Namespace
from fivetuple.model.record import REUSEPORT
from fivetuple.views import who

ASKED = ("tcp", "203.0.113.5:40000", "192.0.2.1:80")


def request(*words, **options):
    return Request("who", words or ASKED, options, 0)


def answered(*rows, words=ASKED, taken=None, **options):
    return who.answer(taken or snapshot(*rows), request(*words, **options))


def texts(answer):
    """Return the lines of an answer, tables as one line a row."""
    lines = []
    for block in answer.blocks:
        if isinstance(block, Table):
            lines += ["  ".join(cells) for cells in block.rows]
        elif isinstance(block, Line | Heading):
            lines.append(str(block.text))
    return lines


def second_namespace():
    """Make another namespace, web, that has the addresses the first one usually has."""
    made = Namespace(7, "web", pid=812)
    made.interfaces = {1: "lo"}
    made.firewall = {"nft": []}
    made.local_prefixes = tuple(space().local_prefixes)
    return made


def test_receiver_is_shown_with_its_owner_and_the_others_with_their_reasons():
    answer = answered(row("tcp", ":80", inode=1), row("tcp", "192.0.2.1:80", inode=2))

    assert answer.status == 0
    assert texts(answer) == [
        "tcp 203.0.113.5:40000 -> 192.0.2.1:80: one socket receives it",
        "",
        "tcp  LISTEN  192.0.2.1:80  *  program2 (102)",
        "",
        "Why",
        "  - no connection has this 5-tuple; it listens on the packet's own address; a SYN opens a connection there, any other segment is answered with a RST",
        "",
        "Not these (1)",
        "LISTEN  0.0.0.0:80  *  program1 (101)  a listener at the packet's own address goes before the wildcard",
    ]


def test_data_holds_the_rows_of_ls():
    answer = answered(
        row("tcp", ":80", inode=1, options=REUSEPORT), row("tcp", ":80", inode=2, options=REUSEPORT)
    )

    assert answer.data["answer"] == "socket"
    assert [each["inode"] for each in answer.data["sockets"]] == [1, 2]
    assert list(answer.data["sockets"][0]) == list(DEFAULT_DATA)
    assert answer.data["sockets"][0]["process"] == "program1"
    assert answer.data["reasons"]
    assert answer.data["certain"] is True


def test_data_holds_the_fields_that_were_asked_for():
    answer = answered(row("tcp", ":80", inode=1), fields=("local", "pid"))

    assert answer.data["sockets"] == [{"local": "0.0.0.0:80", "pid": 101}]
    with pytest.raises(BadInput, match="'colour' is not a field"):
        answered(row("tcp", ":80", inode=1), fields=("colour",))


def test_closed_port_is_a_no():
    answer = answered(row("tcp", ":81", inode=1))

    assert (answer.status, answer.data["answer"], answer.data["sockets"]) == (1, "reset", [])
    assert texts(answer)[0].endswith(": reset")


def test_syn_and_interface_are_heeded():
    bound = row("tcp", ":80", inode=1, interface=ETH1)

    assert answered(bound).data["answer"] == "reset"
    assert answered(bound, iface="eth1", syn=True).data["answer"] == "socket"
    assert texts(answered(bound, iface="eth1", syn=True))[0].startswith("tcp SYN 203.0.113.5:40000")


def test_unknown_interface_is_named_with_those_there_are():
    with pytest.raises(BadInput, match="no interface 'wlan0' here; there are lo, eth0, eth1"):
        answered(row("tcp", ":80", inode=1), iface="wlan0")


def test_words_that_name_no_packet_are_refused_before_anything_is_read():
    with pytest.raises(BadInput, match="say the protocol"):
        who.question(Request("who", ("tcp", "1.2.3.4:5"), {}, 0))


def test_question_asks_for_what_stands_before_the_sockets():
    question = who.question(request(netns="all"))

    assert question.needs & facts.FIREWALL
    assert question.needs & facts.ROUTES
    assert question.hint.protocols == {"tcp", "raw"}
    assert question.netns == "all"


def test_every_namespace_is_told_and_the_one_that_receives_answers():
    taken = snapshot(
        row("tcp", ":80", inode=1),
        row("tcp", ":80", inode=2, netns=7),
        where=space(local_prefixes=()),
    )
    taken.namespaces[7] = second_namespace()

    answer = who.answer(taken, request(netns="all"))

    assert answer.data["netns_name"] == "web"
    assert [each["inode"] for each in answer.data["sockets"]] == [2]
    assert [(each["netns"], each["answer"]) for each in answer.data["namespaces"]] == [
        (NETNS, "unreachable"),
        (7, "socket"),
    ]
    assert "In namespace web: one socket receives it" in texts(answer)
    assert texts(answer)[-1] == "192.0.2.1 is no address of: host"


def test_named_namespace_alone_is_asked():
    taken = snapshot(row("tcp", ":80", inode=2, netns=7), where=space(interfaces={}))
    taken.namespaces[7] = second_namespace()

    answer = who.answer(taken, request(netns="web"))

    assert (answer.data["netns"], answer.data["answer"]) == (7, "socket")


def test_long_lists_of_others_are_folded():
    lines = texts(
        answered(*(row("tcp", f"127.0.0.{number}:80", inode=number) for number in range(1, 31)))
    )

    assert "Not these (30)" in lines
    assert lines[-1] == "  and 10 more: ft ls sport = :80"


def test_raw_copies_are_shown_apart():
    lines = texts(
        answered(row("tcp", ":80", inode=1), row("raw", ":0", inode=2, protocol_number=6))
    )

    assert "Copies" in lines
    assert any("program2 (102)" in line for line in lines)
