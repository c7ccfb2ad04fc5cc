"""Why a process runs, and since when."""

from __future__ import annotations

import time

import pytest

from fivetuple.analysis.reasons import age_words, parent_line, since_words, why_it_runs
from fivetuple.model.process import Place, Process


def family(*names: str, place: Place | None = None) -> dict[int, Process]:
    """Make a line of processes, each the child of the one before; the last has the place."""
    made = {pid: Process(pid, name, parent_pid=pid - 1) for pid, name in enumerate(names, 1)}
    made[len(names)].place = place
    return made


@pytest.mark.parametrize(
    ("names", "place", "reason"),
    [
        (("systemd", "nginx"), Place("nginx.service"), "systemd runs it as nginx.service"),
        (("systemd", "app"), Place("app.service", user_unit=True), "a user's systemd runs it as app.service"),
        (("systemd", "bash", "vim"), Place("session-3.scope"), "a shell started it, bash (2)"),
        (("systemd", "bash", "make", "gcc"), None, "make (3) started it, below the shell bash (2)"),
        (("systemd", "daemon"), None, "systemd (1) started it, or took it over when its parent ended"),
        (("systemd", "runner", "app"), None, "runner (2) started it"),
        (("systemd",), None, "the first process, which the kernel started"),
        (("systemd", "vm"), Place("machine-1.scope"), "it is part of machine-1.scope of systemd"),
    ],
)  # fmt: skip
def test_the_reason_is_the_nearest_that_is_known(names, place, reason):
    made = family(*names, place=place)

    assert why_it_runs(made, made[len(names)]) == reason


def test_a_container_goes_before_its_unit_and_tells_image_and_pod():
    place = Place("docker-abc.scope", container_id="a" * 64, engine="docker", pod="shop/web")
    place.container_name, place.container_image = "web", "nginx:1"

    assert (
        why_it_runs({}, Process(9, "x", place=place))
        == "docker container web, image nginx:1, pod shop/web"
    )


def test_an_unknown_parent_is_said_to_be_unknown():
    assert why_it_runs({}, Process(9, "x", parent_pid=8)) == "its parent is not known"


def test_parents_are_written_oldest_first():
    made = family("systemd", "sshd", "bash")

    assert parent_line(made, made[3]) == "systemd (1) > sshd (2) > bash (3)"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (-5, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (90061, "1 d 1 h"),
        (86401, "1 d"),
    ],
)
def test_ages_have_their_two_largest_units(seconds, words):
    assert age_words(seconds * 10**9) == words


def test_starts_are_in_local_time(monkeypatch):
    monkeypatch.setenv("TZ", "XYZ-2")
    time.tzset()
    try:
        assert since_words(0, 60 * 10**9) == "1970-01-01 02:00:00, 1 min ago"
    finally:
        monkeypatch.undo()
        time.tzset()
