"""Processes by psutil: names, users, parents and start, on any system."""

from __future__ import annotations

import os

from fivetuple.kernel.program_names import name_of
from fivetuple.model.errors import NotAvailable
from fivetuple.model.process import Process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType
    from typing import Any


def import_psutil() -> ModuleType:
    """Import psutil, which costs 20 ms and which Linux goes without.

    Raises:
        NotAvailable: it is not installed.
    """
    try:
        import psutil
    except ImportError:
        raise NotAvailable("the psutil road needs psutil: pip install psutil") from None
    return psutil


def read_processes(pids: Iterable[int], *, with_ancestors: bool = False) -> dict[int, Process]:
    """Read the processes and, if asked, their parents; what is closed to us stays empty."""
    psutil = import_psutil()
    found: dict[int, Process] = {}
    waiting = list(pids)
    while waiting:
        pid = waiting.pop()
        if pid in found:
            continue
        try:
            process = _read_process(psutil, pid)
        except psutil.NoSuchProcess:
            continue
        found[pid] = process
        if with_ancestors and process.parent_pid:
            waiting.append(process.parent_pid)
    return found


def _read_process(psutil: ModuleType, pid: int) -> Process:
    """Read one process. Raise psutil.NoSuchProcess when it is gone."""
    process = psutil.Process(pid)

    def ask(question: str) -> Any:  # noqa: ANN401
        try:
            return getattr(process, question)()
        except (psutil.AccessDenied, AttributeError):  # Windows has no uids
            return None

    with process.oneshot():
        comm = os.fsencode(ask("name") or "")
        exe = os.fsencode(ask("exe") or "")
        argv = tuple(os.fsencode(word) for word in ask("cmdline") or ())
        started_s, uids = ask("create_time"), ask("uids")
        return Process(
            pid,
            name_of(comm, exe, argv),
            comm=comm,
            exe=exe,
            argv=argv,
            parent_pid=ask("ppid"),
            uid=uids.effective if uids else None,
            started_ns=int(started_s * 1000) * 1_000_000 if started_s else None,
        )
