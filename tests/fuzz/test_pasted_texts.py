"""Texts of no tool, and texts of tools that somebody changed: BadInput in one sentence, or sockets."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fivetuple.model.errors import BadInput
from fivetuple.model.snapshot import Snapshot
from fivetuple.origins.texts import lsof, netstat, netstat_bsd, netstat_windows, proc_net, ss
from fivetuple.origins.texts.recognise import read_bytes

SS = """\
Netid State  Recv-Q Send-Q Local Address:Port   Peer Address:Port Process
nl    UNCONN 0      0           rtnl:avahi/655              *     sk=0 cb=0 groups=0x00000011
p_raw UNCONN 0      0              *:eth0                   *     users:(("dump",pid=8,fd=3)) ino:20 sk:1
u_str LISTEN 0      128                /run/my app 7.sock 901             * 0     users:(("x",pid=5,fd=6)) <->
v_str ESTAB  0      0              2:1024                 3:5000
tcp   ESTAB  0      36       10.20.0.7%ens3:8443     10.20.9.1:51234 timer:(on,236ms,1) uid:5 ino:70004 sk:ff cgroup:/a.slice <->
\t skmem:(r0,rb425984,t0,tb92160,f1792,w2304,o0,bl0,d4) ts sack cubic wscale:7,9 rto:236 rtt:35.5/7.25 mss:1398 cwnd:11 bytes_sent:90210 delivery_rate 1.25Mbps busy:5032ms retrans:1/3 minrtt:30.125
sctp  LISTEN 0      5           10.0.0.1:3868        0.0.0.0:*
      `- ESTAB    0      0           10.0.0.1:3868      10.0.0.2:40001
"""
NETSTAT = """\
Proto Recv-Q Send-Q Local Address           Foreign Address         State       User       Inode      PID/Program name     Timer
tcp        0     52 10.3.0.4:22             10.3.0.9:50100          ESTABLISHED 0          40002      901/sshd: ann [priv  on (0.21/2/0)
udp6       0      0 fe80::5:22:546          :::*                                0          40005      -                    off (0.00/0/0)
unix  2      [ ACC ]     STREAM     LISTENING     40007    905/my daemon        /run/d.sock
"""
BSD = "tcp4 0 0 10.8.0.3.61000 203.0.113.9.443 ESTABLISHED 131072 131072 Google Chrome H:712 00102\ntcp46 0 0 *.8080 *.* LISTEN\n"
WINDOWS = "  TCP    10.1.1.8:52000         203.0.113.7:443        ESTABLISHED     5120\n [firefox.exe]\n  UDP    [fe80::1%12]:546    *:*    1410\n"
LSOF = """\
COMMAND     PID   USER   FD   TYPE             DEVICE SIZE/OFF NODE NAME
my\\x20app  2300   ann     9u  IPv6             880002      0t0  TCP [2001:db8::5]:40000->[2001:db8::6]:443 (ESTABLISHED)
dbus       2700   root    3u  unix 0xffff9a0011223300      0t0 880006 /run/dbus socket type=STREAM (LISTEN)
"""
PROC = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000002 00:00000000 00000000  1000        0 7002 1 0000000000000000 100 0 0 10 0
Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01  7003 /run/a b
"""
TEXTS = {"ss": SS, "netstat": NETSTAT, "bsd": BSD, "windows": WINDOWS, "lsof": LSOF, "proc": PROC}
PARSERS = (ss.parse, netstat.parse, netstat_bsd.parse, netstat_windows.parse, lsof.parse)
PIECES = st.sampled_from([
    "", " ", "\n", "\t", "-", ":", "*", "%", "[", "]", "(", ")", '"', "'", ",", "/", "->", "<->", "0", "-1", "99999999999999999999",
    "1e999", "nan", "users:((", 'users:(("', '",pid=', "fd=", "\x1b[2J", "\0", "\udcff", "ü", "::", ":::", "timer:(", "skmem:(",
    "cgroup:/", "ino:", "sk:", "\r", "\x0b", "\u2028", "٣",
])  # fmt: skip


def parse(function, *arguments):
    try:
        snapshot = function(*arguments)
    except BadInput as error:
        said = str(error)
    else:
        said = ""
        assert isinstance(snapshot, Snapshot)
        list(snapshot.chunks())
    assert said.isprintable()


@given(st.text() | st.text(alphabet="tcpudp 0:*.[]-u_str\n\t/123LISTEN()"))
@example("tcp LISTEN")
@settings(deadline=None, max_examples=200)
def test_any_text_in_any_parser(text):
    for function in PARSERS:
        parse(function, text, 1)


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=200)
def test_any_bytes(data):
    parse(read_bytes, data, 1)
    parse(proc_net.parse, data, 1)


@given(
    st.sampled_from(sorted(TEXTS)),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 12), PIECES), min_size=1, max_size=6),
)
@settings(deadline=None, max_examples=600)
def test_texts_with_pieces_replaced(kind, changes):
    text = TEXTS[kind]
    for place, length, piece in changes:
        start = place % (len(text) + 1)
        text = text[:start] + piece + text[start + length :]

    parse(read_bytes, text.encode("utf-8", "surrogateescape"), 1)


@given(st.sampled_from(sorted(TEXTS)), st.integers(0, 3000))
@settings(deadline=None)
def test_texts_that_are_cut_off(kind, length):
    parse(read_bytes, TEXTS[kind][:length].encode(), 1)


HOSTILE = {
    "blanks": " " * 200_000 + "x",
    "words": "a " * 100_000,
    "holders": "users:((" + '("a' * 60_000,
    "quotes": 'users:(("' + '"' * 200_000,
    "dots": ".a" * 100_000,
    "colons": "a:" * 100_000,
    "spread": ("a" + " " * 500) * 400,
    "unix": "u_str LISTEN 0 0 " + "1 " * 100_000,
    "digits": "9" * 200_000,
    "one long word": "x" * 200_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_no_line_takes_time_that_grows_with_its_square(kind):
    before = time.process_time()

    for front in (
        "",
        "tcp LISTEN 0 0 1.2.3.4:5 1.2.3.4:6 ",
        "u_str ESTAB 0 0 ",
        "tcp 0 0 ",
        "a 1 root 3u IPv4 5 ",
        "  TCP ",
    ):
        for function in PARSERS:
            parse(function, front + HOSTILE[kind] + "\n", 1)

    assert time.process_time() - before < 5
