import os
import socket
import struct
import sys

import pytest
from tests.support import diag_bytes, ss
from tests.support.diag_bytes import columns, inet, known, messages
from tests.support.every_state import CODE
from tests.support.namespaces import (
    NOBODY,
    child_in,
    in_namespace,
    namespace,
    require_root,
    wait_for,
)

from fivetuple.kernel import sock_diag
from fivetuple.kernel.sock_diag_states import MPTCP, RAW, SCTP, TCP, UDP, UDPLITE
from fivetuple.model import record
from fivetuple.model.endpoint import AF_INET, AF_INET6, endpoint_text, pack_address
from fivetuple.model.errors import NotAvailable
from fivetuple.model.state import BOUND_INACTIVE, LISTEN, STATES, SYN_RECV, TIME_WAIT

NETNS = 7
TIMERS = {"on": 1, "keepalive": 2, "timewait": 3, "persist": 4}
SHUTDOWN_ARROWS = {"<->": 0, "-->": 1, "<--": 2, "---": 3}

# word of ss -> (column, what turns the word into the column's value); ss leaves out what is zero
WORDS = {
    "ino": ("inode", int),
    "uid": ("uid", int),
    "rb": ("recv_buffer_bytes", int),
    "tb": ("send_buffer_bytes", int),
    "d": ("drops", int),
    "shutdown": ("shutdown", SHUTDOWN_ARROWS.__getitem__),
}
TCP_INFO_WORDS = {
    "bytes_sent": ("bytes_sent", int),
    "bytes_acked": ("bytes_acked", int),
    "bytes_received": ("bytes_received", int),
    "bytes_retrans": ("bytes_retransmitted", int),
    "segs_out": ("segments_sent", int),
    "segs_in": ("segments_received", int),
    "mss": ("mss_bytes", int),
    "pmtu": ("path_mtu_bytes", int),
    "cwnd": ("congestion_window", int),
    "unacked": ("unacked_segments", int),
    "lost": ("lost_segments", int),
    "backoff": ("backoff", int),
    "notsent": ("not_sent_bytes", int),
    "snd_wnd": ("send_window_bytes", int),
    "rto": ("rto_us", lambda word: round(float(word) * 1000)),
    "rtt": ("rtt_us", lambda word: round(float(word.split("/")[0]) * 1000)),
    "minrtt": ("min_rtt_us", lambda word: round(float(word) * 1000)),
    "retrans": ("retransmits", lambda word: int(word.split("/")[1])),
    "delivery_rate": ("delivery_rate_bytes_per_s", lambda word: int(word) // 8),
}


def read(family, protocol, **options):
    """Return the rows of the namespace that the process is in, as dicts."""
    return columns(sock_diag.dump(family, protocol, netns=NETNS, **options))


@pytest.fixture(scope="module")
def lab():
    with namespace("ft-sockdiag") as name, child_in(name, CODE) as child:
        wait_for(
            lambda: (
                {row["state"] for row in in_namespace(name, read, AF_INET, TCP)}
                >= set(STATES) - {7, 12}
            ),
            what="a socket in every state",
        )
        yield name, child.facts


def both_sides(name, protocol, flags):
    """Return (ss before, our rows by cookie, ss after): what both of ss's answers say must be ours too."""
    before = ss.inet(name, *flags)
    rows = []
    for family in (AF_INET, AF_INET6):
        rows += in_namespace(
            name, lambda family=family: read(family, protocol, tcp_info=True, options=True)
        )
    return before, {row["cookie"]: row for row in rows}, ss.inet(name, *flags)


def compare(before, rows, after, words, only_known):
    """Compare each word with its column where ss says the same twice; return how many were."""
    compared = 0
    for cookie, row in rows.items():
        for word, (column, value_of) in words.items():
            said, again = (answer.get(cookie, {}).get(word, "0") for answer in (before, after))
            if cookie not in before or said != again or not row["known"] & only_known(column):
                continue
            expected = 0 if said == "0" else value_of(said)
            assert row[column] == pytest.approx(expected, rel=1e-5), (word, row, before[cookie])
            compared += 1
    return compared


def group_of(column):
    return record.COLUMN[column].group


@pytest.mark.kernel
@pytest.mark.parametrize(("protocol", "flags"), [(TCP, ["-t"]), (UDP, ["-u"]), (MPTCP, ["-M"])])
def test_sockets_are_those_of_ss(lab, protocol, flags):
    before, rows, after = both_sides(lab[0], protocol, flags)

    listed = {cookie for cookie, row in rows.items() if row["state"] != BOUND_INACTIVE}
    assert listed == set(before) == set(after)
    for cookie in listed:
        row, words = rows[cookie], after[cookie]
        assert words["state"] in (STATES[row["state"]].ss, "UNCONN")
        local = endpoint_text(row["local"], row["local_port"], row["family"])
        assert words["local"].replace("*:", "[::]:").replace("%lo", "") == local
        remote = endpoint_text(row["remote"], row["remote_port"], row["family"]).removesuffix(":0")
        assert words["remote"].replace("*:*", "[::]").removesuffix(":*") == remote
        queues = [row["recv_queue_bytes"], row["send_queue_bytes"]]
        if row["state"] == LISTEN:
            queues = [row["accept_queue"], row["backlog"]]
        assert [words["recv_queue"], words["send_queue"]] == [str(queue) for queue in queues]


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("protocol", "flags", "least"), [(TCP, ["-t"], 150), (UDP, ["-u"], 20), (MPTCP, ["-M"], 15)]
)
def test_details_are_those_of_ss(lab, protocol, flags, least):
    before, rows, after = both_sides(lab[0], protocol, flags)

    assert compare(before, rows, after, WORDS, group_of) >= least


