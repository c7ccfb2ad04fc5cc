"""Internet sockets by sock_diag: TCP, UDP, UDP-Lite, SCTP, DCCP, MPTCP and raw, of one namespace.

What the kernel does, and what comes of it:

- TCP sockets that are bound and neither listen nor connect come (since 6.8) when bit 13 of
  `states` is set; the kernel calls them CLOSE. No other TCP socket in CLOSE is ever listed, so
  their rows say BOUND_INACTIVE (13).
- A list is not atomic: sockets can come twice, and `diag_repeats` drops those repeats; one can
  also be missed, and nobody can tell.
- `options` holds what the kernel tells: recverr, hdrincl, freebind, transparent,
  bind_address_no_port; v6only of sockets that listen or are not connected; and with `tcp_info`
  whether TCP is a subflow of MPTCP. Never reuseaddr, reuseport, nodelay, keepalive, broadcast:
  so `known` never has OPTIONS.
- SCTP lists each socket and then each of its associations, with the same inode and cookie.
  Whether the socket is one-to-one is not told: all are shown as streams.
- The "port" of a raw socket is its protocol (RFC 1700's number, no port).

Asking can make the kernel load the module for a protocol, as ss does too.

Sources: include/uapi/linux/inet_diag.h; net/ipv4/{inet,tcp,udp,raw}_diag.c, net/mptcp/mptcp_diag.c,
net/sctp/diag.c.
"""

from __future__ import annotations

from struct import pack

from fivetuple.kernel import netlink
from fivetuple.kernel import tcp_info as tcp
from fivetuple.kernel.diag_repeats import Repeats
from fivetuple.kernel.diag_rows import MEMORY, PORT, TEXT, Family
from fivetuple.kernel.sock_diag_states import (
    DCCP,
    MPTCP,
    RAW,
    SCTP,
    SHUTDOWN,
    TCP,
    UDP,
    UDPLITE,
    only,
    set_options,
    settle,
)
from fivetuple.model import names
from fivetuple.model.endpoint import AF_INET, AF_INET6, ANY_V4, ANY_V6

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from fivetuple.kernel.diag_rows import Member

SOCK_DCCP = 6

# Protocol -> (socket type, what people call it, the kernel's switch for its list)
PROTOCOLS = {
    TCP: (names.STREAM, "TCP", "CONFIG_INET_TCP_DIAG"),
    UDP: (names.DGRAM, "UDP", "CONFIG_INET_UDP_DIAG"),
    DCCP: (SOCK_DCCP, "DCCP", "CONFIG_INET_DCCP_DIAG"),
    SCTP: (names.STREAM, "SCTP", "CONFIG_INET_SCTP_DIAG"),
    UDPLITE: (names.DGRAM, "UDP-Lite", "CONFIG_INET_UDP_DIAG"),
    RAW: (names.RAW, "raw", "CONFIG_INET_RAW_DIAG"),
    MPTCP: (names.STREAM, "MPTCP", "CONFIG_INET_MPTCP_DIAG"),
}
DATAGRAMS = frozenset((UDP, UDPLITE, RAW))  # they have no timers

# Attributes INET_DIAG_*; those below 9 are asked for by bit n - 1 of idiag_ext.
INFO, CONG, SKMEMINFO, MARK, CGROUP_ID = 2, 4, 7, 15, 21
REQ_PROTOCOL = 3  # INET_DIAG_REQ_PROTOCOL: protocol numbers that do not fit into a byte

