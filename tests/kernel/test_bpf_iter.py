import struct
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.diag_bytes import columns
from tests.support.namespaces import NOBODY, child_in, in_namespace, namespace

from fivetuple.kernel import bpf_cache, libbpf, owners, sock_diag, support  # noqa: F401  # as NOBODY they can't be imported
from fivetuple.kernel.bpf_code import Code
from fivetuple.kernel.bpf_iter import BpfRoad
from fivetuple.model.errors import NotPermitted
from fivetuple.model.record import SIZE

pytestmark = pytest.mark.kernel

PAIRS = 1200
CROWD = f"""
import ctypes, os, socket, time
listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
keep = [listener]
for _ in range({PAIRS}):
    keep.append(socket.create_connection(listener.getsockname()))
    keep.append(listener.accept()[0])
datagrams = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(300)]
for sock in datagrams:
    sock.bind(("127.0.0.1", 0))
pid = os.fork()
if pid == 0:
    ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG: it ends with its parent
    for sock in keep[1:]:
        sock.close()
    time.sleep(1000)
ready(pid=os.getpid(), child=pid, listener=os.fstat(listener.fileno()).st_ino, fd=listener.fileno())
wait()
"""


@pytest.fixture(scope="module")
def crowd():
    with namespace("ft-bpf") as name, child_in(name, CROWD) as child:
        yield name, child.facts


def read(program, chunk_bytes=1 << 18):
    with BpfRoad((program,)) as road:
        rows = columns(road.stream(program, chunk_bytes))
        return rows, road.walked.get(program)


def descriptors():
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize(("program", "count"), [("tcp", 2 * PAIRS + 1), ("udp", 300)])
def test_thousands_are_all_there_and_counted(crowd, program, count):
    rows, walked = in_namespace(crowd[0], read, program)

    assert walked == len(rows) == len({row["cookie"] for row in rows}) == count


@pytest.mark.parametrize("program", ["tcp", "udp"])
def test_namespace_without_sockets(program):
    with namespace("ft-bpf") as name:
        assert in_namespace(name, read, program) == ([], 0)


def test_small_chunks_hold_the_same_rows(crowd):
    def chunks():
        with BpfRoad(("tcp",)) as road:
            return [bytes(chunk) for chunk in road.stream("tcp", chunk_bytes=1)]

    small, (rows, _) = in_namespace(crowd[0], chunks), in_namespace(crowd[0], read, "tcp")

    assert len(small) > 5
    assert all(chunk and len(chunk) % SIZE == 0 for chunk in small)
    assert {row["cookie"] for row in columns(small)} == {row["cookie"] for row in rows}


def test_a_road_can_be_read_again_and_in_another_namespace(crowd):
    def twice():
        with BpfRoad(("tcp", "udp")) as road:
            return [len(columns(road.stream(program))) for program in ("tcp", "udp", "tcp")]

    assert in_namespace(crowd[0], twice) == [2 * PAIRS + 1, 300, 2 * PAIRS + 1]


def test_owners_are_those_of_proc(crowd):
    _, facts = crowd
    pids = (facts["pid"], facts["child"])

    with BpfRoad(("owners",)) as road:
        holders, shared = owners.join(road.owners())

    expected, expected_shared, _ = owners.scan(pids)
    ours = {inode: held for inode, held in holders.items() if held >> 32 in pids}
    assert ours == expected
    assert {inode: held for inode, held in shared.items() if inode in expected} == expected_shared


def test_a_socket_shared_by_fork_has_two_owners(crowd):
    _, facts = crowd

    with BpfRoad(("owners",)) as road:
        rows = list(struct.iter_unpack("<QQ", road.owners()))

    held = sorted(holder for inode, holder in rows if inode == facts["listener"])
    assert held == sorted(pid << 32 | facts["fd"] for pid in (facts["pid"], facts["child"]))


def test_owners_have_the_pids_of_our_pid_namespace():
    code = """
import os, socket, struct
from fivetuple.kernel.bpf_iter import BpfRoad
sock = socket.socket()
with BpfRoad(("owners",)) as road:
    rows = list(struct.iter_unpack("<QQ", road.owners()))
print(os.getpid(), os.fstat(sock.fileno()).st_ino, sock.fileno(), rows)
"""
    done = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )

    pid, inode, fd, rows = done.stdout.split(None, 3)
    assert pid == "1"
    assert rows.strip() == f"[({inode}, {1 << 32 | int(fd)})]"


def test_nothing_stays_open(crowd):
    before = descriptors()

    with BpfRoad(("owners", "tcp", "udp", "files")) as road:
        road.owners()
        stream = road.stream("tcp")
        next(stream)
        stream.close()

    assert descriptors() == before


def test_nothing_stays_open_when_a_program_is_refused(monkeypatch):
    def with_a_bad_one(names):
        codes = good(names)
        return codes | {"tcp": Code(bytes(8), codes["tcp"].attach_btf_id)}

    good = bpf_cache.programs
    monkeypatch.setattr(bpf_cache, "programs", with_a_bad_one)
    before = descriptors()

    with pytest.raises(Exception, match="does not take our BPF program tcp"):
        BpfRoad(("udp", "tcp"))

    assert descriptors() == before


def test_an_ordinary_user_is_told_what_it_takes():
    with pytest.raises(NotPermitted, match=r"CAP_BPF and CAP_PERFMON: run `sudo ft`"):
        in_namespace(None, BpfRoad, ("tcp",), uid=NOBODY)