@pytest.mark.kernel
def test_tcp_info_is_that_of_ss(lab):
    before, rows, after = both_sides(lab[0], TCP, ["-t"])

    assert compare(before, rows, after, TCP_INFO_WORDS, group_of) > 300
    algorithms = {
        cookie: words["algorithm"] for cookie, words in after.items() if "algorithm" in words
    }
    assert algorithms
    for cookie, algorithm in algorithms.items():
        assert rows[cookie]["congestion_algorithm"].rstrip(b"\0").decode() == algorithm


@pytest.mark.kernel
def test_timers_are_those_of_ss(lab):
    before, rows, after = both_sides(lab[0], TCP, ["-t"])

    seen = set()
    for cookie, row in rows.items():
        name, _, fired = after.get(cookie, {}).get("timer", "(none,0,0)").strip("()").split(",")
        if after.get(cookie, {}).get("timer") and before[cookie].get("timer", "").startswith(
            f"({name}"
        ):
            assert row["timer"] == TIMERS[name]
            assert row["timer_retransmits"] <= int(fired)
            assert 0 <= row["timer_ms"] <= 120_000
            seen.add(name)
    assert seen >= {"on", "timewait"}


@pytest.mark.kernel
def test_every_state_is_listed(lab):
    rows = in_namespace(lab[0], read, AF_INET, TCP)

    assert {row["state"] for row in rows} == set(STATES) - {7, 12}


@pytest.mark.kernel
def test_tcp_info_is_that_of_getsockopt(lab):
    name, facts = lab
    info = bytes.fromhex(facts["tcp_info"])

    row = next(
        row
        for row in in_namespace(name, lambda: read(AF_INET, TCP, tcp_info=True))
        if row["cookie"] == facts["cookie"]
    )

    assert row["inode"] == facts["inode"]
    assert row["local_port"] == facts["ports"]["client"]
    assert row["bytes_sent"] == 100
    assert (row["rtt_us"], row["rtt_var_us"]) == struct.unpack_from("=II", info, 68)
    assert row["bytes_acked"] == struct.unpack_from("=Q", info, 120)[0]
    assert (row["recv_window_bytes"],) == struct.unpack_from("=I", info, 232)


@pytest.mark.kernel
def test_bound_but_inactive_sockets_come_only_when_asked_for(lab):
    name, facts = lab

    asked = in_namespace(name, lambda: read(AF_INET, TCP, states=1 << BOUND_INACTIVE))
    not_asked = in_namespace(
        name, lambda: read(AF_INET, TCP, states=0xFFFFFFFF & ~(1 << BOUND_INACTIVE))
    )

    assert [row["local_port"] for row in asked] == [facts["ports"]["bound"]]
    assert BOUND_INACTIVE not in {row["state"] for row in not_asked}


@pytest.mark.kernel
def test_only_the_states_asked_for_come(lab):
    rows = in_namespace(lab[0], lambda: read(AF_INET, TCP, states=1 << LISTEN | 1 << SYN_RECV))

    assert {row["state"] for row in rows} == {LISTEN, SYN_RECV}


