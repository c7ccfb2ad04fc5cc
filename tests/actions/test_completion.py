"""Completion: which words come next, and the scripts in the shells themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from tests.support.ft import CLEAN, ft, terminal
from tests.support.namespaces import child_in, namespace

from fivetuple.actions.completion import SCRIPTS
from fivetuple.analysis.completing import FILES, Line
from fivetuple.cli.cards import cards
from fivetuple.cli.commands import command_names

LIVE = {
    "ports": lambda: [("443", "https"), ("8080", "http-alt")],
    "processes": lambda: [("nginx", "has sockets")],
    "namespaces": lambda: [("web", "network namespace")],
}


def _offered(line: str) -> list[str]:
    """Return what is offered behind `ft LINE`; a trailing blank begins a new word."""
    return [word for word, _ in Line(line.split(" "), cards(command_names()), LIVE).candidates()]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("expl", ["explain"]),
        ("ngi", ["nginx"]),
        ("44", ["443"]),
        ("port ", ["443", "8080", "nginx"]),
        ("ls --by pro", ["process", "protocol"]),
        ("ls --jso", ["--json"]),
        ("ls -o js", ["json", "jsonl"]),
        ("port -o js", ["json", "jsonl"]),
        ("ls --output=js", ["--output=json", "--output=jsonl"]),
        ("ls --fields remote_p", ["remote_port"]),
        ("ls --fields pid,remote_p", ["pid,remote_port"]),
        ("ls --sort -rtt_v", ["-rtt_var_us"]),
        ("ls --netns w", ["web"]),
        ("ls -N ", ["all", "self", "web"]),
        ("--netns=w", ["--netns=web"]),
        ("-N web ls --b", ["--by"]),
        ("ls state close", ["close", "close-wait"]),
        ("ls exclude time", ["time-wait"]),
        ("ls process = ", ["nginx"]),
        ("ls sport = :4", [":443"]),
        ("ls port = ", ["443", "8080"]),
        ("ls protocol = ud", ["udp", "udplite"]),
        ("ls netns = ", ["web"]),
        ("ls timer = k", ["keepalive"]),
        ("ls process ", ["=", "~"]),
        ("ls state established rtt_v", ["rtt_var_us"]),
        ("explain TIME", ["TIME_WAIT"]),
        ("services postgresql-", ["postgresql-alt"]),
        ("help compl", ["completion"]),
        ("man l", ["ls"]),
        ("completion ", ["bash", "fish", "zsh"]),
        ("save ", [FILES]),
        ("save any", [FILES]),
        ("ls --from /tm", [FILES]),
        ("ls --limit ", []),
        ("ls -- -", []),
        ("who t", ["tcp"]),
    ],
)
def test_words_that_may_come_next(line, offered):
    assert _offered(line) == offered


def test_every_command_and_every_option_is_offered():
    known = cards(command_names())

    assert set(_offered("")) == set(known) - {"overview"}
    for name, card in known.items():
        flags = {flag for _, options in card.options for option in options for flag in option.flags}
        assert flags == set(_offered(f"{name} -"))


@pytest.mark.parametrize("shell", sorted(SCRIPTS))
def test_a_script_is_printed_whole(shell):
    done = ft("completion", shell)

    assert done.stdout.decode() == SCRIPTS[shell]


def test_the_hidden_question_never_fails_loudly():
    for words in (
        [],
        ["\udcff"],
        ["ls", "state"],
        ["--netns"],
        ["ls", "--fields", ","],
        ["x" * 10_000],
        ["ls", "'"],
        ["\x1b["],
    ):
        done = ft("completion", "--words", "--", *words)
        assert (done.returncode, done.stderr) == (0, b"")


def test_help_does_not_show_on_an_option_of_the_line():
    assert b"Usage" not in ft("completion", "--words", "--", "ls", "--help", "").stdout


@pytest.mark.kernel
def test_live_names_of_strangers_are_offered_only_when_plain():
    hostile = (
        "import ctypes, socket\nctypes.CDLL(None).prctl(15, b'a$(reboot)', 0, 0, 0)\n"
        "s = socket.create_server(('127.0.0.1', 0))\nready(port=s.getsockname()[1])\nwait()"
    )
    with namespace() as name, child_in(name, hostile) as child:
        done = ft("completion", "--words", "--", "port", "", netns=name)

    words = [line.split("\t")[0] for line in done.stdout.decode().splitlines()]
    assert str(child.facts["port"]) in words
    assert not [word for word in words if set(word) & set("$()`'\" \\;&|<>")]


# --- in the shells ---------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    """Return an environment in which `ft` is this very ft."""
    script = tmp_path / "ft"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m fivetuple "$@"\n')
    script.chmod(0o755)
    return {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "ZDOTDIR": str(tmp_path),
    }


def _needs(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("ft expl", "ft explain "),
        ("ft ls --out", "ft ls --output "),
        ("ft ls -o jsonl --by protoc", "--by protocol "),
        ("ft ls --by=protoc", "--by=protocol "),
        ("ft ls state close-", "ft ls state close-wait "),
    ],
)
def test_bash_completes_at_its_prompt(path, typed, completed):
    _needs("bash")
    with terminal(
        ["bash", "--norc", "--noprofile", "-i"], columns=200, env=path | {"PS1": "ready> "}
    ) as shell:
        shell.read_until("ready> ")
        shell.press("source <(ft completion bash); echo loa''ded\n")
        shell.read_until("loaded\n")
        shell.press(f"{typed}\t")
        shell.read_until(completed)
        shell.press("\x15exit\n")
        shell.end()


@pytest.mark.slow
def test_bash_offers_files_where_a_file_is_named(path, tmp_path):
    _needs("bash")
    (tmp_path / "yesterday.ft").touch()
    with terminal(
        ["bash", "--norc", "--noprofile", "-i"], columns=200, env=path | {"PS1": "ready> "}
    ) as shell:
        shell.read_until("ready> ")
        shell.press("source <(ft completion bash); cd; echo loa''ded\n")
        shell.read_until("loaded\n")
        shell.press("ft ls --from yest\t")
        shell.read_until("--from yesterday.ft ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("ft expl", "ft explain "),
        ("ft ls --by protoc", "--by protocol "),
        ("ft ls state close-", "close-wait "),
    ],
)
def test_zsh_completes_at_its_prompt(path, typed, completed):
    _needs("zsh")
    with terminal(["zsh", "-f", "-i"], columns=200, env=path | {"PS1": "ready> "}) as shell:
        shell.read_until("ready> ")
        shell.press(
            "autoload -Uz compinit && compinit -u -D; source <(ft completion zsh); print loa''ded\n"
        )
        shell.read_until("loaded\n")
        shell.press(f"{typed}\t")
        shell.read_until(completed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("ft expl", "explain"),
        ("ft ls --by protoc", "protocol"),
        ("ft ls state close-", "close-wait"),
        ("ft ls -o jso", "json"),
        ("ft ", "ls"),
    ],
)
def test_fish_completes(path, typed, offered):
    _needs("fish")
    code = "ft completion fish | source; complete -C $argv[1]"

    done = subprocess.run(
        ["fish", "--no-config", "-c", code, typed],
        capture_output=True,
        text=True,
        check=True,
        env=CLEAN | path,
    )

    assert offered in [line.split("\t")[0] for line in done.stdout.splitlines()]
