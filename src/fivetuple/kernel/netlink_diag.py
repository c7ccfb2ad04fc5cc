"""Netlink sockets by sock_diag, the kernel's own too: those have port id 0.

What the columns hold is said in `diag_rows`. The socket that asks is left out, and what comes
twice: members of multicast groups are listed from the table of ports and from that of groups.

Sources: include/uapi/linux/netlink_diag.h; net/netlink/diag.c.
"""

from __future__ import annotations

from _socket import SOL_SOCKET
from struct import pack, unpack

from fivetuple.kernel import netlink
from fivetuple.kernel.diag_repeats import Repeats
from fivetuple.kernel.diag_rows import MEMORY_AND_QUEUES, Family
from fivetuple.model.endpoint import AF_NETLINK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Iterator

    from fivetuple.kernel.diag_rows import Member

LACKS = "this kernel has no netlink sock_diag (CONFIG_NETLINK_DIAG)"

SO_COOKIE = 57  # include/uapi/asm-generic/socket.h; _socket does not name it
ALL_PROTOCOLS = 0xFF  # NDIAG_PROTO_ALL
SHOW = 0x01 | 0x02  # NDIAG_SHOW_MEMINFO, _GROUPS
MEMINFO, GROUPS = 0, 1  # NETLINK_DIAG_*

# struct netlink_diag_msg, in the form that diag_rows reads
STRUCT_BYTES = 28
MEMBERS: tuple[Member, ...] = (
    ("type", 1, 1),
    ("protocol_number", 2, 1),
    ("state", 3, 1),
    ("local", 4, 4, 4),  # ndiag_portid
    ("remote", 8, 4, 4),  # ndiag_dst_portid
    ("remote", 12, 4, 0),  # ndiag_dst_group
    ("inode", 16, 4),
    ("cookie", 20, 8),
)
ATTRIBUTES: dict[int, tuple[Member, ...]] = {
    MEMINFO: MEMORY_AND_QUEUES,
    GROUPS: (("local", 0, 4, 0),),
}


def dump(netns: int) -> Iterator[bytearray]:
    """Yield the rows of the calling thread's network namespace.

    Raises:
        NotAvailable: this kernel lists no netlink sockets, or has no netlink.
        NotPermitted: netlink is forbidden to this process.
    """
    asking = netlink.open_socket()
    try:
        repeats = Repeats(_cookies(asking))
        request = pack("=BBHIIII", AF_NETLINK, ALL_PROTOCOLS, 0, 0, SHOW, 0, 0)
        family = family_of_rows(netns)
        for length, messages in netlink.ask(asking, request, LACKS):
            for _, _, copied in family.rows(length, messages):
                rows = repeats.drop(copied)
                if rows:
                    yield rows
    finally:
        asking.close()


def _cookies(asking: socket) -> tuple[int, ...]:
    """Return the socket's cookie, nothing on kernels before 4.6, which do not tell."""
    try:
        return unpack("=Q", asking.getsockopt(SOL_SOCKET, SO_COOKIE, 8))
    except OSError:
        return ()


def family_of_rows(netns: int) -> Family:
    """Return what makes the rows of this family's messages."""
    return Family(STRUCT_BYTES, MEMBERS, ATTRIBUTES, {"family": AF_NETLINK, "netns": netns})