# struct inet_diag_msg, in the form that diag_rows reads
STRUCT_BYTES = 72
MEMBERS: tuple[Member, ...] = (
    ("state", 1, 1),
    ("remote_port", 6, PORT),
    ("interface", 40, 4),
    ("cookie", 44, 8),
    ("recv_queue_bytes", 56, 4),
    ("send_queue_bytes", 60, 4),
    ("uid", 64, 4),
    ("inode", 68, 4),
)
TIMERS: tuple[Member, ...] = (("timer", 2, 1), ("timer_retransmits", 3, 1), ("timer_ms", 52, 4))
ADDRESSES: dict[int, tuple[Member, ...]] = {
    AF_INET: (("local", 8, 4, 12), ("remote", 24, 4, 12)),
    AF_INET6: (("local", 8, 16), ("remote", 24, 16)),
}
ATTRIBUTES: dict[int, tuple[Member, ...]] = {
    SKMEMINFO: MEMORY,
    SHUTDOWN: (("shutdown", 0, 1),),
    MARK: (("mark", 0, 4),),
    CGROUP_ID: (("cgroup_id", 0, 8),),
}

ALL_STATES = 0xFFFFFFFF


def dump(
    family: int,
    protocol: int,
    *,
    states: int = ALL_STATES,
    tcp_info: bool = False,
    options: bool = False,
    netns: int,
) -> Iterator[bytearray]:
    """Yield the rows of one family and protocol in the calling thread's network namespace.

    Args:
        family: AF_INET or AF_INET6.
        protocol: a key of PROTOCOLS.
        states: 1 << state for each state wanted; bit 13 asks for bound but inactive TCP sockets.
        tcp_info: ask for struct tcp_info and the name of the congestion control (of TCP only).
        options: ask for buffers and drops; the column `options` needs no asking.
        netns: inode of the namespace, for the column.

    Raises:
        NotAvailable: this kernel lists no such protocol, or has no netlink.
        NotPermitted: netlink is forbidden to this process.
    """
    _, name, switch = PROTOCOLS[protocol]
    extensions = 0
    if tcp_info and protocol == TCP:
        extensions = 1 << INFO - 1 | 1 << CONG - 1
    if options:
        extensions |= 1 << SKMEMINFO - 1
    in_a_byte = protocol if protocol <= 0xFF else 0
    request = pack("=BBBxI48x", family, in_a_byte, extensions, states)
    if not in_a_byte:  # a kernel that does not know the attribute has no protocol 0, and says so
        request += netlink.attribute(REQ_PROTOCOL, pack("=I", protocol))
    reader = Reader(family, protocol, states, netns)
    for length, messages in netlink.dump(
        request, f"this kernel has no {name} sock_diag ({switch})"
    ):
        yield from reader.rows(length, messages)


class Reader:
    """Makes the rows of one list's messages."""

    __slots__ = ("_family", "_protocol", "_repeats", "_states")

    def __init__(self, family: int, protocol: int, states: int, netns: int) -> None:
        """Choose the tables for a family and a protocol; see `dump`."""
        members = MEMBERS + ADDRESSES[family]
        members += (("protocol_number" if protocol == RAW else "local_port", 4, PORT),)
        if protocol not in DATAGRAMS:
            members += TIMERS
        attributes = ATTRIBUTES
        if protocol == TCP:
            attributes = attributes | {
                INFO: tcp.MEMBERS,
                CONG: (("congestion_algorithm", 0, TEXT),),
            }
        unset = ANY_V4 if family == AF_INET else ANY_V6
        constant = {
            "family": family,
            "type": PROTOCOLS[protocol][0],
            "protocol_number": protocol,
            "netns": netns,
        }
        self._family = Family(
            STRUCT_BYTES, members, attributes, constant | {"local": unset, "remote": unset}
        )
        self._protocol = protocol
        self._states = states
        self._repeats = Repeats()

    def rows(self, length: int, messages: memoryview) -> Iterator[bytearray]:
        """Yield the rows of messages of one length.

        Raises:
            Torn: the messages are not what the kernel writes.
        """
        for layout, alike, copied in self._family.rows(length, messages):
            settle(self._protocol, layout, copied)
            set_options(layout, netlink.aligned(length), alike, copied)
            rows = copied
            if self._protocol in (SCTP, RAW):  # their lists do not keep to the states asked for
                rows = only(rows, self._states)
            if self._protocol != SCTP:
                rows = self._repeats.drop(rows)
            if rows:
                yield rows
