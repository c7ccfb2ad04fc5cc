import subprocess

import pytest
from tests.support.every_state import CODE
from tests.support.namespaces import child_in, in_namespace, namespace

from fivetuple.kernel.procfs import dump
from fivetuple.model import facts, record
from fivetuple.model.endpoint import address_text
from fivetuple.model.errors import BadInput
from fivetuple.model.state import CLOSE, ESTABLISHED, LISTEN, SYN_RECV, TIME_WAIT
from fivetuple.origins.texts import netstat
from fivetuple.origins.texts.collector import UNKNOWN_FD

TEXT = """\
Active Internet connections (servers and established)
Proto Recv-Q Send-Q Local Address           Foreign Address         State       User       Inode      PID/Program name     Timer
tcp        3      0 127.0.0.1:6379          0.0.0.0:*               LISTEN      112        40001      900/redis-server 127 off (0.00/0/0)
tcp        0     52 10.3.0.4:22             10.3.0.9:50100          ESTABLISHED 0          40002      901/sshd: ann [priv  on (0.21/2/0)
tcp        0      0 10.3.0.4:22             10.3.0.9:50101          TIME_WAIT   0          0          -                    timewait (47.20/0/0)
tcp        0      0 10.3.0.4:22             10.3.0.9:50102          SYN_RECV    0          0          -                    on (0.80/0/0)
tcp6       0      0 :::9090                 :::*                    LISTEN      1000       40003      902/prometheus       off (0.00/0/0)
udp        0      0 0.0.0.0:68              0.0.0.0:*                           7          40004      903/dhclient         off (0.00/0/0)
udp6       0      0 fe80::5:22:546          :::*                                0          40005      -                    off (0.00/0/0)
raw        0      0 0.0.0.0:1               0.0.0.0:*               7           0          40006      904/ping             off (0.00/0/0)
Active UNIX domain sockets (servers and established)
Proto RefCnt Flags       Type       State         I-Node   PID/Program name     Path
unix  2      [ ACC ]     STREAM     LISTENING     40007    905/my daemon        /run/d.sock
unix  3      [ ]         STREAM     CONNECTED     40008    905/my daemon
unix  2      [ ]         DGRAM                    40009    1/init               @hidden
unix  3      [ ]         STREAM     CONNECTING    0        -                    /run/d.sock
"""


def rows_of(snapshot):
    return list(record.unpack(snapshot.rows))


def test_every_row_is_read():
    snapshot = netstat.parse(TEXT, 1)

    assert snapshot.missing.get(facts.SOCKETS) is None
    assert [row["state"] for row in rows_of(snapshot)] == [
        LISTEN, ESTABLISHED, TIME_WAIT, SYN_RECV, LISTEN, CLOSE, CLOSE, CLOSE, LISTEN, ESTABLISHED, CLOSE, ESTABLISHED,
    ]  # fmt: skip
    assert [row["inode"] for row in rows_of(snapshot)] == [
        40001, 40002, 0, 0, 40003, 40004, 40005, 40006, 40007, 40008, 40009, 0,
    ]  # fmt: skip


def test_users_stand_where_a_state_could():
    rows = rows_of(netstat.parse(TEXT, 1))

    assert [row["uid"] if row["known"] & record.UID else None for row in rows[:8]] == [
        112,
        0,
        None,
        None,
        1000,
        7,
        0,
        0,
    ]


def test_a_listener_has_a_queue_without_limit():
    row = rows_of(netstat.parse(TEXT, 1))[0]

    assert row["accept_queue"] == 3
    assert not row["known"] & (record.BACKLOG | record.QUEUES)


def test_programs_may_have_blanks_in_their_names():
    snapshot = netstat.parse(TEXT, 1)

    assert snapshot.holders_of(40001) == ((900, UNKNOWN_FD),)
    assert {pid: process.name for pid, process in snapshot.processes.items()} == {
        900: "redis-server 127", 901: "sshd", 902: "prometheus", 903: "dhclient", 904: "ping",
        905: "my daemon", 1: "init",
    }  # fmt: skip


