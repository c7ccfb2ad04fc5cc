"""The psutil road, on Linux beside the others, and on a small psutil of the test's own."""

from __future__ import annotations

import os
import socket
import sys
from collections import namedtuple
from types import SimpleNamespace

import psutil  # noqa: TID253  # the words of its states
import pytest
from tests.support.namespaces import NOBODY, child_in, in_namespace, require_root

from fivetuple.kernel import owners, portable
from fivetuple.model import facts, record, state
from fivetuple.model.endpoint import AF_INET, AF_INET6, AF_UNIX, ANY_V4, ANY_V6, pack_address
from fivetuple.model.errors import NotAvailable
from fivetuple.model.names import DGRAM, STREAM

Told = namedtuple("Told", "fd family type laddr raddr status pid")
Address = namedtuple("Address", "ip port")

LOOPBACK = pack_address("127.0.0.1")


def held(pid, fd):
    return pid << 32 | fd


def rows_of(sockets):
    return list(record.unpack(sockets.rows))


def row_at(sockets, address, port):
    return [row for row in rows_of(sockets) if (row["local"], row["local_port"]) == (address, port)]


def tcp(
    fd=3,
    pid=7,
    local=("10.0.0.1", 80),
    remote=("10.0.0.2", 5000),
    status="ESTABLISHED",
    family=socket.AF_INET,
):
    return Told(
        fd,
        family,
        socket.SOCK_STREAM,
        Address(*local),
        Address(*remote) if remote else (),
        status,
        pid,
    )


def read(*told):
    """Gather these answers of psutil's into a table."""
    table = portable._Table()
    for one in told:
        table.add(one, one.pid)
    return portable.Sockets(
        b"".join(table.rows), table.unix_names, table.holders, table.all_shared(), {}
    )


@pytest.mark.kernel
def test_sockets_of_this_process_are_told_with_their_holder():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        sockets = portable.snapshot_rows()
        port = server.getsockname()[1]
        listener = next(
            row for row in row_at(sockets, LOOPBACK, port) if row["state"] == state.LISTEN
        )
        connection = row_at(sockets, LOOPBACK, client.getsockname()[1])[0]

        assert (listener["family"], listener["type"], listener["protocol_number"]) == (
            AF_INET,
            STREAM,
            6,
        )
        assert listener["remote"] == ANY_V4
        assert (connection["state"], connection["remote_port"]) == (state.ESTABLISHED, port)
        assert sockets.holders[listener["inode"]] == held(os.getpid(), server.fileno())
        assert sockets.holders[connection["inode"]] == held(os.getpid(), client.fileno())
        assert listener["netns"] == os.stat("/proc/self/ns/net").st_ino  # noqa: PTH116
        assert listener["known"] == 0


@pytest.mark.kernel
def test_holders_agree_with_the_scan_of_descriptors():
    code = """
import socket
kept = [socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)]
kept[1].bind(("::1", 0))
ready(fds=[one.fileno() for one in kept], ports=[one.getsockname()[1] for one in kept])
wait()
"""
    with child_in(None, code) as child:
        sockets = portable.snapshot_rows()
        scanned, _, _ = owners.scan([child.pid])

    by_psutil = {
        (row["type"], row["local_port"]): sockets.holders[row["inode"]]
        for row in rows_of(sockets)
        if sockets.holders.get(row["inode"], 0) >> 32 == child.pid and row["family"] != AF_UNIX
    }
    expected = {
        (kind, port): held(child.pid, fd)
        for kind, port, fd in zip(
            (STREAM, DGRAM), child.facts["ports"], child.facts["fds"], strict=True
        )
    }
    assert by_psutil == expected
    assert set(expected.values()) <= set(scanned.values())


@pytest.mark.kernel
def test_unix_sockets_have_their_path_or_abstract_name(tmp_path):
    path = tmp_path / "door"
    with socket.socket(socket.AF_UNIX) as filed, socket.socket(socket.AF_UNIX) as abstract:
        filed.bind(str(path))
        abstract.bind(f"\0ft-test-{os.getpid()}")
        sockets = portable.snapshot_rows()

    names = set(sockets.unix_names.values())
    assert {bytes(path), b"\0ft-test-%d" % os.getpid()} <= names
    assert all(
        row["family"] == AF_UNIX for row in rows_of(sockets) if row["inode"] in sockets.unix_names
    )


