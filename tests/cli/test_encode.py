"""Answers as data: JSON, JSON lines and CSV say the same, and match the schema."""

from __future__ import annotations

import csv
import io
import json

import pytest
from tests.support.asked import written
from tests.support.json_schema import problems
from tests.support.zoo import HOSTILE, snapshot

from fivetuple.cli.encode import rfc3339
from fivetuple.model.fields import DEFAULT_DATA
from fivetuple.views.schema import schema


def test_json_is_one_object_that_matches_the_schema():
    text, status = written(snapshot(), "ls", "-a", "--json")

    made = json.loads(text)
    assert problems(made, schema()) == []
    assert list(made) == ["schema", "host", "taken", "sockets", "missing"]
    assert (made["host"], made["taken"], status) == ("web-1", "2026-09-21T14:13:20.123456Z", 0)
    assert len(made["sockets"]) == 15
    assert list(made["sockets"][0]) == list(DEFAULT_DATA)


def test_unknown_is_null_and_never_zero():
    made = json.loads(written(snapshot(), "ls", "-a", "--json")[0])["sockets"]

    waiting = next(each for each in made if each["state"] == "TIME_WAIT")
    listening = next(each for each in made if each["local_port"] == 443)
    assert [
        waiting[name] for name in ("inode", "cookie", "pid", "process", "user", "uid", "rtt_us")
    ] == [None] * 7
    assert listening["recv_queue_bytes"] is None
    assert listening["accept_queue"] == 3


def test_what_the_answer_lacks_is_named_with_the_reason():
    missing = json.loads(written(snapshot(), "ls", "--json")[0])["missing"]

    assert missing == {"container names": "the engine's socket may not be read"}


def test_lines_are_the_sockets_of_the_object():
    whole = json.loads(written(snapshot(), "ls", "-a", "--json")[0])["sockets"]

    assert [
        json.loads(line) for line in written(snapshot(), "ls", "-a", "-o", "jsonl")[0].splitlines()
    ] == whole


def test_csv_has_the_same_columns_and_spells_control_characters_out():
    text, _ = written(snapshot(), "ls", "-a", "-o", "csv")

    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == list(DEFAULT_DATA)
    assert len(rows) == 15 == len(text.splitlines()) - 1
    assert rows[1]["process"] == HOSTILE.encode("unicode_escape").decode()
    assert rows[0]["pids"] == "812 813"
    assert rows[5]["pid"] == ""


def test_csv_runs_nothing_in_a_spreadsheet():
    made = snapshot()
    made.processes[900].name = "=cmd|' /C calc'!A1"

    text, _ = written(made, "ls", "-t", "-a", "-o", "csv", "--fields", "process", "-H")

    assert "'=cmd|' /C calc'!A1" in text.splitlines()


@pytest.mark.parametrize("output", ["json", "jsonl", "csv", "table", "markdown"])
def test_limit_and_sort_hold_in_every_format(output):
    arguments = (
        "ls",
        "-t",
        "-a",
        "--sort",
        "-local_port",
        "--limit",
        "2",
        "--fields",
        "local_port",
        "-o",
        output,
    )

    text, _ = written(snapshot(), *arguments)

    found = [word for word in text.replace("|", " ").replace("}", " ").split() if word.isdigit()]
    assert found == ["40003", "40002"]


def test_limit_0_shows_nothing():
    assert json.loads(written(snapshot(), "ls", "--json", "--limit", "0")[0])["sockets"] == []
    assert written(snapshot(), "ls", "--limit", "0", "-H")[0] == ""


def test_addresses_are_sorted_by_number():
    text, _ = written(
        snapshot(), "ls", "-ta", "--sort", "remote", "-o", "jsonl", "--fields", "remote"
    )

    remotes = [json.loads(line)["remote"] for line in text.splitlines()]
    assert remotes == [
        "198.51.100.7:50123", "[::ffff:198.51.100.8]:40100", *["203.0.113.9:5432"] * 3, "[2001:db8::99]:40200", None, None,
    ]  # fmt: skip


def test_counts_are_rows_in_every_format():
    whole = json.loads(written(snapshot(), "ls", "-ta", "--by", "state", "--json")[0])
    lines = [
        json.loads(line)
        for line in written(snapshot(), "ls", "-ta", "--by", "state", "-o", "jsonl")[0].splitlines()
    ]

    assert whole["by"] == "state"
    assert whole["groups"] == lines
    assert {(row["state"], row["count"]) for row in lines} == {
        ("ESTABLISHED", 4),
        ("LISTEN", 2),
        ("CLOSE_WAIT", 1),
        ("TIME_WAIT", 1),
    }


def test_times_are_rfc_3339_in_utc():
    assert rfc3339(0) == "1970-01-01T00:00:00.000000Z"
    assert rfc3339(1_790_000_000_123_456_789) == "2026-09-21T14:13:20.123456Z"
