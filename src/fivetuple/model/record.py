"""RECORD: the one fixed-size socket row, and the table that says what is in it.

How to read COLUMNS: one line a column: name, `struct` format, the group of facts it belongs
to, unit, meaning, kernel source. Order and formats *are* the layout; everything is naturally
aligned, so the C compiler lays out `struct ft_record` the same way without packing.
From this table come the C header (`scripts/gen_record_h.py`), the columns of JSON and CSV,
the fields of filters, and the docs. After a change run `make bpf`.

A row whose `known` lacks the bit of a column's group does not know that column: its bytes
are zero and people are shown nothing (JSON: null). Unknown is never 0.

This file is imported on the way of `ft ls`: no enum, no typing, no dataclasses here.
"""

from __future__ import annotations

from collections import namedtuple
from struct import Struct, calcsize

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# The groups of `known`. One bit each; a reader sets the bits of what it really read.
ALWAYS = 0  # columns every reader gives
QUEUES = 1 << 0
ACCEPT_QUEUE = 1 << 1
BACKLOG = 1 << 2  # /proc has the accept queue but not its limit
COOKIE = 1 << 3
CGROUP = 1 << 4
DROPS = 1 << 5
OPTIONS = 1 << 6
MARK = 1 << 7  # sock_diag shows it to CAP_NET_ADMIN only
TIMER = 1 << 8
SHUTDOWN = 1 << 9
BUFFERS = 1 << 10
PEER = 1 << 11
TCP_INFO = 1 << 12
UID = 1 << 13  # TIME_WAIT has none: its uid reads 0 and means nothing
CONGESTION = 1 << 14
INODE = 1 << 15  # lsof and some old texts lack it

GROUP_NAMES = {
    QUEUES: "QUEUES",
    ACCEPT_QUEUE: "ACCEPT_QUEUE",
    BACKLOG: "BACKLOG",
    COOKIE: "COOKIE",
    CGROUP: "CGROUP",
    DROPS: "DROPS",
    OPTIONS: "OPTIONS",
    MARK: "MARK",
    TIMER: "TIMER",
    SHUTDOWN: "SHUTDOWN",
    BUFFERS: "BUFFERS",
    PEER: "PEER",
    TCP_INFO: "TCP_INFO",
    UID: "UID",
    CONGESTION: "CONGESTION",
    INODE: "INODE",
}

# Bits of the column `options`. A bit that is set is a fact in every row. That another is not set is
# known only where `known` has OPTIONS: sock_diag and ss tell of some options and not of others.
REUSEADDR = 1 << 0
REUSEPORT = 1 << 1
V6ONLY = 1 << 2
FREEBIND = 1 << 3
TRANSPARENT = 1 << 4
BIND_ADDRESS_NO_PORT = 1 << 5
NODELAY = 1 << 6
KEEPALIVE = 1 << 7
RECVERR = 1 << 8
BROADCAST = 1 << 9
HDRINCL = 1 << 10
DEFER_ACCEPT = 1 << 11
MPTCP_SUBFLOW = 1 << 12
DUAL_STACK = 1 << 13  # no option: V6ONLY is not set, from who does not tell all of them

OPTION_NAMES = {
    "REUSEADDR": "SO_REUSEADDR",
    "REUSEPORT": "SO_REUSEPORT",
    "V6ONLY": "IPV6_V6ONLY",
    "FREEBIND": "IP_FREEBIND",
    "TRANSPARENT": "IP_TRANSPARENT",
    "BIND_ADDRESS_NO_PORT": "IP_BIND_ADDRESS_NO_PORT",
    "NODELAY": "TCP_NODELAY",
    "KEEPALIVE": "SO_KEEPALIVE",
    "RECVERR": "IP_RECVERR",
    "BROADCAST": "SO_BROADCAST",
    "HDRINCL": "IP_HDRINCL",
    "DEFER_ACCEPT": "TCP_DEFER_ACCEPT",
    "MPTCP_SUBFLOW": "a subflow of MPTCP",
}

# Values of the column `kind`.
SOCKET = 0
TRAILER = 255  # the last row of an iterator: `inode` holds how many sockets were walked

Column = namedtuple("Column", "name format group unit meaning source")

