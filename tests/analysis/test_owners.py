"""Owners in words, and which of several holders stands for all."""

from __future__ import annotations

import pytest
from tests.support.made import HOST, Made

from fivetuple.analysis.owners import namespace_name, owner_words, place_words, principal
from fivetuple.model.process import Place, Process

PROCESSES = {
    1: Process(1, "systemd", started_ns=1),
    7: Process(7, "worker", started_ns=50),
    9: Process(9, "master", started_ns=20),
    11: Process(11, "unread"),
}


@pytest.mark.parametrize(
    ("pids", "name"),
    [
        ((7, 9), "master"),
        ((1, 7), "worker"),
        ((1,), "systemd"),
        ((11, 7), "worker"),
        ((), ""),
        ((99,), "99"),
    ],
)
def test_the_oldest_holder_stands_for_all_and_systemd_only_alone(pids, name):
    assert principal(PROCESSES, pids).name == name


def test_an_owner_is_named_with_how_many_others_there_are():
    assert owner_words(PROCESSES[9], {9}) == "master (9)"
    assert owner_words(PROCESSES[9], {1, 7, 9, 11}) == "master (9, +2)"
    assert owner_words(principal({}, ()), ()) == "-"


def test_a_container_is_named_before_its_unit():
    assert (
        place_words(Place("x.scope", container_id="c" * 64, engine="podman"))
        == "podman cccccccccccc"
    )
    assert place_words(Place("x.service")) == "x.service"
    assert place_words(Place()) == ""


def test_a_namespace_without_name_is_a_number():
    snapshot = Made().snapshot()

    assert (namespace_name(snapshot, HOST), namespace_name(snapshot, 5)) == ("host", "5")
