"""Filters keep what they say: against an interpreter that is slow and obvious, and by examples."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.filter_trees import RARE, SEEDS, leaf, matches, rows_of, snapshot_of, trees

from fivetuple.analysis.filter_fields import DERIVED, FIELDS
from fivetuple.analysis.filters import Filter, parse
from fivetuple.model import facts, names, record
from fivetuple.model.endpoint import pack_address
from fivetuple.model.namespace import Namespace
from fivetuple.model.snapshot import Host, Snapshot

NETNS = 4026531840
JUDGED = [name for name in FIELDS if name not in (*RARE, "interface")]
EVERYTHING_KNOWN = 0xFFFF


def inet(**columns):
    """Make a row of a TCP socket."""
    return {
        "family": 2,
        "type": 1,
        "protocol_number": 6,
        "state": 1,
        "netns": NETNS,
        "known": EVERYTHING_KNOWN,
    } | columns


def kept(words, row_dicts, snapshot=None):
    """Filter the rows; return the positions of those that are kept."""
    buffer = b"".join(record.pack(row | {"drops": index}) for index, row in enumerate(row_dicts))
    seen = snapshot_of([]) if snapshot is None else snapshot
    chosen = parse([words]).row_filter(seen)(buffer)
    return [row["drops"] for row in record.unpack(chosen)]


def assert_keeps_what_matches(tree, row_dicts):
    """Compare by cookie: each row has its own."""
    snapshot = snapshot_of([row | {"cookie": number} for number, row in enumerate(row_dicts)])
    as_read = list(record.unpack(snapshot.rows))
    expected = [row for row in as_read if matches(tree, row, snapshot, as_read)]

    chosen = Filter(tree).row_filter(snapshot)(snapshot.rows)

    assert [row["cookie"] for row in record.unpack(chosen)] == [row["cookie"] for row in expected]


@settings(max_examples=100, deadline=None)
@given(trees(JUDGED, is_text_free=False), SEEDS)
def test_filter_keeps_what_the_obvious_interpreter_keeps(tree, seed):
    assert_keeps_what_matches(tree, rows_of(seed))


@pytest.mark.parametrize("name", [field.name for field in DERIVED if field.name in JUDGED])
def test_every_field_keeps_what_the_obvious_interpreter_keeps(name):
    @settings(max_examples=25, deadline=None)
    @given(leaf([name], is_text_free=False), SEEDS)
    def judge(tree, seed):
        assert_keeps_what_matches(tree, rows_of(seed, 150))

    judge()


@settings(max_examples=100, deadline=None)
@given(trees(JUDGED, is_text_free=False), SEEDS)
def test_hint_leaves_nothing_out_that_matches(tree, seed):
    snapshot = snapshot_of(rows_of(seed))
    hint = Filter(tree).hint

    for row in record.unpack(Filter(tree).row_filter(snapshot)(snapshot.rows)):
        protocol = names.protocol_name(row["family"], row["type"], row["protocol_number"])
        assert hint.states >> row["state"] & 1
        assert (
            hint.protocols is None or protocol in hint.protocols or protocol not in names.PROTOCOLS
        )


@settings(max_examples=50, deadline=None)
@given(trees(JUDGED, is_text_free=False), SEEDS, st.integers(1, 5))
def test_rows_in_chunks_give_the_same(tree, seed, per_chunk):
    snapshot = snapshot_of([row | {"state": 1} for row in rows_of(seed)])
    whole = Filter(tree).row_filter(snapshot)(snapshot.rows)
    keep = Filter(tree).row_filter(snapshot)
    step = per_chunk * record.SIZE

    parts = [
        bytes(keep(snapshot.rows[start : start + step]))
        for start in range(0, len(snapshot.rows), step)
    ]

    assert b"".join(parts) == whole


def test_all_rows_matching_gives_the_same_buffer():
    buffer = memoryview(record.pack(inet()) * 3)

    assert parse(["state established"]).row_filter(snapshot_of([]))(buffer) is buffer


def test_empty_filter_keeps_every_row():
    assert kept("", [inet(), inet(state=10)]) == [0, 1]


def test_nothing_a_user_types_enters_the_source():
    for field in FIELDS.values():
        plan = parse([field.example])._plan
        words = set("".join(c if c.isalnum() or c == "_" else " " for c in plan.source).split())
        ours = {word for word in words if word[0] == "K" or word.isdigit()}
        assert words - ours <= {
            *plan.columns,
            "and",
            "or",
            "not",
            "in",
            "is",
            "False",
            "True",
            "int",
            "from_bytes",
        }


def test_unknown_columns_are_never_compared():
    unknown = [inet(known=0, rtt_us=5)]

    assert (
        kept("rtt > 1us", unknown)
        == kept("rtt != 1us", unknown)
        == kept("rtt <= 1us", unknown)
        == []
    )
    assert kept("not rtt > 1us", unknown) == [0]


def test_columns_are_those_that_the_filter_reads():
    assert parse(["dport = :443 state established"]).columns == ("state", "remote_port")
    assert parse(["rtt > 50ms"]).columns == ("known", "rtt_us")
    assert parse([""]).columns == ()


@pytest.mark.parametrize(
    ("words", "needs"),
    [
        ("state established", 0),
        ("process = nginx", facts.OWNERS | facts.PROCESS_NAMES),
        ("pid 812", facts.OWNERS),
        ("command ~ -g", facts.OWNERS | facts.PROCESSES),
        ("container = web", facts.OWNERS | facts.PROCESSES | facts.CONTAINERS),
        ("rtt > 50ms", facts.TCP_INFO),
        ("backlog > 100", facts.BACKLOG),
        ("option = reuseport", facts.OPTIONS),
        ("timer = retransmit", facts.TIMERS),
        ("path = /run/*", facts.UNIX),
        ("src unix:/run/*", facts.UNIX),
        ("sport = vsock::22", facts.VSOCK),
        ("protocol = netlink", facts.NETLINK),
        ("family = packet", facts.PACKET),
        ("user = root", facts.USERS),
        ("netns = web", facts.NAMESPACES),
        ("peer_inode > 0", facts.UNIX),
    ],
)
def test_needs_are_the_facts_of_the_fields(words, needs):
    assert parse([words]).needs == needs | facts.SOCKETS


@pytest.mark.parametrize(
    ("words", "states", "protocols"),
    [
        ("state established", 1 << 1, None),
        ("not state established", 0xFFFFFFFF & ~(1 << 1), None),
        ("state established or sport = 22", 0xFFFFFFFF, None),
        ("state established protocol = tcp,udp", 1 << 1, {"tcp", "udp"}),
        ("( state established or state listening ) and state != listening", 1 << 1, None),
        ("not ( state established or sport = 22 )", 0xFFFFFFFF & ~(1 << 1), None),
        ("path = /run/*", 0xFFFFFFFF, {"unix"}),
        ("family = unix or src netlink:route", 0xFFFFFFFF, {"unix", "netlink"}),
        ("not protocol = tcp", 0xFFFFFFFF, None),
        ("protocol = tcp family = unix", 0xFFFFFFFF, set()),
        ("loopback", 0xFFFFFFFF, set(names.INTERNET_PROTOCOLS)),
        # what waits to be accepted belongs to its listener, so listeners must be read as well
        ("state established process = nginx", 1 << 1 | 1 << 10, None),
    ],
)
def test_hint_is_what_can_match(words, states, protocols):
    hint = parse([words]).hint

    assert hint.states == states
    assert hint.protocols == protocols


def test_filter_tells_what_it_speaks_of():
    asked = parse(["dport = :443 and not src unix:/run/*"])

    assert [
        asked.mentions(name) for name in ("dport", "remote_port", "src", "local", "family", "path")
    ] == [True] * 6
    assert not any(map(asked.mentions, ("state", "sport", "protocol", "listening", "nonsense")))


def test_connection_nobody_accepted_belongs_to_its_listener():
    here = pack_address("10.0.0.5")
    waiting = inet(local=here, local_port=80, inode=0)
    listener = inet(state=10, local=pack_address("0.0.0.0"), local_port=80, inode=1)

    assert kept("process = nginx", [listener, waiting]) == [0, 1]
    assert kept("owner_by = listener", [listener, waiting]) == [1]
    assert kept("unowned", [listener, waiting, inet(state=6, local=here, local_port=80)]) == [2]


def test_socket_with_several_owners_matches_by_each_and_by_none():
    shared = [inet(inode=3)]

    assert (
        kept("process = nginx", shared)
        == kept("process = cart*", shared)
        == kept("pid = 11", shared)
        == [0]
    )
    assert kept("process != nginx", shared) == []


def test_process_that_is_read_later_is_asked_again():
    snapshot = snapshot_of([])
    process = snapshot.processes.pop(10)
    keep = parse(["process = nginx"]).row_filter(snapshot)
    row = record.pack(inet(inode=1))
    assert not keep(row)

    snapshot.processes[10] = process

    assert keep(row) == row


def test_interface_by_name_index_and_none():
    some = [inet(), inet(interface=1), inet(interface=2), inet(interface=9)]

    assert kept("dev = lo", some) == kept("interface = 1", some) == [1]
    assert kept("dev != lo", some) == [0, 2, 3]
    assert kept("dev 0", some) == [0]
    assert kept("interface = *", some) == [1, 2, 3]
    assert kept("interface ~ ^if", some) == [3]


def test_namespace_by_name_and_number():
    snapshot = snapshot_of([])
    snapshot.namespaces = {7: Namespace(7, "web")}
    some = [inet(), inet(netns=7)]

    assert kept("netns = web", some, snapshot) == kept("netns = 7", some, snapshot) == [1]
    assert kept("netns != web", some, snapshot) == [0]


def test_cgroup_by_path_of_the_owner_and_by_number():
    some = [inet(inode=1), inet(inode=2), inet(cgroup_id=77)]

    assert kept("cgroup /sys/fs/cgroup/system.slice/nginx.service", some) == [0]
    assert kept("cgroup = /system.slice/*", some) == [0]
    assert kept("cgroup = 77", some) == [2]


def test_place_of_the_socket_stands_in_for_its_process():
    assert kept("unit = gone", [inet(cgroup_id=77), inet(cgroup_id=1)]) == [0]


def test_service_is_that_of_the_listener_or_of_the_peer():
    here = pack_address("10.0.0.5")
    some = [
        inet(state=10, local_port=443, local=pack_address("::"), family=10, inode=1),
        inet(local=here, local_port=443, remote=here, remote_port=40000),
        inet(local=here, local_port=40000, remote=here, remote_port=443),
        inet(local=here, local_port=40000, remote=here, remote_port=22),
    ]

    assert kept("service = https", some) == [0, 1, 2]


def test_autobound_is_the_namespace_s_range():
    snapshot = snapshot_of([])
    snapshot.namespaces = {7: Namespace(7, "web")}
    snapshot.namespaces[7].sysctls = {"net.ipv4.ip_local_port_range": "1000\t2000"}
    unix = {"family": 1, "type": 1, "netns": NETNS, "known": EVERYTHING_KNOWN}
    some = [
        inet(local_port=40000), inet(local_port=1500), inet(local_port=1500, netns=7), inet(local_port=40000, netns=7),
        unix | {"inode": 5}, unix | {"inode": 1}, unix | {"inode": 6},
        {"family": 40, "local": b"\x02\0\0\0\xff\xff\0\0"}, {"family": 40, "local": b"\x02\0\0\0\x16\0\0\0"},
        {"family": 16, "local": bytes(7) + b"\x80"}, {"family": 17}, {"family": 17, "interface": 2},
    ]  # fmt: skip

    assert kept("autobound", some, snapshot) == [0, 2, 4, 6, 7, 9, 10]


def test_mixed_and_and_or_without_parentheses_is_noted():
    assert "left to right" in parse(["sport = 1 or sport = 2 and dport = 3"]).notes[0]
    assert parse(["sport = 1 and sport = 2 or dport = 3"]).notes == ()
    assert parse(["sport = 1 or ( sport = 2 dport = 3 )"]).notes == ()


def test_filter_imports_nothing_slow():
    slow = "re enum typing dataclasses ipaddress difflib socket subprocess json inspect"
    code = (
        "import sys; from fivetuple.analysis.filters import parse; from fivetuple.model.snapshot import Snapshot, Host;"
        "parse(['state', 'established', '( dport = :443 or src 10.0.0.0/8 )', 'process = ngin*', 'rtt > 50ms'])"
        ".row_filter(Snapshot(Host(''), 0, road='', facts=0))(b'');"
        f"print([name for name in {slow!r}.split() if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )

    assert done.stdout.strip() == "[]"


def test_snapshot_without_anything_answers():
    snapshot = Snapshot(Host("here"), 0, road="test", facts=0)

    for field in FIELDS.values():
        parse([field.example]).row_filter(snapshot)(record.pack(inet()))
