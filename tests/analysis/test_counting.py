"""Counts by a field, and the summary."""

from __future__ import annotations

from fivetuple.analysis.choosing import both, chooser, pick
from fivetuple.analysis.counting import counted, summary
from fivetuple.model import record
from fivetuple.model.endpoint import ANY_V4, pack_address
from fivetuple.model.snapshot import Host, Snapshot
from fivetuple.model.state import CLOSE, ESTABLISHED, LISTEN, TIME_WAIT

THERE = pack_address("203.0.113.80")


def row(state, protocol=6, kind=1, **values):
    return record.pack(
        {
            "family": 2,
            "type": kind,
            "state": state,
            "protocol_number": protocol,
            "local": ANY_V4,
            "remote": ANY_V4,
        }
        | values
    )


ROWS = b"".join(
    [
        row(LISTEN, local_port=80),
        row(ESTABLISHED, remote=THERE, remote_port=443),
        row(TIME_WAIT, remote=THERE, remote_port=443),
        row(CLOSE, 17, 2, local_port=53),
    ]
)


def made():
    return Snapshot(Host("made"), 0, road="test", facts=0, chunks=(ROWS,))


def test_groups_are_counted_with_their_states_the_largest_first():
    groups = counted(made(), None, "remote", None).data["groups"]

    assert [group["count"] for group in groups] == [2, 2]
    assert {group["remote_port"]: group["states"] for group in groups} == {
        443: {"ESTABLISHED": 1, "TIME_WAIT": 1},
        None: {"LISTEN": 1, "UNCONN": 1},
    }
    assert counted(made(), None, "protocol", None).data["groups"][0]["protocol"] == "tcp"


def test_a_limit_keeps_the_largest_groups():
    assert len(counted(made(), None, "state", 1).data["groups"]) == 1


def test_nothing_to_count_is_a_no():
    nothing = chooser({"unix"})

    assert counted(made(), nothing, "state", None).status == 1


def test_the_summary_adds_up():
    data = summary(made(), None).data

    assert data["total"] == 4
    assert {each["protocol"]: each["total"] for each in data["summary"]} == {"tcp": 3, "udp": 1}


def test_rows_are_chosen_by_protocol_state_and_family():
    tcp, listeners = chooser({"tcp"}), chooser(None, 1 << LISTEN)
    six = chooser(None, families=("inet6",))
    tcp_listeners = both(tcp, listeners)

    assert tcp is not None
    assert len(tcp(ROWS)) == 3 * record.SIZE
    assert tcp_listeners is not None
    assert len(tcp_listeners(ROWS)) == record.SIZE
    assert six is not None
    assert len(six(ROWS)) == 0
    assert chooser(None) is None


def test_picking_all_copies_nothing():
    assert pick(ROWS, [True] * 4) is ROWS
