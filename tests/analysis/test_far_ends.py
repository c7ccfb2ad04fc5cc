"""Far ends: what an address of somebody else is connected with, and who of us holds it."""

from __future__ import annotations

import pytest
from tests.support.ask import answered
from tests.support.made import NOW_NS, Made

from fivetuple.analysis.far_ends import far_ends
from fivetuple.analysis.peers import peers
from fivetuple.analysis.selecting import Part
from fivetuple.analysis.subject import subject_of
from fivetuple.model.command import Request
from fivetuple.views import port


def a_host() -> Made:
    made = Made()
    made.process(7, "nginx")
    made.process(8, "app")
    made.listen("0.0.0.0:80", 7)
    for number in range(3):
        made.socket("192.0.2.10:80", f"10.77.0.2:{50000 + number}", "ESTABLISHED", 7)
    made.socket("192.0.2.10:40000", "10.77.0.2:5432", "ESTABLISHED", 8)
    made.socket("192.0.2.10:40001", "10.77.0.3:5432", "TIME_WAIT", inode=0)
    made.socket("192.0.2.10:80", "10.77.0.4:50000", "ESTABLISHED", 7)
    return made


@pytest.mark.parametrize(
    ("word", "ends"),
    [
        ("10.77.0.2", [("192.0.2.10:80", "nginx", 3, "http")]),
        ("10.77.0.2:50001", [("192.0.2.10:80", "nginx", 1, "http")]),
        ("10.77.0.3", [("192.0.2.10:40001", "", 1, None)]),
        ("10.77.0.2:5432", []), ("192.0.2.10", []), ("80", []), ("127.0.0.1", []),
    ],
)  # fmt: skip
def test_connections_of_an_address_are_told_by_our_end_and_owner(word, ends):
    snapshot = a_host().snapshot()
    part = Part(snapshot, subject_of(word, snapshot))
    told = [peer for peer in peers(snapshot) if part.has_peer(peer)]

    found = far_ends(part, told)

    assert [
        (str(one.local), one.process.name, one.connections, one.service) for one in found
    ] == ends


def test_the_story_of_a_client_s_address_has_each_of_its_connections():
    text = answered(
        port, a_host().snapshot(), Request("port", ("10.77.0.2",), {}, NOW_NS), 120
    ).text

    assert "What it is connected with here\n" in text
    [line] = [line for line in text.splitlines() if "192.0.2.10:80" in line]
    assert line.split() == ["192.0.2.10:80", "http", "nginx", "(7)", "3", "ESTABLISHED", "3"]
    assert "10.77.0.2:5432" in text
