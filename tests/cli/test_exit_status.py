"""The exit status of the process, and what it says when it can't go on (design, section 5)."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest
from tests.support.ft import CLEAN, FT, ft
from tests.support.namespaces import NOBODY, child_in, namespace, wait_for

LISTENER = "import socket\ns = socket.create_server(('127.0.0.1', 0))\nready(port=s.getsockname()[1])\nwait()"


@pytest.fixture(scope="module")
def server():
    with child_in(None, LISTENER) as child:
        yield child


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return what was said on stderr: whole sentences of ours, never a traceback."""
    said = done.stderr.decode()
    assert "Traceback" not in said
    assert said.startswith("ft: ")
    return said


def test_found_is_0(server):
    done = ft("ls", "-tln", f"sport = :{server.facts['port']}")

    assert done.returncode == 0
    assert str(server.facts["port"]).encode() in done.stdout


def test_an_empty_list_without_a_filter_is_0():
    assert ft("ls", "--sctp").returncode == 0


@pytest.mark.parametrize("output", ["table", "wide", "json", "jsonl", "csv", "markdown"])
def test_nothing_found_is_1_in_every_format(output):
    assert ft("ls", "-o", output, "process = no-such-process").returncode == 1


@pytest.mark.parametrize("output", ["table", "json", "csv", "markdown"])
def test_nothing_found_is_1_also_when_sorted(output):
    assert (
        ft("ls", "-o", output, "--sort", "local_port", "process = no-such-process").returncode == 1
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("ls", "--bogus"),
        ("ls", "--fields", "nonsense"),
        ("ls", "--sort", "nonsense"),
        ("ls", "--by", "nonsense"),
        ("ls", "state", "nonsense"),
        ("ls", "-p", "80"),
        ("ls", "--limit", "-1"),
        ("ls", "--limit", "9" * 5000),
        ("ls", "--watch=0"),
        ("ls", "--from", "/nonexistent"),
        ("ls", "--from", "/"),
        ("ls", "-N", "no-such-namespace"),
        ("port", "70000"),
        ("services", "9000-80"),
        ("explain", "no-such-word-at-all"),
        ("help", "no-such-word-at-all"),
        ("man", "no-such-command"),
        ("completion", "tcsh"),
        ("-tulpn",),
        ("",),
        ("\udcff\x1b[31m",),
    ],
)
def test_wrong_usage_is_2_with_a_sentence(arguments):
    done = ft(*arguments)

    assert done.returncode == 2
    assert "\x1b" not in _said(done)
    assert done.stdout == b""


@pytest.mark.kernel
def test_incomplete_for_lack_of_permission_is_3_with_strict():
    with child_in(None, LISTENER) as child:
        question = ("ls", "-tlnp", f"sport = :{child.facts['port']}")

        strict, lenient = ft(*question, "--strict", uid=NOBODY), ft(*question, uid=NOBODY)

    assert strict.returncode == 3
    assert lenient.returncode == 0
    assert "not shown: owners" in _said(strict)
    assert "CAP_SYS_PTRACE" in _said(strict)
    assert strict.stdout == lenient.stdout


@pytest.mark.kernel
@pytest.mark.parametrize("command", [["ls"], ["overview"], ["port", "80"], ["ls", "--json"]])
def test_a_namespace_that_may_not_be_entered_is_3_and_never_an_empty_list(command):
    with namespace() as name:
        done = ft(*command, "--netns", name, uid=NOBODY)

    assert done.returncode == 3
    assert done.stdout == b""
    assert f"network namespace '{name}' can't be entered" in _said(done)


@pytest.mark.kernel
def test_namespaces_left_out_of_all_of_them_are_said():
    with namespace():
        done = ft("ls", "-tl", "--netns", "all", uid=NOBODY)

    assert done.returncode == 0
    assert "not shown: other network namespaces" in _said(done)


@pytest.mark.kernel
def test_sockets_that_proc_does_not_list_are_said():
    with namespace() as name:
        done = ft("ls", "--road", "proc", netns=name)

    assert "bound but inactive TCP sockets" in _said(done)


@pytest.mark.parametrize("output", ["parquet", "arrow"])
def test_a_format_that_needs_an_extra_is_4(output):
    done = ft("ls", "-o", output)

    assert done.returncode == 4
    assert "history extra" in _said(done)


@pytest.mark.parametrize(
    "arguments",
    [
        ("ls",),
        ("ls", "--json"),
        ("schema",),
        ("--help",),
        ("--version",),
        ("help",),
        ("services", "--all"),
    ],
)
def test_a_full_disk_is_5_with_a_sentence(arguments):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*FT, *arguments], stdout=full, stderr=subprocess.PIPE, check=False, env=CLEAN
        )

    assert done.returncode == 5
    assert _said(done) == "ft: cannot go on: No space left on device\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("ls", "-an"),
        ("services", "--all"),
        ("services", "--all", "--json"),
        ("help",),
        ("--version",),
    ],
)
def test_a_closed_pipe_is_silent(arguments):
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [*FT, *arguments], stdout=writing, stderr=subprocess.PIPE, check=False, env=CLEAN
    )
    os.close(writing)

    assert (done.returncode, done.stderr) == (0, b"")


def test_a_pipe_closed_in_the_middle_is_silent():
    with subprocess.Popen(
        [*FT, "services", "--all"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1000)
        process.stdout.close()
        said = process.stderr.read()

    assert (process.returncode, said) == (0, b"")


def test_interrupted_is_130_and_silent():
    with subprocess.Popen(
        [*FT, "ls", "--watch=60"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        process.wait(10)

    assert b"Ctrl-C" in first
    assert (process.returncode, said) == (130, b"")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_closed_standard_streams_are_no_fault(closed):
    done = subprocess.run(
        ["sh", "-c", f'"$@" {closed}', "sh", *FT, "ls", "-tln"],
        capture_output=True,
        check=False,
        env=CLEAN,
    )

    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


def test_a_full_stderr_does_not_change_the_status():
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*FT, "ls", "--bogus"], stderr=full, stdout=subprocess.PIPE, check=False, env=CLEAN
        )

    assert done.returncode == 2


def test_a_locale_without_our_letters_is_no_fault():
    done = ft("services", "http", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "POSIX"})

    assert done.returncode == 0
    assert done.stdout.isascii()


def test_our_own_fault_is_5_without_a_traceback():
    # a module of ours that can't be imported stands for any bug
    code = "import sys; sys.modules['fivetuple.views.ls'] = None; sys.argv = ['ft', 'ls']; from fivetuple.cli.main import main; raise SystemExit(main())"

    done = subprocess.run([FT[0], "-c", code], capture_output=True, check=False, env=CLEAN)

    assert done.returncode == 5
    assert "our fault" in _said(done)


@pytest.mark.kernel
def test_another_namespace_is_asked_by_its_name():
    with namespace() as name, child_in(name, LISTENER) as child:
        wait_for(lambda: str(child.facts["port"]).encode() in ft("ls", "-tlnN", name).stdout)
