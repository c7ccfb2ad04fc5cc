"""Which command a line means."""

from __future__ import annotations

import pytest

from fivetuple.cli.route import route

COMMANDS = {"ls": "", "port": "", "overview": "", "explain": ""}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", ("overview", [])),
        ("--json", ("overview", ["--json"])),
        ("ls -tan", ("ls", ["-tan"])),
        ("--json ls -t", ("ls", ["--json", "-t"])),
        ("-o json ls", ("ls", ["-o", "json"])),
        ("--netns web 5432", ("port", ["--netns", "web", "5432"])),
        ("--netns=web 5432", ("port", ["--netns=web", "5432"])),
        ("5432", ("port", ["5432"])),
        (":8080", ("port", [":8080"])),
        ("nginx", ("port", ["nginx"])),
        ("--watch 5", ("overview", ["--watch", "5"])),
        ("--watch=2 5432", ("port", ["--watch=2", "5432"])),
        ("--watch ls", ("ls", ["--watch"])),
        ("--from x.ft", ("overview", ["--from", "x.ft"])),
        ("-- ls", ("ls", [])),
        ("-", ("port", ["-"])),
        ("explain ls", ("explain", ["ls"])),
    ],
)
def test_a_line_means(line, expected):
    assert route(line.split(), COMMANDS) == expected
