import pytest

from fivetuple.model import facts, record
from fivetuple.model.endpoint import address_text, pack_address
from fivetuple.model.errors import BadInput
from fivetuple.model.state import BOUND_INACTIVE, CLOSE, ESTABLISHED, LISTEN, TIME_WAIT
from fivetuple.origins.texts import ss

NEW = """\
Netid State  Recv-Q Send-Q       Local Address:Port   Peer Address:Port Process
tcp   LISTEN 2      511                0.0.0.0:8443        0.0.0.0:*     users:(("envoy",pid=4100,fd=12),("envoy",pid=4101,fd=12)) uid:101 ino:70001 sk:a1 cgroup:/system.slice/envoy.service <->
tcp   LISTEN 0      4096                     *:9100              *:*     users:(("node exporter",pid=77,fd=3)) ino:70002 sk:a2 cgroup:/system.slice/ne.service v6only:0 <->
tcp   LISTEN 0      64                    [::]:7000           [::]:*     ino:70003 sk:a3 v6only:1 <->
tcp   ESTAB  0      36       10.20.0.7%ens3:8443     10.20.9.1:51234 timer:(on,236ms,1) ino:70004 sk:ffffffff00000001 <->
\t skmem:(r0,rb425984,t0,tb92160,f1792,w2304,o0,bl0,d4) ts sack ecn cubic wscale:7,9 rto:236 rtt:35.5/7.25 ato:40 mss:1398 pmtu:1450 rcvmss:536 advmss:1398 cwnd:11 ssthresh:9 bytes_sent:90210 bytes_retrans:1398 bytes_acked:88777 bytes_received:4321 segs_out:99 segs_in:88 send 3464kbps lastsnd:12 lastrcv:1500 lastack:14 pacing_rate 8Mbps delivery_rate 1.25Mbps delivered:70 app_limited busy:5032ms rwnd_limited:16ms(0.3%) unacked:2 retrans:1/3 lost:1 rcv_space:14480 notsent:7 minrtt:30.125 snd_wnd:62848 from_the_future:9
udp   UNCONN 0      0           127.0.0.53%lo:53          0.0.0.0:*     ino:70005 sk:a5 <->
udp   UNCONN 0      0     [fe80::9c:1ff:fe0a:1]%ens3:546       [::]:*     ino:70006 sk:a6 v6only:1 <->
tcp   ESTAB  0      0      [::ffff:10.20.0.7]:8443  [::ffff:10.20.9.2]:4000 ino:0 sk:a8 -->
"""
OLD = """\
State      Recv-Q Send-Q        Local Address:Port          Peer Address:Port
LISTEN     0      128                      :::22                      :::*      users:(("sshd",1200,4))
LISTEN     0      128                       *:22                       *:*      users:(("sshd",1200,3))
ESTAB      0      0              192.168.7.20:22            192.168.7.1:50022   users:(("sshd",1300,3),("sshd",1302,3))
"""


def rows_of(snapshot):
    return list(record.unpack(snapshot.rows))


def local(row):
    return f"{address_text(row['local'])}:{row['local_port']}"


def test_listeners_have_queue_and_limit():
    row = rows_of(ss.parse(NEW, 1))[0]

    assert (row["state"], row["accept_queue"], row["backlog"]) == (LISTEN, 2, 511)
    assert not row["known"] & record.QUEUES


def test_one_line_and_its_further_line_are_one_socket():
    row = rows_of(ss.parse(NEW, 1))[3]

    told = {
        name: row[name]
        for name in row
        if record.COLUMN[name].group == record.TCP_INFO and row[name]
    }
    assert row["cookie"] == 0xFFFFFFFF00000001
    assert row["congestion_algorithm"].rstrip(b"\0") == b"cubic"
    assert (row["timer"], row["timer_ms"], row["timer_retransmits"]) == (1, 236, 1)
    assert (row["recv_buffer_bytes"], row["send_buffer_bytes"], row["drops"]) == (425984, 92160, 4)
    assert told == {
        "rtt_us": 35500, "rtt_var_us": 7250, "min_rtt_us": 30125, "rto_us": 236000, "congestion_window": 11,
        "slow_start_threshold": 9, "mss_bytes": 1398, "path_mtu_bytes": 1450, "unacked_segments": 2,
        "lost_segments": 1, "retransmits_in_flight": 1, "retransmits": 3, "last_data_sent_ms": 12,
        "last_data_received_ms": 1500, "last_ack_received_ms": 14, "not_sent_bytes": 7, "send_window_bytes": 62848,
        "window_scales": 9 << 4 | 7, "bytes_sent": 90210, "bytes_acked": 88777, "bytes_received": 4321,
        "bytes_retransmitted": 1398, "delivery_rate_bytes_per_s": 156250, "busy_us": 5032000,
        "recv_window_limited_us": 16000, "segments_sent": 99, "segments_received": 88,
    }  # fmt: skip


