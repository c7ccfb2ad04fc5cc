"""/proc/net/unix, netlink and packet against ss and against names chosen to confuse."""

from __future__ import annotations

import struct
import subprocess
from collections import Counter
from typing import Any

import pytest
from tests.support.namespaces import child_in, in_namespace, namespace

from fivetuple.kernel import procfs
from fivetuple.kernel.proc_local import parse_netlink, parse_packet, parse_unix
from fivetuple.model import record
from fivetuple.model.errors import BadInput

# Stream, datagram, seqpacket; path, abstract, none; listening, connected, not yet accepted.
UNIX_ZOO = """
import os, socket
keep = []
inodes = {}
folder = FOLDER
def make(kind, name, listen=False):
    s = socket.socket(socket.AF_UNIX, kind)
    if name: s.bind(name)
    if listen: s.listen(5)
    keep.append(s)
    return s
def note(s, label): inodes[label] = os.fstat(s.fileno()).st_ino
note(make(socket.SOCK_STREAM, b"\\0abstract", True), "abstract")
note(make(socket.SOCK_SEQPACKET, folder.encode() + b"/seq", True), "seqpacket")
note(make(socket.SOCK_DGRAM, folder.encode() + b"/with blank"), "blank")
note(make(socket.SOCK_DGRAM, folder.encode() + b"/new\\nline\\n"), "newline")
note(make(socket.SOCK_DGRAM, folder.encode() + b"/esc\\x1b[31m\\xff"), "escape")
note(make(socket.SOCK_DGRAM, b"\\0nul\\0inside"), "nul")
server = make(socket.SOCK_STREAM, folder.encode() + b"/server", True)
note(server, "server")
client = make(socket.SOCK_STREAM, None); client.connect(folder.encode() + b"/server"); note(client, "client")
accepted, _ = server.accept(); keep.append(accepted); note(accepted, "accepted")
waiting = make(socket.SOCK_STREAM, None); waiting.connect(folder.encode() + b"/server"); note(waiting, "waiting")
a, b = socket.socketpair(); keep += [a, b]; note(a, "pair a"); note(b, "pair b")
ready(inodes=inodes)
wait()
"""
PACKET_ZOO = """
import os, socket
a = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
b = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)); b.bind(("lo", 3))
n = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); n.bind((0, 1))
ready(port=n.getsockname()[0], raw=os.fstat(a.fileno()).st_ino, dgram=os.fstat(b.fileno()).st_ino, netlink=os.fstat(n.fileno()).st_ino)
wait()
"""
UNIX_LINE = b"0000000000000000: 00000002 00000000 00010000 0001 01 %d %s\n"


def _read(protocol: str) -> tuple[dict[int, dict[str, Any]], dict[int, bytes], int]:
    names: dict[int, bytes] = {}
    rows = list(record.unpack(b"".join(procfs.dump(protocol, 7, names=names))))
    return {row["inode"]: row for row in rows}, names, len(rows)


def _ss_unix() -> Counter[tuple[int, bytes]]:
    text = subprocess.run(["ss", "-Hxan"], capture_output=True, check=True).stdout
    fields = [line.split() for line in text.splitlines() if line[:2] in {b"u_", b"  "}]
    types = {b"u_str": 1, b"u_dgr": 2, b"u_seq": 5}
    return Counter((types[line[0]], line[1]) for line in fields if line and line[0] in types)


def _unix_and_ss() -> tuple[
    dict[int, dict[str, Any]], dict[int, bytes], int, Counter[tuple[int, bytes]]
]:
    return *_read("unix"), _ss_unix()


