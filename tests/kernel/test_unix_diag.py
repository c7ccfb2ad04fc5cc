import shutil
import struct

import pytest
from tests.support import ss
from tests.support.diag_bytes import columns, known, message, messages
from tests.support.namespaces import child_in, in_namespace, namespace

from fivetuple.kernel import unix_diag
from fivetuple.kernel.unix_diag import MEMINFO, NAME, PEER, RQLEN, SHUTDOWN, UID, Reader

STATES = {"LISTEN": 10, "ESTAB": 1, "UNCONN": 7}
TYPES = {"u_str": 1, "u_dgr": 2, "u_seq": 5}
SHUTDOWN_ARROWS = {"<->": 0, "-->": 1, "<--": 2, "---": 3}

SOCKETS = """
import socket, tempfile
folder = tempfile.mkdtemp(prefix="ft-unix-")
os.chmod(folder, 0o700)
path = folder + "/a\\nb\\x1b[31m.sock"
UNIX = socket.AF_UNIX
keep = []
def made(kind, name=None, backlog=None):
    sock = socket.socket(UNIX, kind)
    if name is not None:
        sock.bind(name)
    if backlog is not None:
        sock.listen(backlog)
    keep.append(sock)
    return sock
listener = made(socket.SOCK_STREAM, path, 6)
client = made(socket.SOCK_STREAM)
client.connect(path)
server, _ = listener.accept()
client.send(b"x" * 100)
waiting = made(socket.SOCK_STREAM)
waiting.connect(path)
abstract = made(socket.SOCK_SEQPACKET, b"\\0ft-\\0test\\0", 3)
datagram = made(socket.SOCK_DGRAM, folder + "/datagram")
longest = made(socket.SOCK_DGRAM, b"\\0" + b"n" * 107)
left, right = socket.socketpair(UNIX, socket.SOCK_STREAM)
left.shutdown(socket.SHUT_WR)
pair = socket.socketpair(UNIX, socket.SOCK_DGRAM)
autobound = made(socket.SOCK_DGRAM, "")
keep += server, left, right, *pair
ready(path=path, folder=folder, inodes={name: os.fstat(globals()[name].fileno()).st_ino for name in (
    "listener", "client", "server", "waiting", "abstract", "datagram", "longest", "left", "right", "autobound")},
    autobound=autobound.getsockname().hex())
wait()
"""


def read():
    chunks, names = unix_diag.dump(7)
    return columns(chunks), names


@pytest.fixture(scope="module")
def lab():
    with namespace("ft-unixdiag") as name, child_in(name, SOCKETS) as child:
        yield name, child.facts
    shutil.rmtree(child.facts["folder"])


@pytest.mark.kernel
def test_sockets_are_those_of_ss(lab):
    name, _ = lab
    before = ss.unix(name)
    rows, _ = in_namespace(name, read)

    assert sorted(row["inode"] for row in rows) == sorted(before)
    for row in rows:
        words = before[row["inode"]]
        assert (row["type"], row["state"]) == (TYPES[words["kind"]], STATES[words["state"]])
        queues = (
            ("accept_queue", "backlog")
            if row["state"] == 10
            else ("recv_queue_bytes", "send_queue_bytes")
        )
        assert [str(row[column]) for column in queues] == [words["recv_queue"], words["send_queue"]]
        assert str(row["peer_inode"]) == words["peer"]
        assert row["shutdown"] == SHUTDOWN_ARROWS[words["shutdown"]]
        assert (row["recv_buffer_bytes"], row["send_buffer_bytes"]) == (
            int(words["rb"]),
            int(words["tb"]),
        )


@pytest.mark.kernel
def test_names_are_bytes_as_they_were_bound(lab):
    name, facts = lab
    inodes = facts["inodes"]

    _, names = in_namespace(name, read)

    assert names[inodes["listener"]] == facts["path"].encode()
    assert names[inodes["server"]] == facts["path"].encode()
    assert names[inodes["abstract"]] == b"\0ft-\0test\0"
    assert names[inodes["longest"]] == b"\0" + b"n" * 107
    assert names[inodes["autobound"]] == bytes.fromhex(facts["autobound"])
    assert not {inodes["client"], inodes["left"], inodes["right"]} & set(names)


@pytest.mark.kernel
def test_a_listener_has_a_queue_of_connections(lab):
    name, facts = lab

    rows, _ = in_namespace(name, read)

    row = next(row for row in rows if row["inode"] == facts["inodes"]["listener"])
    assert (row["accept_queue"], row["backlog"]) == (1, 6)
    assert known(row) >= {
        "ACCEPT_QUEUE",
        "BACKLOG",
        "PEER",
        "UID",
        "SHUTDOWN",
        "COOKIE",
        "INODE",
        "BUFFERS",
    }
    assert "QUEUES" not in known(row)


@pytest.mark.kernel
def test_the_ends_of_a_connection_name_each_other(lab):
    name, facts = lab
    inodes = facts["inodes"]

    rows, _ = in_namespace(name, read)

    peers = {row["inode"]: row["peer_inode"] for row in rows}
    assert (peers[inodes["client"]], peers[inodes["server"]]) == (
        inodes["server"],
        inodes["client"],
    )
    assert peers[inodes["waiting"]] == 0  # nobody accepted it yet
    assert peers[inodes["listener"]] == 0


@pytest.mark.kernel
def test_only_this_namespace_is_listed():
    with namespace("ft-unixdiag") as empty:
        rows, names = in_namespace(empty, read)

    assert (rows, names) == ([], {})


@pytest.mark.kernel
def test_names_are_there_when_their_rows_are(lab):
    name, facts = lab

    def read_first():
        names: dict[int, bytes] = {}
        rows, _ = unix_diag.dump(7, names)
        inodes = [
            row["inode"] for chunk in rows for row in columns([chunk]) if row["inode"] in names
        ]
        return inodes, names

    inodes, names = in_namespace(name, read_first)

    assert set(inodes) == set(names)
    assert facts["inodes"]["listener"] in names


def test_a_socket_without_the_newer_attributes_knows_less():
    plain = message(struct.pack("=BBBxIQ", 1, 1, 1, 50, 60))
    full = message(
        struct.pack("=BBBxIQ", 1, 2, 7, 51, 61),
        [
            (NAME, b"/run/x\0"), (PEER, struct.pack("=I", 50)), (RQLEN, struct.pack("=II", 3, 4)),
            (MEMINFO, bytes(36)), (SHUTDOWN, b"\3"), (UID, struct.pack("=I", 1000)),
        ],
    )  # fmt: skip
    names: dict[int, bytes] = {}
    reader = Reader(7, names)

    (bare,) = columns(reader.rows(len(plain), messages(plain)))
    (row,) = columns(reader.rows(len(full), messages(full)))

    assert known(bare) == {"COOKIE", "INODE", "PEER"}
    assert known(row) == {
        "COOKIE",
        "INODE",
        "PEER",
        "QUEUES",
        "BUFFERS",
        "DROPS",
        "SHUTDOWN",
        "UID",
    }
    assert (row["peer_inode"], row["uid"], row["shutdown"], row["cookie"]) == (50, 1000, 3, 61)
    assert names == {51: b"/run/x"}
