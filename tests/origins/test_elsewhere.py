"""Rows are read inside another namespace, one buffer at a time, and errors come back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support.namespaces import namespace, wait_for

from fivetuple.kernel import netns
from fivetuple.model.errors import NotAvailable
from fivetuple.model.namespace import Namespace
from fivetuple.origins.elsewhere import read_inside

pytestmark = pytest.mark.kernel

THREADS = Path("/proc/self/task")


@pytest.fixture
def space():
    with namespace() as name:
        path = f"/run/netns/{name}"
        yield Namespace(os.stat(path).st_ino, name, path=path)  # noqa: PTH116


def test_each_buffer_is_read_inside_and_only_when_it_is_wanted(space):
    made = []

    def read():
        for _ in range(3):
            made.append(netns.own())
            yield made[-1].to_bytes(8, "little")

    own = netns.own()
    given = []
    for rows in read_inside(space, read):
        given.append(int.from_bytes(rows, "little"))
        assert len(made) == len(given)

    assert given == [space.inode] * 3
    assert netns.own() == own


def test_an_error_of_the_reader_comes_to_the_caller(space):
    def read():
        yield b"one"
        raise ValueError("two")

    rows = read_inside(space, read)

    assert next(rows) == b"one"
    with pytest.raises(ValueError, match="two"):
        next(rows)


def test_a_caller_that_has_enough_ends_the_thread(space):
    closed = []

    def read():
        try:
            while True:
                yield b"more"
        finally:
            closed.append(True)

    before = len(list(THREADS.iterdir()))
    rows = read_inside(space, read)
    next(rows)
    rows.close()

    wait_for(lambda: closed and len(list(THREADS.iterdir())) == before)


def test_a_namespace_that_is_gone_is_told():
    gone = Namespace(1, "gone", path="/run/netns/ft-gone")

    with pytest.raises(NotAvailable, match="gone"):
        list(read_inside(gone, lambda: iter([b"never"])))
