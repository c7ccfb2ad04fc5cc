"""Host names beside addresses: bounded in time, asked once, escaped."""

from __future__ import annotations

import json
import threading
import time

import pytest
from tests.support.asked import answer, screen
from tests.support.ft import ft
from tests.support.zoo import snapshot

from fivetuple.cli.resolve import HostNames, add_names, address_in, beside
from fivetuple.model.answer import Answer, Column, Table

NAMES = {"203.0.113.9": "db.example", "198.51.100.7": "ev\x1b[31mil\n.example"}


def _known_or_silent(until: threading.Event, known: dict[str, str]):
    """Return a look-up that answers for what is known, and for nothing else before the event."""

    def lookup(address: str) -> str | None:
        if address not in known:
            until.wait(30)
        return known.get(address)

    return lookup


def test_a_name_is_asked_once():
    asked = []

    def lookup(address: str) -> str | None:
        asked.append(address)
        return NAMES.get(address)

    names = HostNames(lookup)

    first, second = names.of(["203.0.113.9", "192.0.2.1"]), names.of(["203.0.113.9", "192.0.2.1"])

    assert first == second == ({"203.0.113.9": "db.example"}, 0)
    assert sorted(asked) == ["192.0.2.1", "203.0.113.9"]


def test_a_silent_resolver_costs_no_more_than_the_deadline():
    silent = threading.Event()
    names = HostNames(_known_or_silent(silent, {}), deadline_s=0.2)
    begun = time.monotonic()

    found, late = names.of([f"192.0.2.{n}" for n in range(100)])

    assert time.monotonic() - begun < 1
    assert (found, late) == ({}, 100)
    silent.set()


def test_names_that_came_in_time_are_shown_though_others_are_late():
    silent = threading.Event()
    names = HostNames(_known_or_silent(silent, NAMES), deadline_s=0.3)

    found, late = names.of(["203.0.113.9", "192.0.2.1"])

    assert (found, late) == ({"203.0.113.9": "db.example"}, 1)
    silent.set()


def test_what_dns_says_is_spelled_out():
    found, _ = HostNames(NAMES.get).of(list(NAMES))

    assert found["198.51.100.7"] == r"ev\x1b[31mil\n.example"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.5", "10.0.0.5"),
        ("10.0.0.5:443", "10.0.0.5"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("*", None),
        ("nginx (812)", None),
        ("/run/10.0.0.5", None),
        ("12:30", None),
        ("", None),
    ],
)
def test_an_address_is_told_from_other_cells(text, address):
    assert address_in(text) == address or (address is None and address_in(text) not in NAMES)


def test_a_list_of_sockets_gets_names_beside_its_numbers():
    made = answer(snapshot(), "ls", "-t", "-a", "-r")

    notes = add_names(made, HostNames(NAMES.get))
    with screen() as out:
        from tests.support.asked import request

        from fivetuple.cli.render import write

        write(made, None, request("ls", "-t", "-a", "-r"))

    assert notes == []
    assert "203.0.113.9:5432 (db.example)" in out.getvalue()
    assert r"198.51.100.7:50123 (ev\x1b[31mil\n.example)" in out.getvalue()


def test_data_gets_the_name_as_a_member_of_its_own():
    made = Answer(
        [Table((Column("DESTINATION"),), [("203.0.113.9:5432",)])],
        {"peers": [{"remote_address": "203.0.113.9"}, {"remote_address": "192.0.2.1"}]},
    )

    add_names(made, HostNames(NAMES.get))

    assert made.data == {
        "peers": [
            {"remote_address": "203.0.113.9", "remote_name": "db.example"},
            {"remote_address": "192.0.2.1", "remote_name": None},
        ]
    }
    assert list(made.blocks) == [
        Table((Column("DESTINATION"),), [["203.0.113.9:5432 (db.example)"]])
    ]


def test_json_has_the_name_only_when_asked():
    with_names = json.loads(ft("ls", "-a", "-r", "--json", "--fields", "remote_address").stdout)
    without = json.loads(ft("ls", "-a", "--json", "--fields", "remote_address").stdout)

    assert all("remote_name" in each for each in with_names["sockets"])
    assert not any("remote_name" in each for each in without["sockets"])


def test_beside_leaves_what_has_no_name():
    assert beside("192.0.2.1:80", NAMES) == "192.0.2.1:80"
