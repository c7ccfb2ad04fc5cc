import struct

import pytest
from tests.support.diag_bytes import columns, known, message, messages

from fivetuple.kernel.diag_rows import KINDS_KEPT, MEMORY, PORT, TEXT, Family
from fivetuple.kernel.netlink import Torn
from fivetuple.model import record

MEMBERS = (("state", 0, 1), ("local_port", 2, PORT), ("inode", 4, 4))
ATTRIBUTES = {
    1: (("cookie", 0, 8),),
    2: (("congestion_algorithm", 0, TEXT),),
    3: (("options", 0, 0),),
    7: MEMORY,
}


def family():
    return Family(8, MEMBERS, ATTRIBUTES, {"family": 2, "netns": 5})


def payload(state=1, port=80, inode=9):
    return struct.pack("=BxHI", state, (port & 0xFF) << 8 | port >> 8, inode)


def rows(made, *parts, length=None):
    return columns(chunk for _, _, chunk in made.rows(length or len(parts[0]), messages(*parts)))


def test_members_go_to_their_columns():
    (row,) = rows(family(), message(payload(10, 8080, 77)))

    assert (row["state"], row["local_port"], row["inode"]) == (10, 8080, 77)
    assert (row["family"], row["netns"]) == (2, 5)
    assert known(row) == {"INODE"}


def test_a_row_knows_what_its_message_has():
    (row,) = rows(family(), message(payload(), [(1, b"\1" * 8), (3, b"")]))

    assert row["cookie"] == 0x0101010101010101
    assert known(row) == {"INODE", "COOKIE", "OPTIONS"}


def test_text_is_as_long_as_it_is():
    short = message(payload(), [(2, b"bbr\0")])
    overlong = message(payload(), [(2, b"x" * 40)])

    assert rows(family(), short)[0]["congestion_algorithm"] == b"bbr".ljust(16, b"\0")
    assert rows(family(), overlong)[0]["congestion_algorithm"] == b"x" * 16


def test_members_beyond_the_end_of_a_struct_are_unknown():
    """Kernels before 4.7 have no SK_MEMINFO_DROPS."""
    memory = struct.pack("=8I", *range(1, 9))

    (row,) = rows(family(), message(payload(), [(7, memory)]))

    assert (row["recv_buffer_bytes"], row["send_buffer_bytes"]) == (2, 4)
    assert known(row) == {"INODE", "BUFFERS"}


def test_many_messages_of_one_layout_are_one_chunk():
    parts = [
        message(payload(port=port, inode=port + 1), [(1, struct.pack("=Q", port))])
        for port in range(1000)
    ]

    chunks = list(family().rows(len(parts[0]), messages(*parts)))

    assert len(chunks) == 1
    assert [
        (row["local_port"], row["inode"], row["cookie"]) for row in columns([chunks[0][2]])
    ] == [(port, port + 1, port) for port in range(1000)]


def test_messages_of_one_length_and_other_attributes_are_told_apart():
    """`bbr` and `cubic` take the same room; so do attributes that trade places."""
    plain = message(payload(inode=1), [(1, b"\1" * 8), (3, b"")])
    swapped = message(payload(inode=2), [(3, b""), (1, b"\2" * 8)])
    other = message(payload(inode=3), [(99, b"\3" * 8), (3, b"")])

    found = {row["inode"]: row for row in rows(family(), plain, swapped, other, plain)}

    assert found[1]["cookie"] == 0x0101010101010101
    assert found[2]["cookie"] == 0x0202020202020202
    assert found[3]["cookie"] == 0
    assert known(found[3]) == {"INODE", "OPTIONS"}


def test_lengths_that_are_no_multiple_of_four_are_padded():
    first, second = (message(payload(inode=inode), [(2, b"reno\0")]) for inode in (1, 2))
    unpadded = len(first) - 3
    parts = [struct.pack("=I", unpadded) + part[4:] for part in (first, second)]

    found = rows(family(), *parts, length=unpadded)

    assert [row["inode"] for row in found] == [1, 2]
    assert found[1]["congestion_algorithm"].rstrip(b"\0") == b"reno"


def test_layouts_do_not_pile_up():
    made = family()

    for size in range(3 * KINDS_KEPT):
        rows(made, message(payload(), [(50, bytes(size))]))

    assert len(made.layouts) <= KINDS_KEPT


def test_a_message_shorter_than_its_struct_is_refused():
    with pytest.raises(Torn, match="its struct alone needs 24"):
        rows(family(), message(b"1234"))


def test_columns_that_are_written_as_one_lie_side_by_side():
    offset = record.OFFSET["recv_queue_bytes"]

    names = ("recv_queue_bytes", "send_queue_bytes", "accept_queue", "backlog")
    assert [record.OFFSET[name] for name in names] == [offset, offset + 4, offset + 8, offset + 12]
    assert record.SIZE % 8 == 0