@pytest.mark.kernel
def test_a_listener_has_an_accept_queue_and_no_bytes(lab):
    name, facts = lab

    rows = in_namespace(name, lambda: read(AF_INET, TCP, tcp_info=True))

    (row,) = [
        row
        for row in rows
        if row["local_port"] == facts["ports"]["unaccepted"] and row["state"] == LISTEN
    ]
    assert (row["accept_queue"], row["backlog"]) == (3, 7)
    assert known(row) >= {"ACCEPT_QUEUE", "BACKLOG", "UID", "INODE", "CONGESTION"}
    assert not known(row) & {"QUEUES", "TCP_INFO"}
    assert row["unacked_segments"] == row["congestion_window"] == 0


@pytest.mark.kernel
def test_users_are_unknown_where_there_is_no_full_socket(lab):
    rows = in_namespace(lab[0], read, AF_INET, TCP)

    small = [row for row in rows if row["state"] in (TIME_WAIT, SYN_RECV)]
    assert small
    for row in small:
        assert "UID" not in known(row)
        assert row["inode"] == 0


@pytest.mark.kernel
def test_v6only_and_mapped_addresses(lab):
    name, facts = lab

    rows = in_namespace(name, read, AF_INET6, TCP)

    listeners = {row["local_port"]: row for row in rows if row["state"] == LISTEN}
    assert listeners[facts["ports"]["v6"]]["options"] & record.V6ONLY
    assert not listeners[facts["ports"]["dual"]]["options"] & record.V6ONLY
    accepted = [
        row for row in rows if row["local_port"] == facts["ports"]["dual"] and row["remote_port"]
    ]
    assert [row["local"] for row in accepted] == [pack_address("127.0.0.1")]


@pytest.mark.kernel
def test_options_mark_and_interface_of_a_socket(lab):
    name, facts = lab

    (row,) = [
        row
        for row in in_namespace(name, read, AF_INET, UDP)
        if row["local_port"] == facts["ports"]["options"]
    ]

    assert (
        row["options"]
        == record.RECVERR | record.FREEBIND | record.TRANSPARENT | record.BIND_ADDRESS_NO_PORT
    )
    assert row["mark"] == 0x1234
    assert row["interface"] == 1


@pytest.mark.kernel
def test_the_mark_is_unknown_without_net_admin(lab):
    name, _ = lab

    rows = in_namespace(name, read, AF_INET, TCP, uid=NOBODY)

    assert rows
    assert not any("MARK" in known(row) for row in rows)
    assert all(
        "MARK" in known(row)
        for row in in_namespace(name, read, AF_INET, TCP)
        if row["state"] != TIME_WAIT and row["inode"]
    )


@pytest.mark.kernel
def test_drops_of_udp(lab):
    name, facts = lab

    (row,) = [
        row
        for row in in_namespace(name, lambda: read(AF_INET, UDP, options=True))
        if row["local_port"] == facts["ports"]["udp"]
    ]

    assert row["drops"] > 30
    assert row["recv_queue_bytes"] > 0
    assert known(row) >= {"DROPS", "BUFFERS", "QUEUES", "UID", "INODE"}
    assert "TIMER" not in known(row)


@pytest.mark.kernel
def test_udplite_sockets_are_listed_as_such(lab):
    name, facts = lab

    (row,) = in_namespace(name, read, AF_INET, UDPLITE)

    assert (row["local_port"], row["protocol_number"], row["type"]) == (
        facts["ports"]["lite"],
        136,
        2,
    )


@pytest.mark.kernel
def test_subflows_of_mptcp_are_marked_in_tcp(lab):
    name, facts = lab

    rows = in_namespace(name, lambda: read(AF_INET, TCP, tcp_info=True))

    marked = {row["local_port"] for row in rows if row["options"] & record.MPTCP_SUBFLOW}
    assert marked == {facts["ports"]["mptcp"], facts["ports"]["mptcp_client"]}


@pytest.mark.kernel
def test_mptcp_sockets_have_their_own_list(lab):
    name, facts = lab

    rows = in_namespace(name, read, AF_INET, MPTCP)

    assert {row["protocol_number"] for row in rows} == {262}
    assert sorted(row["state"] for row in rows) == [1, 1, LISTEN]
    assert {row["local_port"] for row in rows} == {
        facts["ports"]["mptcp"],
        facts["ports"]["mptcp_client"],
    }


@pytest.mark.kernel
@pytest.mark.parametrize(("protocol", "reason"), [
    (RAW, "this kernel has no raw sock_diag (CONFIG_INET_RAW_DIAG)"),
    (SCTP, "this kernel has no SCTP sock_diag (CONFIG_INET_SCTP_DIAG)"),
])  # fmt: skip
def test_a_protocol_that_the_kernel_does_not_list_is_named(protocol, reason):
    require_root()
    if kernel_lists(protocol):
        pytest.skip("this kernel has the list, and other tests need one without")

    with pytest.raises(NotAvailable) as caught:
        read(AF_INET, protocol)

    assert str(caught.value) == reason