@pytest.mark.kernel
def test_path_that_psutil_stumbles_over_costs_the_unix_sockets_alone(tmp_path):
    with socket.socket(socket.AF_UNIX) as hostile, socket.create_server(("127.0.0.1", 0)) as server:
        hostile.bind(str(tmp_path / "a\nb c"))
        sockets = portable.snapshot_rows()
        port = server.getsockname()[1]

    assert row_at(sockets, LOOPBACK, port)
    assert sockets.missing[facts.UNIX].startswith("psutil can't read the list of unix sockets: ")


@pytest.mark.kernel
def test_user_without_privileges_learns_that_owners_are_missing():
    require_root("another user")
    with socket.create_server(("127.0.0.1", 0)):
        missing = in_namespace(None, portable.snapshot_rows, uid=NOBODY).missing

    assert missing[facts.OWNERS] == "processes of other users are closed to us: run as root"


def test_what_psutil_cannot_tell_is_missing():
    missing = portable.snapshot_rows().missing

    assert missing[facts.TCP_INFO] == "psutil does not tell"
    assert facts.BACKLOG in missing
    assert facts.UNIX in missing


def test_connection_that_several_processes_hold_is_one_row():
    sockets = read(tcp(fd=5, pid=9), tcp(fd=4, pid=8), tcp(fd=5, pid=9))

    assert len(rows_of(sockets)) == 1
    assert sockets.shared == {1: (held(8, 4), held(9, 5))}
    assert sockets.holders == {1: held(8, 4)}


def test_listeners_of_the_same_address_stay_apart():
    sockets = read(
        tcp(remote=None, status="LISTEN", pid=8), tcp(remote=None, status="LISTEN", pid=9)
    )

    assert [row["inode"] for row in rows_of(sockets)] == [1, 2]
    assert sockets.shared == {}


def test_socket_that_nobody_holds_has_no_holder():
    assert read(tcp(fd=-1, pid=None, status="TIME_WAIT")).holders == {}


def test_system_without_descriptors_is_told_so():
    assert read(tcp(fd=-1, pid=8)).holders == {1: held(8, portable.UNKNOWN_FD)}


@pytest.mark.parametrize(
    "word", [getattr(psutil, name) for name in dir(psutil) if name.startswith("CONN_")]
)
def test_every_state_of_psutil_is_known(word):
    row = rows_of(read(tcp(status=word)))[0]

    assert row["state"] == portable.STATES.get(word, state.ESTABLISHED)
    assert word == "NONE" or word in portable.STATES


def test_datagram_sockets_are_connected_or_not():
    rows = rows_of(
        read(
            tcp(status="NONE")._replace(type=socket.SOCK_DGRAM),
            tcp(status="NONE", remote=None)._replace(type=socket.SOCK_DGRAM),
        )
    )

    assert [row["state"] for row in rows] == [state.ESTABLISHED, state.CLOSE]
    assert {row["protocol_number"] for row in rows} == {17}


def test_addresses_of_ipv6_and_none_at_all():
    told = tcp(local=("fe80::1%en0", 80), remote=("::ffff:10.0.0.1", 443), family=socket.AF_INET6)
    row, bare = rows_of(read(told, told._replace(laddr=(), raddr=())))

    assert (row["family"], row["local"], row["remote"]) == (
        AF_INET6,
        pack_address("fe80::1"),
        pack_address("10.0.0.1"),
    )
    assert (bare["local"], bare["local_port"], bare["remote"]) == (ANY_V6, 0, ANY_V6)


def test_unknown_family_is_left_out():
    assert read(tcp(family=29)).rows == b""


class AccessDenied(Exception):
    """As psutil's."""


class NoSuchProcess(Exception):
    """As psutil's."""


def process(pid, answer):
    def net_connections(_kind):
        if isinstance(answer, type):
            raise answer
        return answer

    return SimpleNamespace(pid=pid, net_connections=net_connections)


def test_where_all_at_once_needs_root_each_process_is_asked(monkeypatch):
    """As on macOS."""

    def refuse(_kind):
        raise AccessDenied

    told = tcp()._replace()
    listed = [
        process(7, [told]),
        process(8, AccessDenied),
        process(9, NoSuchProcess),
        process(10, AccessDenied),
    ]
    fake = SimpleNamespace(
        net_connections=refuse,
        process_iter=lambda: listed,
        AccessDenied=AccessDenied,
        NoSuchProcess=NoSuchProcess,
    )
    monkeypatch.setattr(portable, "import_psutil", lambda: fake)

    sockets = portable.snapshot_rows()

    assert sockets.holders == {1: held(7, 3)}
    assert sockets.missing[facts.SOCKETS] == "2 processes of other users: run as root"


def test_without_psutil_the_road_says_what_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)

    with pytest.raises(NotAvailable, match="needs psutil: pip install psutil"):
        portable.snapshot_rows()
