"""The Python API: snapshots of this machine that can be walked, filtered and projected."""

from __future__ import annotations

import doctest
import os
import socket
import subprocess
import sys

import pytest

import fivetuple
from fivetuple import api


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def test_a_listener_is_found_with_its_owner(listener):
    port = listener.getsockname()[1]

    [found] = [each for each in fivetuple.snapshot(protocols=("tcp",)) if each.local_port == port]

    assert found.state == "LISTEN"
    assert found.local_address == "127.0.0.1"
    assert found.pid == os.getpid()
    assert os.getpid() in (found.pids or [])
    assert found.fd == listener.fileno()
    assert found.inode == os.fstat(listener.fileno()).st_ino
    assert found.accept_queue == 0
    assert found.recv_queue_bytes is None


def test_a_filter_keeps_what_ft_ls_keeps(listener):
    port = listener.getsockname()[1]

    found = list(fivetuple.snapshot().where(f"sport = :{port} state listening"))

    assert [each.local_port for each in found] == [port]


def test_columns_can_be_read_without_owners(listener):
    port = listener.getsockname()[1]

    rows = list(fivetuple.snapshot(owners=False).select("local_port", "state"))

    assert (10, port) in rows


def test_a_connection_that_nobody_accepted_belongs_to_its_listener(listener):
    with socket.create_connection(listener.getsockname()) as client:
        taken = fivetuple.snapshot(protocols=("tcp",))

        [waiting] = [each for each in taken if each.remote_port == client.getsockname()[1]]

    assert waiting.inode is None
    assert waiting.pid == os.getpid()
    assert waiting.owner_by == "listener"


def test_bad_filters_and_columns_say_so():
    taken = fivetuple.snapshot()

    with pytest.raises(fivetuple.BadInput):
        list(taken.where("colour = red"))
    with pytest.raises(KeyError):
        list(taken.select("colour"))


def test_unknown_public_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="colour"):
        fivetuple.colour  # noqa: B018


def test_every_public_name_is_there():
    assert all(getattr(fivetuple, name) is not None for name in fivetuple.__all__)
    assert {*fivetuple._PLACES, "__version__"} == set(fivetuple.__all__)


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, fivetuple; print(sorted(n for n in sys.modules if n.startswith('fivetuple')))"
    )

    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert said.strip() == "['fivetuple']"


@pytest.mark.parametrize("module", [fivetuple, api])
def test_examples_in_docstrings_run(module):
    assert doctest.testmod(module, raise_on_error=True).attempted > 0
