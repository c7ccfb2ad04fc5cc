"""Rows of /proc/net/sctp/{eps,assocs}: the listeners and the associations of SCTP.

net/sctp/proc.c sctp_eps_seq_show(), sctp_assocs_seq_show():

    eps:    pointer sock style sst hash lport uid inode LADDR...
    assocs: pointer sock style sst st hash id tx rx uid inode lport rport LADDR... <-> RADDR... timers

An association has several addresses at each end; a row shows the first, and of the remote ones
the primary, which is marked '*'. `sst` is the socket's state in TCP's numbers (enum sctp_sock_state,
include/net/sctp/constants.h); `st` is the association's own (enum sctp_state), told here in the
words of TCP that mean the same to whoever waits.
"""

from __future__ import annotations

import struct

from fivetuple.model import record
from fivetuple.model.endpoint import AF_INET, AF_INET6, ANY_V4, V4_PREFIX, pack_address
from fivetuple.model.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

IPPROTO_SCTP = 132
SOCK_STREAM, SOCK_SEQPACKET = 1, 5
STYLE_TCP = (
    2  # one-to-one; 0 and 1 are one-to-many (include/net/sctp/structs.h enum sctp_socket_type)
)

# enum sctp_state -> TCP state: CLOSED, COOKIE_WAIT, COOKIE_ECHOED, ESTABLISHED,
# SHUTDOWN_PENDING, SHUTDOWN_SENT, SHUTDOWN_RECEIVED, SHUTDOWN_ACK_SENT
ASSOCIATION_STATES = (7, 2, 2, 1, 4, 5, 8, 9)

_PACK = record.Projection(
    "family", "type", "state", "protocol_number", "local_port", "remote_port", "known", "uid",
    "netns", "inode", "local", "remote", "recv_queue_bytes", "send_queue_bytes",
).struct.pack  # fmt: skip


def parse_endpoints(text: bytes, netns: int) -> bytes:
    """Return RECORD[n] of the lines of /proc/net/sctp/eps: sockets that listen or are bound.

    Raises:
        BadInput: a line isn't such a row.
    """

    def row(fields: list[str]) -> bytes:
        _, _, style, state, _, port, uid, inode, *local = fields
        address = _first(local)
        return _PACK(
            _family(address), _type(style), int(state), IPPROTO_SCTP, int(port), 0,
            record.UID | record.INODE, int(uid), netns, int(inode), address, bytes(16), 0, 0,
        )  # fmt: skip

    return _rows(text, row, "eps")


def parse_associations(text: bytes, netns: int) -> bytes:
    """Return RECORD[n] of the lines of /proc/net/sctp/assocs.

    Raises:
        BadInput: a line isn't such a row.
    """

    def row(fields: list[str]) -> bytes:
        _, _, style, _, state, _, _, sending, receiving, uid, inode, port, remote_port, *ends = (
            fields
        )
        middle = ends.index("<->")
        local = _first(ends[:middle])
        return _PACK(
            _family(local), _type(style), ASSOCIATION_STATES[int(state)], IPPROTO_SCTP,
            int(port), int(remote_port), record.QUEUES | record.UID | record.INODE, int(uid),
            netns, int(inode), local, _first(ends[middle + 1 :]), int(receiving), int(sending),
        )  # fmt: skip

    return _rows(text, row, "assocs")


def _rows(text: bytes, row: Callable[[list[str]], bytes], table: str) -> bytes:
    """Join the rows of all lines; turn what any line can do wrong into one BadInput."""
    rows = []
    for line in text.split(b"\n"):
        if not line.strip():
            continue
        try:
            rows.append(row(line.decode("ascii").split()))
        except (ValueError, IndexError, struct.error, BadInput):
            shown = line[:80].decode("ascii", "backslashreplace")
            raise BadInput(f"'{shown}' is not a row of /proc/net/sctp/{table}") from None
    return b"".join(rows)


def _first(addresses: list[str]) -> bytes:
    """Return the primary address, else the first that is one (timers follow the remote ones)."""
    primary = [address for address in addresses if address[:1] == "*"]
    if primary:
        return pack_address(primary[0][1:])
    return pack_address(addresses[0]) if addresses else ANY_V4


def _family(address: bytes) -> int:
    return AF_INET if address[:12] == V4_PREFIX else AF_INET6


def _type(style: str) -> int:
    return SOCK_STREAM if int(style) == STYLE_TCP else SOCK_SEQPACKET
