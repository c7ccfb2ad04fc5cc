"""ft on a terminal: its width, its colours, and the names that strangers give to things."""

from __future__ import annotations

import csv
import io
import json

import pytest
from tests.support.ft import FT, ft, terminal
from tests.support.namespaces import child_in, namespace, wait_for

from fivetuple.cli.columns import width_of

# A program, a unix socket and an abstract one whose names try to write on the terminal.
HOSTILE = r"""
import ctypes, socket, os, sys, tempfile
NAME = b"e\x1b[2J\n\xff\xe2\x80\xae"
ctypes.CDLL(None).prctl(15, NAME, 0, 0, 0)
folder = tempfile.mkdtemp().encode()
path = folder + b"/\x1b]0;owned\x07\n\xe2\x80\xae\xff"
listener = socket.socket(socket.AF_UNIX); listener.bind(path); listener.listen()
abstract = socket.socket(socket.AF_UNIX); abstract.bind(b"\0\x1b[31mred\n|\xff"); abstract.listen()
server = socket.create_server(("127.0.0.1", 0))
ready(port=server.getsockname()[1], folder=folder.decode())
wait()
"""
DANGEROUS = ("\x1b", "\x07", "\u202e", "\x9b", "\r")


@pytest.fixture(scope="module")
def hostile():
    with namespace() as name, child_in(name, HOSTILE) as child:
        yield name, child
    import shutil

    shutil.rmtree(child.facts["folder"])


@pytest.mark.kernel
@pytest.mark.parametrize("output", ["table", "wide", "json", "jsonl", "csv", "markdown"])
def test_hostile_names_are_spelled_out_in_every_format(hostile, output):
    name, _ = hostile

    done = ft(
        "ls", "-xlt", "-o", output, "--fields", "protocol,state,local,process,command", netns=name
    )

    text = done.stdout.decode("utf-8")
    assert done.returncode == 0
    assert not [character for character in DANGEROUS if character in text]
    assert "owned" in text
    assert "red" in text
    if output in ("table", "wide"):
        assert len(text.splitlines()) == 4  # no name made a line of its own
        assert r"\x1b]0;owned\x07\n\u202e\xff" in text


@pytest.mark.kernel
def test_hostile_names_survive_in_json_and_csv(hostile):
    name, _ = hostile
    fields = ("ls", "-xl", "--fields", "path")

    paths = [
        each["path"] for each in json.loads(ft(*fields, "--json", netns=name).stdout)["sockets"]
    ]
    rows = list(csv.reader(io.StringIO(ft(*fields, "-o", "csv", netns=name).stdout.decode())))

    assert any(path.endswith("/\x1b]0;owned\x07\n\u202e\\xff") for path in paths)
    assert "'@\\x1b[31mred\\n|\\xff" in {row[0] for row in rows}


@pytest.mark.kernel
@pytest.mark.parametrize(
    "command",
    [
        ("ls", "-axt"),
        ("ls", "-xt", "--by", "process", "-a"),
        ("overview",),
        ("ls", "--watch=60", "-xta"),
    ],
)
def test_hostile_names_reach_no_terminal(hostile, command):
    name, _ = hostile

    with terminal([*FT, *command], columns=200, netns=name, env={"NO_COLOR": "1"}) as screen:
        if "--watch=60" in command:
            screen.read_until("since the last look")
            screen.press("\x03")
        screen.end()

    shown = (
        screen.raw.decode("utf-8")
        .replace("\x1b[H\x1b[2J", "")
        .replace("\r\n", "\n")
        .replace("^C", "")
    )
    assert not [character for character in DANGEROUS if character in shown]


@pytest.mark.kernel
def test_an_argv_that_lies_is_spelled_out():
    holder = "exec 3<>/dev/udp/127.0.0.1/9; read"
    argv = ["bash", "-c", f"exec -a $'\\e[31mevil\\n\\u202e' bash -c '{holder}'"]
    with namespace() as name, child_in(name, argv):
        wait_for(lambda: b"ESTAB" in ft("ls", "-u", netns=name).stdout, 10)
        done = ft("ls", "-up", "--fields", "process,command", netns=name)

    assert b"\x1b" not in done.stdout
    assert rb"\x1b[31mevil\n\u202e" in done.stdout