def kernel_lists(protocol):
    try:
        read(AF_INET, protocol)
    except NotAvailable:
        return False
    return True


@pytest.mark.kernel
def test_raw_sockets_are_listed():
    if not kernel_lists(RAW):
        pytest.skip("kernel lacks CONFIG_INET_RAW_DIAG")
    with namespace("ft-raw") as name, child_in(name, RAW_SOCKET):
        (row,) = in_namespace(name, read, AF_INET, RAW)

    assert (row["protocol_number"], row["local_port"]) == (89, 0)


RAW_SOCKET = """
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, 89)
ready()
wait()
"""


@pytest.mark.kernel
@pytest.mark.slow
def test_no_socket_comes_twice_while_others_come_and_go():
    churn = """
import socket, threading
listener = socket.create_server(("127.0.0.1", 0), backlog=512)
address = listener.getsockname()
keep = [listener] + [end for _ in range(1500) for end in (socket.create_connection(address), listener.accept()[0])]
ready()
def accept():
    while True:
        listener.accept()[0].close()
threading.Thread(target=accept, daemon=True).start()
while True:
    clients = [socket.socket() for _ in range(200)]
    for client in clients:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes((1, 0, 0, 0, 0, 0, 0, 0)))  # leave no TIME_WAIT
        client.bind(("127.0.0.1", 0))
    for client in clients:
        client.connect(address)
    for client in clients:
        client.close()
"""
    with namespace("ft-churn") as name, child_in(name, churn):
        lists = in_namespace(name, lambda: [read_cookies() for _ in range(100)])

    for cookies in lists:
        assert len(cookies) > 3000
        assert len(set(cookies)) == len(cookies)


def read_cookies():
    unpack = record.Projection("cookie").read
    return [
        cookie for rows in sock_diag.dump(AF_INET, TCP, netns=NETNS) for (cookie,) in unpack(rows)
    ]


def test_raw_sockets_have_a_protocol_and_no_port():
    reader = sock_diag.Reader(AF_INET, RAW, sock_diag.ALL_STATES, NETNS)
    raw = inet(
        7,
        ports=(89, 0),
        local=bytes((10, 0, 0, 1)),
        attributes=[diag_bytes.SHUTDOWN, (10, b"\x59")],
    )

    (row,) = columns(reader.rows(len(raw), messages(raw)))

    assert (row["type"], row["protocol_number"], row["local_port"]) == (3, 89, 0)
    assert row["local"] == pack_address("10.0.0.1")
    assert row["netns"] == NETNS


def test_lists_that_do_not_look_at_the_states_are_cut_down():
    reader = sock_diag.Reader(AF_INET, RAW, 1 << 1, NETNS)
    connected, not_connected = inet(1, cookie=1), inet(7, cookie=2)

    rows = columns(reader.rows(len(connected), messages(connected, not_connected)))

    assert [row["cookie"] for row in rows] == [1]


def test_both_rows_of_an_sctp_socket_are_kept():
    reader = sock_diag.Reader(AF_INET, SCTP, sock_diag.ALL_STATES, NETNS)
    endpoint = inet(1, cookie=5, inode=9)
    association = inet(
        3,
        cookie=5,
        inode=9,
        ports=(5000, 6000),
        attributes=[diag_bytes.SHUTDOWN, (13, bytes(128)), (14, bytes(128))],
    )

    rows = columns(
        [
            *reader.rows(len(endpoint), messages(endpoint)),
            *reader.rows(len(association), messages(association)),
        ]
    )

    assert [(row["state"], row["remote_port"]) for row in rows] == [(1, 0), (1, 6000)]


def test_a_protocol_beyond_a_byte_is_asked_for_by_attribute(monkeypatch):
    asked: list[bytes] = []

    def note(request, _lacks):
        asked.append(request)
        return iter(())

    monkeypatch.setattr("fivetuple.kernel.netlink.dump", note)

    list(sock_diag.dump(AF_INET, MPTCP, netns=NETNS))

    assert asked[0][1] == 0  # an old kernel would take 262 & 0xff for TCP
    assert asked[0][56:] == struct.pack("=HHI", 8, 3, 262)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="netlink is Linux's")
def test_this_process_sees_its_own_listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        rows = read(AF_INET, TCP, states=1 << LISTEN)

        inode = os.fstat(listener.fileno()).st_ino
        assert inode in {row["inode"] for row in rows}
