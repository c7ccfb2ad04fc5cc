"""All roads show the same sockets, columns and owners as each other and as ss, to the socket."""

from __future__ import annotations

import itertools
import re
from collections import Counter

import pytest
from tests.support import every_state, ss
from tests.support.many_sockets import MANY
from tests.support.namespaces import child_in, in_namespace, namespace
from tests.support.roads import KERNEL_ROADS, different_columns, dump, identities

from fivetuple.model import facts, record
from fivetuple.model.endpoint import AF_INET6, address_text
from fivetuple.model.state import BOUND_INACTIVE, LISTEN

pytestmark = pytest.mark.kernel

RETRANSMIT, PERSIST = 1, 4
# Columns that are clocks: the time between two dumps may lie between their values
CLOCKS = {
    "timer_ms", "last_data_sent_ms", "last_data_received_ms", "last_ack_received_ms", "busy_us",
    "recv_window_limited_us", "send_buffer_limited_us",
}  # fmt: skip
APART_MS = 20_000
USERS = re.compile(r'\("[^"]*",pid=(\d+),fd=(\d+)\)')
SS_STATES = {
    "LISTEN": 10, "ESTAB": 1, "SYN-SENT": 2, "SYN-RECV": 3, "FIN-WAIT-1": 4, "FIN-WAIT-2": 5,
    "TIME-WAIT": 6, "UNCONN": 7, "CLOSE-WAIT": 8, "LAST-ACK": 9, "CLOSING": 11,
}  # fmt: skip


@pytest.fixture(scope="module")
def lab():
    """A namespace with thousands of sockets, what its owner says of them, and each road's dump."""
    with namespace() as name, child_in(name, MANY) as many, child_in(name, every_state.CODE):
        yield name, many.facts, {road: dump(road, name) for road in KERNEL_ROADS}


pairs = pytest.mark.parametrize(("one", "other"), list(itertools.combinations(KERNEL_ROADS, 2)))


def told_by(road, row):
    """Whether a road can show this socket at all."""
    if road == "proc":
        return row["protocol"] not in ("mptcp", "vsock") and row["state"] != BOUND_INACTIVE
    # this kernel may lack vsock's sock_diag, and then its netlink road has none
    return road == "bpf" or row["protocol"] != "vsock"


def test_the_lab_has_every_kind_and_state(lab):
    _, told, dumps = lab
    rows = dumps["bpf"].rows

    assert len(rows) > 3500
    assert {row["state"] for row in rows if row["protocol"] == "tcp"} == {*range(1, 14)} - {7, 12}
    assert {row["protocol"] for row in rows} >= {
        "tcp", "udp", "udplite", "raw", "icmp", "icmp6", "unix", "packet", "netlink",
    }  # fmt: skip
    for name in ("mptcp", "vsock"):
        assert (name in told["inodes"]) == any(row["protocol"] == name for row in rows)


@pairs
def test_two_roads_show_the_same_sockets(lab, one, other):
    dumps = lab[2]
    of_one, of_other = (
        identities(row for row in dumps[road].rows if told_by(one, row) and told_by(other, row))
        for road in (one, other)
    )

    assert of_one - of_other == Counter()
    assert of_other - of_one == Counter()


def test_a_road_without_a_kind_of_sockets_says_so(lab):
    dumps = lab[2]

    assert facts.BOUND_INACTIVE not in dumps["netlink"].missing
    assert "mptcp" in dumps["proc"].missing[facts.SOCKETS]
    assert "vsock" in dumps["proc"].missing[facts.VSOCK]
    assert dumps["proc"].missing[facts.TCP_INFO] == "/proc/net does not tell"
    assert not {facts.SOCKETS, facts.UNIX, facts.PACKET} & dumps["bpf"].missing.keys()


@pairs
def test_two_roads_agree_in_every_column_that_both_know(lab, one, other):
    dumps = lab[2]
    found = {tuple(row[name] for name in KEY): row for row in dumps[other].rows}
    compared = 0
    wrong: Counter[tuple[object, ...]] = Counter()
    for row in dumps[one].rows:
        twin = found.get(tuple(row[name] for name in KEY))
        if twin is None or RETRANSMIT in (row["timer"], twin["timer"]):
            continue
        compared += 1
        for column, values in different_columns(row, twin).items():
            if not may_differ(column, values, row, "proc" in (one, other)):
                wrong[column, row["protocol"], row["state"], values] += 1

    assert compared > 3000
    assert wrong == Counter()


