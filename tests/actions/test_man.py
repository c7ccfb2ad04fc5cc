"""`ft man`: pages that man(1) can show, drawn from the declarations."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from tests.support.ft import ft

from fivetuple.cli.commands import command_names, load


def _shown(page: bytes) -> str:
    """Let man's own formatter draw a page; every warning is a failure."""
    if shutil.which("groff") is None:
        pytest.skip("no groff here")
    done = subprocess.run(
        ["groff", "-ww", "-man", "-Tutf8", "-rLL=200n", "-P-cbou"],
        input=page,
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    return done.stdout.decode()


@pytest.mark.parametrize("name", sorted(command_names()))
def test_each_command_has_a_page_that_is_drawn_without_a_warning(name):
    page = ft("man", name).stdout

    text = _shown(page)

    for heading in (
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OUTPUT",
        "EXIT STATUS",
        "ENVIRONMENT",
        "SEE ALSO",
    ):
        assert f"\n{heading}\n" in text
    for option in load(command_names()[name]).OPTIONS:
        assert ", ".join(option.flags) in text


def test_the_whole_has_a_page_that_names_every_command():
    text = _shown(ft("man").stdout)

    for name in command_names():
        assert f"\n       {name}" in text


def test_nothing_of_the_text_is_taken_for_a_request():
    for line in ft("man", "ls").stdout.decode().splitlines():
        assert not line.startswith("'")
        assert not line.startswith(".") or re.match(r"\.(TH|SH|TP|PP|nf|fi)\b", line)


def test_a_page_names_no_date_and_no_version():
    assert ft("man", "ls").stdout.startswith(b'.TH "FT-LS" "1" "" "fivetuple"')