def test_addresses_with_interfaces_stars_and_brackets():
    snapshot = ss.parse(NEW, 1)

    assert [local(row) for row in rows_of(snapshot)] == [
        "0.0.0.0:8443", ":::9100", ":::7000", "10.20.0.7:8443", "127.0.0.53:53", "fe80::9c:1ff:fe0a:1:546", "10.20.0.7:8443",
    ]  # fmt: skip
    assert [row["family"] for row in rows_of(snapshot)] == [2, 10, 10, 2, 2, 10, 10]
    assert [snapshot.interfaces[0].get(row["interface"]) for row in rows_of(snapshot)] == [
        None, None, None, "ens3", "lo", "ens3", None,
    ]  # fmt: skip


def test_a_star_hears_both_families_and_brackets_one():
    rows = rows_of(ss.parse(NEW, 1))

    assert [row["options"] for row in rows[1:3]] == [record.DUAL_STACK, record.V6ONLY]
    assert not any(row["known"] & record.OPTIONS for row in rows)  # of SO_REUSEPORT ss says nothing


def test_every_holder_is_known_and_root_is_who_is_left_out():
    snapshot = ss.parse(NEW, 1)
    rows = rows_of(snapshot)

    assert snapshot.holders_of(70001) == ((4100, 12), (4101, 12))
    assert snapshot.processes[77].name == "node exporter"
    assert [row["uid"] if row["known"] & record.UID else None for row in rows] == [
        101,
        0,
        0,
        0,
        0,
        0,
        None,
    ]


def test_the_cgroup_path_tells_the_unit():
    snapshot = ss.parse(NEW, 1)
    row = rows_of(snapshot)[0]

    assert snapshot.places[row["cgroup_id"]].unit == "envoy.service"
    assert not row["known"] & record.CGROUP


def test_old_ss_writes_ipv6_without_brackets_and_holders_without_words():
    snapshot = ss.parse(OLD, 1)
    rows = rows_of(snapshot)

    assert [row["family"] for row in rows] == [10, 2, 2]
    assert [local(row) for row in rows] == [":::22", "0.0.0.0:22", "192.168.7.20:22"]
    assert snapshot.holders_of(rows[2]["inode"]) == ((1300, 3), (1302, 3))


def test_a_row_without_inode_gets_a_number_that_no_kernel_gives():
    rows = rows_of(ss.parse(OLD, 1))

    assert len({row["inode"] for row in rows}) == 3
    assert all(row["inode"] > 1 << 40 and not row["known"] & record.INODE for row in rows)


@pytest.mark.parametrize(
    "name", ['a"b', "a),(b", "x y  z", "((", "ü", 'q",pid=1', "\udcff\udcfe", ""]
)
def test_names_of_processes_are_taken_as_they_are(name):
    text = f'tcp LISTEN 0 5 127.0.0.1:80 0.0.0.0:* users:(("{name}",pid=31,fd=4),("b",pid=32,fd=5)) ino:6 sk:1\n'

    snapshot = ss.parse(text, 1)

    assert snapshot.holders_of(6) == ((31, 4), (32, 5))
    assert snapshot.processes[31].comm == name.encode("utf-8", "surrogateescape")
    assert rows_of(snapshot)[0]["cookie"] == 1


def test_threads_and_contexts_of_holders_are_passed_over():
    text = (
        'tcp LISTEN 0 5 127.0.0.1:80 0.0.0.0:* users:(("a",pid=31,tid=33,fd=4),'
        '("b",pid=32,proc_ctx=system_u:system_r:httpd_t:s0,fd=5)) ino:6 sk:1\n'
    )

    assert ss.parse(text, 1).holders_of(6) == ((31, 4), (32, 5))