KEY = ("family", "type", "protocol_number", "state", "local", "local_port", "remote", "remote_port", "inode", "netns")  # fmt: skip


def may_differ(column, values, row, is_proc):
    if column in CLOCKS:
        unit = 1000 if column.endswith("_us") else 1
        return abs(values[0] - values[1]) < APART_MS * unit
    if column == "interface":  # /proc/net knows no bound interface
        return is_proc and 0 in values
    # the kernel's own netlink sockets have our question in their queue while they answer it, and
    # packet sockets hear what is sent again
    return column in {"recv_queue_bytes", "drops"} and row["protocol"] in {"netlink", "packet"}


def test_sock_diag_tells_no_option_that_is_not_set(lab):
    dumps = lab[2]
    by_cookie = {row["cookie"]: row for row in dumps["bpf"].rows if row["known"] & record.COOKIE}
    told = 0
    for row in dumps["netlink"].rows:
        twin = by_cookie.get(row["cookie"])
        if twin is None or not twin["known"] & record.OPTIONS:
            continue
        assert not row["known"] & record.OPTIONS  # it never tells SO_REUSEPORT
        if row["options"] & record.DUAL_STACK:
            assert not twin["options"] & record.V6ONLY
        assert row["options"] & ~record.DUAL_STACK & ~twin["options"] == 0
        told += bool(row["options"])
    assert told > 100


@pairs
def test_two_roads_name_the_same_owners(lab, one, other):
    dumps = lab[2]
    inodes = (dumps[one].holders.keys() & dumps[other].holders.keys()) - {0}

    assert len(inodes) > 3000
    assert {inode: dumps[one].holders[inode] for inode in inodes} == {
        inode: dumps[other].holders[inode] for inode in inodes
    }


@pytest.mark.parametrize("road", KERNEL_ROADS)
def test_sockets_shared_by_fork_and_passed_by_message_have_all_their_holders(lab, road):
    _, told, dumps = lab
    expected: dict[int, set[tuple[int, int]]] = {}
    for inode, pid, fd in told["holders"]:
        expected.setdefault(inode, set()).add((pid, fd))

    assert {inode: dumps[road].holders[inode] for inode in expected} == expected


@pytest.mark.parametrize("road", KERNEL_ROADS)
def test_only_sockets_of_the_kernel_have_an_inode_and_no_owner(lab, road):
    dump_ = lab[2][road]
    without = [row for row in dump_.rows if row["inode"] and not dump_.holders[row["inode"]]]

    assert {row["protocol"] for row in without} == {"netlink"}
    assert not any(int.from_bytes(row["local"][4:8], "little") for row in without)  # port id 0


# --- against ss --------------------------------------------------------------------------------


@pytest.mark.parametrize("road", ["bpf", "netlink"])
@pytest.mark.parametrize(("flag", "protocol"), [("-t", "tcp"), ("-u", "udp"), ("-M", "mptcp")])
def test_ss_shows_the_same_by_cookie(lab, road, flag, protocol):
    name, _, dumps = lab
    theirs = {
        cookie: (*words_of(words), holders_in(words.get("users", "")))
        for cookie, words in ss.inet(name, flag, "-p").items()
    }
    ours = {
        row["cookie"]: (
            *columns_of(row),
            dumps[road].holders[row["inode"]] if row["inode"] else set(),
        )
        for row in dumps[road].rows
        if row["protocol"] == protocol and row["state"] != BOUND_INACTIVE  # which ss hides
    }

    assert theirs
    assert ours == theirs


def words_of(words):
    local, local_port = end_of(words["local"])
    remote, remote_port = end_of(words["remote"])
    inode = int(words.get("ino", 0))
    return (
        SS_STATES[words["state"]],
        local,
        local_port,
        remote,
        remote_port,
        inode,
        int(words.get("uid", 0)),
    )


