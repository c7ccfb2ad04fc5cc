"""/proc/net against ss, against the sockets themselves, and against hostile text."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.namespaces import NOBODY, child_in, in_namespace, namespace, wait_for

from fivetuple.kernel import procfs
from fivetuple.model import record
from fivetuple.model.endpoint import endpoint_text
from fivetuple.model.errors import BadInput, NotAvailable

SS_STATES = {
    "ESTAB": 1, "SYN-SENT": 2, "SYN-RECV": 3, "FIN-WAIT-1": 4, "FIN-WAIT-2": 5, "TIME-WAIT": 6,
    "UNCONN": 7, "CLOSE-WAIT": 8, "LAST-ACK": 9, "LISTEN": 10, "CLOSING": 11,
}  # fmt: skip

# Every state of TCP that a quiet machine can keep, over IPv4, IPv6 and v4-mapped; 300 connections.
TCP_ZOO = """
import socket
keep = []
def connect(server, family, address):
    client = socket.socket(family); client.connect(address); keep.append(client)
    accepted, _ = server.accept(); keep.append(accepted)
    return client, accepted
v4 = socket.create_server(("127.0.0.1", 8080), backlog=200)
v6 = socket.create_server(("::", 8081), family=socket.AF_INET6, dualstack_ipv6=True, backlog=7)
for _ in range(150):
    connect(v4, socket.AF_INET, ("127.0.0.1", 8080))
for _ in range(50):
    connect(v6, socket.AF_INET6, ("::1", 8081))
for _ in range(50):
    connect(v6, socket.AF_INET, ("127.0.0.1", 8081))
for _ in range(3):  # CLOSE_WAIT and FIN_WAIT2
    client, accepted = connect(v4, socket.AF_INET, ("127.0.0.1", 8080)); client.shutdown(socket.SHUT_WR)
for _ in range(4):  # TIME_WAIT
    client, accepted = connect(v4, socket.AF_INET, ("127.0.0.1", 8080)); client.close(); accepted.recv(1); accepted.close()
client, accepted = connect(v4, socket.AF_INET, ("127.0.0.1", 8080)); client.close()  # FIN_WAIT2 without a file
client, accepted = connect(v4, socket.AF_INET, ("127.0.0.1", 8080)); client.sendall(b"x" * 1000)  # a receive queue
client, accepted = connect(v4, socket.AF_INET, ("127.0.0.1", 8080))
accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
client.setblocking(False)  # a send queue: its peer does not read
try:
    while True: client.send(b"y" * 65536)
except BlockingIOError: pass
for _ in range(2):  # an accept queue
    client = socket.socket(); client.connect(("127.0.0.1", 8080)); keep.append(client)
full = socket.create_server(("127.0.0.1", 8082), backlog=0)
filler = socket.socket(); filler.connect(("127.0.0.1", 8082)); keep.append(filler)
for _ in range(2):  # SYN_SENT: the accept queue is full
    client = socket.socket(); client.setblocking(False); client.connect_ex(("127.0.0.1", 8082)); keep.append(client)
ready()
wait()
"""
DATAGRAM_ZOO = """
import socket
keep = []
def bound(family, kind, protocol, address):
    s = socket.socket(family, kind, protocol); s.bind(address); keep.append(s); return s
server = bound(socket.AF_INET, socket.SOCK_DGRAM, 0, ("127.0.0.1", 5353))
server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
client = bound(socket.AF_INET, socket.SOCK_DGRAM, 0, ("127.0.0.1", 0))
client.connect(("127.0.0.1", 5353))
for _ in range(20): client.send(b"z" * 500)  # most are dropped
bound(socket.AF_INET6, socket.SOCK_DGRAM, 0, ("::1", 5354))
bound(socket.AF_INET6, socket.SOCK_DGRAM, 0, ("::", 5355))
bound(socket.AF_INET, socket.SOCK_RAW, 47, ("127.0.0.1", 0))
bound(socket.AF_INET6, socket.SOCK_RAW, 58, ("::1", 0))
ready()
wait()
"""


def _rows(protocol: str, names: dict[int, bytes] | None = None) -> list[dict[str, Any]]:
    return list(record.unpack(b"".join(procfs.dump(protocol, 7, names=names))))


def _seen(*protocols: str) -> Counter[tuple[Any, ...]]:
    return Counter(
        (
            row["state"],
            endpoint_text(row["local"], row["local_port"], row["family"]),
            endpoint_text(row["remote"], row["remote_port"], row["family"]),
            row["accept_queue"] if row["state"] == 10 else row["recv_queue_bytes"],
            row["send_queue_bytes"],
        )
        for protocol in protocols
        for row in _rows(protocol)
    )


def _ss(flags: str) -> Counter[tuple[Any, ...]]:
    """Return what ss shows: state, local, remote and queues; a listener's limit is not in /proc."""
    text = subprocess.run(["ss", "-Han", flags], capture_output=True, text=True, check=True).stdout
    found: Counter[tuple[Any, ...]] = Counter()
    for line in text.splitlines():
        state, recv, send, local, remote = line.split()[:5]
        number = SS_STATES[state]
        is_v6 = "[" in local or "[" in remote
        local, remote = (_plain(end, is_v6) for end in (local, remote))
        found[number, local, remote, int(recv), 0 if number == 10 else int(send)] += 1
    return found