COLUMNS = (
    Column("kind", "B", ALWAYS, "", "0 for a socket; 255 for an iterator's closing row", "our own"),
    Column("family", "B", ALWAYS, "", "address family: inet, inet6, unix, netlink, packet, vsock", "skc_family; idiag_family"),
    Column("type", "B", ALWAYS, "", "socket type: stream, dgram, raw, seqpacket", "sk_type"),
    Column("state", "B", ALWAYS, "", "TCP state; CLOSE of a datagram socket is UNCONN", "skc_state (tw_substate in TIME_WAIT sockets); idiag_state"),
    Column("protocol_number", "H", ALWAYS, "", "IPPROTO_* of an inet socket; NETLINK_* of netlink; ethertype of packet", "sk_protocol; packet_sock.num"),
    Column("local_port", "H", ALWAYS, "", "local port, host order; 0: none", "skc_num; idiag_sport"),
    Column("remote_port", "H", ALWAYS, "", "remote port, host order; 0: not connected", "skc_dport; idiag_dport"),
    Column("known", "H", ALWAYS, "", "the groups of columns that this row knows", "our own"),
    Column("uid", "I", UID, "", "user id of the socket's creator", "sk_uid; idiag_uid"),
    Column("netns", "I", ALWAYS, "", "network namespace, by its inode number", "skc_net.net->ns.inum; stat(/proc/PID/ns/net)"),
    Column("interface", "I", ALWAYS, "", "index of the interface it is bound to (or its scope id); 0: any", "skc_bound_dev_if; idiag_if"),
    Column("inode", "Q", INODE, "", "inode number of the socket's file; 0: no file holds it", "socket_alloc.vfs_inode; idiag_inode"),
    Column("cookie", "Q", COOKIE, "", "the kernel's number of this socket, unique until reboot", "sock_gen_cookie(); idiag_cookie"),
    Column("local", "16s", ALWAYS, "", "local address in network order; IPv4 as ::ffff:a.b.c.d", "skc_rcv_saddr, skc_v6_rcv_saddr; idiag_src"),
    Column("remote", "16s", ALWAYS, "", "remote address in network order; IPv4 as ::ffff:a.b.c.d", "skc_daddr, skc_v6_daddr; idiag_dst"),
    Column("recv_queue_bytes", "I", QUEUES, "bytes", "received by the kernel, not yet read by the program (datagrams: buffer memory in use)", "rcv_nxt - copied_seq; sk_rmem_alloc; idiag_rqueue"),
    Column("send_queue_bytes", "I", QUEUES, "bytes", "written by the program, not yet acknowledged (datagrams: not yet sent)", "write_seq - snd_una; sk_wmem_alloc; idiag_wqueue"),
    Column("accept_queue", "I", ACCEPT_QUEUE, "connections", "a listener's connections that wait for accept()", "sk_ack_backlog; idiag_rqueue of LISTEN"),
    Column("backlog", "I", BACKLOG, "connections", "limit of a listener's accept queue: min(listen(), somaxconn)", "sk_max_ack_backlog; idiag_wqueue of LISTEN"),
    Column("cgroup_id", "Q", CGROUP, "", "cgroup v2 id of the socket's creator", "sk_cgrp_data.cgroup->kn->id; INET_DIAG_CGROUP_ID"),
    Column("drops", "I", DROPS, "packets", "packets this socket had to drop", "sk_drops, sk_drop_counters (6.18); SK_MEMINFO_DROPS"),
    Column("options", "I", OPTIONS, "", "socket options that are set: reuseaddr, reuseport, v6only ...", "skc_reuse, skc_reuseport, skc_ipv6only, inet_flags; INET_DIAG_SOCKOPT"),
    Column("mark", "I", MARK, "", "firewall mark (SO_MARK)", "sk_mark; INET_DIAG_MARK"),
    Column("timer_ms", "I", TIMER, "ms", "time until the running timer fires", "icsk_timeout, sk_timer, tw_timer; idiag_expires"),
    Column("timer", "B", TIMER, "", "the running timer: retransmit, keepalive, time-wait, persist", "icsk_pending; idiag_timer"),
    Column("timer_retransmits", "B", TIMER, "", "how often that timer has fired in a row", "icsk_retransmits, icsk_probes_out; idiag_retrans"),
    Column("shutdown", "B", SHUTDOWN, "", "1: reading was shut down, 2: writing, 3: both", "sk_shutdown; INET_DIAG_SHUTDOWN"),
    Column("congestion_state", "B", TCP_INFO, "", "0 open, 1 disorder, 2 CWR, 3 recovery, 4 loss", "icsk_ca_state; tcpi_ca_state"),
    Column("recv_buffer_bytes", "I", BUFFERS, "bytes", "limit of the receive buffer", "sk_rcvbuf; SK_MEMINFO_RCVBUF"),
    Column("send_buffer_bytes", "I", BUFFERS, "bytes", "limit of the send buffer", "sk_sndbuf; SK_MEMINFO_SNDBUF"),
    Column("peer_inode", "I", PEER, "", "unix: inode of the socket at the other end; 0: none", "unix_sock.peer; UNIX_DIAG_PEER"),
    Column("rtt_us", "I", TCP_INFO, "us", "smoothed round-trip time", "srtt_us >> 3; tcpi_rtt"),
    Column("rtt_var_us", "I", TCP_INFO, "us", "deviation of the round-trip time", "mdev_us >> 2; tcpi_rttvar"),
    Column("min_rtt_us", "I", TCP_INFO, "us", "least round-trip time seen lately", "rtt_min; tcpi_min_rtt"),
    Column("rto_us", "I", TCP_INFO, "us", "retransmission time-out", "icsk_rto; tcpi_rto"),
    Column("congestion_window", "I", TCP_INFO, "segments", "segments that may be in flight", "snd_cwnd; tcpi_snd_cwnd"),
    Column("slow_start_threshold", "I", TCP_INFO, "segments", "congestion window where slow start ends", "snd_ssthresh; tcpi_snd_ssthresh"),
    Column("mss_bytes", "I", TCP_INFO, "bytes", "payload of a full segment sent", "mss_cache; tcpi_snd_mss"),
    Column("path_mtu_bytes", "I", TCP_INFO, "bytes", "largest packet the path takes", "icsk_pmtu_cookie; tcpi_pmtu"),
    Column("unacked_segments", "I", TCP_INFO, "segments", "sent and not acknowledged", "packets_out; tcpi_unacked"),
    Column("lost_segments", "I", TCP_INFO, "segments", "believed lost now", "lost_out; tcpi_lost"),
    Column("retransmits_in_flight", "I", TCP_INFO, "segments", "retransmitted and not acknowledged", "retrans_out; tcpi_retrans"),
    Column("retransmits", "I", TCP_INFO, "segments", "retransmitted since the connection began", "total_retrans; tcpi_total_retrans"),
    Column("last_data_sent_ms", "I", TCP_INFO, "ms", "ago: last data sent", "lsndtime; tcpi_last_data_sent"),
    Column("last_data_received_ms", "I", TCP_INFO, "ms", "ago: last data received", "icsk_ack.lrcvtime; tcpi_last_data_recv"),
    Column("last_ack_received_ms", "I", TCP_INFO, "ms", "ago: last acknowledgement received", "rcv_tstamp; tcpi_last_ack_recv"),
    Column("not_sent_bytes", "I", TCP_INFO, "bytes", "in the send queue and never sent yet", "write_seq - snd_nxt; tcpi_notsent_bytes"),
    Column("send_window_bytes", "I", TCP_INFO, "bytes", "what the peer is ready to receive; 0: the peer does not read", "snd_wnd; tcpi_snd_wnd"),
    Column("recv_window_bytes", "I", TCP_INFO, "bytes", "what we told the peer that we can receive", "rcv_wnd; tcpi_rcv_wnd"),
    Column("backoff", "B", TCP_INFO, "", "doublings of the retransmission time-out", "icsk_backoff; tcpi_backoff"),
    Column("probes", "B", TCP_INFO, "", "unanswered window or keepalive probes", "icsk_probes_out; tcpi_probes"),
    Column("rto_retransmits", "B", TCP_INFO, "", "time-outs in a row without progress", "icsk_retransmits; tcpi_retransmits"),
    Column("window_scales", "B", TCP_INFO, "", "window scaling: ours in the high half, the peer's in the low", "rx_opt.snd_wscale, rcv_wscale; tcpi_snd_wscale, tcpi_rcv_wscale"),
    Column("out_of_order_segments", "I", TCP_INFO, "segments", "received before their turn", "rcv_ooopack; tcpi_rcv_ooopack"),
    Column("bytes_sent", "Q", TCP_INFO, "bytes", "payload sent, retransmissions included", "bytes_sent; tcpi_bytes_sent"),
    Column("bytes_acked", "Q", TCP_INFO, "bytes", "payload the peer acknowledged", "bytes_acked; tcpi_bytes_acked"),
    Column("bytes_received", "Q", TCP_INFO, "bytes", "payload received", "bytes_received; tcpi_bytes_received"),
    Column("bytes_retransmitted", "Q", TCP_INFO, "bytes", "payload sent more than once", "bytes_retrans; tcpi_bytes_retrans"),
    Column("delivery_rate_bytes_per_s", "Q", TCP_INFO, "bytes/s", "most recent goodput the kernel measured", "rate_delivered, rate_interval_us; tcpi_delivery_rate"),
    Column("busy_us", "Q", TCP_INFO, "us", "time with data waiting or in flight", "chrono_stat; tcpi_busy_time"),
    Column("recv_window_limited_us", "Q", TCP_INFO, "us", "of it, held back by the peer's receive window", "chrono_stat; tcpi_rwnd_limited"),
    Column("send_buffer_limited_us", "Q", TCP_INFO, "us", "of it, held back by our send buffer", "chrono_stat; tcpi_sndbuf_limited"),
    Column("segments_sent", "I", TCP_INFO, "segments", "segments sent", "segs_out; tcpi_segs_out"),
    Column("segments_received", "I", TCP_INFO, "segments", "segments received", "segs_in; tcpi_segs_in"),
    Column("congestion_algorithm", "16s", CONGESTION, "", "congestion control in use: cubic, bbr ...", "icsk_ca_ops->name; INET_DIAG_CONG"),
)  # fmt: skip

