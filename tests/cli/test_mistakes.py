"""What people type wrong, and what ft says: the whole sentence."""

from __future__ import annotations

import pytest
from tests.support.ft import ft

from fivetuple.cli.mistakes import near_command


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("prot 80", "did you mean: ft port 80"),
        ("lss -tan", "did you mean: ft ls -tan"),
        ("expalin TIME_WAIT", "did you mean: ft explain TIME_WAIT"),  # codespell:ignore expalin
        ("-tulpn", "the list of sockets has: ft ls -tulpn"),
        ("--by process", "the list of sockets has: ft ls --by process"),
        ("ls --jsno", "ft ls has no option --jsno; did you mean --json?"),
        ("ls -A inet", "name protocols by -t -u -x -w"),
        ("ls --output jsno", "-o jsno: did you mean json?"),
        ("ls -o jsno", "did you mean: -o json"),
        ("ls --by proces", "--by proces: did you mean process?"),  # codespell:ignore proces
        ("ls --by xyzzy", "it takes process, remote, port"),
        (
            "ls --fields prcess",  # codespell:ignore prcess
            "'prcess' is not a field; did you mean 'process'?",
        ),  # codespell:ignore prcess
        ("ls --sort -loca_port", "'loca_port' is not a field; did you mean 'local_port'?"),
        ("ls state establihed", "establihed"),
        ("ls -p 80", "did you mean 'port = 80' or 'pid = 80'?"),
        ("ls -i :80", "':80'"),
        ("ls nginx", "did you mean 'process = nginx'?"),
        ("ls -o xml", "as a format, -o takes table, wide, json, jsonl, csv, markdown"),
        ("schema foo", "ft schema takes options only, and 'foo' is none (`ft schema --help`)"),
        ("overview x", "about a port or a program: ft x (`ft --help`)"),
        ("ls xyzzy = 3", "there are protocol, family"),
        ("ls --limit many", "--limit: 'many' is no whole number"),
        ("ls --watch=nan", "it waits 0.1 to 86400 s"),
        ("ls --color sometimes", "it takes auto, always, never"),
        ("explain tme-wait", "did you mean TIME_WAIT"),
        ("help lss", "did you mean ls"),
        ("man lss", "did you mean ls?"),
        ("completion", "bash, zsh or fish"),
        ("--from", "ft: Option '--from' requires an argument."),
        ("--verison", "did you mean --version?"),
        ("version", "did you mean: ft --version"),
        ("LS", "did you mean: ft ls"),
        ("help ls port", "did you mean port"),
        ("services 70000", "70000 is no port: ports are 0-65535."),
        ("services 90-80", "runs backwards: write 80-90."),
        ("services --all ssh", "leave out the word, or leave out --all"),
    ],
)
def test_a_mistake_gets_a_hint_and_status_2(line, said):
    done = ft(*line.split())

    assert done.returncode == 2
    assert said in done.stderr.decode()


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("prot", "port"),
        ("LS", "ls"),
        ("nginx", None),
        ("5432", None),
        ("", None),
        ("p" * 5000, None),
        ("ёж", None),
        ("overvew", None),
    ],
)
def test_only_near_words_are_commands(word, expected):
    assert near_command(word, ("ls", "port", "overview", "who")) == expected


def test_what_was_pasted_is_not_all_repeated():
    assert len(ft("a" * 100_000).stderr) < 2000
