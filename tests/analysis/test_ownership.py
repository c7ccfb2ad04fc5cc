"""Owners by holder, and by reasoning where no process holds the socket."""

from __future__ import annotations

import pytest

from fivetuple.analysis.ownership import Ownership
from fivetuple.model import record
from fivetuple.model.endpoint import ANY_V4, ANY_V6, pack_address
from fivetuple.model.process import Process
from fivetuple.model.snapshot import Host, Snapshot
from fivetuple.model.state import CLOSE_WAIT, ESTABLISHED, FIN_WAIT1, LISTEN, SYN_RECV, TIME_WAIT

HERE = pack_address("10.0.0.1")
NGINX = 812


def owned(*listeners):
    rows = b"".join(
        record.pack(
            {
                "family": family,
                "type": 1,
                "protocol_number": 6,
                "state": LISTEN,
                "local": address,
                "local_port": 80,
                "inode": inode,
            }
        )
        for family, address, inode in listeners
    )
    made = Snapshot(Host("made"), 0, road="test", facts=0, chunks=(rows,))
    made.holders = {inode: NGINX << 32 | 6 for _, _, inode in listeners}
    made.processes = {NGINX: Process(NGINX, "nginx")}
    own = Ownership(made)
    own.learn(made.rows)
    return own


@pytest.mark.parametrize("state", [ESTABLISHED, SYN_RECV, CLOSE_WAIT])
@pytest.mark.parametrize(("family", "address"), [(2, HERE), (2, ANY_V4), (10, ANY_V6)])
def test_a_connection_without_file_belongs_to_the_listener_it_waits_at(state, family, address):
    own = owned((family, address, 5))

    assert own.process(0, state, 0, HERE, 80).name == "nginx"
    assert own.pids(0, state, 0, HERE, 80) == (NGINX,)
    assert own.basis(0, state, 0, HERE, 80) == "listener"


@pytest.mark.parametrize("state", [TIME_WAIT, FIN_WAIT1])
def test_what_is_closing_without_file_belongs_to_nobody(state):
    own = owned((2, ANY_V4, 5))

    assert own.pids(0, state, 0, HERE, 80) == ()
    assert own.basis(0, state, 0, HERE, 80) is None


def test_a_listener_in_another_namespace_or_on_another_address_owns_nothing_here():
    own = owned((2, pack_address("10.0.0.2"), 5))

    assert own.pids(0, ESTABLISHED, 0, HERE, 80) == ()
    assert owned((2, ANY_V4, 5)).pids(0, ESTABLISHED, 77, HERE, 80) == ()


def test_the_exact_address_comes_before_the_wildcard():
    own = owned((2, ANY_V4, 5), (2, HERE, 6))

    assert own.listener_of(ESTABLISHED, 0, HERE, 80) == 6


def test_a_socket_whose_holder_cannot_be_seen_is_not_given_to_the_listener():
    own = owned((2, ANY_V4, 5))

    assert own.process(99, ESTABLISHED, 0, HERE, 80).pid == 0
    assert own.basis(99, ESTABLISHED, 0, HERE, 80) is None