@pytest.mark.kernel
def test_unix_sockets_agree_with_ss_and_with_what_made_them(tmp_path):
    zoo = UNIX_ZOO.replace("FOLDER", repr(str(tmp_path)))
    with namespace() as name, child_in(name, zoo) as child:
        rows, names, count, ss = in_namespace(name, _unix_and_ss)
    inodes = child.facts["inodes"]
    folder = bytes(tmp_path)
    of = {label: rows[inode] for label, inode in inodes.items()}

    assert count == sum(ss.values())
    assert Counter(row["state"] for row in rows.values() if row["state"] == 10)[10] == sum(
        number for (_, state), number in ss.items() if state == b"LISTEN"
    )
    assert {label: (row["type"], row["state"]) for label, row in of.items()} == {
        "abstract": (1, 10),
        "seqpacket": (5, 10),
        "server": (1, 10),
        "blank": (2, 7),
        "newline": (2, 7),
        "escape": (2, 7),
        "nul": (2, 7),
        "client": (1, 1),
        "accepted": (1, 1),
        "waiting": (1, 1),
        "pair a": (1, 1),
        "pair b": (1, 1),
    }
    assert names[inodes["abstract"]] == b"\0abstract"
    assert names[inodes["blank"]] == folder + b"/with blank"
    assert names[inodes["newline"]] == folder + b"/new\nline\n"
    assert names[inodes["escape"]] == folder + b"/esc\x1b[31m\xff"
    assert names[inodes["nul"]] == b"\0nul@inside"
    assert names[inodes["accepted"]] == folder + b"/server"
    assert inodes["client"] not in names
    assert all(row["known"] == record.INODE for row in rows.values())


@pytest.mark.kernel
def test_packet_and_netlink_sockets_are_read_with_their_protocol():
    with namespace() as name, child_in(name, PACKET_ZOO) as child:
        packet, _, _ = in_namespace(name, _read, "packet")
        netlink, _, _ = in_namespace(name, _read, "netlink")
    raw, dgram = packet[child.facts["raw"]], packet[child.facts["dgram"]]

    assert (raw["type"], raw["protocol_number"], raw["interface"]) == (3, 0x0800, 0)
    assert (dgram["type"], dgram["protocol_number"], dgram["interface"]) == (2, 3, 1)
    assert (raw["family"], raw["uid"]) == (17, 0)
    route = netlink[child.facts["netlink"]]
    assert (route["family"], route["protocol_number"], route["type"]) == (16, 0, 3)
    assert route["local"] == struct.pack("=II8x", 1, child.facts["port"])


def test_name_of_a_connection_that_nobody_accepted_is_not_kept():
    names: dict[int, bytes] = {}
    text = UNIX_LINE % (5, b"/a") + UNIX_LINE.replace(b"01 %d", b"02 %d") % (0, b"/new\nline")

    rows = parse_unix(text, 1, names)

    assert [row["inode"] for row in record.unpack(rows)] == [5]
    assert names == {5: b"/a"}


def test_a_name_cannot_stop_the_reading():
    names: dict[int, bytes] = {}
    text = UNIX_LINE % (5, b"/a\n0000000000000000: not a row\n\n") + UNIX_LINE % (6, b"/b")

    rows = parse_unix(text, 1, names)

    assert len(rows) == 2 * record.SIZE
    assert names == {5: b"/a\n0000000000000000: not a row\n\n", 6: b"/b"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"nonsense\n", id="no row at all"),
        pytest.param(UNIX_LINE[:40], id="cut off"),
        pytest.param(UNIX_LINE % (5, b"/a") + b"0000000000000000: 0000", id="last row cut off"),
        pytest.param(UNIX_LINE.replace(b"0001 01", b"0009 01") % (5, b""), id="no such type"),
        pytest.param(UNIX_LINE.replace(b"0001 01", b"0001 0x") % (5, b""), id="no such state"),
    ],
)
def test_unix_text_that_is_no_table_is_refused(text):
    with pytest.raises(BadInput, match="not a row of /proc/net/unix"):
        parse_unix(text, 1, {})


def test_short_rows_of_netlink_and_packet_are_refused():
    with pytest.raises(BadInput, match="/proc/net/netlink"):
        parse_netlink(b"0000000050908175 4   0          00000000 0        0\n", 1)
    with pytest.raises(BadInput, match="/proc/net/packet"):
        parse_packet(b"00000000fb8f6f2c 3      3    0003   2     1 0\n", 1)
