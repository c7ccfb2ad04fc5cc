"""`ft` as people run it: a process of its own, with pipes or on a terminal of a given size."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FT = (sys.executable, "-m", "fivetuple")
# Python that gives root up for another user. The checkout and the interpreter may be readable by
# root alone: imports, codecs, the list of commands and the tables come first.
BECOME = """
import codecs, contextlib, difflib, importlib, os, pkgutil, shlex, sys
import click, fivetuple
for codec in ("ascii", "latin-1", "utf-8", "unicode_escape", "idna"):
    codecs.lookup(codec)
for module in pkgutil.walk_packages(fivetuple.__path__, "fivetuple."):
    if not module.name.endswith("__main__"):
        with contextlib.suppress(ImportError):
            importlib.import_module(module.name)
from fivetuple.cli import commands, main as front_door
names = commands.command_names()
front_door.command_names = lambda: names
from fivetuple.model import services
services.search("redis")  # reads both tables
os.setgroups([])
os.setresgid({uid}, {uid}, {uid})
os.setresuid({uid}, {uid}, {uid})
"""
AS_ANOTHER = BECOME + "sys.exit(front_door.main())\n"
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
CLEAN = {
    key: value
    for key, value in os.environ.items()
    if key not in ("NO_COLOR", "TERM", "COLUMNS", "LINES", "FT_DEBUG", "LC_ALL", "LANG")
} | {"LANG": "C.UTF-8"}


def ft(
    *arguments: str,
    netns: str | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    uid: int | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run ft to its end; stdout and stderr are bytes."""
    enter = ["nsenter", f"--net=/run/netns/{netns}", "--"] if netns else []
    command = FT if uid is None else (sys.executable, "-c", AS_ANOTHER.format(uid=uid))
    return subprocess.run(
        [*enter, *command, *arguments],
        capture_output=True,
        check=False,
        env={**CLEAN, **(env or {})},
        input=stdin or b"",
        timeout=60,
    )


class Terminal:
    """A program on a pseudo-terminal: what it wrote, and keys to press."""

    def __init__(self, pid: int, fd: int) -> None:
        self.pid = pid
        self._fd = fd
        self.raw = b""

    @property
    def text(self) -> str:
        """All it wrote, without escape sequences."""
        return ESCAPES.sub(b"", self.raw).decode("utf-8", "replace").replace("\r\n", "\n")

    def read_until(self, wanted: str, deadline_s: float = 15, *, start: int = 0) -> str:
        """Return what was written from `start` on once it holds the wanted text; fail after the deadline."""
        end = time.monotonic() + deadline_s
        while wanted not in self.text[start:]:
            left = end - time.monotonic()
            if left <= 0 or not self._read(left):
                raise AssertionError(f"{wanted!r} did not come; there is {self.text[start:]!r}")
        return self.text[start:]

    def press(self, keys: str) -> None:
        """Send keys."""
        os.write(self._fd, keys.encode())

    def end(self, deadline_s: float = 15) -> int:
        """Read to the end and return the exit status, minus the signal's number if one ended it."""
        end = time.monotonic() + deadline_s
        while (left := end - time.monotonic()) > 0 and self._read(left):
            pass
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        """End the program, by its pid."""
        if self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0
        os.close(self._fd)

    def _read(self, seconds: float) -> bool:
        readable, _, _ = select.select([self._fd], [], [], seconds)
        try:
            block = os.read(self._fd, 65536) if readable else b""
        except OSError:  # the other end is closed
            block = b""
        self.raw += block
        return bool(block)


@contextmanager
def terminal(
    argv: Sequence[str],
    *,
    columns: int = 80,
    rows: int = 40,
    env: Mapping[str, str] | None = None,
    netns: str | None = None,
) -> Iterator[Terminal]:
    """Run a program on a terminal of its own until the block ends."""
    enter = ["nsenter", f"--net=/run/netns/{netns}", "--"] if netns else []
    try:
        master, slave = pty.openpty()
    except OSError as err:
        pytest.skip(f"no terminal can be made here: {err}")
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        [*enter, *argv],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**CLEAN, "TERM": "xterm", **(env or {})},
        start_new_session=True,
        preexec_fn=_own_terminal,  # noqa: PLW1509  # no thread of ours holds a lock here
    )
    os.close(slave)
    made = Terminal(process.pid, master)
    try:
        yield made
    finally:
        made.close()
        process.returncode = 0  # it was waited for by its pid


def _own_terminal() -> None:
    """Make the pty the controlling terminal, so that Ctrl-C becomes a signal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
