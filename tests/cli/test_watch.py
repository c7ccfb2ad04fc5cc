"""--watch: the screen drawn again with marks, and the stream of changes."""

from __future__ import annotations

import json
import signal
import subprocess
from contextlib import contextmanager

import pytest
from tests.support.ft import CLEAN, FT, ft, terminal
from tests.support.namespaces import child_in, namespace

# Opens a listener when asked, then shuts one side of a connection down, then closes all.
STEPS = """
import socket
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
accepted, _ = server.accept()
ready(port=server.getsockname()[1], client=client.getsockname()[1])
sys.stdin.buffer.read(1)
second = socket.create_server(("127.0.0.1", 0))
sys.stdin.buffer.read(1)
client.shutdown(socket.SHUT_WR)
sys.stdin.buffer.read(1)
second.close()
wait()
"""


def _go_on(child) -> None:
    child.process.stdin.write(b"x")
    child.process.stdin.flush()


@pytest.mark.kernel
def test_marks_what_opened_changed_and_closed():
    with namespace() as name, child_in(name, STEPS) as child:
        port, client = child.facts["port"], child.facts["client"]
        with terminal([*FT, "ls", "-ta", "--watch=0.3"], columns=120, netns=name) as screen:
            first = screen.read_until("since the last look")
            _go_on(child)
            screen.read_until("1 opened, 0 closed, 0 changed")
            opened = screen.text
            _go_on(child)
            screen.read_until("\n~ tcp")
            _go_on(child)
            screen.read_until("\n- tcp")
            screen.press("\x03")
            status = screen.end()

    assert status == 130
    assert f"127.0.0.1:{port}" in first
    assert "0 opened, 0 closed, 0 changed" in first
    assert "1 opened, 0 closed, 0 changed" in opened
    changed = [line for line in screen.text.splitlines() if line.startswith("~")]
    assert {line.split()[2] for line in changed} <= {"FIN_WAIT1", "FIN_WAIT2", "CLOSE_WAIT"}
    assert any(f":{client}" in line for line in changed)
    closed = next(line for line in screen.text.splitlines() if line.startswith("-"))
    assert "LISTEN" in closed


@contextmanager
def _stream(name, *arguments):
    process = subprocess.Popen(
        [
            "nsenter",
            f"--net=/run/netns/{name}",
            "--",
            *FT,
            "ls",
            "-ta",
            "--watch=0.2",
            "-o",
            "jsonl",
            *arguments,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=CLEAN,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.kernel
def test_stream_tells_each_change_once():
    with namespace() as name, child_in(name, STEPS) as child, _stream(name) as process:
        lines = (json.loads(line) for line in process.stdout)
        first = [next(lines) for _ in range(3)]
        _go_on(child)
        opened = next(lines)
        _go_on(child)
        changed = [next(lines), next(lines)]
        _go_on(child)
        closed = next(lines)
        process.send_signal(signal.SIGINT)
        status = process.wait(10)

    assert {row["change"] for row in first} == {"present"}
    assert (opened["change"], opened["state"]) == ("opened", "LISTEN")
    assert {(row["change"], row["was"]) for row in changed} == {("changed", "ESTABLISHED")}
    assert (closed["change"], closed["local_port"]) == ("closed", opened["local_port"])
    assert status == 130


@pytest.mark.kernel
def test_a_connection_that_goes_to_time_wait_is_changed_not_closed():
    code = """
import socket
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
accepted, _ = server.accept()
ready()
sys.stdin.buffer.read(1)
client.close()
accepted.close()
wait()
"""
    with (
        namespace() as name,
        child_in(name, code) as child,
        _stream(name, "--fields", "state,local_port") as process,
    ):
        lines = (json.loads(line) for line in process.stdout)
        first = [next(lines) for _ in range(3)]
        _go_on(child)
        after = [next(lines), next(lines)]

    assert len(first) == 3
    assert {(row["change"], row["state"]) for row in after} == {
        ("changed", "TIME_WAIT"),
        ("closed", "ESTABLISHED"),
    }


def test_what_can_not_be_repeated_is_refused(tmp_path):
    saved = tmp_path / "ss.txt"
    saved.write_text(
        "State Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n"
    )

    of_file, as_json = ft("--from", str(saved), "ls", "--watch=1"), ft("ls", "--watch=1", "--json")

    assert (of_file.returncode, as_json.returncode) == (2, 2)
    assert b"does not change" in of_file.stderr
    assert b"-o jsonl" in as_json.stderr


@pytest.mark.kernel
def test_sort_and_limit_hold_while_watching():
    with (
        namespace() as name,
        child_in(name, STEPS),
        terminal(
            [*FT, "ls", "-ta", "--watch=60", "--sort", "-local_port", "--limit", "2"], netns=name
        ) as screen,
    ):
        screen.read_until("since the last look")
        screen.press("\x03")
        screen.end()

    rows = [line for line in screen.text.splitlines() if "127.0.0.1:" in line]
    ports = [int(line.split("127.0.0.1:")[1].split()[0]) for line in rows]
    assert len(ports) == 2
    assert ports == sorted(ports, reverse=True)


def test_a_question_that_lists_no_sockets_is_repeated_as_it_is():
    with terminal([*FT, "ls", "-s", "--watch=60"]) as screen:
        shown = screen.read_until("SOCKETS")
        screen.press("\x03")
        status = screen.end()

    assert "every 60 s" in shown
    assert status == 130


@pytest.mark.kernel
def test_a_long_list_is_folded_to_the_screen_and_changes_stay_on_it():
    code = """
import socket
kept = [socket.create_server(("127.0.0.1", 0)) for _ in range(60)]
ready()
sys.stdin.buffer.read(1)
last = socket.create_server(("127.0.0.1", 65000))
wait()
"""
    with (
        namespace() as name,
        child_in(name, code) as child,
        terminal(
            [*FT, "ls", "-tl", "--watch=0.3", "--sort", "local_port"], rows=20, netns=name
        ) as screen,
    ):
        first = screen.read_until("since the last look")
        _go_on(child)
        screen.read_until("+ tcp")
        screen.press("\x03")
        screen.end()

    assert "and 45 more" in first
    assert len(first.splitlines()) <= 20
    assert "127.0.0.1:65000" in screen.text


@pytest.mark.kernel
def test_names_stand_beside_the_numbers_while_watching():
    with (
        namespace() as name,
        child_in(name, STEPS),
        terminal([*FT, "ls", "-t", "--watch=60", "-r"], columns=200, netns=name) as screen,
    ):
        screen.read_until("since the last look")
        screen.press("\x03")
        screen.end()

    assert "(localhost)" in screen.text
