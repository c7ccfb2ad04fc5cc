"""struct tcp_info: which member, at which offset, goes to which column of RECORD.

How to read MEMBERS: one line a column: name of the column, offset of the member in the struct,
its size in bytes. The struct only ever grew at its end, so a member is there if the answer is
long enough; a column whose member this kernel has not stays zero (of those a Debian 12 or
Ubuntu 22.04 kernel lacks `recv_window_bytes`, which came in 6.2).

A connection that is not yet established counts the `last_*_ms` from the machine's start.

Sources: include/uapi/linux/tcp.h struct tcp_info; net/ipv4/tcp.c tcp_get_info(), which also
says that a LISTEN socket's tcpi_unacked and tcpi_sacked are its accept queue and backlog.
"""

from __future__ import annotations

from fivetuple.model import record

MEMBERS = (
    ("congestion_state", 1, 1),  # tcpi_ca_state
    ("rto_retransmits", 2, 1),  # tcpi_retransmits
    ("probes", 3, 1),
    ("backoff", 4, 1),
    ("window_scales", 6, 1),  # tcpi_snd_wscale (the peer's) in the low half, tcpi_rcv_wscale
    ("rto_us", 8, 4),
    ("mss_bytes", 16, 4),  # tcpi_snd_mss
    ("unacked_segments", 24, 4),
    ("lost_segments", 32, 4),
    ("retransmits_in_flight", 36, 4),  # tcpi_retrans
    ("last_data_sent_ms", 44, 4),
    ("last_data_received_ms", 52, 4),
    ("last_ack_received_ms", 56, 4),
    ("path_mtu_bytes", 60, 4),
    ("rtt_us", 68, 4),
    ("rtt_var_us", 72, 4),
    ("slow_start_threshold", 76, 4),
    ("congestion_window", 80, 4),
    ("retransmits", 100, 4),  # tcpi_total_retrans; Linux 2.6 ends here
    ("bytes_acked", 120, 8),  # 4.1
    ("bytes_received", 128, 8),
    ("segments_sent", 136, 4),  # 4.2
    ("segments_received", 140, 4),
    ("not_sent_bytes", 144, 4),  # 4.6
    ("min_rtt_us", 148, 4),
    ("delivery_rate_bytes_per_s", 160, 8),  # 4.9
    ("busy_us", 168, 8),  # 4.10
    ("recv_window_limited_us", 176, 8),
    ("send_buffer_limited_us", 184, 8),
    ("bytes_sent", 200, 8),  # 4.19
    ("bytes_retransmitted", 208, 8),
    ("out_of_order_segments", 224, 4),  # 5.4
    ("send_window_bytes", 228, 4),
    ("recv_window_bytes", 232, 4),  # 6.2
)

NO_RTT = 0xFFFFFFFF  # minmax_get() before the first sample; ss hides it too


def _spans() -> tuple[tuple[int, int], ...]:
    """Return (start, end) of each stretch of a row that belongs to struct tcp_info."""
    spans: list[tuple[int, int]] = []
    for name, _, size in sorted(MEMBERS, key=lambda member: record.OFFSET[member[0]]):
        start = record.OFFSET[name]
        if spans and spans[-1][1] == start:
            start = spans.pop()[0]
        spans.append((start, record.OFFSET[name] + size))
    return tuple(spans)


SPANS = _spans()
