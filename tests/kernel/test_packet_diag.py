import struct

import pytest
from tests.support.diag_bytes import columns, known, message, messages
from tests.support.namespaces import child_in, in_namespace, namespace

from fivetuple.kernel import packet_diag
from fivetuple.kernel.packet_diag import INFO, MEMINFO, UID

ARP, ALL = 0x0806, 0x0003

SOCKETS = """
import socket
arp = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
arp.bind(("lo", 0x0806))
everything = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
ready(inodes=[os.fstat(sock.fileno()).st_ino for sock in (arp, everything)])
wait()
"""


def read():
    return columns(packet_diag.dump(7))


@pytest.mark.kernel
def test_sockets_are_listed_with_ethertype_and_interface():
    with namespace("ft-pktdiag") as name, child_in(name, SOCKETS) as child:
        rows = {row["inode"]: row for row in in_namespace(name, read)}
        inodes = child.facts["inodes"]

    assert set(rows) == set(inodes)
    arp, everything = (rows[inode] for inode in inodes)
    assert (arp["type"], arp["protocol_number"], arp["interface"]) == (2, ARP, 1)
    assert (everything["type"], everything["protocol_number"], everything["interface"]) == (
        3,
        ALL,
        0,
    )
    assert arp["state"] == 7
    assert known(arp) == {"UID", "QUEUES", "BUFFERS", "DROPS", "COOKIE", "INODE"}


def test_all_members_are_read():
    data = message(
        struct.pack("=BBHIQ", 17, 10, 0x88CC, 33, 44),
        [
            (INFO, struct.pack("=6I", 3, 0, 0, 0, 0, 0)),
            (UID, struct.pack("=I", 1000)),
            (MEMINFO, struct.pack("=9I", *range(1, 10))),
        ],
    )
    family = packet_diag.family_of_rows(9)

    (row,) = columns(rows for _, _, rows in family.rows(len(data), messages(data)))

    assert (row["type"], row["protocol_number"], row["interface"], row["uid"]) == (
        10,
        0x88CC,
        3,
        1000,
    )
    assert (row["inode"], row["cookie"], row["netns"], row["state"]) == (33, 44, 9, 7)
    assert (row["recv_queue_bytes"], row["send_queue_bytes"], row["drops"]) == (1, 3, 9)
