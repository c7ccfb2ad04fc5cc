"""What the rows of bpf/sockets.bpf.c say, judged by sock_diag, ss and the sockets themselves."""

import struct
import time
from pathlib import Path

import pytest
from tests.support import ss
from tests.support.diag_bytes import columns, known
from tests.support.every_state import CODE
from tests.support.namespaces import child_in, in_namespace, ip, namespace, wait_for

from fivetuple.kernel import sock_diag
from fivetuple.kernel.bpf_iter import BpfRoad
from fivetuple.model import record
from fivetuple.model.endpoint import AF_INET, AF_INET6, AF_VSOCK, endpoint_text, pack_address
from fivetuple.model.state import (
    BOUND_INACTIVE,
    CLOSE,
    FIN_WAIT2,
    LISTEN,
    STATES,
    SYN_RECV,
    TIME_WAIT,
)

pytestmark = pytest.mark.kernel

TCP, UDP, ICMP, UDPLITE, RAW, MPTCP = 6, 17, 1, 136, 255, 262
TIMERS = {1: "on", 2: "keepalive", 3: "timewait", 4: "persist"}
MS_COLUMNS = {"timer_ms", "last_data_sent_ms", "last_data_received_ms", "last_ack_received_ms"}
# what sock_diag tells of a socket's options; V6ONLY only of some sockets
DIAG_OPTIONS = (
    record.RECVERR
    | record.FREEBIND
    | record.HDRINCL
    | record.TRANSPARENT
    | record.BIND_ADDRESS_NO_PORT
)
DIAG_OPTIONS |= record.MPTCP_SUBFLOW

# what a listener's or a client's own program sets, and the bit that must then be there
OPTIONS_CODE = """
import socket

def tcp(level=None, option=None, value=1):
    sock = socket.socket()
    if level is not None:
        sock.setsockopt(level, option, value)
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    return sock

keep = {
    "plain": tcp(),
    "reuseaddr": tcp(socket.SOL_SOCKET, socket.SO_REUSEADDR),
    "reuseport": tcp(socket.SOL_SOCKET, socket.SO_REUSEPORT),
    "keepalive": tcp(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    "nodelay": tcp(socket.IPPROTO_TCP, socket.TCP_NODELAY),
    "defer_accept": tcp(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT),
    "freebind": tcp(socket.IPPROTO_IP, 15),
    "transparent": tcp(socket.IPPROTO_IP, 19),
    "bind_address_no_port": tcp(socket.IPPROTO_IP, 24),
    "recverr": tcp(socket.IPPROTO_IP, 11),
}
v6 = socket.create_server(("::1", 0), family=socket.AF_INET6)
v6_err = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
v6_err.setsockopt(socket.IPPROTO_IPV6, 25, 1)  # IPV6_RECVERR
v6_err.bind(("::1", 0))
v6_err.connect(("::1", 9))
cast = socket.socket(type=socket.SOCK_DGRAM)
cast.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
cast.bind(("127.0.0.1", 0))

server = keep["plain"]
alive = socket.create_connection(server.getsockname())
alive.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
alive.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 50)
accepted, _ = server.accept()
stuck = socket.create_connection(server.getsockname())
stuck.setblocking(False)
reader, _ = server.accept()
try:
    while True:
        stuck.send(bytes(1 << 16))
except BlockingIOError:
    pass
link_local = socket.create_server(("fe80::77", 0, 0, 1), family=socket.AF_INET6)
to_link_local = socket.socket(socket.AF_INET6)
to_link_local.connect(link_local.getsockname())

ports = {name: sock.getsockname()[1] for name, sock in keep.items()}
more = dict(v6=v6, v6_err=v6_err, cast=cast, alive=alive, stuck=stuck, link_local=link_local, to_link_local=to_link_local)
ready(ports=ports | {name: sock.getsockname()[1] for name, sock in more.items()})
wait()
"""

