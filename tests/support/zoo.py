"""A Snapshot made by hand: one socket of many kinds, with owners, names of strangers, and gaps."""

from __future__ import annotations

from typing import Any

from fivetuple.model import facts, record
from fivetuple.model.endpoint import (
    AF_INET,
    AF_INET6,
    AF_NETLINK,
    AF_PACKET,
    AF_UNIX,
    AF_VSOCK,
    pack_address,
)
from fivetuple.model.names import DGRAM, PROTOCOL_NUMBERS, RAW, STREAM
from fivetuple.model.namespace import Namespace
from fivetuple.model.process import Place, Process
from fivetuple.model.snapshot import Host, Snapshot
from fivetuple.model.state import CLOSE, CLOSE_WAIT, ESTABLISHED, LISTEN, TIME_WAIT

TAKEN_NS = 1_790_000_000_123_456_789
NETNS = 4026531840
HOSTILE = "ev\x1b[31mil\n\u202eexe\x07|`<b>"
HOSTILE_PATH = b"/run/a\x1b]0;owned\x07\nb\xff\xe2\x80\xae"
USUAL = (
    record.QUEUES
    | record.COOKIE
    | record.UID
    | record.INODE
    | record.OPTIONS
    | record.TIMER
    | record.DROPS
)

_COMMON = {"netns": NETNS, "uid": 33}


def row(
    family: int,
    kind: int,
    state: int,
    *,
    local: str = "",
    remote: str = "",
    known: int = USUAL,
    **columns: Any,
) -> bytes:
    """Make one row; addresses are written as text."""
    values = _COMMON | {"family": family, "type": kind, "state": state, "known": known} | columns
    if local:
        values["local"] = pack_address(local)
    if remote:
        values["remote"] = pack_address(remote)
    return record.pack(values)


def tcp(
    state: int,
    local: str,
    local_port: int,
    remote: str = "",
    remote_port: int = 0,
    **columns: Any,
) -> bytes:
    """Make the row of a TCP socket."""
    family = AF_INET6 if ":" in local else AF_INET
    return row(
        family, STREAM, state, local=local, remote=remote or ("::" if family == AF_INET6 else "0.0.0.0"),
        protocol_number=PROTOCOL_NUMBERS["tcp"], local_port=local_port, remote_port=remote_port, **columns,
    )  # fmt: skip


def rows() -> list[bytes]:
    """Return the rows, in an order that a kernel could have."""
    accepting = USUAL | record.ACCEPT_QUEUE | record.BACKLOG
    detailed = USUAL | record.TCP_INFO | record.CONGESTION
    return [
        tcp(LISTEN, "0.0.0.0", 443, inode=100, cookie=1, accept_queue=3, backlog=511, known=accepting & ~record.QUEUES),
        tcp(LISTEN, "::", 22, inode=101, cookie=2, accept_queue=0, backlog=128, known=accepting & ~record.QUEUES, options=record.REUSEADDR),
        tcp(ESTABLISHED, "192.0.2.10", 443, "198.51.100.7", 50123, inode=102, cookie=3, known=detailed, send_queue_bytes=1460, rtt_us=21_500, congestion_window=10, bytes_sent=123_456, congestion_algorithm=b"cubic"),
        tcp(ESTABLISHED, "192.0.2.10", 40001, "203.0.113.9", 5432, inode=103, cookie=4, uid=1000),
        tcp(CLOSE_WAIT, "192.0.2.10", 40002, "203.0.113.9", 5432, inode=104, cookie=5, recv_queue_bytes=1, uid=1000),
        tcp(TIME_WAIT, "192.0.2.10", 40003, "203.0.113.9", 5432, known=record.TIMER | record.QUEUES, timer=3, timer_ms=41_000),
        tcp(ESTABLISHED, "::ffff:192.0.2.10", 22, "::ffff:198.51.100.8", 40100, inode=105, cookie=6),
        tcp(ESTABLISHED, "2001:db8::10", 22, "2001:db8::99", 40200, inode=0, cookie=7),
        row(AF_INET, DGRAM, CLOSE, local="127.0.0.53", protocol_number=17, local_port=53, inode=110, cookie=8, interface=1, drops=7),
        row(AF_INET6, RAW, CLOSE, local="::", protocol_number=58, inode=111, cookie=9),
        row(AF_UNIX, STREAM, LISTEN, inode=120, peer_inode=0, known=USUAL | record.PEER),
        row(AF_UNIX, STREAM, ESTABLISHED, inode=121, peer_inode=122, known=USUAL | record.PEER),
        row(AF_NETLINK, RAW, CLOSE, protocol_number=0, inode=130),
        row(AF_PACKET, DGRAM, CLOSE, protocol_number=0x800, inode=131, interface=2),
        row(AF_VSOCK, STREAM, LISTEN, inode=132, known=record.INODE),
    ]  # fmt: skip


def snapshot() -> Snapshot:
    """Return the snapshot."""
    made = Snapshot(
        Host("web-1", "Linux", "6.18.0"),
        TAKEN_NS,
        road="netlink",
        facts=(1 << 24) - 1,
        chunks=[b"".join(rows())],
        own_netns=NETNS,
    )
    nginx = Place("nginx.service")
    orders = Place(container_id="0123456789abcdef" * 4, engine="docker")
    orders.container_name = "orders"
    made.processes = {
        1: Process(1, "systemd", comm=b"systemd", argv=(b"/sbin/init",), parent_pid=0, uid=0),
        812: Process(812, "nginx", comm=b"nginx", argv=(b"nginx:", b"master"), parent_pid=1, uid=33, place=nginx),
        813: Process(813, "nginx", comm=b"nginx", argv=(b"nginx:", b"worker"), parent_pid=812, uid=33, place=nginx),
        900: Process(900, "orders-api", comm=b"python3", argv=(b"python3", b"-m", b"orders api"), parent_pid=1, uid=1000, place=orders),
        901: Process(901, HOSTILE, comm=b"evil", argv=(HOSTILE.encode(), b"\xff"), parent_pid=1, uid=0),
    }  # fmt: skip
    held = {
        100: (812, 6),
        101: (901, 3),
        102: (813, 9),
        103: (900, 4),
        104: (900, 5),
        105: (901, 4),
        110: (901, 5),
        111: (901, 6),
        120: (901, 7),
        121: (812, 8),
    }
    made.holders = {inode: pid << 32 | fd for inode, (pid, fd) in held.items()}
    made.shared = {100: (812 << 32 | 6, 813 << 32 | 6)}
    made.unix_names = {120: HOSTILE_PATH, 122: b"\0bus"}
    space = Namespace(NETNS, "host", is_own=True, pid=1)
    space.sysctls = {
        "net.ipv4.ip_local_port_range": "32768\t60999",
        "net.ipv4.tcp_fin_timeout": "30",
    }
    made.namespaces = {NETNS: space}
    made.interfaces = {NETNS: {1: "lo", 2: "eth0"}}
    made.users = {0: "root", 33: "www-data", 1000: "ada"}
    made.miss(facts.CONTAINERS, "the engine's socket may not be read", refused=True)
    return made
