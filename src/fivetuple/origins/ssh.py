"""`--from ssh:[USER@]HOST[:PORT]`: the sockets of another machine, which needs nothing of ours.

One command runs there, the same always: ss where there is one, else the tables of /proc/net. Our
ssh is the user's own, with the keys, agent and ~/.ssh/config that it has; it never asks for a
password (BatchMode), because what it would ask on is not ours.
"""

from __future__ import annotations

import os
import subprocess

from fivetuple.model.errors import BadInput, NotAvailable, NotPermitted
from fivetuple.model.text import printable
from fivetuple.origins.file import LIMIT_BYTES
from fivetuple.origins.scope import in_scope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.model.question import Question
    from fivetuple.model.snapshot import Snapshot

CONNECT_TIMEOUT_S = 10
TIMEOUT_S = 120  # a million sockets over a slow line

# sh -c, because the login shell over there may be csh or fish. Root's PATH need not have /sbin.
# Without -t, -u and so on ss lists every kind of socket that its version knows.
REMOTE = (
    "sh -c 'PATH=$PATH:/usr/sbin:/sbin LC_ALL=C; export PATH LC_ALL; "
    "if command -v ss >/dev/null 2>&1; then exec ss -anpemoi; fi; cd /proc/net || exit 127; "
    "for table in tcp tcp6 udp udp6 udplite udplite6 raw raw6 icmp icmp6 unix netlink packet; do "
    'if test -r $table; then echo "==> $table <=="; cat $table; fi; done\''
)
SSH_FAILED = 255  # ssh(1), EXIT STATUS


class Remote:
    """Another machine, asked once."""

    provides = (1 << 24) - 1

    def __init__(self, target: str, now_ns: int) -> None:
        self._target = target
        self._now_ns = now_ns
        self._read: Snapshot | None = None

    def snapshot(self, question: Question) -> Snapshot:
        """Return the sockets of that machine.

        Raises:
            BadInput: the target is none, or what came back is no list of sockets.
            NotAvailable: ssh is not there or could not reach it.
            NotPermitted: that machine does not let us in.
        """
        if self._read is None:
            self._read = read(self._target, now_ns=self._now_ns)
        return in_scope(self._read, question.netns)


def read(target: str, *, now_ns: int) -> Snapshot:
    """Return the sockets of `[USER@]HOST[:PORT]`, asked now."""
    host, port = _host_and_port(target)
    shown = printable(host)
    argv = ["ssh", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_TIMEOUT_S}", "-T"]
    argv += ["-p", port, "--", host, REMOTE] if port else ["--", host, REMOTE]
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=False,
            env=os.environ | {"LC_ALL": "C"},
        )  # fmt: skip
    except FileNotFoundError:
        raise NotAvailable(
            "there is no ssh on this machine (Debian: apt install openssh-client)"
        ) from None
    except subprocess.TimeoutExpired:
        raise NotAvailable(f"{shown} sent no answer within {TIMEOUT_S} s") from None
    except (OSError, ValueError) as err:
        raise NotAvailable(f"ssh could not be started: {err}") from err
    if done.returncode == SSH_FAILED:
        raise _refusal(shown, done.stderr)
    if not done.stdout.strip():
        said = _last_line(done.stderr) or f"exit status {done.returncode}"
        raise NotAvailable(f"{shown} has neither ss nor /proc/net: {said}")
    if len(done.stdout) > LIMIT_BYTES:
        raise BadInput(f"{shown} sent more than 1 GiB, which ft does not read into memory")
    return _parsed(done.stdout, host, shown, now_ns)


def _parsed(text: bytes, host: str, shown: str, now_ns: int) -> Snapshot:
    from fivetuple.origins.texts.recognise import read_bytes

    try:
        snapshot = read_bytes(text, now_ns)
    except BadInput as err:
        raise BadInput(f"what {shown} sent: {err}") from err
    snapshot.host.name = host.rpartition("@")[2]
    return snapshot


def _host_and_port(target: str) -> tuple[str, str]:
    """Split `user@host:port`, `user@[2001:db8::1]:port`; a bare IPv6 address has no port.

    Raises:
        BadInput: there is no host, or ssh might take it for an option.
    """
    user, at, rest = target.rpartition("@")
    if rest[:1] == "[":
        name, closed, port = rest[1:].partition("]")
        if not closed or (port and port[0] != ":"):
            raise BadInput(f"'{printable(target)}' is not [USER@]HOST[:PORT]")
        port = port[1:]
    elif rest.count(":") == 1:
        name, _, port = rest.partition(":")
    else:
        name, port = rest, ""
    host = user + at + name
    if not name or not host.isprintable() or " " in host:
        raise BadInput(
            f"'{printable(target)}' is not [USER@]HOST[:PORT]: name a host, as in ssh:root@web1"
        )
    if host[0] == "-" or name[0] == "-":
        raise BadInput(
            f"'{printable(target)}' begins with '-', and ssh would take it for an option"
        )
    if port and not (port.isdecimal() and port.isascii() and 0 < int(port[:6]) <= 65535):
        raise BadInput(f"'{printable(port)}' is no port of an ssh server")
    return host, port


def _refusal(shown: str, complaint: bytes) -> Exception:
    """Say in one sentence why ssh did not get there."""
    said = _last_line(complaint)
    if "Permission denied" in said:
        return NotPermitted(
            f"{shown} does not let us in ({said}): ft uses your keys and asks for no password"
        )
    if "Host key verification failed" in said or "REMOTE HOST IDENTIFICATION" in said:
        return NotPermitted(
            f"ssh does not trust {shown}'s host key: run `ssh {shown}` once by hand"
        )
    return NotAvailable(f"ssh could not reach {shown}: {said or 'it said nothing'}")


def _last_line(complaint: bytes) -> str:
    """Return the last thing that ssh said, harmless and short."""
    lines = complaint.decode("utf-8", "backslashreplace").strip().splitlines()
    return printable(lines[-1].strip()[:200]) if lines else ""
