"""The lens: fields of many rows, as values, as cells and as finished lines."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests import strategies

from fivetuple.analysis.lens import Lens
from fivetuple.model import record
from fivetuple.model.endpoint import ANY_V4, ANY_V6, pack_address
from fivetuple.model.fields import FIELD, FIELDS
from fivetuple.model.process import Process
from fivetuple.model.snapshot import Host, Snapshot

ALL_KNOWN = 0xFFFF
NAMES = tuple(FIELD)


def row(**values):
    whole = {
        "family": 2,
        "type": 1,
        "protocol_number": 6,
        "known": ALL_KNOWN,
        "local": ANY_V4,
        "remote": ANY_V4,
    }
    return record.pack(whole | values)


def snapshot(*rows):
    return Snapshot(Host("made"), 0, road="test", facts=0, chunks=(b"".join(rows),))


def look(name, made_row, prepare=None):
    made = snapshot(made_row)
    if prepare:
        prepare(made)
    [[value]] = Lens(made).values((name,))(made.rows)
    return value


def test_a_listener_has_an_accept_queue_and_no_byte_queues():
    listener = row(
        state=10,
        local_port=80,
        accept_queue=3,
        backlog=128,
        known=record.ACCEPT_QUEUE | record.BACKLOG,
    )

    assert look("accept_queue", listener) == 3
    assert look("backlog", listener) == 128
    assert look("recv_queue_bytes", listener) is None
    assert look("remote_address", listener) is None


def test_what_a_row_does_not_know_is_none_and_never_zero():
    ignorant = row(state=1, known=0, rtt_us=5, uid=7, cookie=9, inode=11)

    for field in FIELDS:
        column = record.COLUMN.get(field.name)
        if column is not None and column.group:
            assert look(field.name, ignorant) is None, field.name


def test_ends_are_written_as_people_write_them():
    six = pack_address("2001:db8::1")
    dual = {"family": 10, "local": ANY_V6, "remote": ANY_V6, "local_port": 80}

    assert look("local", row(local=pack_address("10.0.0.1"), local_port=22)) == "10.0.0.1:22"
    assert look("local", row(**dual)) == "*:80"
    assert look("local", row(**dual, options=record.V6ONLY)) == "[::]:80"
    assert look("local", row(**dual | {"known": ALL_KNOWN & ~record.OPTIONS})) == "[::]:80"
    assert (
        look("remote", row(family=10, local=six, remote=six, remote_port=443))
        == "[2001:db8::1]:443"
    )
    assert (
        look("local_address", row(family=10, local=pack_address("10.0.0.1"), remote=six))
        == "::ffff:10.0.0.1"
    )


def test_a_scope_names_its_interface():
    def name_it(made):
        made.interfaces[7] = {3: "eth0"}

    link_local = row(
        family=10,
        local=pack_address("fe80::1"),
        remote=ANY_V6,
        local_port=546,
        netns=7,
        interface=3,
    )

    assert look("local", link_local, name_it) == "[fe80::1]%eth0:546"
    assert look("interface", link_local, name_it) == "eth0"


def test_raw_sockets_have_no_port_and_say_their_protocol():
    raw = row(type=3, protocol_number=1, local_port=1)

    assert look("protocol", raw) == "raw"
    assert look("local_port", raw) is None
    assert look("local", raw) == "0.0.0.0:icmp"


def test_unix_sockets_are_known_by_path_and_peer():
    def name_it(made):
        made.unix_names = {5: b"/run/x.sock", 6: b"\0bus"}

    end = row(family=1, protocol_number=0, inode=5, peer_inode=6, local=bytes(16), remote=bytes(16))

    assert look("path", end, name_it) == "/run/x.sock"
    assert look("local", end, name_it) == "/run/x.sock"
    assert look("remote", end, name_it) == "@bus"


def test_hostile_names_do_no_harm_in_a_table_and_stay_whole_in_data():
    def name_it(made):
        made.holders = {5: 812 << 32 | 3}
        made.processes = {812: Process(812, "evil\x1b[31m\nname")}

    made_row = row(state=1, inode=5, local_port=1, remote_port=2)
    made = snapshot(made_row)
    name_it(made)

    [[cell]] = Lens(made).cells(("process",))(made.rows)

    assert cell == "evil\\x1b[31m\\nname (812)"
    assert look("process", made_row, name_it) == "evil\x1b[31m\nname"


def test_several_holders_of_one_name_are_told_together():
    made = snapshot(row(state=10, inode=5, local_port=80))
    made.holders = {5: 10 << 32 | 3}
    made.shared = {5: tuple(pid << 32 | 3 for pid in (10, 11, 12, 13, 14))}
    made.processes = {pid: Process(pid, "nginx") for pid in (10, 11, 12, 13, 14)}

    [[cell]] = Lens(made).cells(("process",))(made.rows)
    [[pids]] = Lens(made).values(("pids",))(made.rows)

    assert cell == "nginx (10, 11, 12, +2)"
    assert pids == [10, 11, 12, 13, 14]


def test_time_wait_belongs_to_nobody():
    made = snapshot(
        row(state=10, inode=5, local_port=80), row(state=6, local_port=80, remote_port=9, known=0)
    )
    made.holders = {5: 10 << 32 | 3}
    made.processes = {10: Process(10, "nginx")}

    cells = Lens(made).cells(("state", "process"))(made.rows)

    assert cells == [("LISTEN", "nginx (10)"), ("TIME_WAIT", "-")]


@settings(max_examples=25)  # every field is compiled each time
@given(st.lists(strategies.ROWS, max_size=5))
def test_every_field_of_any_row_can_be_looked_at(rows):
    made = snapshot(*rows)

    values = Lens(made).values(NAMES)(made.rows)
    cells = Lens(made).cells(NAMES)(made.rows)

    assert len(values) == len(cells) == len(rows)
    assert all(cell.isprintable() for line in cells for cell in line)


@settings(max_examples=50)
@given(
    st.lists(strategies.ROWS, max_size=5),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True),
)
def test_lines_are_the_cells_padded(rows, names):
    made = snapshot(*rows)
    widths = [12] * len(names)

    lines = Lens(made).lines(names, widths)(made.rows)
    cells = Lens(made).cells(names)(made.rows)

    for line, row_cells in zip(lines, cells, strict=True):
        padded = [
            f"{cell:{FIELD[name].align}{12 if FIELD[name].align == '>' or index < len(names) - 1 else 0}}"
            for index, (cell, name) in enumerate(zip(row_cells, names, strict=True))
        ]
        assert line == "  ".join(padded)
