import struct

import pytest
from tests.support.diag_bytes import SHUTDOWN, columns, inet, known, messages

from fivetuple.kernel.sock_diag import ALL_STATES, INFO, Reader
from fivetuple.kernel.sock_diag_states import DCCP, MPTCP, PEERS, SCTP, TCP, UDP
from fivetuple.model import record
from fivetuple.model.state import (
    BOUND_INACTIVE,
    CLOSE,
    CLOSE_WAIT,
    ESTABLISHED,
    FIN_WAIT1,
    FIN_WAIT2,
    LAST_ACK,
    LISTEN,
    NEW_SYN_RECV,
    SYN_RECV,
    SYN_SENT,
    TIME_WAIT,
)

ASSOCIATION = [SHUTDOWN, (13, bytes(128)), (PEERS, bytes(128))]
ULP = 19


def rows(protocol, *parts, family=2):
    reader = Reader(family, protocol, ALL_STATES, 1)
    return columns(chunk for part in parts for chunk in reader.rows(len(part), messages(part)))


@pytest.mark.parametrize(
    ("protocol", "kernel", "state"),
    [
        (TCP, CLOSE, BOUND_INACTIVE),
        (TCP, NEW_SYN_RECV, SYN_RECV),
        (MPTCP, CLOSE, CLOSE),
        (UDP, CLOSE, CLOSE),
        (DCCP, 13, ESTABLISHED),
        (DCCP, 15, CLOSE_WAIT),
    ],
)
def test_states_are_those_that_people_know(protocol, kernel, state):
    (row,) = rows(protocol, inet(kernel))

    assert row["state"] == state


def test_a_listener_among_others_has_its_queue():
    reader = Reader(2, TCP, ALL_STATES, 1)
    parts = [
        inet(state, cookie=cookie, queues=(cookie, 128))
        for cookie, state in enumerate((1, LISTEN, 1, LISTEN), 1)
    ]

    found = columns(reader.rows(len(parts[0]), messages(*parts)))

    assert [(row["accept_queue"], row["backlog"]) for row in found] == [
        (0, 0),
        (2, 128),
        (0, 0),
        (4, 128),
    ]
    assert [(row["recv_queue_bytes"], row["send_queue_bytes"]) for row in found] == [
        (1, 128),
        (0, 0),
        (3, 128),
        (0, 0),
    ]
    assert [known(row) >= {"ACCEPT_QUEUE", "BACKLOG"} for row in found] == [
        False,
        True,
        False,
        True,
    ]
    assert [known(row) >= {"QUEUES"} for row in found] == [True, False, True, False]


def test_a_listener_has_nothing_of_tcp_info():
    (row,) = rows(TCP, inet(LISTEN, attributes=[SHUTDOWN, (INFO, b"\7" * 280)]))

    assert "TCP_INFO" not in known(row)
    assert all(not row[column.name] for column in record.COLUMNS if column.group == record.TCP_INFO)


@pytest.mark.parametrize("state", [TIME_WAIT, FIN_WAIT2, NEW_SYN_RECV])
def test_a_small_socket_has_no_user(state):
    (row,) = rows(TCP, inet(state, inode=0, attributes=[]))

    assert "UID" not in known(row)
    assert known(row) >= {"INODE", "COOKIE", "TIMER", "QUEUES"}


@pytest.mark.parametrize(
    ("inode", "uid", "is_known"), [(0, 0, False), (0, 1000, True), (5, 0, True)]
)
def test_the_user_of_a_socket_without_file_is_known_if_it_is_told(inode, uid, is_known):
    (row,) = rows(TCP, inet(FIN_WAIT1, inode=inode, uid=uid))

    assert ("UID" in known(row)) == is_known
    assert row["uid"] == uid


def test_a_timer_that_is_overdue_fires_now():
    (overdue, running) = rows(
        TCP, inet(cookie=1, timer=(1, 2, 0xFFFFFFF0)), inet(cookie=2, timer=(1, 2, 300))
    )

    assert (overdue["timer"], overdue["timer_retransmits"], overdue["timer_ms"]) == (1, 2, 0)
    assert running["timer_ms"] == 300


@pytest.mark.parametrize(
    ("sockopt", "options"),
    [
        (b"\0\0", 0),
        (b"\x01\0", record.RECVERR),
        (b"\x04\0", record.FREEBIND),
        (b"\x08\0", record.HDRINCL),
        (b"\x20\0", record.TRANSPARENT),
        (b"\x00\x01", record.BIND_ADDRESS_NO_PORT),
        (b"\x52\x02", 0),  # is_icsk, mc_loop, mc_all, recverr_rfc4884: no columns
        (
            b"\xff\xff",
            record.RECVERR
            | record.FREEBIND
            | record.HDRINCL
            | record.TRANSPARENT
            | record.BIND_ADDRESS_NO_PORT,
        ),
    ],
)
def test_bits_of_sockopt_are_options(sockopt, options):
    (row,) = rows(TCP, inet(attributes=[SHUTDOWN, (22, sockopt)]))

    assert row["options"] == options


def test_options_that_sock_diag_never_tells_are_not_known():
    (row,) = rows(TCP, inet(attributes=[SHUTDOWN, (11, b"\0"), (22, b"\xff\xff")]))

    assert "OPTIONS" not in known(row)


def test_each_row_has_its_own_options():
    reader = Reader(10, TCP, ALL_STATES, 1)
    parts = [
        inet(
            LISTEN,
            family=10,
            cookie=cookie,
            attributes=[SHUTDOWN, (11, bytes((v6only,))), (22, bytes((sockopt, 0)))],
        )
        for cookie, v6only, sockopt in ((1, 1, 0), (2, 0, 4), (3, 1, 4))
    ]

    found = columns(reader.rows(len(parts[0]), messages(*parts)))

    assert [row["options"] for row in found] == [
        record.V6ONLY,
        record.DUAL_STACK | record.FREEBIND,
        record.V6ONLY | record.FREEBIND,
    ]


@pytest.mark.parametrize(
    ("name", "options"), [(b"mptcp\0", record.MPTCP_SUBFLOW), (b"smc\0\0\0", 0)]
)
def test_only_mptcp_makes_a_subflow(name, options):
    ulp = struct.pack("=HH", 4 + len(name), 1) + name

    (row,) = rows(TCP, inet(attributes=[SHUTDOWN, (22, b"\0\0"), (ULP, ulp)]))

    assert row["options"] == options


@pytest.mark.parametrize(
    ("kernel", "state"),
    list(
        enumerate(
            (CLOSE, SYN_SENT, SYN_SENT, ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT, LAST_ACK)
        )
    ),
)
def test_states_of_associations_are_told_in_tcps_words(kernel, state):
    (row,) = rows(
        SCTP, inet(kernel, timer=(4, 1, 50), interface=3, queues=(10, 20), attributes=ASSOCIATION)
    )

    assert row["state"] == state
    assert (row["timer"], row["interface"]) == (1, 0)
    assert (row["recv_queue_bytes"], row["send_queue_bytes"]) == (10, 20)


def test_queues_of_an_sctp_socket_are_a_backlog():
    listening, closed = rows(
        SCTP, inet(LISTEN, cookie=1, queues=(1, 128)), inet(CLOSE, cookie=2, queues=(0, 128))
    )

    assert (listening["accept_queue"], listening["backlog"]) == (1, 128)
    assert not known(closed) & {"QUEUES", "ACCEPT_QUEUE", "BACKLOG"}
    assert (closed["accept_queue"], closed["backlog"], closed["send_queue_bytes"]) == (0, 0, 0)