def _plain(end: str, is_v6: bool) -> str:
    """Return ss's address as ours: `*:80` of a dual-stack socket is [::]:80."""
    address, _, port = end.rpartition(":")
    address = re.sub(r"%\w+", "", address)
    if address == "*":
        address = "[::]"
    assert is_v6 or address.count(":") < 2 or address[0] == "["
    return f"{address}:{port.replace('*', '0')}"


def _is_settled() -> bool:
    """Tell whether every FIN was acknowledged and the kernel probes the window of who doesn't read."""
    rows = _rows("tcp")
    return {row["state"] for row in rows}.isdisjoint({4, 9, 11}) and any(
        row["timer"] == 4 for row in rows
    )


def _settled_tcp() -> list[dict[str, Any]]:
    wait_for(_is_settled)
    return _rows("tcp")


def _compare(flags: str, *protocols: str) -> tuple[Counter[tuple[Any, ...]], ...]:
    if "tcp" in protocols:
        wait_for(_is_settled)
    return _seen(*protocols), _ss(flags)


@pytest.mark.kernel
def test_tcp_agrees_with_ss_to_the_socket_in_every_state():
    with namespace() as name, child_in(name, TCP_ZOO):
        ours, theirs = in_namespace(name, _compare, "-t", "tcp", "tcp6")

    assert ours == theirs
    assert {1, 2, 5, 6, 8, 10} <= {key[0] for key in ours}
    assert sum(ours.values()) > 500


@pytest.mark.kernel
def test_udp_agrees_with_ss_to_the_socket():
    with namespace() as name, child_in(name, DATAGRAM_ZOO):
        ours, theirs = in_namespace(name, _compare, "-u", "udp", "udp6")

    assert ours == theirs
    assert sum(ours.values()) == 4


@pytest.mark.kernel
def test_unprivileged_user_reads_the_same_rows():
    with namespace() as name, child_in(name, TCP_ZOO):
        ours, theirs = in_namespace(name, _compare, "-t", "tcp", "tcp6", uid=NOBODY)

    assert ours == theirs


@pytest.mark.kernel
def test_rows_know_what_their_line_tells_and_no_more():
    with namespace() as name, child_in(name, TCP_ZOO):
        rows = in_namespace(name, _settled_tcp)

    listeners = [row for row in rows if row["state"] == 10]
    assert {row["local_port"]: row["accept_queue"] for row in listeners} == {8080: 2, 8082: 1}
    assert all(
        row["known"] & record.ACCEPT_QUEUE and not row["known"] & (record.BACKLOG | record.QUEUES)
        for row in listeners
    )
    gone = [row for row in rows if row["state"] == 6 or (row["state"] == 5 and row["timer"] == 3)]
    assert len(gone) == 5
    assert not any(row["known"] & record.UID or row["inode"] for row in gone)
    assert all(0 < row["timer_ms"] <= 60_000 and row["timer"] == 3 for row in gone)
    held = [row for row in rows if row["state"] == 1 and row["inode"]]
    assert all(row["known"] & record.UID for row in held)
    assert any(row["timer"] == 2 and row["timer_ms"] > 7_000_000 for row in held), "keepalive"
    assert any(row["timer"] == 4 for row in held), "window probe"
    assert not any(
        row["known"] & (record.COOKIE | record.TCP_INFO | record.CGROUP | record.PEER)
        for row in rows
    )
    assert {row["netns"] for row in rows} == {7}


@pytest.mark.kernel
def test_drops_of_udp_and_protocols_of_raw_sockets_are_told():
    with namespace() as name, child_in(name, DATAGRAM_ZOO):
        udp = in_namespace(name, _rows, "udp")
        raw = in_namespace(name, _rows, "raw") + in_namespace(name, _rows, "raw6")

    server = next(row for row in udp if row["local_port"] == 5353)
    assert server["known"] & record.DROPS
    assert 10 < server["drops"] < 20
    assert [(row["type"], row["protocol_number"], row["local_port"]) for row in raw] == [
        (3, 47, 0),
        (3, 58, 0),
    ]


