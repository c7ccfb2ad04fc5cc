"""Sockets between a virtual machine and its host (vsock(7)) by sock_diag.

What the columns hold is said in `diag_rows`. A socket without a peer has "any" for the other
end's context id and port; its `remote` is zero, as in every other family.

Sources: include/uapi/linux/vm_sockets_diag.h; net/vmw_vsock/diag.c.
"""

from __future__ import annotations

from struct import pack

from fivetuple.kernel import netlink
from fivetuple.kernel.diag_rows import Family
from fivetuple.model.endpoint import AF_VSOCK
from fivetuple.model.record import OFFSET, SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from fivetuple.kernel.diag_rows import Member

LACKS = "this kernel has no vsock sock_diag (CONFIG_VSOCKETS_DIAG)"

ALL_STATES = 0xFFFFFFFF
ANY = b"\xff" * 8  # VMADDR_CID_ANY, VMADDR_PORT_ANY

# struct vsock_diag_msg, in the form that diag_rows reads; there are no attributes
STRUCT_BYTES = 32
MEMBERS: tuple[Member, ...] = (
    ("type", 1, 1),
    ("state", 2, 1),
    ("shutdown", 3, 1),
    ("local", 4, 8),  # vdiag_src_cid, vdiag_src_port
    ("remote", 12, 8),  # vdiag_dst_cid, vdiag_dst_port
    ("inode", 20, 4),
    ("cookie", 24, 8),
)


def dump(netns: int) -> Iterator[bytearray]:
    """Yield the rows of the calling thread's network namespace.

    Raises:
        NotAvailable: this kernel lists no vsock sockets, or has no netlink.
        NotPermitted: netlink is forbidden to this process.
    """
    request = pack("=BBHIIIII", AF_VSOCK, 0, 0, ALL_STATES, 0, 0, 0, 0)
    family = family_of_rows(netns)
    for length, messages in netlink.dump(request, LACKS):
        yield from rows_of(family, length, messages)


def family_of_rows(netns: int) -> Family:
    """Return what makes the rows of this family's messages."""
    return Family(STRUCT_BYTES, MEMBERS, {}, {"family": AF_VSOCK, "netns": netns})


def rows_of(family: Family, length: int, messages: memoryview) -> Iterator[bytearray]:
    """Yield the rows of messages of one length.

    Raises:
        Torn: the messages are not what the kernel writes.
    """
    remote = OFFSET["remote"]
    for _, _, rows in family.rows(length, messages):
        for at in range(remote, len(rows), SIZE):
            if bytes(rows[at : at + 8]) == ANY:
                rows[at : at + 8] = bytes(8)
        yield rows
