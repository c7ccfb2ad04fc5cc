"""`ft services`: the names people use, and whether a port is safe in the open."""

from __future__ import annotations

import json

import pytest
from tests.support.asked import answer, written


def _rows(*arguments: str) -> list[dict[str, object]]:
    return answer(None, "services", *arguments).data["services"]  # type: ignore[no-any-return]


def test_without_a_word_only_what_people_meet_and_it_says_so():
    made = answer(None, "services")

    assert 150 < len(made.data["services"]) < 500
    assert all(row["exposure"] for row in made.data["services"])
    ports = [row["port"] for row in made.data["services"]]
    assert ports == sorted(ports)
    assert "--all lists" in made.notes[0]


def test_all_is_the_registry():
    assert len(_rows("--all")) > 11_000


@pytest.mark.parametrize(
    ("port", "name", "exposure"),
    [
        ("23", "telnet", "never in the open"),
        ("143", "imap", "encrypted only"),
        ("6379", "redis", "private network"),
        ("22", "ssh", "safe"),
    ],
)
def test_ports_to_know_are_judged(port, name, exposure):
    row = next(row for row in _rows(port) if row["protocol"] == "tcp")

    assert (row["name"], row["exposure"]) == (name, exposure)


def test_143_is_never_https():
    text, _ = written(None, "services", "143")

    assert "nothing to do with HTTPS" in text


def test_protocols_that_serve_the_same_share_a_line_for_people_only():
    text, _ = written(None, "services", "53", "-H")

    assert [line.split()[:3] for line in text.splitlines()] == [["53", "tcp,udp", "dns"]]
    assert {row["protocol"] for row in _rows("53")} == {"tcp", "udp"}


def test_a_range_lists_its_ports():
    assert {row["port"] for row in _rows("20-23")} == {20, 21, 22, 23}


def test_exact_names_come_first():
    assert _rows("https")[0]["port"] == 443


def test_several_words_are_one_phrase():
    assert any(row["name"] == "dns" for row in _rows("zone", "transfers"))


def test_limit_holds_for_people_and_programs():
    assert len(_rows("--all", "--limit", "3")) == 3
    assert len(written(None, "services", "--limit", "3", "-H")[0].splitlines()) == 3


def test_nothing_found_is_status_1_with_a_suggestion():
    text, status = written(None, "services", "postgress")  # codespell:ignore postgress

    assert status == 1
    assert (
        text
        == "no service has 'postgress' as its port, in its name or its purpose; did you mean postgresql?\n"
    )


def test_a_hostile_word_is_spelled_out():
    text, _ = written(None, "services", "\x1b[31m")

    assert "\x1b" not in text


def test_rows_in_json():
    made = json.loads(written(None, "services", "443", "--json")[0])

    assert made["schema"] == "fivetuple/1"
    assert set(made["services"][0]) == {
        "port",
        "last_port",
        "protocol",
        "name",
        "description",
        "exposure",
        "reason",
        "aliases",
        "iana_name",
    }


@pytest.mark.parametrize("word", ["6379/tcp", "redis/TCP"])
def test_a_protocol_after_a_slash_keeps_its_services_only(word):
    rows = _rows(word)

    assert (rows[0]["port"], rows[0]["name"]) == (6379, "redis")
    assert {row["protocol"] for row in rows} == {"tcp"}


def test_what_follows_a_slash_and_is_no_protocol_is_part_of_the_word():
    assert answer(None, "services", "6379/xyz").status == 1
    assert answer(None, "services", "1" + "/tcp" * 5000).status == 1