def _both_roads(*protocols: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return every socket as /proc and as sock_diag have it, in pairs."""
    from fivetuple.kernel import sock_diag

    if "tcp" in protocols:
        wait_for(_is_settled)
    number = {"tcp": 6, "udp": 17}[protocols[0]]
    diag = [chunk for family in (2, 10) for chunk in sock_diag.dump(family, number, netns=7)]
    told = [list(record.unpack(b"".join(diag))), [row for each in protocols for row in _rows(each)]]
    for rows in told:
        rows.sort(
            key=lambda row: (
                row["inode"],
                row["local"],
                row["local_port"],
                row["remote"],
                row["remote_port"],
            )
        )
    return list(zip(*told, strict=True))


def _differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the columns that both know and tell differently; clocks run on between two looks."""
    both = one["known"] & other["known"]
    told_by_both = [
        name
        for name, column in record.COLUMN.items()
        if name not in ("known", "timer_ms")
        and (column.group == record.ALWAYS or both & column.group)
    ]
    return [name for name in told_by_both if one[name] != other[name]]


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("zoo", "protocols"),
    [(TCP_ZOO, ("tcp", "tcp6")), (DATAGRAM_ZOO, ("udp", "udp6"))],
    ids=["tcp", "udp"],
)
def test_rows_agree_with_sock_diag_in_every_column_that_both_know(zoo, protocols):
    with namespace() as name, child_in(name, zoo):
        pairs = in_namespace(name, _both_roads, *protocols)

    assert [_differences(*pair) for pair in pairs if _differences(*pair)] == []
    assert all(abs(one["timer_ms"] - other["timer_ms"]) < 2000 for one, other in pairs)


@pytest.mark.kernel
def test_thread_tables_are_those_of_the_namespace_that_the_thread_entered():
    from fivetuple.kernel import netns

    with namespace() as name, child_in(name, TCP_ZOO):
        inode = Path("/run/netns", name).stat().st_ino
        there = next(each for each in netns.find() if each.inode == inode)
        chunks = netns.run_in(there, lambda: procfs.dump("tcp", there.inode))
        rows = list(record.unpack(b"".join(chunks)))

    assert 8080 in {row["local_port"] for row in rows}
    assert {row["netns"] for row in rows} == {inode}


def test_absent_table_is_reported_and_not_taken_for_none(tmp_path):
    with pytest.raises(NotAvailable, match="no UDP-Lite over IPv6 in this kernel"):
        procfs.dump("udplite6", 1, path=str(tmp_path))


def test_unreadable_table_names_the_refusal(tmp_path):
    (tmp_path / "tcp").mkdir()

    with pytest.raises(NotAvailable, match="Is a directory"):
        procfs.dump("tcp", 1, path=str(tmp_path))


@pytest.mark.parametrize(
    "protocol",
    ["tcp", "udp", "raw", "icmp", "tcp6", "udp6", "raw6", "icmp6", "unix", "netlink", "packet"],
)
def test_headers_of_this_kernel_are_recognised(protocol):
    path = Path("/proc/net", protocol)
    if not path.exists():
        pytest.skip(f"kernel lacks {path}")
    text = path.read_bytes()

    guess = procfs.guess_kind(text)

    same_words = {"raw": "udp", "icmp": "udp", "raw6": "udp6", "icmp6": "udp6"}
    assert guess == same_words.get(protocol, protocol)
    assert len(procfs.parse_proc_net(text, protocol)) % record.SIZE == 0


def test_text_of_another_table_is_refused():
    with pytest.raises(BadInput, match="header line of /proc/net/udp"):
        procfs.parse_proc_net(Path("/proc/net/unix").read_bytes(), "udp")


@given(st.sampled_from([header for header, _ in procfs.HEADERS]), st.binary(max_size=300))
def test_random_text_raises_bad_input_and_nothing_else(header, noise):
    kind = procfs.guess_kind(header) or ""

    try:
        rows = procfs.parse_proc_net(header + b"\n" + noise, kind)
    except BadInput:
        return

    assert len(rows) % record.SIZE == 0
    lines = [line for line in noise.split(b"\n") if line.strip()]
    assert len(rows) // record.SIZE <= len(lines)


def test_dump_reads_tables_larger_than_a_block(tmp_path, monkeypatch):
    monkeypatch.setattr(procfs, "BLOCK_BYTES", 512)
    header = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    line = b"%4d: 0100007F:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 %d 1 0000000000000000 100 0 0 10 0\n"
    (tmp_path / "tcp").write_bytes(header + b"".join(line % (n, n, n) for n in range(1, 100)))

    rows = b"".join(procfs.dump("tcp", 1, path=str(tmp_path)))

    assert [row["local_port"] for row in record.unpack(rows)] == list(range(1, 100))