@pytest.mark.kernel
@pytest.mark.parametrize("columns", [40, 60, 80, 120])
@pytest.mark.parametrize(
    "command",
    [
        ("ls", "-axt"),
        ("overview",),
        ("services", "-q"),
        ("explain", "TIME_WAIT"),
        ("help",),
        ("ls", "--help"),
        ("ls", "-as"),
    ],
)
def test_every_line_fits_the_terminal(hostile, command, columns):
    name, _ = hostile

    with terminal([*FT, *command], columns=columns, netns=name) as screen:
        assert screen.end() == 0

    too_wide = [line for line in screen.text.splitlines() if width_of(line) > columns]
    assert not too_wide


@pytest.mark.kernel
def test_a_narrow_list_keeps_state_port_and_owner(hostile):
    name, child = hostile

    with terminal([*FT, "ls", "-tl"], columns=40, netns=name) as screen:
        screen.end()

    assert "LISTEN" in screen.text
    assert f"{child.facts['port']}  " in screen.text
    assert "RECV-Q" not in screen.text


@pytest.mark.kernel
def test_wide_is_never_cut(hostile):
    name, child = hostile

    with terminal([*FT, "ls", "-tl", "-o", "wide"], columns=40, netns=name) as screen:
        screen.end()

    assert f"127.0.0.1:{child.facts['port']}" in screen.text
    assert "…" not in screen.text


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("environment", "arguments", "is_coloured"),
    [
        ({}, (), True),
        ({"NO_COLOR": "1"}, (), False),
        ({"NO_COLOR": ""}, (), True),
        ({"TERM": "dumb"}, (), False),
        ({}, ("--color", "never"), False),
        ({"NO_COLOR": "1"}, ("--color", "always"), True),
    ],
)
def test_colour_is_for_those_who_want_it(hostile, environment, arguments, is_coloured):
    name, _ = hostile

    with terminal([*FT, "ls", "-tl", *arguments], env=environment, netns=name) as screen:
        screen.end()

    assert (b"\x1b[" in screen.raw) is is_coloured
    assert "LISTEN" in screen.text  # the state is told in words all the same


@pytest.mark.kernel
def test_a_pipe_gets_colour_only_when_asked(hostile):
    name, _ = hostile

    assert b"\x1b" not in ft("ls", "-tl", netns=name).stdout
    assert b"\x1b[32m" in ft("ls", "-tl", "--color", "always", netns=name).stdout


def test_a_terminal_that_tells_no_size_has_eighty_columns():
    with terminal([*FT, "services", "-q"], columns=0, rows=0) as screen:
        screen.end()

    assert 60 < max(map(width_of, screen.text.splitlines())) <= 80


def test_columns_of_the_environment_win():
    with terminal([*FT, "services", "-q"], columns=200, env={"COLUMNS": "50"}) as screen:
        screen.end()

    assert max(map(width_of, screen.text.splitlines())) <= 50


@pytest.mark.kernel
@pytest.mark.parametrize("is_terminal", [True, False], ids=["terminal", "pipe"])
def test_columns_stay_in_line_when_a_later_protocol_or_state_is_wider(is_terminal):
    """Each protocol is a reply of its own: the first alone would make the columns too narrow."""
    sockets = (
        "import socket\nlistener = socket.create_server(('127.0.0.1', 0))\n"
        "bound = socket.socket()\nbound.bind(('127.0.0.1', 0))\nready()\nwait()"
    )
    with namespace() as name, child_in(name, sockets):
        if is_terminal:
            with terminal([*FT, "ls", "-a", "--color", "never"], columns=200, netns=name) as screen:
                screen.end()
            lines = screen.text.splitlines()
        else:
            lines = ft("ls", "-a", netns=name).stdout.decode().splitlines()

    local = lines[0].index("LOCAL")
    assert any(line.startswith("netlink") for line in lines)
    assert any("BOUND_INACTIVE" in line for line in lines)
    assert all(line[local - 1] == " " and line[local] != " " for line in lines)
