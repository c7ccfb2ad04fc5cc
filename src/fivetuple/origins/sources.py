"""Sources: where the rows of one protocol come from, in the calling thread's network namespace.

How to read SOURCES: for each protocol, who can give its rows, the best first; a road takes the
first of them that it has. The next one is asked when the kernel lacks one (no raw sock_diag on
many kernels), and the first one's reason goes to `missing` when none can give them.
"""

from __future__ import annotations

import os
from collections import namedtuple

from fivetuple.model import facts, record
from fivetuple.model.endpoint import AF_INET, AF_INET6, AF_VSOCK
from fivetuple.model.errors import NotAvailable
from fivetuple.model.names import PROTOCOL_NUMBERS
from fivetuple.model.state import BOUND_INACTIVE
from fivetuple.origins.repeats import read_twice, without_repeats

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fivetuple.model.snapshot import Rows

SOURCES = {
    "tcp": ("bpf", "diag", "proc"),
    "udp": ("bpf", "diag", "proc"),
    "udplite": ("diag", "proc"),
    "raw": ("diag", "proc"),
    "icmp": ("proc",),
    "icmp6": ("proc",),
    "sctp": ("diag", "proc"),
    "dccp": ("diag",),
    "mptcp": ("diag",),
    "unix": ("diag", "proc"),
    "netlink": ("diag", "proc"),
    "packet": ("diag", "proc"),
    "vsock": ("diag", "bpf"),
}
FACT_OF = {
    "unix": facts.UNIX,
    "netlink": facts.NETLINK,
    "packet": facts.PACKET,
    "vsock": facts.VSOCK,
    "raw": facts.RAW,
}
# /proc/net/protocols: the kernel's own names of the protocols that it may lack
KERNEL_NAMES = {
    "sctp": (b"SCTP", b"SCTPv6"),
    "dccp": (b"DCCP", b"DCCPv6"),
    "mptcp": (b"MPTCP", b"MPTCPv6"),
    "udplite": (b"UDP-Lite", b"UDPLITEv6"),
    "vsock": (b"AF_VSOCK",),
    "icmp": (b"PING",),
    "icmp6": (b"PINGv6",),
}
PROC_FILES = {
    "tcp": ("tcp", "tcp6"),
    "udp": ("udp", "udp6"),
    "udplite": ("udplite", "udplite6"),
    "raw": ("raw", "raw6"),
    "icmp": ("icmp",),
    "icmp6": ("icmp6",),
    "sctp": ("sctp",),
    "unix": ("unix",),
    "netlink": ("netlink",),
    "packet": ("packet",),
}
# What the tables of /proc/net never tell, whatever socket it is
NOT_IN_PROC = facts.TCP_INFO | facts.BACKLOG | facts.OPTIONS | facts.BOUND_INACTIVE | facts.VSOCK

RAW_LIST = 255  # sock_diag calls raw sockets IPPROTO_RAW, whatever they carry (net/ipv4/raw_diag.c)
DIAG_OF_BOUND = (6, 8)  # the first Linux whose sock_diag lists TCP sockets that are merely bound
FEW = 2000  # so many TCP sockets are walked in less than a millisecond

Want = namedtuple("Want", "states tcp_info options netns")
"""states: mask of 1 << state; tcp_info, options: whether to ask for them; netns: for the column."""

OF_FILES = record.Projection("family", "state", "protocol_number", "netns")


def from_diag(protocol: str, want: Want, names: dict[int, bytes]) -> Iterator[Rows]:
    """Read one protocol by NETLINK_SOCK_DIAG; `names` receives inode -> name of unix sockets.

    Raises:
        NotAvailable, NotPermitted: as kernel/netlink.py says, also after some rows.
    """
    if protocol == "unix":
        from fivetuple.kernel import unix_diag

        yield from unix_diag.dump(want.netns, names)[0]
    elif protocol in ("netlink", "packet", "vsock"):
        from importlib import import_module

        yield from import_module(f"fivetuple.kernel.{protocol}_diag").dump(want.netns)
    else:
        from fivetuple.kernel import sock_diag

        number = PROTOCOL_NUMBERS.get(protocol, RAW_LIST)
        for family in (AF_INET, AF_INET6):
            yield from sock_diag.dump(family, number, **want._asdict())


