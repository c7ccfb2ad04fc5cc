"""What a row of sock_diag knows depends on its state: the second pass over rows of inet sockets.

- LISTEN: the queue members are the accept queue and its limit, and struct tcp_info has nothing
  of a connection (its `unacked` is the accept queue again).
- TIME_WAIT, FIN_WAIT2 when the kernel has shrunk it to the same small form, and the entries of
  the SYN queue, reported as SYN_RECV, have no user and no file. They come without
  INET_DIAG_SHUTDOWN, which every full socket has: their UID is unknown.
- A full socket without a file (closing, or not yet accepted) reads uid 0 on kernels that ask
  its file: there only a uid other than 0 is known.
- An SCTP association counts its own states, timers and interfaces; they are given as what
  comes nearest in TCP. An SCTP socket (no INET_DIAG_PEERS) has backlogs for queues.

Sources: net/ipv4/inet_diag.c inet_sk_diag_fill(), inet_twsk_diag_fill(), inet_req_diag_fill();
net/ipv4/tcp_diag.c tcp_diag_get_info(); net/sctp/diag.c inet_sctp_diag_fill().
"""

from __future__ import annotations

from struct import pack_into, unpack_from

from fivetuple.kernel.diag_rows import KNOWN
from fivetuple.kernel.tcp_info import NO_RTT, SPANS
from fivetuple.model import record
from fivetuple.model.record import OFFSET, SIZE
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
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from fivetuple.kernel.diag_rows import Layout

TCP, UDP, DCCP, SCTP, UDPLITE, RAW, MPTCP = 6, 17, 33, 132, 136, 255, 262  # IPPROTO_*

# Attributes that say what kind of socket a message shows, or that take work: INET_DIAG_*
SHUTDOWN, SKV6ONLY, PEERS, ULP_INFO, SOCKOPT = 8, 11, 14, 19, 22

STATE = OFFSET["state"]
OPTIONS = OFFSET["options"]
TIMER = OFFSET["timer"]
QUEUES = OFFSET["recv_queue_bytes"]  # the four queue columns lie side by side
MPTCP_NAME = b"\x0a\0\x01\0mptcp\0"  # INET_ULP_INFO_NAME inside INET_DIAG_ULP_INFO
OVERDUE = 1 << 31  # kernels before 5.8 give a timer that should have fired as a negative number


def _table(changes: dict[int, int]) -> bytes:
    """Make a table for bytes.translate: the kernel's number -> that of the row."""
    table = bytearray(range(256))
    for kernels, ours in changes.items():
        table[kernels] = ours
    return bytes(table)


STATES = {
    TCP: _table({NEW_SYN_RECV: SYN_RECV, CLOSE: BOUND_INACTIVE}),
    MPTCP: _table({NEW_SYN_RECV: SYN_RECV}),
    # PARTOPEN is TCP_MAX_STATES: 13, from 6.8 on 14; PASSIVE_CLOSEREQ follows (linux/dccp.h)
    DCCP: _table({NEW_SYN_RECV: SYN_RECV, 13: ESTABLISHED, 14: ESTABLISHED, 15: CLOSE_WAIT}),
}
# enum sctp_state: CLOSED, COOKIE_WAIT, COOKIE_ECHOED, ESTABLISHED, SHUTDOWN_PENDING, _SENT,
# _RECEIVED, _ACK_SENT; as in kernel/proc_sctp.py
_ASSOCIATION = (CLOSE, SYN_SENT, SYN_SENT, ESTABLISHED, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT, LAST_ACK)
ASSOCIATION_STATES = _table(dict(enumerate(_ASSOCIATION)))
ASSOCIATION_TIMER = _table(dict.fromkeys(range(1, 256), 1))  # any is the retransmission's

# Attribute, byte of its payload (struct inet_diag_sockopt), bit -> bit of the column `options`
OPTION_BITS = (
    (SOCKOPT, 0, {0: record.RECVERR, 2: record.FREEBIND, 3: record.HDRINCL, 5: record.TRANSPARENT}),
    (SOCKOPT, 1, {0: record.BIND_ADDRESS_NO_PORT}),
    (SKV6ONLY, 0, {0: record.V6ONLY}),
)


def settle(protocol: int, layout: Layout, rows: bytearray) -> None:
    """Correct state, queues, timer and user of rows that have one layout, in place."""
    if protocol == SCTP:
        _settle_sctp(layout, rows)
    elif protocol in STATES:
        states = rows[STATE::SIZE].translate(STATES[protocol])
        rows[STATE::SIZE] = states
        make_listeners(rows, states)
        _clear_above(rows, "timer_ms", OVERDUE)
        if layout.known & record.TCP_INFO:
            _clear_above(rows, "min_rtt_us", NO_RTT)
    if SHUTDOWN not in layout.attributes:
        for at in range(0, len(rows), SIZE):
            _forget(rows, at, record.UID)
    else:
        _forget_uids_of_orphans(rows)