KINDS_CODE = """
import ctypes, os, socket, time

open("/proc/sys/net/ipv4/ping_group_range", "w").write("0 0")
kinds = dict(
    raw=(socket.AF_INET, socket.SOCK_RAW, 1), raw6=(socket.AF_INET6, socket.SOCK_RAW, 58), header=(socket.AF_INET, socket.SOCK_RAW, 255),
    ping=(socket.AF_INET, socket.SOCK_DGRAM, 1), vsock=(40, socket.SOCK_STREAM, 0), unbound=(socket.AF_INET, socket.SOCK_STREAM, 0),
    tcp=(socket.AF_INET, socket.SOCK_STREAM, 0), udp=(socket.AF_INET, socket.SOCK_DGRAM, 0), unix=(socket.AF_UNIX, socket.SOCK_STREAM, 0),
    packet=(17, socket.SOCK_RAW, 0), netlink=(16, socket.SOCK_RAW, 0), lite=(socket.AF_INET, socket.SOCK_DGRAM, 136), mptcp=(socket.AF_INET, socket.SOCK_STREAM, 262),
)
made = {}
for name, kind in kinds.items():
    try:
        made[name] = socket.socket(*kind)
    except OSError:
        pass
for name, port in {"ping": 4321, "tcp": 4321, "lite": 4321, "mptcp": 4322}.items():
    if name in made:
        made[name].bind(("127.0.0.1", port))
if "mptcp" in made:
    made["mptcp"].listen(4)
vsock_port = 0
if "vsock" in made:
    made["vsock"].bind((0xFFFFFFFF, 0xFFFFFFFF))  # any CID, any port: a port is the whole machine's
    made["vsock"].listen(3)
    vsock_port = made["vsock"].getsockname()[1]
pid = os.fork()
if pid == 0:
    ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG: it ends with its parent
    time.sleep(1000)
ready(inodes={name: os.fstat(sock.fileno()).st_ino for name, sock in made.items()}, pid=pid, vsock_port=vsock_port)
wait()
"""


@pytest.fixture(scope="module")
def lab():
    with namespace("ft-bpf") as name, child_in(name, CODE) as child:
        wait_for(
            lambda: (
                {row["state"] for row in in_namespace(name, bpf, "tcp")}
                >= set(STATES) - {CLOSE, 12, BOUND_INACTIVE}
            ),
            what="a socket in every state",
        )
        yield name, child.facts


@pytest.fixture(scope="module")
def options_lab():
    with namespace("ft-bpf") as name:
        ip("-n", name, "address", "add", "fe80::77/64", "dev", "lo", "nodad")
        with child_in(name, OPTIONS_CODE) as child:
            yield name, child.facts["ports"]


@pytest.fixture(scope="module")
def kinds_lab():
    with namespace("ft-bpf") as name, child_in(name, KINDS_CODE) as child:
        yield name, child.facts


def bpf(*programs):
    with BpfRoad(programs) as road:
        return [row for program in programs for row in columns(road.stream(program))]


def diag():
    netns = Path("/proc/self/ns/net").stat().st_ino
    return [
        row
        for protocol in (TCP, UDP)
        for family in (AF_INET, AF_INET6)
        for row in columns(
            sock_diag.dump(family, protocol, tcp_info=True, options=True, netns=netns)
        )
    ]


