"""Unix sockets by sock_diag: of one namespace, with peer, queues and name.

A connection that nobody has accepted yet has no inode and is not listed. An accepted socket has
the name of its listener. A path loses its closing NUL byte; an abstract name starts with a NUL
byte and may hold more of them (unix(7)).

Sources: include/uapi/linux/unix_diag.h; net/unix/diag.c.
"""

from __future__ import annotations

from struct import pack, unpack_from

from fivetuple.kernel import netlink
from fivetuple.kernel.diag_repeats import Repeats
from fivetuple.kernel.diag_rows import MEMORY, Family
from fivetuple.kernel.sock_diag_states import make_listeners
from fivetuple.model.endpoint import AF_UNIX
from fivetuple.model.record import OFFSET, SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from fivetuple.kernel.diag_rows import Member

LACKS = "this kernel has no unix sock_diag (CONFIG_UNIX_DIAG)"

# UDIAG_SHOW_NAME, _PEER, _RQLEN, _MEMINFO, _UID; a kernel passes over what it does not know
SHOW = 0x01 | 0x04 | 0x10 | 0x20 | 0x40
ALL_STATES = 0xFFFFFFFF
NAME, PEER, RQLEN, MEMINFO, SHUTDOWN, UID = 0, 2, 4, 5, 6, 7  # UNIX_DIAG_*

# struct unix_diag_msg, in the form that diag_rows reads
STRUCT_BYTES = 16
INODE = netlink.HEADER_BYTES + 4
MEMBERS: tuple[Member, ...] = (
    ("type", 1, 1),
    ("state", 2, 1),
    ("inode", 4, 4),
    ("cookie", 8, 8),
    ("peer_inode", 0, 0),  # without UNIX_DIAG_PEER there is none, which is known too
)
ATTRIBUTES: dict[int, tuple[Member, ...]] = {
    PEER: (("peer_inode", 0, 4),),
    RQLEN: (("recv_queue_bytes", 0, 4), ("send_queue_bytes", 4, 4)),
    MEMINFO: MEMORY,
    SHUTDOWN: (("shutdown", 0, 1),),
    UID: (("uid", 0, 4),),
}


def dump(
    netns: int, names: dict[int, bytes] | None = None
) -> tuple[Iterator[bytearray], dict[int, bytes]]:
    """Return the rows of the calling thread's network namespace, and the names by inode.

    The kernel is asked when the first rows are taken. The names of rows are there when the rows
    are: in `names` if that is given, which is then what is returned.

    Raises (while rows are taken):
        NotAvailable: this kernel lists no unix sockets, or has no netlink.
        NotPermitted: netlink is forbidden to this process.
    """
    if names is None:
        names = {}
    return _rows(netns, names), names


def _rows(netns: int, names: dict[int, bytes]) -> Iterator[bytearray]:
    request = pack("=BBHIIIII", AF_UNIX, 0, 0, ALL_STATES, 0, SHOW, 0, 0)
    reader = Reader(netns, names)
    for length, messages in netlink.dump(request, LACKS):
        yield from reader.rows(length, messages)


class Reader:
    """Makes the rows of one list's messages, and puts the names by inode into `names`."""

    __slots__ = ("_family", "_repeats", "names")

    def __init__(self, netns: int, names: dict[int, bytes]) -> None:
        self._family = Family(
            STRUCT_BYTES, MEMBERS, ATTRIBUTES, {"family": AF_UNIX, "netns": netns}
        )
        self._repeats = Repeats()
        self.names = names

    def rows(self, length: int, messages: memoryview) -> Iterator[bytearray]:
        """Yield the rows of messages of one length.

        Raises:
            Torn: the messages are not what the kernel writes.
        """
        for layout, alike, copied in self._family.rows(length, messages):
            if RQLEN in layout.attributes:
                make_listeners(copied, copied[OFFSET["state"] :: SIZE])
            if NAME in layout.attributes:
                self._learn_names(layout.attributes[NAME], netlink.aligned(length), alike)
            rows = self._repeats.drop(copied)
            if rows:
                yield rows

    def _learn_names(self, place: tuple[int, int], step: int, messages: memoryview) -> None:
        at, size = place
        for start in range(0, len(messages), step):
            name = bytes(messages[start + at : start + at + size])
            (inode,) = unpack_from("=I", messages, start + INODE)
            self.names[inode] = name if name[:1] == b"\0" else name.rstrip(b"\0")
