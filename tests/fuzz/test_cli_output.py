"""Whatever strangers call a process, a path or a container: no output acts on a terminal, none loses a row."""

from __future__ import annotations

import csv
import io
import json
from unicodedata import category

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.asked import written
from tests.support.zoo import snapshot

from fivetuple.model.process import Place

NASTY = st.sampled_from(
    [
        "\x1b[2J",
        "\n",
        "\r",
        "\t",
        "|",
        "`",
        "<script>",
        "\u202e",
        "\u2066",
        "\x9b31m",
        "=1+1",
        '"',
        ",",
        "\\",
        "日本",
        "\u0301",
        "é",
    ]
)
NAMES = st.lists(st.one_of(NASTY, st.text(max_size=4)), min_size=1, max_size=5).map("".join)
PATHS = st.one_of(
    st.binary(max_size=30), NAMES.map(lambda name: name.encode("utf-8", "surrogatepass"))
)
ACTS = ("Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn")
FIELDS = "protocol,state,local,remote,process,command,container,path,user"


def _strange(name: str, path: bytes):
    made = snapshot()
    process = made.processes[901]
    process.name = name
    process.argv = (name.encode("utf-8", "surrogatepass"), b"\xff")
    process.place = Place(container_id="f" * 64)
    process.place.container_name = name
    made.unix_names[120] = path
    made.users = {33: name}
    return made


def _acting(text: str) -> list[str]:
    return [character for character in text if category(character) in ACTS and character != "\n"]


@pytest.mark.parametrize("output", ["table", "wide", "csv", "markdown"])
@given(name=NAMES, path=PATHS)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_texts_hold_nothing_that_acts_and_one_line_a_socket(output, name, path):
    text, status = written(_strange(name, path), "ls", "-a", "-o", output, "--fields", FIELDS)

    assert status == 0
    assert _acting(text) == []
    assert len(text.splitlines()) == (17 if output == "markdown" else 16)
    if output == "markdown":
        assert all(
            line.replace("\\\\", "").replace("\\|", "").count("|") == 10
            for line in text.splitlines()
        )
    if output == "csv":
        assert {len(row) for row in csv.reader(io.StringIO(text))} == {9}


@given(name=NAMES, path=PATHS, columns=st.integers(20, 100))
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_a_terminal_gets_lines_that_fit_and_nothing_that_acts(name, path, columns, monkeypatch):
    from fivetuple.cli.columns import width_of

    monkeypatch.setenv("COLUMNS", str(columns))

    text, _ = written(_strange(name, path), "ls", "-a", "--color", "never", is_terminal=True)

    assert _acting(text) == []
    assert len(text.splitlines()) == 16
    if columns >= 46:  # five columns of six, and their gaps
        assert all(width_of(line) <= columns for line in text.splitlines())


@given(name=NAMES, path=PATHS)
def test_json_loses_nothing(name, path):
    whole = written(_strange(name, path), "ls", "-a", "--json")[0]
    lines = written(_strange(name, path), "ls", "-a", "-o", "jsonl")[0]

    sockets = json.loads(whole)["sockets"]
    assert whole.isascii()
    assert len(lines.splitlines()) == 15
    assert [json.loads(line) for line in lines.splitlines()] == sockets
    assert sockets[1]["process"] == (name or None)


@pytest.mark.parametrize(
    "command", [("ls", "-a", "--by", "process"), ("overview",), ("port", "22"), ("ls", "-as")]
)
@given(name=NAMES, path=PATHS)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_no_question_lets_a_name_act(command, name, path):
    text, _ = written(_strange(name, path), *command)

    assert _acting(text) == []