def end_of(text):
    host, _, port = text.rpartition(":")
    host = host.partition("%")[0].strip("[]").removeprefix("::ffff:")
    return "*" if host in ("*", "0.0.0.0", "::") else host, 0 if port == "*" else int(port)


def columns_of(row):
    ends = [
        "*" if not any(row[side][12:]) and row[side][:10] == bytes(10) else
        address_text(row[side], row["family"]).removeprefix("::ffff:")
        for side in ("local", "remote")
    ]  # fmt: skip
    return (
        row["state"],
        ends[0],
        row["local_port"],
        ends[1],
        row["remote_port"],
        row["inode"],
        row["uid"],
    )


def holders_in(text):
    return {(int(pid), int(fd)) for pid, fd in USERS.findall(text)}


@pytest.mark.parametrize("road", KERNEL_ROADS)
def test_ss_shows_the_same_unix_sockets(lab, road):
    name, _, dumps = lab
    theirs = {
        inode: (SS_STATES[words["state"]], int(words["peer"]))
        for inode, words in ss.unix(name).items()
    }
    rows = [row for row in dumps[road].rows if row["protocol"] == "unix"]

    assert len(theirs) > 600
    assert {row["inode"] for row in rows} == theirs.keys()
    if road != "proc":
        assert {row["inode"]: (row["state"], row["peer_inode"]) for row in rows} == theirs


@pytest.mark.parametrize("road", KERNEL_ROADS)
def test_ss_shows_the_same_raw_packet_and_netlink_sockets(lab, road):
    name, _, dumps = lab
    of = {
        protocol: [row for row in dumps[road].rows if row["protocol"] == protocol]
        for protocol in ("raw", "packet", "netlink")
    }
    raw = Counter(end_of(line.split()[3]) for line in ss.lines(name, "-wanHO"))
    packets = {
        int(inode) for line in ss.lines(name, "-0aneHO") for inode in re.findall(r"ino:(\d+)", line)
    }
    # ss names those with multicast groups twice, and its own
    netlink = {line.split()[3] for line in ss.lines(name, "-f", "netlink", "-anHO")}

    assert Counter((columns_of(row)[1], row["protocol_number"]) for row in of["raw"]) == raw
    assert {row["inode"] for row in of["packet"]} == packets
    ports = [
        f"{row['protocol_number']}:{int.from_bytes(row['local'][4:8], 'little', signed=True)}"
        for row in of["netlink"]
    ]
    assert set(ports) == {port for port in netlink if port[:2] != "4:" or port == "4:0"}
    assert len(ports) == len(set(ports)) > 8


def test_what_ss_of_debian_hides_is_shown(lab):
    name, told, dumps = lab
    shown_by_ss = {int(n) for flag in ("-t", "-u", "-w") for line in ss.lines(name, f"{flag}aneHO")
                   for n in re.findall(r"ino:(\d+)", line)}  # fmt: skip
    hidden = Counter(
        row["protocol"]
        for row in dumps["bpf"].rows
        if row["inode"] and row["family"] in (2, AF_INET6) and row["inode"] not in shown_by_ss
        and row["protocol"] != "mptcp"
    )  # fmt: skip

    # merely bound; UDP-Lite and ping at all; of raw sockets the inode
    assert hidden == {"tcp": 301, "udplite": 4, "raw": 5, "icmp": 1, "icmp6": 1}
    assert told["inodes"]["ping"] in {row["inode"] for row in dumps["netlink"].rows}


def test_psutil_shows_the_tcp_and_udp_sockets_of_processes(lab):
    name, _, dumps = lab
    pytest.importorskip("psutil")
    psutil = in_namespace(name, dump, "psutil", "self", ("tcp", "udp"))
    keys = ("state", "local", "local_port", "remote", "remote_port")

    ours = Counter(
        tuple(row[key] for key in keys)
        for row in dumps["proc"].rows
        if row["protocol"] in ("tcp", "udp")
    )
    theirs = Counter(tuple(row[key] for key in keys) for row in psutil.rows)

    assert theirs - ours == Counter(
        {key: n for key, n in (theirs - ours).items() if key[0] == LISTEN}
    )
    assert len(theirs) > 2500
