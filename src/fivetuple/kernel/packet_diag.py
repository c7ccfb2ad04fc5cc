"""Packet sockets by sock_diag: what reads or writes frames below IP, as tcpdump and DHCP do.

What the columns hold is said in `diag_rows`.

Sources: include/uapi/linux/packet_diag.h; net/packet/diag.c.
"""

from __future__ import annotations

from struct import pack

from fivetuple.kernel import netlink
from fivetuple.kernel.diag_rows import MEMORY_AND_QUEUES, Family
from fivetuple.model.endpoint import AF_PACKET
from fivetuple.model.state import CLOSE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from fivetuple.kernel.diag_rows import Member

LACKS = "this kernel has no packet sock_diag (CONFIG_PACKET_DIAG)"

SHOW = 0x01 | 0x10  # PACKET_SHOW_INFO (with it comes the uid), _MEMINFO
INFO, UID, MEMINFO = 0, 5, 6  # PACKET_DIAG_*

# struct packet_diag_msg, in the form that diag_rows reads
STRUCT_BYTES = 16
MEMBERS: tuple[Member, ...] = (
    ("type", 1, 1),
    ("protocol_number", 2, 2),  # pdiag_num, which the kernel turned to host order
    ("inode", 4, 4),
    ("cookie", 8, 8),
)
ATTRIBUTES: dict[int, tuple[Member, ...]] = {
    INFO: (("interface", 0, 4),),  # pdi_index
    UID: (("uid", 0, 4),),
    MEMINFO: MEMORY_AND_QUEUES,
}


def dump(netns: int) -> Iterator[bytearray]:
    """Yield the rows of the calling thread's network namespace.

    Raises:
        NotAvailable: this kernel lists no packet sockets, or has no netlink.
        NotPermitted: netlink is forbidden to this process.
    """
    request = pack("=BBHIIII", AF_PACKET, 0, 0, 0, SHOW, 0, 0)
    family = family_of_rows(netns)
    for length, messages in netlink.dump(request, LACKS):
        for _, _, rows in family.rows(length, messages):
            yield rows


def family_of_rows(netns: int) -> Family:
    """Return what makes the rows of this family's messages."""
    constant = {"family": AF_PACKET, "state": CLOSE, "netns": netns}
    return Family(STRUCT_BYTES, MEMBERS, ATTRIBUTES, constant)
