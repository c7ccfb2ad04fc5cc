"""`ft schema`: what --json promises, held by the real output and by a golden file."""

from __future__ import annotations

import json

from tests.support.asked import written
from tests.support.ft import ft
from tests.support.json_schema import problems

from fivetuple.model.fields import DEFAULT_DATA
from fivetuple.views.schema import schema


def test_the_schema_is_printed_whole_as_json():
    done = ft("schema")

    assert json.loads(done.stdout) == schema()


def test_every_field_of_json_is_in_it():
    assert set(DEFAULT_DATA) <= set(schema()["$defs"]["socket"]["properties"])


def test_what_this_machine_prints_matches_it():
    made = json.loads(ft("ls", "-a", "--json").stdout)

    assert made["sockets"]
    assert problems(made, schema()) == []
    assert set(made["sockets"][0]) == set(DEFAULT_DATA)


def test_names_of_hosts_match_it_too():
    made = json.loads(ft("ls", "-ta", "--json", "-r").stdout)

    assert problems(made, schema()) == []
    assert "remote_name" in schema()["$defs"]["socket"]["properties"]


def test_the_checker_finds_what_does_not_match():
    wrong = {
        "schema": "fivetuple/1",
        "sockets": [{"local_port": "443", "pids": ["x"]}],
        "missing": {"a": 1},
    }

    assert problems(wrong, schema()) == [
        "$.sockets[0].local_port: '443' is no integer or null",
        "$.sockets[0].pids[0]: 'x' is no integer",
        "$.missing.a: 1 is no string",
    ]
    assert problems({}, schema()) == ["$: schema is missing"]


def test_as_a_table_it_tells_the_meaning_of_each_field():
    text, _ = written(None, "schema", "-o", "table")

    line = next(line for line in text.splitlines() if line.startswith("  rtt_us "))
    assert line.split()[:3] == ["rtt_us", "integer", "us"]
