import subprocess

import pytest
from tests.support.every_state import CODE
from tests.support.namespaces import child_in, in_namespace, namespace

from fivetuple.kernel.procfs import dump
from fivetuple.model import facts, record
from fivetuple.model.endpoint import address_text
from fivetuple.model.errors import BadInput
from fivetuple.model.state import CLOSE, CLOSE_WAIT, ESTABLISHED, LISTEN
from fivetuple.origins.texts import lsof

TEXT = """\
COMMAND     PID   USER   FD   TYPE             DEVICE SIZE/OFF NODE NAME
haproxy    2200   root    5u  IPv4             880001      0t0  TCP *:443 (LISTEN)
haproxy    2201   root    5u  IPv4             880001      0t0  TCP *:443 (LISTEN)
my\\x20app  2300   ann     9u  IPv6             880002      0t0  TCP [2001:db8::5]:40000->[2001:db8::6]:443 (ESTABLISHED)
my\\x20app  2300   ann    10u  IPv4             880003      0t0  TCP 10.0.0.5:40001->10.0.0.6:443 (CLOSE_WAIT)
chronyd    2400 chrony    6u  IPv4             880004      0t0  UDP 127.0.0.1:323
dig        2500   ann     4u  IPv6             880005      0t0  UDP [::1]:50000->[::1]:53
bash       2600   ann  cwd    DIR                8,1     4096    2 /
bash       2600   ann    3r  FIFO               0,13      0t0 9999 pipe
dbus       2700   root    3u  unix 0xffff9a0011223300      0t0 880006 /run/dbus socket type=STREAM (LISTEN)
"""
MAC = """\
COMMAND   PID USER   FD   TYPE             DEVICE SIZE/OFF NODE NAME
rapportd  444  ann    8u  IPv4 0x7a1bce5912340001      0t0  TCP *:49152 (LISTEN)
rapportd  444  ann    9u  IPv6 0x7a1bce5912340002      0t0  TCP *:49152 (LISTEN)
rapportd  445  ann    8u  IPv4 0x7a1bce5912340001      0t0  TCP *:49152 (LISTEN)
"""


def rows_of(snapshot):
    return list(record.unpack(snapshot.rows))


def test_every_socket_comes_once_with_all_its_holders():
    snapshot = lsof.parse(TEXT, 1)
    rows = rows_of(snapshot)

    assert snapshot.missing.get(facts.SOCKETS) is None
    assert [(row["inode"], row["family"], row["state"], row["local_port"], row["remote_port"]) for row in rows] == [
        (880001, 2, LISTEN, 443, 0), (880002, 10, ESTABLISHED, 40000, 443), (880003, 2, CLOSE_WAIT, 40001, 443),
        (880004, 2, CLOSE, 323, 0), (880005, 10, ESTABLISHED, 50000, 53), (880006, 1, LISTEN, 0, 0),
    ]  # fmt: skip
    assert snapshot.holders_of(880001) == ((2200, 5), (2201, 5))
    assert snapshot.processes[2300].name == "my app"
    assert snapshot.unix_names == {880006: b"/run/dbus socket"}
    assert address_text(rows[1]["remote"]) == "2001:db8::6"


def test_elsewhere_the_control_block_tells_sockets_apart():
    snapshot = lsof.parse(MAC, 1)
    rows = rows_of(snapshot)

    assert len(rows) == 2
    assert not any(row["known"] & record.INODE for row in rows)
    assert snapshot.holders_of(rows[0]["inode"]) == ((444, 8), (445, 8))
    assert snapshot.host.system == "Darwin"


def test_queues_of_t_are_read():
    text = "a 1 root 3u IPv4 5 0t0 TCP 10.0.0.1:80->10.0.0.2:90 (ST=ESTABLISHED QR=7 QS=9)\n"

    (row,) = rows_of(lsof.parse(text, 1))

    assert (row["state"], row["recv_queue_bytes"], row["send_queue_bytes"]) == (ESTABLISHED, 7, 9)


def test_a_text_without_any_socket_is_refused():
    with pytest.raises(BadInput, match="looks like lsof's"):
        lsof.parse("a 1 root 3u IPv4 5 0t0 TCP web1.example:80\n", 1)


@pytest.mark.kernel
@pytest.mark.parametrize(
    "flags",
    [
        "-nP -i",
        "-nP -i -R -g -l",
        "-nP -iTCP -sTCP:LISTEN",
        "-nP -i +c 0",
        "-nP -K i -i",
        "-nP -i -T qs",
    ],
)
def test_lsof_of_this_machine_tells_the_sockets_of_proc(flags):
    with namespace() as name, child_in(name, CODE) as child:
        proc = in_namespace(name, by_proc)
        enter = [
            "nsenter",
            f"--net=/run/netns/{name}",
            "--",
            "lsof",
            "-a",
            "-p",
            str(child.pid),
            *flags.split(),
        ]
        text = subprocess.run(enter, capture_output=True, text=True, check=True).stdout

        snapshot = lsof.parse(text, 1)

    rows = rows_of(snapshot)
    wanted = {
        row["inode"]: row
        for row in record.unpack(proc)
        if row["inode"] and (row["state"] == LISTEN or "LISTEN" not in flags)
    }
    assert snapshot.missing.get(facts.SOCKETS) is None
    # MPTCP's own sockets are in no table of /proc
    assert set(wanted) <= {row["inode"] for row in rows}
    for row in rows:
        if row["inode"] in wanted:
            for column in (
                "family",
                "type",
                "state",
                "local_port",
                "remote_port",
                "local",
                "remote",
            ):
                assert row[column] == wanted[row["inode"]][column], column
            assert snapshot.holders_of(row["inode"])[0][0] == child.pid


def by_proc():
    return b"".join(
        rows for protocol in ("tcp", "tcp6", "udp", "udp6") for rows in dump(protocol, 0)
    )
