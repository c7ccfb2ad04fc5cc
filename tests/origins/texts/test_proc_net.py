import subprocess

import pytest
from tests.support.every_state import CODE
from tests.support.namespaces import child_in, in_namespace, namespace

from fivetuple.kernel.procfs import dump
from fivetuple.model import facts, record
from fivetuple.model.errors import BadInput
from fivetuple.origins.texts import proc_net
from fivetuple.origins.texts.recognise import read_bytes

UDP = b"""\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  100: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 7001 2 0000000000000000 0
"""
TCP = b"""\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000002 00:00000000 00000000  1000        0 7002 1 0000000000000000 100 0 0 10 0
"""
UNIX = b"""\
Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01  7003 /run/a b
"""


def rows_of(snapshot):
    return list(record.unpack(snapshot.rows))


def test_several_tables_in_one_file():
    snapshot = read_bytes(TCP + UDP + UNIX, 1)

    assert [row["inode"] for row in rows_of(snapshot)] == [7002, 7001, 7003]
    assert snapshot.unix_names == {7003: b"/run/a b"}
    assert snapshot.facts & facts.UNIX


def test_marks_between_files_tell_what_the_headers_do_not():
    text = (
        b"==> /proc/net/tcp <==\n"
        + TCP
        + b"\n==> /proc/net/raw <==\n"
        + UDP
        + b"\n==> /proc/net/unix <==\n"
        + UNIX
    )

    rows = rows_of(read_bytes(text, 1))

    assert [(row["type"], row["protocol_number"]) for row in rows] == [(1, 6), (3, 53), (1, 0)]


@pytest.mark.parametrize(
    ("name", "kind", "number"),
    [("udp", 2, 17), ("raw", 3, 53), ("udplite", 2, 136), ("notes.txt", 2, 17), ("tcp", 2, 17)],
)
def test_the_files_name_tells_too(name, kind, number):
    (row,) = rows_of(proc_net.parse(UDP, 1, name))

    assert (row["type"], row["protocol_number"]) == (kind, number)


def test_a_row_that_is_cut_off_is_refused():
    with pytest.raises(BadInput, match="is not a row of /proc/net/tcp"):
        read_bytes(TCP[:-60], 1)


def test_a_mark_without_a_table_is_refused():
    with pytest.raises(BadInput, match="no table of /proc/net follows"):
        read_bytes(b"==> /proc/net/tcp <==\nnothing\n", 1)


@pytest.mark.kernel
def test_copies_of_this_machines_tables_read_as_the_tables_do():
    tables = ("tcp", "tcp6", "udp", "udp6", "udplite", "unix")
    with namespace() as name, child_in(name, CODE):
        enter = ["nsenter", f"--net=/run/netns/{name}", "--", "tail", "-n", "+1"]
        text = subprocess.run(
            [*enter, *(f"/proc/net/{table}" for table in tables)], capture_output=True, check=True
        ).stdout
        rows, names = in_namespace(name, by_proc, tables)

        snapshot = read_bytes(text, 1)

    moving = ("timer_ms", "timer_retransmits", "netns")
    assert [{**row, **dict.fromkeys(moving, 0)} for row in rows_of(snapshot)] == [
        {**row, **dict.fromkeys(moving, 0)} for row in record.unpack(rows)
    ]
    assert snapshot.unix_names == names


def by_proc(tables):
    names: dict[int, bytes] = {}
    return b"".join(rows for table in tables for rows in dump(table, 0, names=names)), names
