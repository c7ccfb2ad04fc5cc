"""`ft explain`: words, with this host's own numbers."""

from __future__ import annotations

import json

import pytest
from tests.support.asked import answer, request, written
from tests.support.ft import ft
from tests.support.zoo import snapshot

from fivetuple.analysis.explaining import topics
from fivetuple.cli.commands import command_names, help_of, load
from fivetuple.model.errors import BadInput
from fivetuple.model.fields import FIELD


def _words(*arguments: str) -> list[str]:
    return [each["word"] for each in answer(snapshot(), "explain", *arguments).data["articles"]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("TIME_WAIT",), ["TIME_WAIT"]),
        (("time-wait",), ["TIME_WAIT"]),
        (("time", "wait"), ["TIME_WAIT"]),
        (("EADDRINUSE", "time-wait"), ["EADDRINUSE", "TIME_WAIT"]),
        (("three-way", "handshake", "SYN"), ["three-way handshake", "SYN"]),
        (("accept", "queue", "backlog"), ["accept queue", "backlog"]),
        (("5432",), ["5432"]),
        ((":5432",), ["5432"]),
        (("postgresql",), ["5432"]),
        (("rtt_us",), ["rtt_us"]),
        (("ls",), ["ls"]),
        (("columns",), ["columns"]),
        (("filters",), ["filters"]),
        (("errors",), ["errors"]),
    ],
)
def test_words_are_found_in_any_spelling_and_number(arguments, words):
    assert _words(*arguments) == words


def test_the_numbers_are_those_of_the_host_that_was_asked():
    text, _ = written(snapshot(), "explain", "tcp_fin_timeout")

    assert "net.ipv4.tcp_fin_timeout  30\n" in text


def test_a_number_that_was_not_read_is_called_a_default():
    text, _ = written(snapshot(), "explain", "accept", "queue")

    assert "(Linux's default; this host's own was not read)" in text


def test_this_machine_tells_its_own_numbers():
    done = json.loads(ft("explain", "ephemeral ports", "--json").stdout)
    number = next(
        each
        for each in done["articles"][0]["numbers"]
        if each["name"] == "net.ipv4.ip_local_port_range"
    )

    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        assert number["value"].split() == file.read().split()
    assert number["is_default"] is False


def test_without_a_word_every_article_is_listed_by_group():
    made = answer(None, "explain")

    listed = {(row["group"], row["word"]) for row in made.data["topics"]}
    assert listed == {
        (heading, word) for heading, entries in topics().items() for word, _ in entries
    }


def test_columns_are_explained_all():
    text, _ = written(snapshot(), "explain", "columns")

    named = {line.split()[0] for line in text.splitlines() if line.startswith("  ")}
    assert set(FIELD) <= named


def test_filters_are_explained_all():
    from fivetuple.analysis.filter_fields import FIELDS

    fields = answer(snapshot(), "explain", "filters").data["articles"][0]["fields"]

    assert [each["field"] for each in fields] == list(FIELDS)


def test_every_example_of_a_filter_can_be_read():
    from fivetuple.analysis.filters import parse

    for each in answer(snapshot(), "explain", "filters").data["articles"][0]["fields"]:
        parse([each["example"]])


@pytest.mark.parametrize("name", sorted(set(command_names()) - {"overview", "port"}))
def test_a_command_is_explained_by_its_own_words_unless_it_is_a_term(name):
    made = answer(snapshot(), "explain", name).data["articles"][0]

    assert (
        made["group"] != "Commands"
        or help_of(load(command_names()[name])).split("\n")[0] in made["paragraphs"]
    )


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("tme-wait", "TIME_WAIT"),
        ("EADRINUSE", "EADDRINUSE"),
        ("locl_port", "local_port"),
        ("postgrsql", "postgresql"),  # codespell:ignore postgrsql
    ],
)
def test_an_unknown_word_gets_a_suggestion(word, near):
    with pytest.raises(BadInput, match=near):
        answer(snapshot(), "explain", word)


def test_an_unknown_word_without_likeness_is_sent_to_the_contents():
    with pytest.raises(BadInput, match="`ft explain` lists"):
        answer(snapshot(), "explain", "qqqqqqqq")


def test_no_socket_is_asked_for():
    made = load(command_names()["explain"]).question(request("explain", "SYN"))

    assert made.hint.protocols == frozenset()


def test_every_article_can_be_drawn_and_sees_articles_that_exist():
    for heading, entries in topics().items():
        for word, _ in entries if heading != "Columns" else entries[:3]:
            for article in answer(snapshot(), "explain", word).data["articles"]:
                for other in article["see_also"]:
                    assert _words(other)