def test_unix_sockets_with_their_names_and_peers():
    text = """\
Netid State  Recv-Q Send-Q                Local Address:Port   Peer Address:Port
u_str LISTEN 0      128                /run/my app 7.sock 901             * 0     users:(("x",pid=5,fd=6)) <->
u_str ESTAB  0      0                                   * 902             * 903   users:(("y",pid=7,fd=8))
u_dgr ESTAB  12     0                         @hidden one 904  /run/log.sock 905
u_seq UNCONN 0      0                          /run/plain 906             * 0     skmem:(r0,rb4096,t0,tb4096,f0,w0,o0,bl0,d3) <-- ino:55 dev:0/25 peers: 1 2
"""
    snapshot = ss.parse(text, 1)
    rows = rows_of(snapshot)

    assert snapshot.facts & facts.UNIX
    assert [(row["type"], row["state"], row["inode"], row["peer_inode"]) for row in rows] == [
        (1, LISTEN, 901, 0), (1, ESTABLISHED, 902, 903), (2, ESTABLISHED, 904, 905), (5, CLOSE, 906, 0),
    ]  # fmt: skip
    assert snapshot.unix_names == {
        901: b"/run/my app 7.sock", 904: b"\0hidden one", 905: b"/run/log.sock", 906: b"/run/plain",
    }  # fmt: skip
    assert (rows[0]["backlog"], rows[3]["drops"], rows[3]["shutdown"]) == (128, 3, 2)
    assert snapshot.holders_of(901) == ((5, 6),)


def test_netlink_packet_vsock_and_raw():
    text = """\
nl    UNCONN 0      0           rtnl:avahi/655              *     sk=0 cb=0 groups=0x00000011
nl    UNCONN 4352   0              4:kernel                 *
p_raw UNCONN 0      0              *:eth0                   *     users:(("dump",pid=8,fd=3)) ino:20 sk:1
p_dgr UNCONN 0      0         [2048]:*                      *
v_str ESTAB  0      0              2:1024                 3:5000
raw   UNCONN 0      0        0.0.0.0:ipv6-icmp      0.0.0.0:*
???   UNCONN 0      0        0.0.0.0:1              0.0.0.0:*
"""
    snapshot = ss.parse(text, 1)
    rows = rows_of(snapshot)

    assert snapshot.missing.get(facts.SOCKETS) is None
    assert [(row["family"], row["type"], row["protocol_number"]) for row in rows] == [
        (16, 3, 0), (16, 3, 4), (17, 3, 3), (17, 2, 0x800), (40, 1, 0), (2, 3, 58), (2, 3, 1),
    ]  # fmt: skip
    assert rows[0]["local"][:8] == b"\x11\0\0\0" + (655).to_bytes(4, "little")
    assert rows[4]["remote"][:8] == b"\3\0\0\0" + (5000).to_bytes(4, "little")
    assert snapshot.interfaces[0][rows[2]["interface"]] == "eth0"
    assert all(row["local_port"] == 0 for row in rows)


def test_associations_of_sctp_stand_below_their_socket():
    text = """\
Netid State       Recv-Q Send-Q Local Address:Port   Peer Address:Port
sctp  LISTEN      0      5           10.0.0.1:3868        0.0.0.0:*
      `- ESTAB    0      0           10.0.0.1:3868      10.0.0.2:40001
"""
    rows = rows_of(ss.parse(text, 1))

    assert [(row["protocol_number"], row["state"], row["remote_port"]) for row in rows] == [
        (132, LISTEN, 0), (132, ESTABLISHED, 40001),
    ]  # fmt: skip


def test_an_unconnected_tcp_socket_is_bound():
    (row,) = rows_of(ss.parse("tcp UNCONN 0 0 127.0.0.1:4000 0.0.0.0:*\n", 1))

    assert row["state"] == BOUND_INACTIVE


def test_without_netid_unconn_is_udp():
    rows = rows_of(
        ss.parse("UNCONN 0 0 0.0.0.0:68 0.0.0.0:*\nESTAB 0 0 10.0.0.1:50000 10.0.0.2:443\n", 1)
    )

    assert {row["protocol_number"] for row in rows} == {17}