def by_cookie(rows):
    found = {row["cookie"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def one(rows, port, **wanted):
    (row,) = [row for row in rows if row["local_port"] == port and wanted.items() <= row.items()]
    return row


def test_rows_are_those_of_sock_diag_in_every_column(lab):
    def read():
        return [
            by_cookie(rows) for rows in (bpf("tcp_full", "udp"), diag(), bpf("tcp_full", "udp"))
        ]

    before, expected, after = in_namespace(lab[0], read)

    listed = {cookie for cookie, row in expected.items() if row["state"] != BOUND_INACTIVE}
    assert set(before) == set(after) == listed
    compared = set()
    for cookie in listed:
        row, wanted, later = before[cookie], expected[cookie], after[cookie]
        for column in record.COLUMNS:
            name = column.name
            if name in ("known", "options") or (
                column.group and not row["known"] & wanted["known"] & column.group
            ):
                continue
            if name in MS_COLUMNS:
                assert (
                    min(row[name], later[name]) - 8
                    <= wanted[name]
                    <= max(row[name], later[name]) + 8
                ), (name, row)
            elif row[name] == later[name]:
                assert row[name] == wanted[name], (name, row, wanted)
            compared.add(name)
        if row["known"] & wanted["known"] & record.OPTIONS:
            assert row["options"] & DIAG_OPTIONS == wanted["options"] & DIAG_OPTIONS
    assert compared == set(record.NAMES) - {"known", "options", "peer_inode"}


def test_rows_know_what_sock_diag_knows(lab):
    rows, expected = in_namespace(
        lab[0], lambda: (by_cookie(bpf("tcp_full", "udp")), by_cookie(diag()))
    )

    for cookie, row in rows.items():
        assert known(expected[cookie]) <= known(row)


def test_lean_rows_are_the_full_ones_without_what_they_do_not_know(lab):
    lean, full = in_namespace(lab[0], lambda: (by_cookie(bpf("tcp")), by_cookie(bpf("tcp_full"))))

    assert set(lean) == set(full)
    for cookie, row in lean.items():
        assert known(full[cookie]) - known(row) == {"CONGESTION", "TCP_INFO"} & known(full[cookie])
        for column in record.COLUMNS:
            if column.group in (record.TCP_INFO, record.CONGESTION):
                assert (
                    not row[column.name].strip(b"\0")
                    if column.format == "16s"
                    else row[column.name] == 0
                )
            elif column.name not in (
                "known",
                "timer_ms",
                "timer",
                "timer_retransmits",
                "send_queue_bytes",
            ):
                assert row[column.name] == full[cookie][column.name], column.name


@pytest.mark.parametrize(("program", "flag"), [("tcp", "-t"), ("udp", "-u")])
def test_sockets_are_those_of_ss(lab, program, flag):
    name, _ = lab

    rows = by_cookie(in_namespace(name, bpf, program))

    said = ss.inet(name, flag)
    assert set(rows) == set(said)
    for cookie, words in said.items():
        row = rows[cookie]
        assert words["state"] in (STATES[row["state"]].ss, "UNCONN")
        local = endpoint_text(row["local"], row["local_port"], row["family"])
        assert words["local"].replace("*:", "[::]:").replace("%lo", "") == local
        queues = (row["recv_queue_bytes"], row["send_queue_bytes"])
        if row["state"] == LISTEN:
            queues = (row["accept_queue"], row["backlog"])
        assert (words["recv_queue"], words["send_queue"]) == tuple(map(str, queues))
        assert row["drops"] == int(words.get("d", "0"))


def test_timers_are_those_of_ss(lab, options_lab):
    stuck = options_lab[1]["stuck"]
    wait_for(
        lambda: one(in_namespace(options_lab[0], bpf, "tcp"), stuck)["timer"] == 4,
        what="a window probe",
    )
    seen = set()
    for name in (lab[0], options_lab[0]):
        said, rows = ss.inet(name, "-t"), by_cookie(in_namespace(name, bpf, "tcp"))
        for cookie, row in rows.items():
            timer, left, fired = said[cookie].get("timer", "(none,0,0)").strip("()").split(",")
            if row["timer"] and timer == TIMERS[row["timer"]]:
                assert row["timer_retransmits"] >= int(fired)
                assert abs(row["timer_ms"] - milliseconds(left)) < 1500
                seen.add(timer)
    assert seen == {"on", "keepalive", "timewait", "persist"}


def milliseconds(left):
    """Read a time of ss: `sec.ms` as in 59sec, 1min2sec, 840ms, 3.5ms."""
    if left.endswith("ms"):
        return float(left[:-2])
    minutes, _, seconds = left.rpartition("min")
    return (int(minutes or 0) * 60 + float(seconds.removesuffix("sec") or 0)) * 1000


def test_idle_connection_has_what_getsockopt_says(lab):
    name, facts = lab
    info = bytes.fromhex(facts["tcp_info"])

    row = by_cookie(in_namespace(name, bpf, "tcp_full"))[facts["cookie"]]

    assert row["inode"] == facts["inode"]
    assert row["local_port"] == facts["ports"]["client"]
    assert (row["rtt_us"], row["rtt_var_us"]) == struct.unpack_from("=II", info, 68)
    assert (row["bytes_acked"], row["bytes_received"]) == struct.unpack_from("=QQ", info, 120)
    assert (row["segments_sent"], row["segments_received"]) == struct.unpack_from("=II", info, 136)
    assert (row["delivery_rate_bytes_per_s"],) == struct.unpack_from("=Q", info, 160)
    assert (row["retransmits"],) == struct.unpack_from("=I", info, 100)
    assert row["bytes_sent"] == 100


def test_cookie_is_that_of_getsockopt_though_nobody_asked_before():
    code = """
import socket, struct
sock = socket.create_server(("127.0.0.1", 0))
ready(port=sock.getsockname()[1])
import sys
sys.stdin.readline()
print(struct.unpack("=Q", sock.getsockopt(socket.SOL_SOCKET, 57, 8))[0], file=sys.stderr)
"""
    with namespace("ft-bpf") as name, child_in(name, code) as child:
        row = one(in_namespace(name, bpf, "tcp"), child.facts["port"])
        _, said = child.process.communicate(b"\n", timeout=5)

    assert row["cookie"] == int(said)


def test_half_closed_orphan_is_in_fin_wait2_and_has_no_user(lab):
    rows = in_namespace(lab[0], bpf, "tcp")

    (shrunk,) = [row for row in rows if row["state"] == FIN_WAIT2 and not row["inode"]]
    assert "UID" not in known(shrunk)
    assert "QUEUES" in known(shrunk)
    assert shrunk["timer"] == 3


def test_time_wait_has_a_minute_and_no_user(lab):
    rows = in_namespace(lab[0], bpf, "tcp")

    (row,) = [row for row in rows if row["state"] == TIME_WAIT]
    assert "UID" not in known(row)
    assert known(row) >= {"INODE", "QUEUES", "TIMER", "OPTIONS", "MARK", "COOKIE"}
    assert 0 < row["timer_ms"] <= 60_000


def test_syn_queue_entry_has_its_listener_s_user_and_no_file(lab):
    name, facts = lab

    row = one(in_namespace(name, bpf, "tcp"), facts["ports"]["handshake"], state=SYN_RECV)

    assert row["inode"] == 0
    assert "UID" in known(row)
    assert row["timer"] == 1


def test_unaccepted_connections_and_their_listener_s_queue(lab):
    name, facts = lab
    port = facts["ports"]["unaccepted"]

    rows = in_namespace(name, bpf, "tcp")

    listener = one(rows, port, state=LISTEN)
    assert (listener["accept_queue"], listener["backlog"]) == (3, 7)
    assert not known(listener) & {"QUEUES", "TCP_INFO"}
    waiting = [row for row in rows if row["local_port"] == port and row["state"] != LISTEN]
    assert [row["inode"] for row in waiting] == [0, 0, 0]


def test_drops_of_udp_are_counted(lab):
    name, facts = lab

    row = one(in_namespace(name, bpf, "udp"), facts["ports"]["udp"])

    assert row["drops"] > 30
    assert row["drops"] == int(ss.inet(name, "-u")[row["cookie"]]["d"])


def test_dual_stack_connection_has_mapped_addresses(lab):
    name, facts = lab
    port = facts["ports"]["dual"]

    rows = in_namespace(name, bpf, "tcp")

    accepted = one(rows, port, family=AF_INET6, state=1)
    assert accepted["local"] == pack_address("127.0.0.1")
    client = one(rows, accepted["remote_port"], family=AF_INET)
    assert (client["local"], client["remote"]) == (accepted["remote"], accepted["local"])
    assert not one(rows, port, state=LISTEN)["options"] & record.V6ONLY


@pytest.mark.parametrize(
    "name",
    [
        "reuseaddr",
        "reuseport",
        "keepalive",
        "nodelay",
        "defer_accept",
        "freebind",
        "transparent",
        "bind_address_no_port",
        "recverr",
    ],
)
def test_option_of_a_tcp_socket(options_lab, name):
    namespace_name, ports = options_lab

    rows = in_namespace(namespace_name, bpf, "tcp")

    assert one(rows, ports["plain"], state=LISTEN)["options"] == 0
    assert one(rows, ports[name], state=LISTEN)["options"] == getattr(record, name.upper())


def test_options_of_v6_and_datagrams(options_lab):
    name, ports = options_lab

    rows = in_namespace(name, bpf, "tcp", "udp")

    assert one(rows, ports["v6"])["options"] == record.REUSEADDR | record.V6ONLY
    assert one(rows, ports["v6_err"])["options"] == record.RECVERR | record.V6ONLY  # bound to ::1
    assert one(rows, ports["cast"])["options"] == record.BROADCAST


def test_keepalive_timer(options_lab):
    name, ports = options_lab

    row = one(in_namespace(name, bpf, "tcp"), ports["alive"])

    assert row["timer"] == 2
    assert 0 < row["timer_ms"] <= 50_000


def test_full_window_is_seen_from_both_sides(options_lab):
    name, ports = options_lab

    row = one(in_namespace(name, bpf, "tcp_full"), ports["stuck"])

    assert row["timer"] in (1, 4)
    assert row["not_sent_bytes"] > 0
    assert row["send_queue_bytes"] >= row["not_sent_bytes"]
    assert row["busy_us"] >= row["recv_window_limited_us"] > 0


def test_link_local_socket_has_its_interface(options_lab):
    name, ports = options_lab

    rows = in_namespace(name, bpf, "tcp")

    assert one(rows, ports["link_local"], state=LISTEN)["interface"] == 1
    assert one(rows, ports["to_link_local"])["interface"] == 1


def files_of(lab):
    name, facts = lab
    names = {inode: kind for kind, inode in facts["inodes"].items()}
    rows = in_namespace(name, bpf, "files")
    found = [names[row["inode"]] for row in rows if row["inode"] in names]
    return found, {names[row["inode"]]: row for row in rows if row["inode"] in names}


def test_files_shows_the_kinds_without_an_iterator_once(kinds_lab):
    found, _ = files_of(kinds_lab)

    made = set(kinds_lab[1]["inodes"])
    assert sorted(found) == sorted(made - {"udp", "unix", "packet", "netlink", "unbound"})


def test_files_shows_raw_sockets_with_their_protocol(kinds_lab):
    _, rows = files_of(kinds_lab)

    for kind, protocol, family in (
        ("raw", ICMP, AF_INET),
        ("raw6", 58, AF_INET6),
        ("header", RAW, AF_INET),
    ):
        assert (rows[kind]["type"], rows[kind]["protocol_number"], rows[kind]["family"]) == (
            3,
            protocol,
            family,
        )
        assert rows[kind]["local_port"] == 0
    assert rows["header"]["options"] & record.HDRINCL
    assert not rows["raw"]["options"] & record.HDRINCL


def test_files_shows_bound_but_inactive_tcp(kinds_lab):
    _, rows = files_of(kinds_lab)

    assert (rows["tcp"]["state"], rows["tcp"]["local_port"]) == (BOUND_INACTIVE, 4321)
    assert rows["tcp"]["local"] == pack_address("127.0.0.1")


def test_files_shows_ping_udplite_and_mptcp_with_port_and_namespace(kinds_lab):
    name, _ = kinds_lab
    _, rows = files_of(kinds_lab)
    netns = Path("/run/netns", name).stat().st_ino

    for kind, *wanted in (
        ("ping", ICMP, CLOSE, 4321),
        ("lite", UDPLITE, CLOSE, 4321),
        ("mptcp", MPTCP, LISTEN, 4322),
    ):
        if kind in rows:
            row = rows[kind]
            assert [row["protocol_number"], row["state"], row["local_port"]] == wanted
            assert row["netns"] == netns
    assert {"ping", "lite"} <= set(rows)
    if "mptcp" in rows:  # the queue is its first subflow's
        assert not known(rows["mptcp"]) & {"ACCEPT_QUEUE", "BACKLOG", "QUEUES"}


def test_files_shows_vsock_listeners(kinds_lab):
    _, rows = files_of(kinds_lab)
    if "vsock" not in rows:
        pytest.skip("kernel lacks vsock")

    row = rows["vsock"]
    assert (row["family"], row["type"], row["state"], row["backlog"]) == (AF_VSOCK, 1, LISTEN, 3)
    assert struct.unpack_from("<II", row["local"]) == (0xFFFFFFFF, kinds_lab[1]["vsock_port"])
    assert row["remote"] == bytes(16)


def test_millisecond_clocks_run(lab):
    name, facts = lab

    first = by_cookie(in_namespace(name, bpf, "tcp_full"))[facts["cookie"]]
    begun = time.monotonic()
    later = wait_for(
        lambda: (
            by_cookie(in_namespace(name, bpf, "tcp_full"))[facts["cookie"]]["last_data_sent_ms"]
            - first["last_data_sent_ms"]
            >= 60
        ),
        what="60 ms on the socket's clock",
    )

    assert later
    assert 0.05 <= time.monotonic() - begun < 2
