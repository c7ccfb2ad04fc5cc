"""Any system, by psutil: what macOS and Windows can give, and what they can't."""

from __future__ import annotations

import sys

from fivetuple.model import facts
from fivetuple.model.errors import NotAvailable
from fivetuple.model.snapshot import Host, Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.model.question import Question

NAMES = {"darwin": "Darwin", "win32": "Windows"}


def portable_snapshot(question: Question, now_ns: int) -> Snapshot:
    """Return what psutil shows of this machine; one namespace, no kernel details.

    Raises:
        NotAvailable: psutil is not installed, or another namespace is asked for.
    """
    from fivetuple.kernel import portable, portable_processes

    if question.netns not in ("self", "auto", "all"):
        raise NotAvailable("psutil shows our own network namespace only")
    told = portable.snapshot_rows()
    snapshot = Snapshot(_host(), now_ns, road="psutil", facts=question.needs, chunks=(told.rows,))
    snapshot.unix_names, snapshot.holders, snapshot.shared = (
        told.unix_names,
        told.holders,
        told.shared,
    )
    if question.netns == "all":
        snapshot.miss(facts.NAMESPACES, "psutil shows our own network namespace only")
    for fact, reason in told.missing.items():
        snapshot.miss(fact, reason, refused=fact == facts.OWNERS)
    if question.needs & (facts.PROCESS_NAMES | facts.PROCESSES):
        pids = {held >> 32 for held in snapshot.holders.values()}
        pids.update(held >> 32 for several in snapshot.shared.values() for held in several)
        is_full = bool(question.needs & facts.PROCESSES)
        snapshot.processes = portable_processes.read_processes(pids, with_ancestors=is_full)
    return snapshot


def _host() -> Host:
    import platform

    name = platform.uname()
    return Host(name.node, NAMES.get(sys.platform, name.system), name.release)