def _settle_sctp(layout: Layout, rows: bytearray) -> None:
    """Tell a socket from an association, and give the latter's numbers as TCP's."""
    if PEERS in layout.attributes:
        rows[STATE::SIZE] = rows[STATE::SIZE].translate(ASSOCIATION_STATES)
        rows[TIMER::SIZE] = rows[TIMER::SIZE].translate(ASSOCIATION_TIMER)
        for byte in range(4):  # the interface of the route, which nobody bound it to
            rows[OFFSET["interface"] + byte :: SIZE] = bytes(len(rows) // SIZE)
        return
    listeners = set(_find(rows[STATE::SIZE], LISTEN))
    for at in range(0, len(rows), SIZE):
        _make_listener(rows, at)
        if at not in listeners:
            _forget(rows, at, record.ACCEPT_QUEUE | record.BACKLOG)
            rows[at + QUEUES : at + QUEUES + 16] = bytes(16)


def make_listeners(rows: bytearray, states: bytearray) -> None:
    """Give the rows in LISTEN an accept queue and a backlog in place of queues of bytes."""
    for at in _find(states, LISTEN):
        _make_listener(rows, at)


def _make_listener(rows: bytearray, at: int) -> None:
    """Move the two queue members to the columns of a listener; drop what is no listener's."""
    waiting, limit = unpack_from("<II", rows, at + QUEUES)
    pack_into("<IIII", rows, at + QUEUES, 0, 0, waiting, limit)
    (known,) = unpack_from("<H", rows, at + KNOWN)
    if known & record.TCP_INFO:
        for start, end in SPANS:
            rows[at + start : at + end] = bytes(end - start)
    known = known & ~(record.QUEUES | record.TCP_INFO) | record.ACCEPT_QUEUE | record.BACKLOG
    pack_into("<H", rows, at + KNOWN, known)


def _clear_above(rows: bytearray, column: str, limit: int) -> None:
    """Set a 32-bit column to 0 where it is at least `limit`, which stands for none."""
    values = _column(rows, column)
    if max(values) >= limit:
        for index, value in enumerate(values):
            if value >= limit:
                pack_into("<I", rows, index * SIZE + OFFSET[column], 0)


def _forget_uids_of_orphans(rows: bytearray) -> None:
    inodes = _column(rows, "inode")
    if 0 in inodes:
        uids = _column(rows, "uid")
        for index, inode in enumerate(inodes):
            if not inode and not uids[index]:
                _forget(rows, index * SIZE, record.UID)


def set_options(layout: Layout, step: int, messages: memoryview, rows: bytearray) -> None:
    """Turn the option attributes of messages that have one layout into the column `options`."""
    for attribute, byte, bits in OPTION_BITS:
        at, size = layout.attributes.get(attribute, (0, 0))
        if byte >= size:
            continue
        column = bytes(messages[at + byte :: step])
        for value in set(column):
            options = sum(option for bit, option in bits.items() if value >> bit & 1)
            if attribute == SKV6ONLY and not options:
                options = record.DUAL_STACK
            if options:
                for row in _find(column, value):
                    _add_options(rows, row, options)
    if ULP_INFO in layout.attributes:
        at, _ = layout.attributes[ULP_INFO]
        for row, start in enumerate(range(at, len(messages), step)):
            if bytes(messages[start : start + len(MPTCP_NAME)]) == MPTCP_NAME:
                _add_options(rows, row * SIZE, record.MPTCP_SUBFLOW)


def only(rows: bytearray, states: int) -> bytearray:
    """Return the rows whose state is among the wanted: 1 << state."""
    wanted = [at for at in range(0, len(rows), SIZE) if states >> rows[at + STATE] & 1]
    if len(wanted) * SIZE == len(rows):
        return rows
    return bytearray().join(rows[at : at + SIZE] for at in wanted)


def _find(column: bytes | bytearray, value: int) -> Iterator[int]:
    """Yield where in `rows` the rows start whose byte in the column has this value."""
    index = column.find(value)
    while index >= 0:
        yield index * SIZE
        index = column.find(value, index + 1)


def _column(rows: bytearray, name: str) -> list[int]:
    """Return a 32-bit column, or the low half of a 64-bit one."""
    return memoryview(rows).cast("I")[OFFSET[name] >> 2 :: SIZE >> 2].tolist()


def _add_options(rows: bytearray, at: int, options: int) -> None:
    pack_into("<I", rows, at + OPTIONS, unpack_from("<I", rows, at + OPTIONS)[0] | options)


def _forget(rows: bytearray, at: int, groups: int) -> None:
    pack_into("<H", rows, at + KNOWN, unpack_from("<H", rows, at + KNOWN)[0] & ~groups)
