import struct

from tests.support.diag_bytes import SHUTDOWN, columns, inet, known, messages

from fivetuple.kernel import tcp_info
from fivetuple.kernel.sock_diag import ALL_STATES, INFO, Reader
from fivetuple.kernel.sock_diag_states import TCP
from fivetuple.model import record

LONGEST = 280  # struct tcp_info of Linux 6.18


def row_with(info):
    message = inet(attributes=[SHUTDOWN, (INFO, info)])
    reader = Reader(2, TCP, ALL_STATES, 1)
    (row,) = columns(reader.rows(len(message), messages(message)))
    return row


def test_every_column_of_the_group_has_a_member():
    columns_of_group = {column.name for column in record.COLUMNS if column.group == record.TCP_INFO}

    assert {name for name, _, _ in tcp_info.MEMBERS} == columns_of_group


def test_spans_cover_the_group_and_nothing_else():
    covered = {offset for start, end in tcp_info.SPANS for offset in range(start, end)}

    expected = set()
    for column in record.COLUMNS:
        if column.group == record.TCP_INFO:
            start = record.OFFSET[column.name]
            expected |= set(range(start, start + struct.calcsize(column.format)))
    assert covered == expected


def test_members_are_read_at_their_places():
    info = bytes(range(256)) + bytes(LONGEST - 256)

    row = row_with(info)

    for name, offset, size in tcp_info.MEMBERS:
        assert row[name] == int.from_bytes(info[offset : offset + size], "little"), name


def test_a_struct_of_an_older_kernel_leaves_its_newer_members_zero():
    row = row_with(b"\1" * 104)

    assert row["retransmits"] == row["rtt_us"] == 0x01010101
    assert row["bytes_acked"] == row["recv_window_bytes"] == 0
    assert "TCP_INFO" in known(row)


def test_a_struct_of_a_newer_kernel_is_read_as_far_as_known():
    row = row_with(b"\1" * 1000)

    assert row["recv_window_bytes"] == 0x01010101


def test_no_round_trip_yet_reads_zero():
    info = bytearray(LONGEST)
    struct.pack_into("=I", info, 148, tcp_info.NO_RTT)

    assert row_with(bytes(info))["min_rtt_us"] == 0
