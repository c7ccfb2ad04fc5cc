"""Network namespaces: which ones this host has, what they are called, and how to enter one.

A namespace lives as long as a process, a mount or an open file holds it. We find those of
processes (/proc/PID/ns/net, the lowest pid first) and of mounts (nsfs in /proc/self/mountinfo:
/run/netns of iproute2, CNI and podman, /run/docker/netns). What only a thread beside its
process, an open descriptor or a socket keeps alive is not found here.

Entering (setns(2)) moves one thread, takes CAP_SYS_ADMIN, and is done in a thread made for it
that ends there: no other code ever runs in the wrong namespace.
A netlink socket and an open table of /proc/net stay with the namespace they were opened in, so
it is enough to open them inside: `netlink = run_in(namespace, open_netlink)`.
"""

from __future__ import annotations

import os

from fivetuple.kernel import netns_names
from fivetuple.kernel.owners import list_pids
from fivetuple.kernel.support import missing_for
from fivetuple.model.errors import BadInput, FivetupleError, NotAvailable, NotPermitted
from fivetuple.model.namespace import Namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeVar

    Value = TypeVar("Value")

CLONE_NEWNET = 0x40000000  # include/uapi/linux/sched.h
INITIAL_NETNS = 0xEFFFFFF9  # include/uapi/linux/nsfs.h NET_NS_INIT_INO, since Linux 6.18


def own() -> int:
    """Return the inode of the calling thread's namespace, 0 when /proc can't tell."""
    return _inode_of("/proc/thread-self/ns/net") or 0


def host() -> int | None:
    """Return the inode of the host's namespace (that of pid 1), None when it can't be told.

    Where pid 1 keeps it to itself, the kernel's first namespace is recognised by its number, if
    we or kthreadd (pid 2) live there.
    """
    inode = _inode_of("/proc/1/ns/net")
    if inode is None and INITIAL_NETNS in (own(), _inode_of("/proc/2/ns/net")):
        return INITIAL_NETNS
    return inode


def find(
    pids_hint: Iterable[int] | None = None, unread: list[str] | None = None
) -> list[Namespace]:
    """Return every namespace that can be seen: the host's first, then ours, then by name.

    With `pids_hint` only those processes are looked at (and the mounts). `unread` receives the
    reason when processes kept their namespace from us.
    """
    pids = list_pids() if pids_hint is None else sorted(pids_hint)
    pid_of, denied = _namespaces_of(pids)
    mounts = netns_names.mounted()
    own_inode, host_inode = own(), host()
    if unread is not None and (denied or (pids_hint is None and 1 not in pids)):
        unread.append(_unread_reason(pids, denied))
    inodes = {inode for inode in (host_inode, own_inode, *pid_of, *mounts) if inode}
    found = []
    for inode in inodes:
        paths = mounts.get(inode, [])
        namespace = Namespace(
            inode,
            "",
            pid=pid_of.get(inode),
            path=paths[0] if paths else None,
            is_own=inode == own_inode,
        )
        namespace.nsid_names = netns_names.given(paths)
        if inode == host_inode:
            namespace.name = "host"
        elif inode == own_inode and host_inode is None and not namespace.nsid_names:
            namespace.name = "self"  # most likely the host's, but pid 1 won't tell us
        else:
            namespace.name = netns_names.name_of(namespace, paths)
        found.append(namespace)
    netns_names.tell_apart(found)
    return sorted(found, key=lambda each: (each.inode != host_inode, not each.is_own, each.name))


def resolve(word: str, namespaces: Sequence[Namespace]) -> list[int]:
    """Return the inodes that `--netns WORD` means: self, all, a name, a pid, or an inode number.

    Raises:
        BadInput: no namespace and no process of that name; the message lists the known ones.
        NotPermitted: the process keeps its namespace from us.
    """
    if word == "self":
        return [each.inode for each in namespaces if each.is_own] or [own()]
    if word == "all":
        return [each.inode for each in namespaces]
    named = [each.inode for each in namespaces if word in (each.name, *each.nsid_names)]
    if named:
        return named
    if word.isascii() and word.isdigit():
        return [_by_number(int(word), namespaces)]
    known = ", ".join(each.name for each in namespaces[:20])
    more = f" and {len(namespaces) - 20} more" if len(namespaces) > 20 else ""
    raise BadInput(f"no network namespace '{word}'; there are self, all, {known}{more}, or a pid")


