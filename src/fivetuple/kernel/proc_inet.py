"""Rows of /proc/net/{tcp,udp,udplite,raw,icmp}, of IPv4 and IPv6.

One layout serves all ten tables (net/ipv4/tcp_ipv4.c get_tcp4_sock(), get_openreq4(),
get_timewait4_sock(); udp.c udp4_format_sock(); raw.c raw_sock_seq_show(); ping.c; and their
twins in net/ipv6):

    sl: LOCAL:PORT REMOTE:PORT st TX:RX tr:when retrnsmt uid timeout inode ref pointer ...

Addresses are 32-bit words in the byte order of the kernel that wrote them, printed as numbers:
127.0.0.1 reads 0100007F on a little-endian machine. Ports are plain numbers.

What means something else than it seems:
- `tr` 3 marks a TIME_WAIT minisocket (its state can be FIN_WAIT2 too): no uid, no file, no queue.
- A socket without a file (in the SYN queue, not accepted, closing) may read uid 0: unknown then.
- In LISTEN, RX is the accept queue, and its limit isn't there.
- `timeout` counts unanswered probes; `when` is in hundredths of a second (USER_HZ).
- The port of a raw socket is its protocol number (RFC 1700's, not a port).
"""

from __future__ import annotations

import struct
import sys

from fivetuple.model import record
from fivetuple.model.endpoint import AF_INET, AF_INET6, V4_PREFIX
from fivetuple.model.errors import BadInput

USER_HZ_MS = 10  # one hundredth of a second, on every architecture but alpha and ia64
RETRANSMIT = 1  # the timers: 1 retransmit, 2 keepalive, 3 TIME_WAIT, 4 window probe
SOCK_RAW = 3
LISTEN, STATES = 10, range(1, 14)  # include/net/tcp_states.h
MAX_U32 = 0xFFFFFFFF

# kind without the 6 -> socket type, protocol number of IPv4, of IPv6
TYPES = {
    "tcp": (1, 6, 6),
    "udp": (2, 17, 17),
    "udplite": (2, 136, 136),
    "raw": (3, 0, 0),
    "icmp": (2, 1, 58),
}

KNOWN_TCP = record.QUEUES | record.TIMER | record.UID | record.INODE
KNOWN_LISTEN = record.ACCEPT_QUEUE | record.TIMER | record.UID | record.INODE
KNOWN_DATAGRAM = record.QUEUES | record.DROPS | record.UID | record.INODE

_PACK = record.Projection(
    "family", "type", "state", "protocol_number", "local_port", "remote_port", "known", "uid",
    "netns", "inode", "local", "remote", "recv_queue_bytes", "send_queue_bytes", "accept_queue",
    "drops", "timer_ms", "timer", "timer_retransmits",
).struct.pack  # fmt: skip


class _Ends(dict[str, "tuple[bytes, int]"]):
    """`0100007F:1F90` -> (16 bytes, port), each decoded once: servers repeat themselves."""

    __slots__ = ("words",)

    def __init__(self, words: int) -> None:
        self.words = words

    def __missing__(self, text: str) -> tuple[bytes, int]:
        address, colon, port = text.partition(":")
        if len(address) != 8 * self.words or len(port) != 4 or not colon:
            raise ValueError(f"'{text}' is no address and port")
        raw = bytes.fromhex(address)
        if sys.byteorder == "little":
            raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
        end = self[text] = (raw if self.words == 4 else V4_PREFIX + raw, int(port, 16))
        return end


def parse_inet(text: bytes, kind: str, netns: int) -> bytes:
    """Return RECORD[n] of the lines of one table, without its header.

    Raises:
        BadInput: a line isn't such a row, or was cut off before its inode's end.
    """
    is_v6 = kind[-1] == "6"
    ends = _Ends(4 if is_v6 else 1)
    row = _tcp_row if kind[:3] == "tcp" else _datagram_row
    type_, protocol_v4, protocol_v6 = TYPES[kind.removesuffix("6")]
    fixed = (AF_INET6 if is_v6 else AF_INET, type_, protocol_v6 if is_v6 else protocol_v4, netns)
    rows = []
    line = ""
    try:
        _refuse_odd_digits(text)
        for line in text.decode("ascii").split("\n"):
            if line and not line.isspace():
                rows.append(row(line.split(None, 12), ends, fixed))
    except (ValueError, struct.error) as err:
        shown = line[:80].encode("unicode_escape").decode()
        raise BadInput(f"'{shown}' is not a row of /proc/net/{kind}: {err}") from None
    return b"".join(rows)


def _tcp_row(fields: list[str], ends: _Ends, fixed: tuple[int, int, int, int]) -> bytes:
    """Return the row of a line of tcp or tcp6; ValueError when it is cut off before its end."""
    _, local, remote, state_text, queues, clock, retransmits, uid, probes, inode, _, _, *_ = fields
    family, type_, protocol, netns = fixed
    local_address, local_port = ends[local]
    remote_address, remote_port = ends[remote]
    state = int(state_text, 16)
    if state not in STATES:
        raise ValueError(f"{state} is no state of TCP")
    sending, _, receiving = queues.partition(":")
    send_queue, recv_queue = int(sending, 16), int(receiving, 16)
    timer_text, _, when = clock.partition(":")
    timer = int(timer_text, 16)
    accept_queue = 0
    known = KNOWN_TCP
    if state == LISTEN:
        known, accept_queue, recv_queue, send_queue = KNOWN_LISTEN, recv_queue, 0, 0
    owner, file = int(uid), int(inode)
    if not (owner or file):
        known &= ~record.UID  # kernels that ask the file print 0 when there is none
    fired = int(retransmits, 16) if timer <= RETRANSMIT else int(probes)
    return _PACK(
        family, type_, state, protocol, local_port, remote_port, known,
        owner, netns, file, local_address, remote_address,
        recv_queue, send_queue, accept_queue, 0,
        min(int(when, 16) * USER_HZ_MS, MAX_U32), timer, min(fired, 255),
    )  # fmt: skip


def _datagram_row(fields: list[str], ends: _Ends, fixed: tuple[int, int, int, int]) -> bytes:
    """Return the row of a line of udp, udplite, raw or icmp; ValueError when it is cut off before its end."""
    _, local, remote, state_text, queues, _, _, uid, _, inode, _, _, drops = fields
    family, type_, protocol, netns = fixed
    local_address, local_port = ends[local]
    remote_address, remote_port = ends[remote]
    state = int(state_text, 16)
    if state not in STATES:
        raise ValueError(f"{state} is no state of a socket")
    if type_ == SOCK_RAW:
        protocol, local_port = local_port, 0
    sending, _, receiving = queues.partition(":")
    return _PACK(
        family, type_, state, protocol, local_port, remote_port, KNOWN_DATAGRAM,
        int(uid), netns, int(inode), local_address, remote_address,
        int(receiving, 16), int(sending, 16), 0, int(drops), 0, 0, 0,
    )  # fmt: skip


def _refuse_odd_digits(text: bytes) -> None:
    """Refuse what `int()` takes for a number and the kernel never writes."""
    for odd in b"_+xX":
        if odd in text:
            raise ValueError(f"it holds a '{odd:c}'")
