"""Help pages: every command has one, --help and `ft help` are the same, and the examples work."""

from __future__ import annotations

import re
import shlex

import pytest
from tests.support.ft import ft

from fivetuple.cli.commands import command_names, help_of, is_view, load
from fivetuple.cli.main import request_of
from fivetuple.cli.route import route

COMMANDS = command_names()


def _examples() -> list[str]:
    """Return the command lines below `Examples:` of every command."""
    found = []
    for module in COMMANDS.values():
        for line in help_of(load(module)).partition("Examples:\n")[2].splitlines():
            command = re.split(r"\s{2,}", line.strip())[0]
            if command.startswith("ft") and not set("|$") & set(command):
                found.append(re.sub(r" > [/~]\S+$", "", command))  # a file that it means to write
    return found


@pytest.mark.parametrize("example", _examples())
def test_an_example_is_read_and_leaves_no_file(example):
    lexer = shlex.shlex(example, posix=True, punctuation_chars="<>&;")
    lexer.whitespace_split = True
    words = list(lexer)
    assert not {">", "<", "&", ";"} & set(words), "the shell would take it: quote it"

    name, rest = route(words[1:], COMMANDS)
    module = load(COMMANDS[name])
    request = request_of(name, module, rest, COMMANDS)

    if is_view(module):
        module.question(request)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_is_the_same_by_every_way(name):
    pages = {
        ft(*line).stdout
        for line in ((name, "--help"), (name, "-h"), ("--help", name), ("help", name))
    }

    assert len(pages) == 1
    assert next(iter(pages)).startswith(b"Usage: ft ")


def test_the_whole_page_names_every_command_and_every_exit_status():
    by_option, by_command = ft("--help"), ft("help")

    text = by_option.stdout.decode()
    assert by_option.stdout == by_command.stdout
    assert all(re.search(rf"^  {name} ", text, re.MULTILINE) for name in COMMANDS)
    assert all(
        re.search(rf"^  {status} ", text, re.MULTILINE) for status in (0, 1, 2, 3, 4, 5, 130)
    )


def test_every_command_says_in_one_line_what_it_is():
    for module in COMMANDS.values():
        first, _, rest = help_of(load(module)).partition("\n")
        assert first.endswith(".")
        assert rest[:1] in ("", "\n")


def test_every_option_says_what_it_does():
    for module in COMMANDS.values():
        for option in load(module).OPTIONS:
            assert option.help
            assert not option.help.endswith(".")
