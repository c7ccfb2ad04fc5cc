"""Messages of sock_diag as rows of RECORD: members are copied for thousands of messages at once.

How to read the tables that the families give (`MEMBERS` and `ATTRIBUTES` of `sock_diag`,
`unix_diag`, `netlink_diag`, `packet_diag`, `vsock_diag`, `tcp_info`): one line a column: name of
the column; offset in the struct; size in bytes, or PORT (two bytes in network order), TEXT (as
many as there are), 0 (none is copied, but the column is known); where the member is not the
whole column, the offset inside the column. A row knows the groups of the columns that were
really there: `known` follows from the table and the message by itself.

Messages of one length in one list nearly always have the same attributes in the same places.
A Layout is made once from the first of them, and the attribute headers of all the others are
compared with it (one strided slice a header); then each word that a column needs is one strided
copy over all messages, in C. That takes 0.2 us a row with 12 columns, where `struct` on each
message takes 3 us. Messages that fail the comparison are sorted by their attributes first.

What the columns hold in families that are not the internet's:

| family | state | protocol_number | local, remote |
|---|---|---|---|
| unix | of TCP's numbers LISTEN, ESTABLISHED, CLOSE ... | 0 | zero; `peer_inode` names the peer |
| netlink | CLOSE | NETLINK_* | bytes 0-3 multicast groups 1-32 (remote: the number of one group), 4-7 port id |
| packet | CLOSE | ethertype, host order | zero; `interface` is the one it listens to |
| vsock | as TCP's | 0 | bytes 0-3 context id (CID), 4-7 port; any: 0xffffffff, in `remote` 0 |
"""

from __future__ import annotations

from struct import calcsize, pack_into

from fivetuple.kernel.netlink import ATTRIBUTE_HEADER_BYTES, HEADER_BYTES, Torn, aligned, attributes
from fivetuple.model import record
from fivetuple.model.record import OFFSET, SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Member = tuple[str, int, int] | tuple[str, int, int, int]
    Kind = tuple[tuple[int, int, int], ...]

PORT, TEXT = -2, -1
KNOWN = OFFSET["known"]

# The array SK_MEMINFO_* of include/uapi/linux/sock_diag.h; DROPS came in 4.7. Families without
# queue members of their own have its RMEM_ALLOC and WMEM_ALLOC for queues, as in ss.
MEMORY: tuple[Member, ...] = (
    ("recv_buffer_bytes", 4, 4),
    ("send_buffer_bytes", 12, 4),
    ("drops", 32, 4),
)
MEMORY_AND_QUEUES = (*MEMORY, ("recv_queue_bytes", 0, 4), ("send_queue_bytes", 8, 4))

KINDS_KEPT = 256  # layouts of one list: TCP has some ten; unix one for each length of a name


class Layout:
    """Where the members are in messages with the same attributes, and where they go in a row."""

    __slots__ = ("attributes", "headers", "known", "octets", "template", "words")

    def __init__(self, family: Family, found: Kind) -> None:
        """Compile the family's tables for messages whose attributes are `found`."""
        self.attributes = {
            kind: (at + ATTRIBUTE_HEADER_BYTES, length - ATTRIBUTE_HEADER_BYTES)
            for at, kind, length in found
        }
        """Type -> (offset, size) of the payload."""
        self.headers = tuple((at >> 2, length, kind) for at, kind, length in found)
        self.known = 0
        self.words: list[tuple[int, int]] = []
        self.octets: list[tuple[int, int]] = []
        self._read(family.members, HEADER_BYTES, family.struct_bytes)
        for kind, (at, size) in self.attributes.items():
            self._read(family.attributes.get(kind, ()), at, size)
        self.template = bytearray(family.template)
        pack_into("<H", self.template, KNOWN, self.known)

    def _read(self, members: Iterable[Member], start: int, size: int) -> None:
        """Plan the copies of the members of one struct, as far as the struct is long enough."""
        for column, at, given, *inside in members:
            width = given if given != TEXT else min(size, calcsize(record.COLUMN[column].format))
            if at + abs(width) > size:
                continue
            self.known |= record.COLUMN[column].group
            self._copy(OFFSET[column] + sum(inside), start + at, width)

    def _copy(self, to: int, at: int, width: int) -> None:
        if width == PORT:
            self.octets += ((to, at + 1), (to + 1, at))
        elif to % 4 == at % 4 == width % 4 == 0:
            self.words += ((to + step >> 2, at + step >> 2) for step in range(0, width, 4))
        else:
            self.octets += ((to + step, at + step) for step in range(width))