def from_proc(protocol: str, want: Want, names: dict[int, bytes]) -> Iterator[Rows]:
    """Read one protocol from the tables of /proc/net; `names` as in `from_diag`.

    Raises:
        NotAvailable, NotPermitted, BadInput: as kernel/procfs.py says.
    """
    from functools import partial

    from fivetuple.kernel import procfs

    if protocol not in PROC_FILES:
        raise NotAvailable(f"/proc/net has no table of {protocol} sockets")
    for kind in PROC_FILES[protocol]:
        try:
            read = partial(procfs.dump, kind, want.netns, names=names)
            if protocol == "sctp":  # associations have their socket's inode
                yield from read()
            elif protocol in ("udp", "udplite"):
                yield from read_twice(read)
            else:
                yield from without_repeats(read(), is_tcp=protocol == "tcp")
        except NotAvailable:
            if not kind.endswith("6"):  # IPv6 may be switched off
                raise


def bound_among(chunks: Iterator[Rows], netns: int) -> Iterator[Rows]:
    """Give one namespace's TCP sockets that are bound and do nothing, of the rows of `files`."""
    wanted = (BOUND_INACTIVE, PROTOCOL_NUMBERS["tcp"], netns)
    return _kept(chunks, lambda row: row[1:] == wanted and row[0] in (AF_INET, AF_INET6))


def vsock_among(chunks: Iterator[Rows]) -> Iterator[Rows]:
    """Give the vsock sockets of the rows of `files`."""
    return _kept(chunks, lambda row: row[0] == AF_VSOCK)


def _kept(chunks: Iterator[Rows], keep: Callable[[tuple[int, ...]], bool]) -> Iterator[Rows]:
    size = record.SIZE
    for chunk in chunks:
        view = memoryview(chunk)
        found = [
            view[at * size : at * size + size]
            for at, row in enumerate(OF_FILES.read(view))
            if keep(row)
        ]
        if found:
            yield b"".join(found)


def diag_lists_bound(release: str | None = None) -> bool:
    """Tell whether sock_diag of a kernel (`uname -r`; ours) lists TCP sockets that are merely bound.

    An older one gives an empty list and no error, so that it can't be told by trying
    (Linux 6.8, commit 91051f003948).
    """
    words = (release or os.uname().release).replace("-", ".").split(".")
    numbers = [word for word in words[:2] if word.isdecimal()]
    return len(numbers) == 2 and (int(numbers[0]), int(numbers[1])) >= DIAG_OF_BOUND


def may_be_bound() -> bool:
    """Tell whether some TCP socket of the host is in no hash of the thread's namespace.

    `alloc` counts the TCP sockets of every namespace, `inuse` those in our hashes (sockstat of
    net/ipv4/proc.c). When all are in ours, none is merely bound, and the walk through every bound
    port, 40 ms at 100,000 sockets, can be left out. The counters are not read at one instant:
    they prove something only if nothing moves, that is, when two looks see the same.
    """
    counted = _tcp_counters()
    if counted is None:
        return True
    hashed, hashed6, allocated = counted
    return allocated < FEW or allocated > hashed + hashed6 or counted != _tcp_counters()


def _tcp_counters() -> tuple[int, int, int] | None:
    """Return the TCP sockets in our hashes, by IPv4 and IPv6, and all that the host has."""
    words = _read("/proc/thread-self/net/sockstat").partition(b"TCP:")[2].split()
    words6 = _read("/proc/thread-self/net/sockstat6").split()
    try:
        return int(words[1]), int(words6[2]) if words6 else 0, int(words[7])
    except (IndexError, ValueError):
        return None


def in_kernel() -> dict[bytes, int] | None:
    """Return how many sockets our namespace has of each protocol, by the kernel's own names.

    From /proc/net/protocols; None when it can't be read.
    """
    lines = _read("/proc/thread-self/net/protocols").splitlines()[1:]
    try:
        return {words[0]: int(words[2]) for words in map(bytes.split, lines)} or None
    except (IndexError, ValueError):
        return None


def is_in_kernel(protocol: str, present: dict[bytes, int] | None) -> bool:
    """Tell whether asking for the protocol makes sense; asking can load the kernel's module."""
    if present is None or protocol not in KERNEL_NAMES:
        return True
    return any(name in present for name in KERNEL_NAMES[protocol])


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:  # pathlib costs 8 ms
            return file.read()
    except OSError:
        return b""
