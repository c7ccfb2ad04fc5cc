"""While sockets come and go as fast as they can, those that stay are shown once, with their owner."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest
from tests.support.churn import CHURN, LOCAL_PORTS, PORTS, STABLE
from tests.support.namespaces import child_in, in_namespace, namespace
from tests.support.roads import KERNEL_ROADS, dump

from fivetuple.model import record
from fivetuple.model.endpoint import pack_address
from fivetuple.model.state import BOUND_INACTIVE

pytestmark = pytest.mark.kernel

DUMPS = 30
PROTOCOLS = ("tcp", "udp", "unix")
HOST, ANY = pack_address("127.0.0.1"), pack_address("0.0.0.0")
REAL_PORTS = {0, 21000, *PORTS, *LOCAL_PORTS}


def dumps_of(road, count):
    return [dump(road, protocols=PROTOCOLS) for _ in range(count)]


@pytest.fixture(scope="module")
def lab():
    """What stays, what is thrown about, and many dumps of each road, read inside the namespace."""
    with namespace() as name, child_in(name, CHURN) as churn, child_in(name, STABLE) as stable:
        yield (
            stable,
            churn.facts,
            {road: in_namespace(name, partial(dumps_of, road, DUMPS)) for road in KERNEL_ROADS},
        )


roads = pytest.mark.parametrize("road", KERNEL_ROADS)


@roads
def test_what_stays_is_in_every_dump_once(lab, road):
    stable, _, dumps = lab
    # /proc/net shows no socket that is merely bound; it can't be told which of them those are
    shown = {
        row["inode"]
        for dump_ in dumps["bpf"]
        for row in dump_.rows
        if row["state"] == BOUND_INACTIVE
    }
    held = {inode for _, inode, _ in stable.facts["held"]} - (shown if road == "proc" else set())

    assert len(held) >= 500
    for dump_ in dumps[road]:
        counts = Counter(row["inode"] for row in dump_.rows)
        assert {inode: counts[inode] for inode in held} == dict.fromkeys(held, 1)


@roads
def test_what_stays_has_its_owner_in_every_dump(lab, road):
    stable, _, dumps = lab
    for dump_ in dumps[road]:
        shown = {row["inode"] for row in dump_.rows}
        assert [
            (inode, dump_.holders[inode])
            for _, inode, fd in stable.facts["held"]
            if inode in shown and dump_.holders[inode] != {(stable.pid, fd)}
        ] == []


@roads
def test_no_socket_is_shown_twice(lab, road):
    dumps = lab[2]
    for dump_ in dumps[road]:
        cookies = Counter(row["cookie"] for row in dump_.rows if row["known"] & record.COOKIE)
        inodes = Counter(row["inode"] for row in dump_.rows if row["inode"])

        assert [cookie for cookie, count in cookies.items() if count > 1] == []
        assert [inode for inode, count in inodes.items() if count > 1] == []


@roads
def test_nothing_is_invented(lab, road):
    dumps = lab[2]
    seen = 0
    for dump_ in dumps[road]:
        for row in dump_.rows:
            if row["protocol"] == "unix":
                continue
            seen += 1
            assert {row["local_port"], row["remote_port"]} <= REAL_PORTS
            assert row["local"] == HOST
            assert row["remote"] in (HOST, ANY)
            assert row["uid"] == 0
            assert 1 <= row["state"] <= 13
    assert seen > 500 * DUMPS  # and the churn is among them
    assert any(row["local_port"] in PORTS for dump_ in dumps[road] for row in dump_.rows)


@roads
def test_a_socket_thrown_about_belongs_to_who_throws_it(lab, road):
    _, told, dumps = lab
    found = [dump_.holders.get(told["passed"], set()) for dump_ in dumps[road]]

    assert {pid for holders in found for pid, _ in holders} <= set(told["pids"])
    assert any(found)


@roads
def test_no_dump_lacks_anything_for_churn(lab, road):
    dumps = lab[2]
    first = dumps[road][0].missing.keys()

    # the facts; a reason may name a process that was just ending
    assert [dump_.missing for dump_ in dumps[road] if dump_.missing.keys() != first] == []
