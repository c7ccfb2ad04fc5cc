"""Which process holds which socket, read from /proc/PID/fd.

The link of a socket's descriptor reads `socket:[INODE]` (proc_pid_fd(5); fs/proc/fd.c).
Opening the directory asks for its owner or CAP_DAC_READ_SEARCH; reading a link asks for ptrace
access: the same user and dumpable, or CAP_SYS_PTRACE.

A thread may leave its process's descriptor table (unshare(2) CLONE_FILES): then its sockets
stand in /proc/PID/task/TID/fd only. `scan` reads such a table when the leader has ended and left
none; `scan_threads` looks for all of them, for when a socket found no holder.
What no table shows has no holder here: sockets in flight over SCM_RIGHTS, files of io_uring,
sockets of the kernel itself.

A holder is one int, `pid << 32 | fd`: a dict of ints has 100,000 of them at C speed.
"""

from __future__ import annotations

import os
from _operator import ne  # `operator` itself is one more file to import
from itertools import compress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Holders = dict[int, int]
    Shared = dict[int, tuple[int, ...]]

PF_KTHREAD = 0x00200000  # include/linux/sched.h; /proc/PID/stat shows it in `flags`
CAPABILITIES = 1 << 19 | 1 << 2  # CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH of linux/capability.h
KCMP_FILES = 2  # include/uapi/linux/kcmp.h
KCMP_NUMBERS = {"x86_64": 312, "ppc64le": 354, "s390x": 343}  # elsewhere asm-generic's:
KCMP_NUMBER = 272
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)


def scan(pids: Iterable[int] | None = None) -> tuple[Holders, Shared, str | None]:
    """Read who holds which socket: of the given processes, or of all.

    Returns:
        Socket inode -> its first holder (lowest pid, then fd); inode -> every holder, where more
        than one; and why some processes could not be read, None when all could.
    """
    table = _Table()
    if pids is None:
        listed = list_pids()
        reason = None if 1 in listed else _hidden_reason(listed)
    else:
        listed, reason = sorted(pids), None
    for pid in listed:
        if table.read(pid, f"/proc/{pid}/fd") == 0:
            _read_after_leader(table, pid)
    return table.holders, table.all_shared(), table.denied_reason() or reason


def scan_threads(pids: Iterable[int] | None = None) -> tuple[Holders, Shared, str | None]:
    """Read the descriptor tables that threads keep apart from their process's; as `scan` returns.

    kcmp(2) tells whether two threads share a table, so a table is read once.
    """
    same_table = _table_comparison()
    table = _Table()
    for pid in list_pids() if pids is None else sorted(pids):
        known = [pid]
        for tid in _thread_ids(pid):
            if tid == pid or any(same_table(tid, other) for other in known):
                continue
            known.append(tid)
            table.read(pid, f"/proc/{pid}/task/{tid}/fd")
    return table.holders, table.all_shared(), table.denied_reason()


def join(raw: bytes | bytearray | memoryview) -> tuple[Holders, Shared]:
    """Return `scan`'s two dicts from rows of `<QQ`: inode, pid << 32 | fd; in any order."""
    words = memoryview(raw).cast("B").cast("Q")
    inodes, held = words[::2].tolist(), words[1::2].tolist()
    holders: Holders = dict(zip(inodes, held, strict=True))
    if len(holders) == len(inodes):
        return holders, {}
    # Of a socket's holders the dict kept the last; every other row is one more of them.
    is_other = map(ne, map(holders.__getitem__, inodes), held)
    others = compress(zip(inodes, held, strict=True), is_other)
    held_by: dict[int, set[int]] = {}
    for inode, other in others:
        held_by.setdefault(inode, {holders[inode]}).add(other)
    shared = {inode: tuple(sorted(every)) for inode, every in held_by.items()}
    holders.update((inode, every[0]) for inode, every in shared.items())
    return holders, shared


def list_pids() -> list[int]:
    """Return the pids that /proc shows us, ascending; none when /proc is not mounted."""
    try:
        return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    except FileNotFoundError:
        return []


