"""Processes as /proc shows them: name and command line, start, user, parents, cgroup.

`read_names` reads what a list of sockets shows, two files a process; `read_full` everything in
model/process.py. Fields: proc_pid_stat(5), proc_pid_cmdline(5), proc_pid_cgroup(5).
A process that ends while it is read is left out; a file that is closed to us leaves its field
empty or None: /proc/PID/exe and ns/net ask for ptrace access, the others are open to all unless
/proc is mounted with hidepid.
"""

from __future__ import annotations

import os
import time

from fivetuple.kernel.program_names import name_of
from fivetuple.model.process import Process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from fivetuple.model.process import Place

__all__ = ["name_of", "read_full", "read_names"]

COMMAND_LINE_MAX = 65536
"""Bytes of a command line that are read; the kernel lets it have megabytes."""
CUT_MARK = b"(cut here at 64 KB)"
"""Stands as the last word of a command line that was longer."""

_FIRST_READ = 4096
_START_GRAIN_NS = 10_000_000
_READ_ONLY = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)


def read_names(pids: Iterable[int]) -> dict[int, Process]:
    """Read pid, name, exe and argv of the processes; comm too where these two are empty."""
    found = {}
    for pid in pids:
        process = _read_name(pid)
        if process is not None:
            found[pid] = process
    return found


def read_full(pids: Iterable[int], with_ancestors: bool = True) -> dict[int, Process]:
    """Read all about the processes and, unless told not to, their parents up to init.

    Processes of one cgroup share one Place.
    """
    boot_ns = boot_time_ns()
    ticks_per_s = os.sysconf("SC_CLK_TCK")
    places: dict[bytes, tuple[str, Place]] = {}
    found: dict[int, Process] = {}
    waiting = sorted(set(pids), reverse=True)
    while waiting:
        pid = waiting.pop()
        if pid in found:
            continue
        process = _read_one(pid, boot_ns, ticks_per_s, places)
        if process is None:
            continue
        found[pid] = process
        if with_ancestors and process.parent_pid:
            waiting.append(process.parent_pid)
    return found


def boot_time_ns() -> int:
    """Return when the machine started, ns since the epoch, to 10 ms.

    From CLOCK_BOOTTIME, which start times count in; `btime` of /proc/stat is cut to seconds.
    Rounded because two clocks can't be read at once: a start time must not change when it is
    asked for twice. It still moves when somebody sets the clock.
    """
    boot_ns = time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return (boot_ns + _START_GRAIN_NS // 2) // _START_GRAIN_NS * _START_GRAIN_NS


def _read_name(pid: int) -> Process | None:
    """Read one process for read_names; None when it is gone."""
    exe = _exe(pid)
    argv = _argv(pid)
    comm = b""
    if not exe and not argv:
        comm = _read(f"/proc/{pid}/comm", 256).rstrip(b"\n")
        if not comm:
            return None
    return Process(pid, name_of(comm, exe, argv), comm=comm, exe=exe, argv=argv)


def _read_one(
    pid: int, boot_ns: int, ticks_per_s: int, places: dict[bytes, tuple[str, Place]]
) -> Process | None:
    """Read one process for read_full; None when it is gone or hidden."""
    head, _, tail = _read(f"/proc/{pid}/stat", _FIRST_READ).rpartition(b")")
    fields = tail.split()  # from the third on, `state`: comm may hold blanks and brackets
    if len(fields) < 20:
        return None
    comm = head.partition(b"(")[2]
    exe, argv = _exe(pid), _argv(pid)
    cgroup, place = _cgroup(pid, places)
    return Process(
        pid,
        name_of(comm, exe, argv),
        comm=comm,
        exe=exe,
        argv=argv,
        parent_pid=int(fields[1]),
        uid=_uid(pid),
        started_ns=boot_ns + int(fields[19]) * 1_000_000_000 // ticks_per_s,
        cgroup=cgroup,
        netns=_netns(pid),
        place=place,
        state=fields[0].decode("ascii", "replace"),
    )


def _exe(pid: int) -> bytes:
    """Return the path of the program, ` (deleted)` at its end when the file is gone."""
    try:
        return os.readlink(b"/proc/%d/exe" % pid)
    except OSError:  # a kernel thread has none, and other users' are closed
        return b""


def _argv(pid: int) -> tuple[bytes, ...]:
    """Return the words of the command line, at most COMMAND_LINE_MAX bytes of them."""
    raw = _read(f"/proc/{pid}/cmdline", COMMAND_LINE_MAX + 1)
    if not raw:
        return ()
    if len(raw) > COMMAND_LINE_MAX:
        return (*raw[:COMMAND_LINE_MAX].split(b"\0"), CUT_MARK)
    words = raw.removesuffix(b"\0").split(b"\0")
    if b" " in words[0]:  # a title written over the command line leaves NULs behind it
        while len(words) > 1 and not words[-1]:
            words.pop()
    return tuple(words) if any(words) else ()


def _uid(pid: int) -> int | None:
    """Return the effective user id, which owns the directory (fs/proc/base.c task_dump_owner)."""
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None


def _netns(pid: int) -> int | None:
    """Return the inode number of the network namespace: the link reads `net:[INODE]`."""
    try:
        link = os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return None
    return int(link[5:-1])


def _cgroup(pid: int, places: dict[bytes, tuple[str, Place]]) -> tuple[str | None, Place | None]:
    """Return the cgroup's path and what it tells."""
    raw = _read(f"/proc/{pid}/cgroup", COMMAND_LINE_MAX)
    if not raw:
        return None, None
    if raw not in places:
        from fivetuple.kernel import cgroups
        from fivetuple.model.text import decode

        places[raw] = cgroups.read(decode(raw))
    return places[raw]


def _read(path: str, limit: int) -> bytes:
    """Return up to `limit` bytes of a file in /proc; none when it is closed to us or gone."""
    try:
        fd = os.open(path, _READ_ONLY)
    except OSError:
        return b""
    try:
        raw = os.read(fd, min(limit, _FIRST_READ))
        if len(raw) < _FIRST_READ:
            return raw
        while len(raw) < limit and (more := os.read(fd, limit - len(raw))):
            raw += more
    except OSError:  # ESRCH: it ended between open and read
        return b""
    finally:
        os.close(fd)
    return raw