def test_without_netid_and_state_a_limit_tells_listeners_from_udp():
    listening = rows_of(ss.parse("0 128 0.0.0.0:22 0.0.0.0:*\n", 1))
    unconnected = rows_of(ss.parse("0 0 0.0.0.0:53 0.0.0.0:*\n0 0 0.0.0.0:68 0.0.0.0:*\n", 1))

    assert [(row["protocol_number"], row["state"]) for row in listening] == [(6, LISTEN)]
    assert {(row["protocol_number"], row["state"]) for row in unconnected} == {(17, CLOSE)}


def test_without_queues_they_are_unknown():
    text = "Netid State  Local Address:Port  Peer Address:Port Process\ntcp   LISTEN 127.0.0.1:80   0.0.0.0:*\n"

    (row,) = rows_of(ss.parse(text, 1))

    assert row["state"] == LISTEN
    assert not row["known"] & (record.QUEUES | record.ACCEPT_QUEUE | record.BACKLOG)


def test_several_texts_in_one_keep_their_own_columns():
    text = (
        NEW
        + OLD.replace(":::", "[::]:")
        + "State Recv-Q Send-Q Local Address:Port Peer Address:Port\nUNCONN 0 0 1.2.3.4:53 0.0.0.0:*\n"
    )

    rows = rows_of(ss.parse(text, 1))

    assert len(rows) == 7 + 3 + 1
    assert rows[-1]["protocol_number"] == 17


def test_an_indented_text_is_read():
    text = "".join(f"    {line}\n" for line in NEW.splitlines())

    assert ss.parse(text, 1).rows == ss.parse(NEW, 1).rows


def test_inet_sockopts_are_options():
    text = "tcp ESTAB 0 0 10.0.0.1:80 10.0.0.2:90 ino:5 sk:1 <->\n\tinet-sockopt: ( recverr is_icsk freebind bind_addr_no_port)\n"

    (row,) = rows_of(ss.parse(text, 1))

    assert not row["known"] & record.OPTIONS
    assert row["options"] == record.RECVERR | record.FREEBIND | record.BIND_ADDRESS_NO_PORT


def test_rows_with_host_names_are_left_out_and_counted():
    text = OLD + "ESTAB 0 0 web1.example:22 192.168.7.1:50023\n"

    snapshot = ss.parse(text, 1)

    assert len(snapshot) == 3
    assert snapshot.missing[facts.SOCKETS] == (
        "1 line could not be read, the first 'ESTAB 0 0 web1.example:22 192.168.7.1:50023': "
        "paste the output of `ss -tanpemoi` (numbers, no names: -n)"
    )


def test_what_the_text_lacks_says_what_to_paste():
    snapshot = ss.parse(
        "State Recv-Q Send-Q Local Address:Port Peer Address:Port\nESTAB 0 0 10.0.0.1:80 10.0.0.2:90\n",
        1,
    )

    assert snapshot.facts == facts.SOCKETS
    assert snapshot.missing[facts.TCP_INFO] == "the text has no TCP details: `ss -i` prints them"
    assert snapshot.missing[facts.OWNERS] == "the text names no process: `ss -p`, as root, does"
    assert set(snapshot.missing) == set(facts.NAMES) - {facts.SOCKETS, facts.BPF, facts.CHURN}


def test_a_header_alone_is_a_host_without_sockets():
    snapshot = ss.parse("State Recv-Q Send-Q Local Address:Port Peer Address:Port\n", 1)

    assert len(snapshot) == 0


def test_a_text_without_any_row_is_refused():
    with pytest.raises(BadInput, match="no line is a socket; the first is 'oops'"):
        ss.parse("State Recv-Q Send-Q Local Address:Port Peer Address:Port\noops\n", 1)


def test_time_wait_by_its_timer_and_no_queue_of_its_own():
    (row,) = rows_of(
        ss.parse("0 0 10.0.0.1:80 10.0.0.2:90 timer:(timewait,59sec,0) ino:0 sk:0\n", 1)
    )

    assert (row["state"], row["timer"], row["timer_ms"], row["inode"]) == (TIME_WAIT, 3, 59000, 0)


def test_a_row_can_be_walked_twice():
    snapshot = ss.parse(NEW, 1)

    assert b"".join(snapshot.chunks()) == b"".join(snapshot.chunks())
    assert snapshot.rows[record.OFFSET["local"] :][:16] == pack_address("0.0.0.0")