class _Table:
    """Holders found so far. Tables are read in ascending order, so the first holder comes first."""

    __slots__ = ("denied", "holders", "shared")

    def __init__(self) -> None:
        self.holders: Holders = {}
        self.shared: dict[int, set[int]] = {}
        self.denied: list[int] = []

    def read(self, pid: int, path: str) -> int:
        """Add the sockets of one descriptor table; return how many descriptors it has, or -1."""
        try:
            directory = os.open(path, _DIRECTORY)
        except (FileNotFoundError, ProcessLookupError):
            return -1
        except OSError:
            if not _is_kernel_thread(pid):
                self.denied.append(pid)
            return -1
        try:
            return self._read_links(pid, directory)
        except OSError:
            self.denied.append(pid)
            return -1
        finally:
            os.close(directory)

    def _read_links(self, pid: int, directory: int) -> int:
        holders, shared, readlink = self.holders, self.shared, os.readlink
        base = pid << 32
        try:
            names = os.listdir(directory)
        except (FileNotFoundError, ProcessLookupError):
            return -1
        for name in names:
            try:
                link = readlink(name, dir_fd=directory)
            except (FileNotFoundError, ProcessLookupError):
                continue
            if link[:8] == "socket:[":
                inode = int(link[8:-1])
                held = base | int(name)
                first = holders.setdefault(inode, held)
                if first != held:
                    shared.setdefault(inode, {first}).add(held)
        return len(names)

    def all_shared(self) -> Shared:
        return {inode: tuple(sorted(every)) for inode, every in self.shared.items()}

    def denied_reason(self) -> str | None:
        """Say which processes were closed to us and what would open them."""
        if not self.denied:
            return None
        count = len(self.denied)
        if not _lacks_privilege():
            which = f"process {self.denied[0]} is" if count == 1 else f"{count} processes are"
            return f"{which} closed even to CAP_SYS_PTRACE, by a security module perhaps"
        who = "1 process" if count == 1 else f"{count} processes"
        if os.geteuid() == 0:
            return f"{who} of other users: grant CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"
        return f"{who} of other users: run as root, or grant CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"


def _hidden_reason(listed: list[int]) -> str:
    """Say why /proc does not even show pid 1 (proc(5): hidepid=invisible, hidepid=ptraceable)."""
    if not listed:
        return "/proc is not mounted"
    return "/proc hides other users' processes (hidepid): run as root, or grant CAP_SYS_PTRACE"


def _is_kernel_thread(pid: int) -> bool:
    """Tell whether it is the kernel's own, which holds no sockets by descriptor."""
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return len(fields) > 6 and int(fields[6]) & PF_KTHREAD != 0


def _lacks_privilege() -> bool:
    """Tell whether we lack what opens every process (capabilities(7); proc_pid_status(5))."""
    words = _read("/proc/thread-self/status").partition(b"CapEff:")[2].split(None, 1)
    held = int(words[0], 16) if words else 0
    return held & CAPABILITIES != CAPABILITIES


def _read(path: str) -> bytes:
    """Return the file's first 4 KB, none when it can't be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(4096)
    except OSError:
        return b""


def _read_after_leader(table: _Table, pid: int) -> None:
    """Read the threads of a process whose first thread has ended: /proc/PID/fd is empty then."""
    for tid in _thread_ids(pid):
        if tid != pid and table.read(pid, f"/proc/{pid}/task/{tid}/fd") > 0:
            return


def _thread_ids(pid: int) -> list[int]:
    """Return the threads of a process, none when there is only one."""
    path = f"/proc/{pid}/task"
    try:
        if (
            os.stat(path).st_nlink <= 3
        ):  # `.`, `..` and one thread (fs/proc/base.c proc_task_getattr)
            return []
        return [int(name) for name in os.listdir(path)]
    except OSError:
        return []


def _table_comparison() -> Callable[[int, int], bool]:
    """Return a function that tells whether two threads share a descriptor table.

    It is also true of threads that ended meanwhile, and of all where the kernel has no kcmp(2)
    (CONFIG_KCMP) or forbids it: reading each thread's table could cost seconds.
    """
    import ctypes

    libc = ctypes.CDLL(None)
    number = KCMP_NUMBERS.get(os.uname().machine, KCMP_NUMBER)

    def same_table(tid: int, other: int) -> bool:
        # 0: equal; 1, 2, 3: different, in the order of kernel addresses; -1: an error.
        order: int = libc.syscall(number, tid, other, KCMP_FILES, 0, 0)
        return order <= 0

    return same_table
