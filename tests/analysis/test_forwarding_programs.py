"""What command lines tell of forwards: each program's own spellings, and silence where they tell nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivetuple.analysis.forwarding_programs import READERS, colon_parts, told_by
from fivetuple.model.process import Process


def told(port: int, *argv: str, name: str | None = None):
    process = Process(7, name or argv[0], argv=tuple(word.encode() for word in argv))
    return [(each.target, each.how) for each in told_by(process, port)]


def targets(port: int, *argv: str, name: str | None = None):
    return [target for target, _ in told(port, *argv, name=name)]


@pytest.mark.parametrize(
    ("argv", "target"),
    [
        (["ssh", "-L", "8080:db:80", "jump"], "db:80"),
        (["ssh", "-L8080:db:80", "jump"], "db:80"),
        (["ssh", "-fNL", "8080:db:80", "jump"], "db:80"),
        (["ssh", "-N", "jump", "-L", "8080:db:80"], "db:80"),
        (["ssh", "-p", "22", "-L", "127.0.0.1:8080:db:80", "jump"], "db:80"),
        (["ssh", "-L", "[::1]:8080:[fd00::1]:80", "jump"], "[fd00::1]:80"),
        (["ssh", "-L", "*/8080/db/80", "jump"], "db:80"),
        (["ssh", "-L", "8080:/run/pg.sock", "jump"], "/run/pg.sock"),
        (["ssh", "-o", "LocalForward 8080 db:80", "jump"], "db:80"),
        (["ssh", "-oLocalForward=8080 db:80", "jump"], "db:80"),
        (["autossh", "-M", "0", "-L", "8080:db:80", "jump"], "db:80"),
        (["kubectl", "port-forward", "-n", "shop", "svc/web", "8080:80"], "svc/web:80"),
        (["kubectl", "-n", "shop", "port-forward", "pod/web", "8080"], "pod/web:8080"),
        (["kubectl", "port-forward", "--address=0.0.0.0", "svc/web", "9:9", ":80"], "svc/web:80"),
        (["socat", "-d", "-T", "5", "TCP-LISTEN:8080,fork", "TCP:10.0.0.1:80"], "10.0.0.1:80"),
        (["socat", "UNIX-CONNECT:/run/x", "TCP4-LISTEN:8080"], "UNIX-CONNECT:/run/x"),
        (["systemd-socket-proxyd", "--connections-max=5", "10.0.0.1:80"], "10.0.0.1:80"),
        (["docker-proxy", "-proto", "tcp", "-host-ip", "::", "-host-port", "8080", "-container-ip", "fd00::2", "-container-port", "80"], "[fd00::2]:80"),
    ],
)  # fmt: skip
def test_the_target_of_a_port_is_read_from_the_command_line(argv, target):
    assert targets(8080, *argv) == [target]


@pytest.mark.parametrize(
    "argv",
    [
        [
            "docker-proxy",
            "-host-port",
            "8081",
            "-container-ip",
            "10.0.0.2",
            "-container-port",
            "80",
        ],
        ["docker-proxy", "-host-port", "8080"],
        ["kubectl", "proxy", "--port", "8080"],
        ["kubectl", "port-forward", "svc/web", "8081:80"],
        ["socat", "TCP-LISTEN:8081", "TCP:10.0.0.1:8080"],
        ["socat", "TCP:10.0.0.1:8080", "STDIO"],
        ["python3", "-L", "8080:db:80"],
    ],
)
def test_a_command_line_about_something_else_tells_nothing(argv):
    assert told(8080, *argv) == []


def test_the_words_of_a_remote_command_are_no_options_of_ssh():
    [(target, how)] = told(8080, "ssh", "-L", "9:x:9", "jump", "ls", "-L", "8080:db:80")

    assert target is None
    assert "its configuration" in how


def test_ssh_that_listens_without_an_option_does_so_by_its_configuration_and_says_through_whom():
    [(target, how)] = told(8080, "ssh", "jump")

    assert (target, "through jump" in how) == (None, True)


def test_a_socks_proxy_has_no_single_target():
    assert "SOCKS proxy through jump" in told(1080, "ssh", "-D", "127.0.0.1:1080", "jump")[0][1]


@pytest.mark.parametrize(
    ("title", "is_session"),
    [
        ("sshd: root@pts/0", True), ("sshd-session: ann", True), ("sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", False),
        ("/usr/sbin/sshd -D -p 2222", False), ("sshd: ann@notty", True),
    ],
)  # fmt: skip
def test_the_server_of_ssh_is_told_from_its_sessions(title, is_session):
    assert bool(told(2222, title, name="sshd")) == is_session


def test_ports_of_displays_may_be_x11():
    assert "X11" in told(6010, "sshd: ann@pts/1", name="sshd")[0][1]


@given(
    st.sampled_from(sorted(READERS)),
    st.lists(st.binary(max_size=12), max_size=8),
    st.integers(0, 65535),
)
def test_no_command_line_breaks_a_reader(name, words, port):
    for each in told_by(Process(7, name, argv=tuple(words)), port):
        assert each.how


@given(st.text(alphabet="ab:/[]", max_size=20))
def test_splitting_at_colons_loses_nothing(text):
    parts = colon_parts(text)

    assert ":".join(parts) == text or "/".join(parts) == text