def test_a_title_after_the_name_is_no_part_of_it():
    head, row = TEXT.split("\n")[1:3]
    said = "900/redis-server 127"

    def named(title):
        text = f"{head}\n{row.replace(said, title)}\n"
        return netstat.parse(text, 1).processes[900].name

    assert named("900/nginx: master p") == "nginx"
    assert named("900/nginx:") == "nginx"
    assert named("900/redis *:6379") == "redis *:6379"
    assert named("900/: odd") == "900"


def test_timers_and_raw_protocols():
    rows = rows_of(netstat.parse(TEXT, 1))

    assert [(row["timer"], row["timer_ms"], row["timer_retransmits"]) for row in rows[:3]] == [
        (0, 0, 0),
        (1, 210, 2),
        (3, 47200, 0),
    ]
    assert (rows[7]["protocol_number"], rows[7]["local_port"]) == (1, 0)


def test_paths_of_unix_sockets():
    assert netstat.parse(TEXT, 1).unix_names == {40007: b"/run/d.sock", 40009: b"\0hidden"}


def test_an_address_that_may_be_cut_off_is_left_out_and_counted():
    text = (
        TEXT
        + "tcp6       0      0 2001:db8:10:20:3::4:443 2001:db8:9::1:50000     ESTABLISHED 0          50000      -    off (0.00/0/0)\n"
    )

    snapshot = netstat.parse(text, 1)

    assert len(snapshot) == 12
    assert (
        "1 socket left out, as netstat may have cut off an IPv6 address"
        in snapshot.missing[facts.SOCKETS]
    )


def test_wide_addresses_are_whole():
    text = "tcp6 0 0 2001:db8:10:20:3::4:443 2001:db8:9999:8888:7777::1:50000 ESTABLISHED\n"

    (row,) = rows_of(netstat.parse(text, 1))

    assert address_text(row["remote"]) == "2001:db8:9999:8888:7777::1"


def test_names_of_this_host_and_of_services():
    (row,) = rows_of(netstat.parse("tcp6 0 0 localhost:ssh [::]:* LISTEN\n", 1))

    assert (address_text(row["local"]), row["local_port"]) == ("::1", 22)


def test_a_text_without_any_row_is_refused():
    with pytest.raises(BadInput, match="looks like netstat's"):
        netstat.parse("Active Internet connections\ntcp what ever\n", 1)


@pytest.mark.kernel
@pytest.mark.parametrize("flags", ["-anpeW", "-anpeoW", "-anW", "-anW --tcp --udp --udplite"])
def test_netstat_of_this_machine_tells_the_sockets_of_proc(flags):
    with namespace() as name, child_in(name, CODE) as child:
        proc = in_namespace(name, by_proc)
        enter = ["nsenter", f"--net=/run/netns/{name}", "--", "netstat", *flags.split()]
        text = subprocess.run(enter, capture_output=True, text=True, check=True).stdout

        snapshot = netstat.parse(text, 1)

    assert snapshot.missing.get(facts.SOCKETS) is None
    internet = [row for row in rows_of(snapshot) if row["family"] in (2, 10)]
    names = (
        "family",
        "type",
        "state",
        "local",
        "remote",
        "local_port",
        "remote_port",
        "recv_queue_bytes",
        "accept_queue",
    )
    assert sorted(tuple(row[name] for name in names) for row in internet) == sorted(
        tuple(row[name] for name in names) for row in record.unpack(proc)
    )
    if "p" in flags.split()[0]:
        assert snapshot.holders_of(child.facts["inode"])[0][0] == child.pid


def by_proc():
    protocols = ("tcp", "tcp6", "udp", "udp6", "udplite", "udplite6")
    return b"".join(rows for protocol in protocols for rows in dump(protocol, 0))
