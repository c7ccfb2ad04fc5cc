import pytest

from fivetuple.model import facts, record
from fivetuple.model.endpoint import address_text
from fivetuple.model.errors import BadInput
from fivetuple.model.state import CLOSE, ESTABLISHED, LISTEN, TIME_WAIT
from fivetuple.origins.texts import netstat_bsd

TEXT = """\
Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)
tcp4       0      0  10.8.0.3.61000         203.0.113.9.443        ESTABLISHED
tcp6       0      0  fe80::aede:48ff:.49152 fe80::aede:48ff:.59000 ESTABLISHED
tcp6       0      0  fe80::1%lo0.123        fe80::2%lo0.50000      ESTABLISHED
tcp46      0      0  *.8080                 *.*                    LISTEN
tcp4       0      0  127.0.0.1.631          *.*                    LISTEN
tcp4       0      0  10.8.0.3.61001         203.0.113.9.443        TIME_WAIT
udp4       0      0  *.5353                 *.*
udp4      12      0  10.8.0.3.50001         10.8.0.1.53
Active LOCAL (UNIX) domain sockets
Address          Type   Recv-Q Send-Q            Inode             Conn             Refs          Nextref Addr
b57a3c4d5e6f7081 stream      0      0                0 b57a3c4d5e6f7092                0                0
"""
VERBOSE = """\
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)     rhiwat shiwat    pid   epid  state    options
tcp4       0      0  10.8.0.3.61000         203.0.113.9.443        ESTABLISHED 131072 131072    612      0 0x0102 0x00000020
"""
NAMED = """\
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)      rxbytes      txbytes  rhiwat  shiwat    process:pid    state  options
tcp4       0      0  10.8.0.3.61000         203.0.113.9.443        ESTABLISHED     3000         4000  131072  131072  Google Chrome H:712    00102 00000008
"""


def rows_of(text):
    return list(record.unpack(netstat_bsd.parse(text, 1).rows))


def test_rows_with_dots_before_their_ports():
    rows = rows_of(TEXT)

    assert [(row["family"], row["state"], row["local_port"], row["remote_port"]) for row in rows] == [
        (2, ESTABLISHED, 61000, 443), (10, ESTABLISHED, 123, 50000), (10, LISTEN, 8080, 0), (2, LISTEN, 631, 0),
        (2, TIME_WAIT, 61001, 443), (2, CLOSE, 5353, 0), (2, ESTABLISHED, 50001, 53),
    ]  # fmt: skip
    assert address_text(rows[0]["remote"]) == "203.0.113.9"


def test_an_address_that_is_cut_off_is_counted():
    snapshot = netstat_bsd.parse(TEXT, 1)

    assert snapshot.missing[facts.SOCKETS].startswith("1 line could not be read, the first 'tcp6 ")
    assert snapshot.host.system == "Darwin"


@pytest.mark.parametrize(
    ("text", "pid", "name"), [(VERBOSE, 612, "612"), (NAMED, 712, "Google Chrome H")]
)
def test_the_pid_is_found_by_the_header_or_by_its_name(text, pid, name):
    snapshot = netstat_bsd.parse(text, 1)

    assert {process.pid: process.name for process in snapshot.processes.values()} == {pid: name}


def test_a_text_without_any_row_is_refused():
    with pytest.raises(BadInput):
        netstat_bsd.parse("what is this\n", 1)