def run_in(namespace: Namespace, function: Callable[[], Value]) -> Value:
    """Run the function inside the namespace, in a thread of its own; return its result or raise.

    Raises:
        NotPermitted: entering takes privileges that we lack.
        NotAvailable: the namespace is gone.
    """
    if namespace.inode == own():
        return function()
    from threading import Thread

    results: list[Value] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            enter_thread(namespace)
            results.append(function())
        except BaseException as err:  # noqa: BLE001  # raised again by the caller's thread
            errors.append(err)

    thread = Thread(target=work, name=f"netns {namespace.inode}", daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def enter_thread(namespace: Namespace) -> None:
    """Move the calling thread into the namespace for good; never the main thread.

    Raises:
        NotPermitted, NotAvailable: as `run_in`.
        FivetupleError: called by the main thread.
    """
    from _thread import get_native_id

    if get_native_id() == os.getpid():
        raise FivetupleError("the main thread must not leave its network namespace")
    fd = _open(namespace)
    try:
        _setns(fd)
    except PermissionError:
        why = (
            missing_for("other namespaces")
            or "it belongs to a user namespace that we have no rights in"
        )
        raise NotPermitted(
            f"network namespace '{namespace.name}' can't be entered: {why}"
        ) from None
    finally:
        os.close(fd)


def describe(
    namespaces: Iterable[Namespace],
    *,
    interfaces: bool = True,
    sysctls: bool = True,
    routes: bool = False,
    firewall: bool = False,
) -> dict[int, str]:
    """Fill the namespaces with what was asked for, entering each.

    Returns inode -> why something could not be read there; the rest of it is filled.
    """
    from functools import partial

    from fivetuple.kernel import netns_settings as settings

    asked = (
        (interfaces, settings.read_interfaces),
        (sysctls, settings.read_sysctls),
        (routes, settings.read_routes),
        (firewall, settings.read_firewall),
    )
    readers = [reader for is_wanted, reader in asked if is_wanted]
    reasons = {}
    for namespace in namespaces:
        try:
            problems = run_in(namespace, partial(settings.fill, namespace, readers))
        except (NotPermitted, NotAvailable) as err:
            problems = [str(err)]
        if problems:
            reasons[namespace.inode] = "; ".join(problems)
    return reasons


def _namespaces_of(pids: Iterable[int]) -> tuple[dict[int, int], list[int]]:
    """Return namespace -> the first of the processes in it, and the pids that denied a look."""
    first: dict[str, int] = {}
    denied = []
    readlink = os.readlink
    for pid in pids:
        try:
            link = readlink(f"/proc/{pid}/ns/net")
        except PermissionError:
            denied.append(pid)
        except OSError:  # it ended; a zombie has no namespace
            continue
        else:
            first.setdefault(link, pid)
    return {int(link[5:-1]): pid for link, pid in first.items()}, denied


def _unread_reason(pids: Sequence[int], denied: Sequence[int]) -> str:
    """Say why some processes didn't show their namespace; hidepid hides whole processes."""
    if not pids:
        return "/proc is not mounted"
    lacking = missing_for("other namespaces")
    if lacking:
        return f"processes of other users may live in more namespaces: {lacking}"
    if denied:
        return f"{_shown(denied)} network namespace, not even to CAP_SYS_PTRACE"
    return "/proc shows no process 1: namespaces of processes that it hides are left out"


def _shown(pids: Sequence[int]) -> str:
    if len(pids) == 1:
        return f"process {pids[0]} doesn't show its"
    first = ", ".join(map(str, pids[:3])) + (" ..." if len(pids) > 3 else "")
    return f"{len(pids)} processes ({first}) don't show their"


def _by_number(number: int, namespaces: Sequence[Namespace]) -> int:
    """Return the namespace of a process, or the one with that inode number."""
    if any(each.inode == number for each in namespaces):
        return number
    try:
        return os.stat(f"/proc/{number}/ns/net").st_ino
    except PermissionError:
        why = missing_for("other namespaces")
        raise NotPermitted(f"the network namespace of process {number} is hidden: {why}") from None
    except OSError:
        raise BadInput(f"no network namespace and no process {number}") from None


def _open(namespace: Namespace) -> int:
    """Open the namespace; a pid may have been reused, so what was opened is looked at."""
    refused = False
    for path in _roads(namespace):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except PermissionError:
            refused = True
            continue
        except OSError:
            continue
        if os.fstat(fd).st_ino == namespace.inode:
            return fd
        os.close(fd)
    if refused:
        why = missing_for("other namespaces")
        raise NotPermitted(f"network namespace '{namespace.name}' can't be opened: {why}")
    raise NotAvailable(f"network namespace '{namespace.name}' is gone")


def _roads(namespace: Namespace) -> Iterator[str]:
    """Yield files that may open it; last, another process in it when the known one has ended."""
    if namespace.path:
        yield namespace.path
    if namespace.pid:
        yield f"/proc/{namespace.pid}/ns/net"
    others, _ = _namespaces_of(list_pids())
    if namespace.inode in others:
        yield f"/proc/{others[namespace.inode]}/ns/net"


def _setns(fd: int) -> None:
    """setns(2); os.setns() came with Python 3.12."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _inode_of(path: str) -> int | None:
    try:
        return os.stat(path).st_ino
    except OSError:
        return None