LAYOUT = "<" + "".join(column.format for column in COLUMNS)
SIZE = calcsize(LAYOUT)
NAMES = tuple(column.name for column in COLUMNS)
COLUMN = {column.name: column for column in COLUMNS}
OFFSET = {}
_offset = 0
for _column in COLUMNS:
    OFFSET[_column.name] = _offset
    _offset += calcsize("<" + _column.format)
ZERO = dict.fromkeys(NAMES, 0) | {
    name: b"" for name, column in COLUMN.items() if column.format.endswith("s")
}
_PACKER = Struct(LAYOUT)


class Projection:
    """The wanted columns of many rows, in the order of the table, with one `struct` pass.

    Unwanted columns become pad bytes, so `read()` makes tuples of the wanted values only and
    holds no objects: three columns of 100,000 rows take some 20 ms.
    """

    __slots__ = ("names", "read", "struct")

    def __init__(self, *names: str) -> None:
        """Raise KeyError for a name that is no column."""
        unknown = [name for name in names if name not in COLUMN]
        if unknown:
            raise KeyError(unknown[0])
        self.names = tuple(name for name in NAMES if name in names)
        self.struct = Struct(_layout_of(self.names))
        self.read = self.struct.iter_unpack
        """Iterate over the rows of a buffer (RECORD[n]) as tuples in the order of `names`."""


def _layout_of(wanted: tuple[str, ...]) -> str:
    """Spell the struct format of a row in which all but the wanted columns are padding."""
    parts = ["<"]
    pad = 0
    for column in COLUMNS:
        if column.name in wanted:
            parts.append(f"{pad}x{column.format}" if pad else column.format)
            pad = 0
        else:
            pad += calcsize("<" + column.format)
    if pad:
        parts.append(f"{pad}x")
    return "".join(parts)


def pack(values: dict[str, Any]) -> bytes:
    """Make one row from the given columns; the others are zero. Raise KeyError for no column."""
    row = ZERO | values
    if len(row) != len(ZERO):
        raise KeyError(next(name for name in values if name not in ZERO))
    return _PACKER.pack(*row.values())


def unpack(rows: bytes | bytearray | memoryview) -> Iterator[dict[str, Any]]:
    """Iterate over all columns of every row, each row as a dict. For a few rows, not for many."""
    for values in _PACKER.iter_unpack(rows):
        yield dict(zip(NAMES, values, strict=True))
