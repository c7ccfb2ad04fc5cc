"""/proc/net/sctp/eps and assocs, by lines in the kernel's format (few test machines have SCTP)."""

from __future__ import annotations

import pytest

from fivetuple.kernel import procfs
from fivetuple.model import record
from fivetuple.model.endpoint import pack_address
from fivetuple.model.errors import BadInput

ENDPOINTS = b""" ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS
ffff8a00 ffff8b00 2   10  29   38412     0 90001 10.0.0.1 10.0.1.1
ffff8a01 ffff8b01 0   10  30   9899   1000 90002 ::
"""
ASSOCIATIONS = b""" ASSOC     SOCK   STY SST ST HBKT ASSOC-ID TX_QUEUE RX_QUEUE UID INODE LPORT RPORT LADDRS <-> RADDRS HBINT INS OUTS MAXRT T1X T2X RTXC wmema wmemq sndbuf rcvbuf
ffff8c00 ffff8d00 2   1   3  0       7      100       20       33 90003 38412  50001  10.0.0.1 10.0.1.1 <-> 10.0.0.2 *10.0.1.2 \t    7500    10    10   10    0    0        0        1        0   212992   212992
ffff8c01 ffff8d01 2   8   6  0       8        0        0       33 0 9899  50002  fd00::1 <-> *fd00::2 \t    7500    10    10   10    0    0        0        1        0   212992   212992
"""


def test_endpoints_are_listeners_with_their_first_address():
    first, second = record.unpack(procfs.parse_proc_net(ENDPOINTS, "sctp/eps"))

    assert (first["state"], first["local_port"], first["type"], first["protocol_number"]) == (
        10,
        38412,
        1,
        132,
    )
    assert first["local"] == pack_address("10.0.0.1")
    assert (second["type"], second["family"], second["uid"], second["inode"]) == (
        5,
        10,
        1000,
        90002,
    )


def test_associations_show_the_primary_path_and_the_state_in_words_of_tcp():
    first, second = record.unpack(procfs.parse_proc_net(ASSOCIATIONS, "sctp/assocs"))

    assert (first["local"], first["remote"]) == (pack_address("10.0.0.1"), pack_address("10.0.1.2"))
    assert (first["state"], first["send_queue_bytes"], first["recv_queue_bytes"]) == (1, 100, 20)
    assert (second["state"], second["remote"], second["remote_port"]) == (
        8,
        pack_address("fd00::2"),
        50002,
    )


@pytest.mark.parametrize(
    ("good", "bad"),
    [(b" <-> ", b" - "), (b"*10.0.1.2", b"*10.0.1"), (b" 3  0 ", b" 9  0 "), (b"38412 ", b"x ")],
)
def test_broken_association_is_refused(good, bad):
    header, _, rows = ASSOCIATIONS.partition(b"\n")

    with pytest.raises(BadInput, match="not a row of /proc/net/sctp/assocs"):
        procfs.parse_proc_net(header + b"\n" + rows.replace(good, bad), "sctp/assocs")
