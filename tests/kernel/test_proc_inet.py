"""Lines of /proc/net/tcp and its kin, one by one: what each field becomes, what is refused."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivetuple.kernel.proc_inet import parse_inet
from fivetuple.model import record
from fivetuple.model.endpoint import pack_address
from fivetuple.model.errors import BadInput

LISTEN = b"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000  1000        0 4711 1 000000009057ef4c 100 0 0 10 0\n"
RETRANSMITTING = b"   1: 0100007F:C001 04030201:01BB 01 00000400:00000002 01:0000001F 00000004  1000        0 4712 2 000000009057ef4c 20 4 30 10 -1\n"
PROBING = b"   2: 0100007F:C001 04030201:01BB 01 00000400:00000000 04:00000020 00000000  1000        9 4712 2 000000009057ef4c 20 4 30 10 -1\n"
TIME_WAIT = b"   3: 0100007F:C001 04030201:01BB 06 00000000:00000000 03:00000FA0 00000000     0        0 0 3 000000009057ef4c\n"
SYN_RECV = b"   4: 0100007F:1F90 04030201:01BB 03 00000000:00000000 01:00000064 00000002  1000        0 0 1 000000009057ef4c\n"
UDP = b"  123: 00000000:14E9 00000000:0000 07 00000000:00000680 00:00000000 00000000   101        0 881 2 000000009057ef4c 17\n"
V6 = b"   0: B80D0120000000000000000001000000:0050 0000000000000000FFFF00000100007F:C350 01 00000000:00000000 00:00000000 00000000    33        0 99 1 000000009057ef4c 20 4 30 10 -1\n"

little_endian = pytest.mark.skipif(
    sys.byteorder != "little", reason="the lines are a little-endian machine's"
)


def _row(line: bytes, kind: str = "tcp") -> dict[str, Any]:
    return next(record.unpack(parse_inet(line, kind, 5)))


@little_endian
def test_addresses_are_words_in_the_byte_order_of_the_machine():
    row = _row(V6, "tcp6")

    assert row["local"] == pack_address("2001:db8::1")
    assert row["remote"] == pack_address("::ffff:127.0.0.1")
    assert (row["local_port"], row["remote_port"], row["family"]) == (80, 50000, 10)


def test_listener_gives_its_accept_queue_and_not_its_limit():
    row = _row(LISTEN)

    assert (row["accept_queue"], row["recv_queue_bytes"], row["state"]) == (3, 0, 10)
    assert row["known"] == record.ACCEPT_QUEUE | record.TIMER | record.UID | record.INODE


def test_queues_and_timer_have_their_units():
    row = _row(RETRANSMITTING)

    assert (row["send_queue_bytes"], row["recv_queue_bytes"]) == (1024, 2)
    assert (row["timer"], row["timer_ms"], row["timer_retransmits"]) == (1, 310, 4)
    assert (row["uid"], row["inode"], row["protocol_number"], row["type"], row["netns"]) == (
        1000,
        4712,
        6,
        1,
        5,
    )


def test_probes_are_counted_in_the_field_that_is_called_timeout():
    row = _row(PROBING)

    assert (row["timer"], row["timer_ms"], row["timer_retransmits"]) == (4, 320, 9)


def test_time_wait_has_a_timer_and_no_user():
    row = _row(TIME_WAIT)

    assert (row["timer"], row["timer_ms"]) == (3, 40_000)
    assert not row["known"] & record.UID


def test_syn_recv_belongs_to_the_user_of_its_listener():
    row = _row(SYN_RECV)

    assert (row["uid"], row["timer_retransmits"]) == (1000, 2)
    assert row["known"] & record.UID


def test_datagram_socket_gives_its_drops_and_has_no_timer():
    row = _row(UDP, "udp")

    assert (row["drops"], row["local_port"], row["state"], row["type"]) == (17, 5353, 7, 2)
    assert row["known"] & record.DROPS
    assert not row["known"] & record.TIMER


def test_line_numbers_beyond_9999_and_blank_lines_are_fine():
    assert len(parse_inet(LISTEN.replace(b"   0:", b"100000:") + b"\n\n", "tcp", 1)) == record.SIZE


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(LISTEN[: LISTEN.index(b"711")], id="cut off in the inode"),
        pytest.param(LISTEN.replace(b"0A", b"0E"), id="no such state"),
        pytest.param(LISTEN.replace(b"0100007F", b"0100007"), id="short address"),
        pytest.param(LISTEN.replace(b"0100007F:", b"0100007F"), id="no colon"),
        pytest.param(LISTEN.replace(b" 4711", b" -4711"), id="negative inode"),
        pytest.param(LISTEN.replace(b"4711", b"4_711"), id="a number that only Python reads"),
        pytest.param(LISTEN.replace(b"1000", b"99999999999"), id="uid of 37 bits"),
        pytest.param(LISTEN.replace(b"4711", "٤٧".encode()), id="digits of another script"),
        pytest.param(V6, id="IPv6 among IPv4"),
        pytest.param(b"hello\n", id="words"),
    ],
)
def test_line_that_is_no_row_is_refused_and_quoted(line):
    with pytest.raises(BadInput, match="is not a row of /proc/net/tcp"):
        parse_inet(LISTEN + line, "tcp", 1)


@given(st.integers(0, len(RETRANSMITTING)))
def test_cut_off_row_is_refused_or_whole(length):
    try:
        rows = parse_inet(RETRANSMITTING[:length], "tcp", 1)
    except BadInput:
        return

    if rows:
        assert rows == parse_inet(RETRANSMITTING, "tcp", 1)
    else:
        assert not RETRANSMITTING[:length].strip()
