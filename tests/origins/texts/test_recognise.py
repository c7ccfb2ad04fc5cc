import gzip

import pytest

from fivetuple.model import archive
from fivetuple.model.errors import BadInput
from fivetuple.model.snapshot import Host, Snapshot
from fivetuple.origins.texts.recognise import read_bytes


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port\n", "ss"),
        ("tcp   LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n", "ss"),
        ("tcp   0 128 0.0.0.0:22 0.0.0.0:*\n", "ss"),
        ("LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n", "ss"),
        ("$ ss -tan\nState Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0 1 0.0.0.0:22 0.0.0.0:*\n", "ss"),
        ("tcp        0      0 0.0.0.0:22              0.0.0.0:*               LISTEN\n", "netstat"),
        ("udp        0      0 0.0.0.0:68              0.0.0.0:*                           1/init\n", "netstat"),
        ("Proto Recv-Q Send-Q Local Address Foreign Address State\ntcp6 0 0 :::22 :::* LISTEN\n", "netstat"),
        ("tcp4       0      0  *.22                   *.*                    LISTEN\n", "netstat"),
        ("  TCP    0.0.0.0:135   0.0.0.0:0   LISTENING   4\n", "netstat"),
        ("sshd 1 root 3u IPv4 563 0t0 TCP *:22 (LISTEN)\n", "lsof"),
        ("COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n", "lsof"),
        ("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n", "/proc/net"),
    ],
)  # fmt: skip
def test_each_tool_is_told_by_its_text(text, tool):
    assert read_bytes(text.encode(), 1).road == tool


def test_a_saved_snapshot_keeps_its_road():
    saved = archive.dumps(Snapshot(Host("web1"), 5, road="bpf", facts=1))

    snapshot = read_bytes(saved, 99)

    assert (snapshot.road, snapshot.taken_ns, snapshot.host.name) == ("bpf", 5, "web1")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"  \n\n", "it is empty; what can be read is a file of `ft save`"),
        (gzip.compress(b"x"), "compressed by gzip; unpack it: zcat FILE"),
        (b'{"schema": 1}', "it is JSON; save with `ft save FILE`"),
        (b"PK\3\4....", "a zip archive"),
        (b"\0\1\2\3", "it is binary"),
        (
            b"Dear all,\nplease find\n",
            "it begins with 'Dear all,', which is the output of no tool that ft knows",
        ),
        (b"\x1b[31mred\n", r"it begins with '\\x1b\[31mred'"),
        (b"\x89FT\n\x1a\n\0", "changed on its way: copy it as binary"),
    ],
)
def test_what_can_not_be_read_is_named(data, words):
    with pytest.raises(BadInput, match=words):
        read_bytes(data, 1)
