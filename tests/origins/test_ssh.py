import os
import pathlib
import stat
import subprocess

import pytest

from fivetuple.model import facts, record
from fivetuple.model.errors import BadInput, NotAvailable, NotPermitted
from fivetuple.model.question import Question
from fivetuple.origins.ssh import REMOTE, Remote, read

SS = 'tcp LISTEN 0 128 127.0.0.1:22 0.0.0.0:* users:(("sshd",pid=5,fd=3)) ino:9 sk:1'


@pytest.fixture
def ssh(tmp_path, monkeypatch):
    """Put a program called ssh first in PATH: it writes down its arguments and does as it is told."""

    def becomes(script):
        program = tmp_path / "ssh"
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/arguments\n{script}\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        return tmp_path / "arguments"

    return becomes


def test_one_fixed_command_is_run_behind_two_dashes(ssh):
    arguments = ssh(f"cat <<'END'\n{SS}\nEND")

    snapshot = read("ann@web1:2222", now_ns=99)

    *options, host, command = arguments.read_text().rstrip("\n").split("\n")
    assert options == ["-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-T", "-p", "2222", "--"]
    assert (host, command) == ("ann@web1", REMOTE)
    assert (snapshot.host.name, snapshot.taken_ns, snapshot.road) == ("web1", 99, "ss")
    assert snapshot.holders_of(9) == ((5, 3),)


@pytest.mark.parametrize(
    ("target", "host", "port"),
    [
        ("web1", "web1", None),
        ("[2001:db8::1]:22", "2001:db8::1", "22"),
        ("ann@[::1]", "ann@::1", None),
        ("2001:db8::1", "2001:db8::1", None),
    ],
)
def test_hosts_and_ports(ssh, target, host, port):
    arguments = ssh(f"cat <<'END'\n{SS}\nEND")

    read(target, now_ns=1)

    words = arguments.read_text().split("\n")
    assert words[words.index("--") + 1] == host
    assert ("-p" in words) == (port is not None)


@pytest.mark.parametrize(
    "target",
    [
        "",
        "-oProxyCommand=x",
        "ann@-x",
        "@",
        "ann@",
        "a b",
        "web1:0",
        "web1:70000",
        "web1:x",
        "[::1",
        "[::1]x",
        "a\nb",
        "-ann@web1",
    ],
)
def test_a_target_that_is_none_or_an_option_is_refused(target):
    with pytest.raises(BadInput) as caught:
        read(target, now_ns=1)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        ("echo 'ann@web1: Permission denied (publickey).' >&2; exit 255", NotPermitted, "web1 does not let us in .*Permission denied"),
        ("echo 'Host key verification failed.' >&2; exit 255", NotPermitted, "does not trust web1's host key: run `ssh web1` once"),
        ("echo warning >&2; printf 'connect to host web1: Connection \\033[1mrefused\\r\\n' >&2; exit 255", NotAvailable,
         r"could not reach web1: connect to host web1: Connection \\x1b\[1mrefused"),
        ("exit 255", NotAvailable, "could not reach web1: it said nothing"),
        ("echo 'sh: not here' >&2; exit 127", NotAvailable, "web1 has neither ss nor /proc/net: sh: not here"),
        ("exit 3", NotAvailable, "neither ss nor /proc/net: exit status 3"),
        ("echo Welcome to web1", BadInput, "what web1 sent: it begins with 'Welcome to web1'"),
    ],
)  # fmt: skip
def test_what_went_wrong_is_one_sentence(ssh, script, error, words):
    ssh(script)

    with pytest.raises(error, match=words) as caught:
        read("web1", now_ns=1)

    assert "\n" not in str(caught.value)


def test_without_ssh_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NotAvailable, match="there is no ssh on this machine"):
        read("web1", now_ns=1)


def test_a_remote_is_asked_once(ssh):
    arguments = ssh(f"cat <<'END'\n{SS}\nEND")
    origin = Remote("web1", 99)
    first = origin.snapshot(Question(facts.SOCKETS))
    arguments.unlink()

    assert origin.snapshot(Question(facts.SOCKETS)).rows == first.rows
    assert not arguments.exists()


@pytest.mark.kernel
def test_the_command_really_lists_sockets_by_ss(ssh):
    ssh('eval "last=\\${$#}"; exec sh -c "$last"')

    snapshot = read("localhost", now_ns=1)

    assert snapshot.road == "ss"
    assert snapshot.facts & facts.NETLINK


@pytest.mark.kernel
def test_without_ss_the_command_reads_the_tables_of_proc(ssh, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "cat").symlink_to(
        pathlib.Path(
            subprocess.run(
                ["which", "cat"], capture_output=True, text=True, check=True
            ).stdout.strip()
        )
    )
    (tools / "sh").symlink_to("/bin/sh")
    # its own PATH is /sbin too, where ss may be: a directory without it stands in
    ssh(
        f'eval "last=\\${{$#}}"; PATH={tools}; exec sh -c "$(echo "$last" | /bin/sed "s,:/usr/sbin:/sbin,,")"'
    )

    snapshot = read("localhost", now_ns=1)

    assert snapshot.road == "/proc/net"
    assert snapshot.facts & facts.UNIX
    assert {row["netns"] for row in record.unpack(snapshot.rows)} <= {0}