class Family:
    """One family's messages: the tables, and the layouts met so far."""

    __slots__ = ("attributes", "layouts", "members", "struct_bytes", "template")

    def __init__(
        self,
        struct_bytes: int,
        members: Iterable[Member],
        attributes: Mapping[int, tuple[Member, ...]],
        constant: Mapping[str, int | bytes],
    ) -> None:
        self.struct_bytes = struct_bytes
        """Size of the struct between the netlink header and the attributes."""
        self.members = members
        self.attributes = attributes
        """Type of an attribute -> its members. Other attributes are passed over."""
        self.template = record.pack(dict(constant))
        """The row before anything is read."""
        self.layouts: dict[Kind, Layout] = {}

    def rows(
        self, length: int, messages: memoryview
    ) -> Iterator[tuple[Layout, memoryview, bytearray]]:
        """Yield the rows of messages of one length, once for each layout that they have.

        Raises:
            Torn: a message is too short, or its attributes contradict themselves.
        """
        least = HEADER_BYTES + self.struct_bytes
        if length < least:
            raise Torn(f"a sock_diag message has {length} bytes; its struct alone needs {least}")
        first = self._layout(messages[:length])
        if _all_have(first, aligned(length), messages):
            yield first, messages, copy_rows(first, aligned(length), messages)
            return
        for layout, alike in self._by_layout(length, messages):
            yield layout, alike, copy_rows(layout, aligned(length), alike)

    def _layout(self, message: memoryview) -> Layout:
        found = attributes(message, HEADER_BYTES + self.struct_bytes)
        layout = self.layouts.get(found)
        if layout is None:
            if len(self.layouts) >= KINDS_KEPT:
                self.layouts.clear()
            layout = self.layouts[found] = Layout(self, found)
        return layout

    def _by_layout(self, length: int, messages: memoryview) -> Iterator[tuple[Layout, memoryview]]:
        """Sort messages of one length by layout."""
        sorted_messages: dict[Layout, list[memoryview]] = {}
        step = aligned(length)
        for at in range(0, len(messages), step):
            layout = self._layout(messages[at : at + length])
            sorted_messages.setdefault(layout, []).append(messages[at : at + step])
        for layout, parts in sorted_messages.items():
            yield layout, memoryview(b"".join(parts))


def _all_have(layout: Layout, step: int, messages: memoryview) -> bool:
    """Tell whether every message has just the attribute headers of the layout."""
    words = messages.cast("I")
    count = len(messages) // step
    for at, length, kind in layout.headers:
        header = (length | kind << 16).to_bytes(4, "little")
        if words[at :: step >> 2].tobytes() != header * count:
            return False
    return True


def copy_rows(layout: Layout, step: int, messages: memoryview) -> bytearray:
    """Make the rows of messages that all have this layout, `step` bytes apart."""
    rows = layout.template * (len(messages) // step)
    words, octets = messages.cast("I"), memoryview(rows)
    row_words = octets.cast("I")
    word_step, row_step = step >> 2, SIZE >> 2
    for to, at in layout.words:
        row_words[to::row_step] = words[at::word_step]
    for to, at in layout.octets:
        octets[to::SIZE] = messages[at::step]
    return rows
