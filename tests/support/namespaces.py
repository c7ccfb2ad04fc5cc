"""Network namespaces made for one test: real ones, uniquely named, always deleted.

    with namespace() as name, child_in(name, LISTENER) as child:
        port = child.facts["port"]
        assert in_namespace(name, read_listeners) == {port}

Names are `PREFIX-tPID-N` with the pid of the test process, so that what a killed run left behind
is told from what a running one uses; the first `namespace()` of a process sweeps it away.
A name of None stands for our own namespace everywhere.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback
import warnings
from collections import namedtuple
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Value = TypeVar("Value")

CLONE_NEWNET = 0x40000000
NOBODY = 65534
OUR_NAME = re.compile(r".+-t(\d+)-\w+")
POLL_S = 0.003

Pair = namedtuple("Pair", "interface_a interface_b v4_a v4_b v6_a v6_b")
"""A veth link: the name of each end, and the IPv4 and IPv6 address of each end."""

_numbers = itertools.count()


def require_root(what: str = "network namespaces") -> None:
    """Skip the test without root on Linux; fail instead when FT_REQUIRE_KERNEL is set."""
    if not sys.platform.startswith("linux"):
        _refuse(f"{what} are Linux's")
    if os.geteuid() != 0:
        _refuse(f"{what} need root")
    if shutil.which("ip") is None or shutil.which("nsenter") is None:
        _refuse(f"{what} need ip (iproute2) and nsenter (util-linux)")


@contextmanager
def namespace(prefix: str = "ft") -> Iterator[str]:
    """Make a network namespace with `lo` up; yield its name; end what lives in it and delete it."""
    require_root()
    _sweep()
    name = f"{prefix}-t{os.getpid()}-{next(_numbers)}"
    ip("netns", "add", name)
    try:
        ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        _delete(name)


def in_namespace(
    name: str | None, function: Callable[..., Value], *args: Any, uid: int | None = None
) -> Value:
    """Run the function in a forked child inside the namespace; return its result, raise its error.

    Result and error must be picklable. With `uid` the child first gives up all privileges and
    becomes that user (NOBODY).
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # 3.12 warns when a thread runs; we exec nothing
        pid = os.fork()
    if pid == 0:
        os.close(reading)
        _answer(writing, name, uid, function, args)
    os.close(writing)
    try:
        with open(reading, "rb") as pipe:
            answer = pipe.read()
    finally:
        os.waitpid(pid, 0)
    if not answer:
        raise RuntimeError(f"{function!r} ended its process without an answer")
    result, error, trace = pickle.loads(answer)  # noqa: S301  # our own child wrote it
    if isinstance(error, _SkippedThere):
        pytest.skip(str(error))
    if error is not None:
        error.add_note(f"in the child:\n{trace}")
        raise error
    return result  # type: ignore[no-any-return]  # it was pickled as a Value


class Child:
    """A helper process: its pid, and the facts that it gave with `ready(...)`."""

    def __init__(self, process: subprocess.Popen[bytes], facts: Mapping[str, Any]) -> None:
        self.process = process
        self.pid = process.pid
        self.facts = facts

    def end(self, signal_number: int = signal.SIGKILL) -> None:
        """End the process by its pid and wait until it is gone."""
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        self.process.wait()


_PRELUDE = """
import json, os, sys
def ready(**facts):
    os.write({fd}, json.dumps(facts).encode() + b"\\n")
def wait():
    sys.stdin.buffer.read()
"""


@contextmanager
def child_in(
    name: str | None, code_or_argv: str | Sequence[str], deadline_s: float = 30
) -> Iterator[Child]:
    """Run a helper process inside the namespace until the block ends.

    A string is Python code: it calls `ready(key=value, ...)` once its sockets stand (the block
    starts then, with the facts in `child.facts`) and `wait()` to stay until the end.
    An argv starts the block at once: wait for what it does with `wait_for`.
    """
    enter = ["nsenter", f"--net=/run/netns/{name}", "--"] if name else []
    if not isinstance(code_or_argv, str):
        process = subprocess.Popen([*enter, *code_or_argv], stdin=subprocess.PIPE)
        try:
            yield Child(process, {})
        finally:
            _end(process)
        return
    reading, writing = os.pipe()
    code = _PRELUDE.format(fd=writing) + code_or_argv
    with open(reading, "rb") as pipe:
        process = subprocess.Popen(
            [*enter, sys.executable, "-X", "faulthandler", "-c", code],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(writing,),
        )
        os.close(writing)
        try:
            yield Child(process, _await_ready(process, pipe, deadline_s))
        finally:
            _end(process)


