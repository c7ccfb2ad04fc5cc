"""The words that ss prints after the addresses: details (-e), memory (-m), timers (-o), TCP (-i).

How to read the tables: word before the colon -> column of RECORD. Words that aren't here are
passed over: ss learns new ones every year, and modules of the kernel bring their own.

What a missing word means (misc/ss.c, tcp_stats_print, sock_details_print): ss leaves out a value
that is 0; rttvar when there is no rtt yet; rto when it is 3 s; ssthresh when it is 65535 or more, which nearly always is
TCP_INFINITE_SSTHRESH of include/net/tcp.h; uid when it is root's. Never printed are the congestion
state, and the counts of probes and of time-outs in a row, which is the timer's third number.
"""

from __future__ import annotations

import re

from fivetuple.model import record
from fivetuple.model.state import LISTEN, TIME_WAIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Values = dict[str, Any]
    Reader = Callable[[Values, str], None]

NUMBERS = {
    "backoff": "backoff",
    "mss": "mss_bytes",
    "pmtu": "path_mtu_bytes",
    "cwnd": "congestion_window",
    "ssthresh": "slow_start_threshold",
    "bytes_sent": "bytes_sent",
    "bytes_retrans": "bytes_retransmitted",
    "bytes_acked": "bytes_acked",
    "bytes_received": "bytes_received",
    "segs_out": "segments_sent",
    "segs_in": "segments_received",
    "lastsnd": "last_data_sent_ms",
    "lastrcv": "last_data_received_ms",
    "lastack": "last_ack_received_ms",
    "unacked": "unacked_segments",
    "lost": "lost_segments",
    "notsent": "not_sent_bytes",
    "rcv_ooopack": "out_of_order_segments",
    "snd_wnd": "send_window_bytes",
    "rcv_wnd": "recv_window_bytes",
}
MILLISECONDS = {
    "rto": "rto_us",
    "minrtt": "min_rtt_us",
    "busy": "busy_us",
    "rwnd_limited": "recv_window_limited_us",
    "sndbuf_limited": "send_buffer_limited_us",
}
TCP_INFO_COLUMNS = tuple(
    column.name for column in record.COLUMNS if column.group == record.TCP_INFO
)
TCP = 6
INFINITE_SSTHRESH = 0x7FFFFFFF
UNPRINTED_RTO_US = 3_000_000

# inet_diag.h idiag_timer, in ss's words
TIMERS = {"off": 0, "on": 1, "keepalive": 2, "timewait": 3, "persist": 4}
MEMORY = (
    ("rb", "recv_buffer_bytes", record.BUFFERS),
    ("tb", "send_buffer_bytes", record.BUFFERS),
    ("d", "drops", record.DROPS),
)
SOCKOPTS = {
    "recverr": record.RECVERR,
    "freebind": record.FREEBIND,
    "hdrincl": record.HDRINCL,
    "transparent": record.TRANSPARENT,
    "bind_addr_no_port": record.BIND_ADDRESS_NO_PORT,
}
ARROWS = {"<->": 0, "-->": 1, "<--": 2, "---": 3}
# Words without a colon that can stand where the congestion control's name does.
FLAGS = frozenset(("ts", "usec_ts", "sack", "ecn", "ecnseen", "fastopen", "bidir"))
UNITS = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}

# `2.008ms` is 2 s and 8 ms: ss before 6.2 wrote the wrong unit behind seconds
_CLOCK = re.compile(r"(?:(\d+)min)?(?:(\d+)\.(\d+)(?:ms|sec)|(\d+)sec|(\d+)ms)?")
_MEMBER = re.compile(r"([a-z]+)(\d+)")
_TOLD = re.compile(r"(?:^|\s)([a-z_0-9]+):(\S+)")
_HEXADECIMAL = re.compile(r"[0-9a-f]{1,16}")
_ARROW = re.compile(r"(?:^|\s)(<->|-->|<--|---)(?=\s|$)")
_ALGORITHM = re.compile(
    r"(?:^|\s)([a-z][a-z0-9_-]{1,15}) (?:wscale|rto|backoff|rtt|ato|qack|mss|cwnd):"
)
_DELIVERY_RATE = re.compile(r"\sdelivery_rate (\d+(?:\.\d+)?(?:e[+-]\d\d)?)([kKMGT]?)bps")


def read_words(words: str, values: Values, cgroup: Callable[[str], int]) -> None:
    """Put what the words tell into the row's values and `known`; pass over the others."""
    told = dict(_TOLD.findall(words))
    has_info = False
    for key in told.keys() & READERS.keys():
        try:
            READERS[key](values, told[key])
        except (ValueError, OverflowError):
            continue  # a newer ss says something else by this word
        has_info = has_info or key not in DETAILS
    if "cgroup" in told:
        _read_cgroup(values, told["cgroup"], cgroup)
    if arrow := _ARROW.search(words):
        values["shutdown"] = ARROWS[arrow[1]]
        values["known"] |= record.SHUTDOWN
    _settle_details(values)
    if has_info:
        _settle_tcp_info(values, words)


