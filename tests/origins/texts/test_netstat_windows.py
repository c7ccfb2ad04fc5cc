import pytest

from fivetuple.model import facts, record
from fivetuple.model.endpoint import address_text
from fivetuple.model.errors import BadInput
from fivetuple.model.state import CLOSE, ESTABLISHED, LISTEN, TIME_WAIT
from fivetuple.origins.texts import netstat_windows
from fivetuple.origins.texts.recognise import read_bytes

TEXT = """
Active Connections

  Proto  Local Address          Foreign Address        State           PID
  TCP    0.0.0.0:135            0.0.0.0:0              LISTENING       948
 [svchost.exe]
  TCP    10.1.1.8:52000         203.0.113.7:443        ESTABLISHED     5120
 [firefox.exe]
  TCP    10.1.1.8:52001         203.0.113.7:443        TIME_WAIT       0
  TCP    [::]:445               [::]:0                 LISTENING       4
 Can not obtain ownership information
  UDP    0.0.0.0:5353           *:*                                    2044
  UDP    [fe80::c0de%12]:546    *:*                                    1410
"""
GERMAN = """
Verbindungen

  TCP    0.0.0.0:135            0.0.0.0:0              ABHÖREN         948
  TCP    10.1.1.8:52000         203.0.113.7:443        HERGESTELLT     5120
"""


def rows_of(snapshot):
    return list(record.unpack(snapshot.rows))


def test_every_row_is_read():
    snapshot = netstat_windows.parse(TEXT, 1)
    rows = rows_of(snapshot)

    assert [(row["family"], row["state"], row["local_port"]) for row in rows] == [
        (2, LISTEN, 135), (2, ESTABLISHED, 52000), (2, TIME_WAIT, 52001), (10, LISTEN, 445), (2, CLOSE, 5353), (10, CLOSE, 546),
    ]  # fmt: skip
    assert (address_text(rows[5]["local"]), rows[5]["interface"]) == ("fe80::c0de", 12)
    assert snapshot.host.system == "Windows"
    assert {pid: process.name for pid, process in snapshot.processes.items()} == {
        948: "svchost.exe", 5120: "firefox.exe", 4: "4", 2044: "2044", 1410: "1410",
    }  # fmt: skip


def test_states_in_another_language_are_told_by_place_or_counted():
    snapshot = netstat_windows.parse(GERMAN, 1)

    assert [row["state"] for row in rows_of(snapshot)] == [LISTEN, 0]
    assert snapshot.missing[facts.SOCKETS] == "1 socket with a state that is no English word"
    assert facts.PROCESS_NAMES in snapshot.missing


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_as_windows_writes_files(encoding):
    data = TEXT.replace("\n", "\r\n").encode(encoding)

    assert read_bytes(data, 1).rows == netstat_windows.parse(TEXT, 1).rows


def test_a_text_without_any_row_is_refused():
    with pytest.raises(BadInput):
        netstat_windows.parse("  TCP nothing\n", 1)