def wait_for(predicate: Callable[[], Value], deadline_s: float = 5, what: str = "") -> Value:
    """Return the predicate's first true value; fail when the deadline passes before."""
    end = time.monotonic() + deadline_s
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(
                f"{what or repr(predicate)} did not come within {deadline_s} s; last: {value!r}"
            )
        time.sleep(POLL_S)


def pair(ns_a: str, ns_b: str, number: int | None = None) -> Pair:
    """Link two namespaces by a veth with addresses 10.77.N.1 and .2, fd77:N::1 and ::2, ready to use."""
    number = next(_numbers) % 250 if number is None else number
    link = Pair(
        f"veth{number}a",
        f"veth{number}b",
        f"10.77.{number}.1",
        f"10.77.{number}.2",
        f"fd77:{number:x}::1",
        f"fd77:{number:x}::2",
    )
    ip(
        "-n",
        ns_a,
        "link",
        "add",
        link.interface_a,
        "type",
        "veth",
        "peer",
        "name",
        link.interface_b,
        "netns",
        ns_b,
    )
    ends = (
        (ns_a, link.interface_a, link.v4_a, link.v6_a),
        (ns_b, link.interface_b, link.v4_b, link.v6_b),
    )
    for name, interface, _, _ in ends:
        ip("-n", name, "link", "set", interface, "up")
    for name, interface, v4, v6 in ends:
        ip("-n", name, "address", "add", f"{v4}/24", "dev", interface)
        ip("-n", name, "address", "add", f"{v6}/64", "dev", interface, "nodad")
    return link


def ip(*words: str) -> str:
    """Run `ip` and return what it printed; its complaint is in the error."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def enter(name: str) -> None:
    """Move the calling thread into the namespace; only in a child that ends there."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(fd, CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"setns to {name}: {os.strerror(number)}")
    finally:
        os.close(fd)


def become(uid: int) -> None:
    """Give up every privilege and group, for good; only in a child that ends so."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _refuse(reason: str) -> None:
    if os.environ.get("FT_REQUIRE_KERNEL"):
        pytest.fail(f"FT_REQUIRE_KERNEL is set, and {reason}")
    pytest.skip(reason)


class _SkippedThere(Exception):
    """The child called pytest.skip(), whose own exception can't be pickled."""


def _answer(
    writing: int,
    name: str | None,
    uid: int | None,
    function: Callable[..., Any],
    args: tuple[Any, ...],
) -> None:
    """Do the child's part: enter, run, write the pickled answer, end without returning."""
    result = trace = None
    error: BaseException | None = None
    try:
        if name is not None:
            enter(name)
        if uid is not None:
            become(uid)
        result = function(*args)
    except pytest.skip.Exception as skipped:
        error = _SkippedThere(str(skipped))
    except BaseException as caught:  # noqa: BLE001  # it is raised again in the parent
        error, trace = caught, traceback.format_exc()
    try:
        try:
            answer = pickle.dumps((result, error, trace))
            pickle.loads(answer)  # noqa: S301  # some errors can be written and not read
        except Exception as caught:  # noqa: BLE001  # pickle raises whatever the object's code raises
            answer = pickle.dumps((None, RuntimeError(f"no picklable answer: {caught!r}"), trace))
        with open(writing, "wb") as pipe:
            pipe.write(answer)
    finally:
        os._exit(0)


def _await_ready(
    process: subprocess.Popen[bytes], pipe: Any, deadline_s: float
) -> Mapping[str, Any]:
    """Return the facts of `ready()`; raise with the child's complaint when it ended before."""
    import select

    readable, _, _ = select.select([pipe], [], [], deadline_s)
    line = pipe.readline() if readable else b""
    if line:
        facts: Mapping[str, Any] = json.loads(line)
        return facts
    process.send_signal(signal.SIGABRT)  # faulthandler says where it stood
    try:
        _, complaint = process.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        _, complaint = process.communicate()
    reason = complaint.decode(errors="replace") if complaint else "it said nothing"
    raise RuntimeError(f"the child was not ready within {deadline_s} s: {reason}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    with suppress(ValueError):  # communicate() was called already and closed the pipes
        process.communicate()
    for stream in (process.stdin, process.stderr):
        if stream is not None:
            stream.close()


def _delete(name: str) -> None:
    """End every process that still lives in the namespace, by pid, and delete the name."""
    for pid in ip("netns", "pids", name).split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    ip("netns", "delete", name)


@cache
def _sweep() -> None:
    """Delete the namespaces of test processes that are gone."""
    folder = Path("/run/netns")
    for path in folder.iterdir() if folder.is_dir() else ():
        match = OUR_NAME.fullmatch(path.name)
        if match and not Path("/proc", match[1]).exists():
            with suppress(RuntimeError):  # another test process sweeps too
                _delete(path.name)
