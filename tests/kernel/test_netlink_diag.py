import struct

import pytest
from tests.support import ss
from tests.support.diag_bytes import columns, known, message, messages
from tests.support.namespaces import child_in, in_namespace, namespace

from fivetuple.kernel import netlink_diag
from fivetuple.kernel.netlink_diag import GROUPS, MEMINFO

ROUTE = 0

SOCKETS = """
import socket
member = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
member.bind((0, 1 | 16))  # RTMGRP_LINK, RTMGRP_IPV4_IFADDR
plain = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 0)
plain.bind((0, 0))
ready(member=member.getsockname()[0], plain=plain.getsockname()[0],
      inodes=[os.fstat(sock.fileno()).st_ino for sock in (member, plain)])
wait()
"""


def read():
    return columns(netlink_diag.dump(7))


def place(row):
    groups, port_id = struct.unpack_from("<II", row["local"])
    return row["protocol_number"], groups, port_id


@pytest.mark.kernel
def test_sockets_of_programs_and_of_the_kernel_are_listed_once():
    with namespace("ft-nldiag") as name, child_in(name, SOCKETS) as child:
        rows = in_namespace(name, read)
        facts = child.facts

    by_inode = {row["inode"]: row for row in rows}
    assert len(by_inode) == len(rows)  # the kernel lists members of groups twice
    member, plain = (by_inode[inode] for inode in facts["inodes"])
    assert place(member) == (ROUTE, 17, facts["member"])
    assert place(plain) == (ROUTE, 0, facts["plain"])
    assert (member["type"], plain["type"], plain["state"]) == (3, 2, 7)
    assert known(plain) == {"QUEUES", "BUFFERS", "DROPS", "COOKIE", "INODE"}
    assert (ROUTE, 0, 0) in map(place, rows)


@pytest.mark.kernel
def test_the_socket_that_asks_is_not_listed():
    with namespace("ft-nldiag") as name:
        rows = in_namespace(name, read)

        of_programs = [row for row in rows if place(row)[2]]
        kernels = [line for line in ss.lines(name, "-f", "netlink", "-anH") if ":0 " in line]
    assert of_programs == []
    assert len(rows) == len(kernels)


def test_all_members_are_read():
    payload = struct.pack("=BBBBIIIIQ", 16, 3, 15, 7, 100, 200, 5, 33, 44)
    data = message(
        payload, [(MEMINFO, struct.pack("=9I", *range(1, 10))), (GROUPS, struct.pack("=QQ", 6, 1))]
    )
    family = netlink_diag.family_of_rows(9)

    (row,) = columns(rows for _, _, rows in family.rows(len(data), messages(data)))

    assert place(row) == (15, 6, 100)
    assert struct.unpack_from("<II", row["remote"]) == (5, 200)
    assert (row["inode"], row["cookie"], row["netns"]) == (33, 44, 9)
    assert (row["recv_queue_bytes"], row["send_queue_bytes"], row["drops"]) == (1, 3, 9)
    assert (row["recv_buffer_bytes"], row["send_buffer_bytes"]) == (2, 4)