def _settle_details(values: Values) -> None:
    """Conclude the uid from what -e printed: root's is left out, and no file has no user."""
    if not values["known"] & record.INODE:
        return
    if values["known"] & record.UID or (values["inode"] and values["state"] != TIME_WAIT):
        values["known"] |= record.UID


def _settle_tcp_info(values: Values, words: str) -> None:
    """Keep TCP's details of TCP's connections, and conclude what ss leaves out."""
    is_tcp = values.get("protocol_number") == TCP
    if is_tcp and (match := _ALGORITHM.search(words)) and match[1] not in FLAGS:
        values["congestion_algorithm"] = match[1].encode()
        values["known"] |= record.CONGESTION
    if values["state"] == LISTEN or not is_tcp:
        # the kernel fills in nearly nothing of a listener's; MPTCP and SCTP have words of their own
        for name in TCP_INFO_COLUMNS:
            values.pop(name, None)
        return
    if match := _DELIVERY_RATE.search(words):
        values["delivery_rate_bytes_per_s"] = round(float(match[1]) * UNITS[match[2]] / 8)
    values["known"] |= record.TCP_INFO
    values.setdefault("slow_start_threshold", INFINITE_SSTHRESH)
    values.setdefault("rto_us", UNPRINTED_RTO_US)


def clock_ms(text: str) -> int:
    """Return the milliseconds of `119min`, `45sec`, `2.008sec` or `144ms`.

    Raises:
        ValueError: it is none of these.
    """
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is no time")
    minutes, whole, thousandths, seconds, milliseconds = (int(part or 0) for part in match.groups())
    return minutes * 60_000 + (whole + seconds) * 1000 + thousandths + milliseconds


def _read_timer(values: Values, text: str) -> None:
    name, clock, fired = text.strip("()").split(",")
    values["timer_ms"] = clock_ms(clock)
    values["timer_retransmits"] = int(fired)
    values["timer"] = TIMERS.get(name, 0)
    values["known"] |= record.TIMER


def _read_memory(values: Values, text: str) -> None:
    found = dict(_MEMBER.findall(text))
    for key, column, group in MEMORY:
        if key in found:
            values[column] = int(found[key])
            values["known"] |= group


def _number(column: str, base: int = 10) -> Reader:
    group = record.COLUMN[column].group & ~record.TCP_INFO

    def read(values: Values, text: str) -> None:
        values[column] = int(text, base)
        values["known"] |= group

    return read


def _milliseconds(column: str) -> Reader:
    def read(values: Values, text: str) -> None:
        values[column] = round(float(text.partition("ms")[0]) * 1000)

    return read


def _read_rtt(values: Values, text: str) -> None:
    rtt_ms, _, deviation_ms = text.partition("/")
    values["rtt_us"], values["rtt_var_us"] = (
        round(float(rtt_ms) * 1000),
        round(float(deviation_ms) * 1000),
    )


def _read_retransmits(values: Values, text: str) -> None:
    now, _, total = text.partition("/")
    values["retransmits_in_flight"], values["retransmits"] = int(now), int(total)


def _read_scales(values: Values, text: str) -> None:
    peers, _, ours = text.partition(",")
    values["window_scales"] = int(ours) << 4 | int(peers)


def _read_v6only(values: Values, text: str) -> None:
    told = record.V6ONLY if text == "1" else record.DUAL_STACK
    values["options"] = values.get("options", 0) & ~(record.V6ONLY | record.DUAL_STACK) | told


def _read_cgroup(values: Values, text: str, cgroup: Callable[[str], int]) -> None:
    kind, _, number = text.partition(":")
    if kind == "unreachable" and _HEXADECIMAL.fullmatch(
        number
    ):  # ss found no path: it prints the id
        values["cgroup_id"] = int(number, 16)
        values["known"] |= record.CGROUP
    elif text[:1] == "/":
        values["cgroup_id"] = cgroup(text)


def read_sockopts(text: str, values: Values) -> None:
    """Read what stands in the parentheses of `inet-sockopt: ( recverr freebind )`."""
    bits = sum(SOCKOPTS.get(word, 0) for word in set(text.split()))
    values["options"] = values.get("options", 0) | bits


DETAILS: dict[str, Reader] = {
    "timer": _read_timer,
    "skmem": _read_memory,
    "uid": _number("uid"),
    "ino": _number("inode"),
    "sk": _number("cookie", 16),
    "fwmark": _number("mark", 16),
    "v6only": _read_v6only,
}
READERS = (
    DETAILS
    | {"rtt": _read_rtt, "retrans": _read_retransmits, "wscale": _read_scales}
    | {word: _number(column) for word, column in NUMBERS.items()}
    | {word: _milliseconds(column) for word, column in MILLISECONDS.items()}
)
