"""`ft ls`: what is asked of the origin, and what of a Snapshot is shown."""

from __future__ import annotations

import json

import pytest
from tests.support.asked import answer, request, written
from tests.support.zoo import snapshot

from fivetuple.cli.commands import load
from fivetuple.model import facts
from fivetuple.model.errors import BadInput
from fivetuple.model.names import INTERNET_PROTOCOLS, PROTOCOLS
from fivetuple.model.state import CLOSE, ESTABLISHED, LISTEN, SYN_RECV, TIME_WAIT

LS = load("fivetuple.views.ls")


def _asked(*arguments: str):
    return LS.question(request("ls", *arguments))


def _shown(*arguments: str) -> list[dict[str, object]]:
    return json.loads(written(snapshot(), "ls", *arguments, "--json")[0])["sockets"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("arguments", "protocols"),
    [
        ((), INTERNET_PROTOCOLS),
        (("-t",), ("tcp",)),
        (("-tu",), ("tcp", "udp", "udplite")),
        (("-x",), ("unix",)),
        (("-a",), PROTOCOLS),
        (("-l",), PROTOCOLS),
        (("-4",), INTERNET_PROTOCOLS),
        (("-4", "-x"), (*INTERNET_PROTOCOLS, "unix")),
        (("-f", "unix"), ("unix",)),
        (("-f", "inet6"), INTERNET_PROTOCOLS),
        (("protocol = unix",), ("unix",)),
        (("path = /run/*",), ("unix",)),
        (("protocol = tcp,udp",), ("tcp", "udp")),
    ],
)
def test_flags_and_filter_choose_the_protocols_that_are_read(arguments, protocols):
    assert _asked(*arguments).hint.protocols == frozenset(protocols)


@pytest.mark.parametrize(
    ("arguments", "included", "left_out"),
    [
        ((), (LISTEN, ESTABLISHED, TIME_WAIT), ()),
        (("-t",), (ESTABLISHED,), (LISTEN, TIME_WAIT, SYN_RECV, CLOSE)),
        (("-ta",), (LISTEN, ESTABLISHED, TIME_WAIT), ()),
        (("-tl",), (LISTEN, CLOSE), (ESTABLISHED,)),
        (("-0",), (CLOSE,), (LISTEN,)),
        (("-t", "state", "listening"), (LISTEN,), (ESTABLISHED,)),
        (("state", "time-wait"), (TIME_WAIT,), (LISTEN, ESTABLISHED)),
    ],
)
def test_flags_and_filter_choose_the_states(arguments, included, left_out):
    # without owners: listeners are read beside what is shown, as they own what waits to be accepted
    states = _asked(*arguments, "--fields", "local").hint.states

    assert all(states >> state & 1 for state in included)
    assert not any(states >> state & 1 for state in left_out)


def test_owners_are_read_only_for_what_is_shown_or_filtered():
    assert not _asked("-t", "--fields", "local,remote").needs & facts.OWNERS
    assert _asked("-t").needs & facts.OWNERS
    assert _asked("-t", "--fields", "local", "process = nginx").needs & facts.OWNERS
    assert _asked("-t", "--fields", "local", "--sort", "pid").needs & facts.OWNERS
    assert not _asked("-s").needs & facts.OWNERS


def test_a_plain_list_streams_and_a_sorted_one_does_not():
    assert _asked("-tan").stream
    assert not _asked("-tan", "--sort", "local_port").stream
    assert not _asked("-tan", "--by", "state").stream
    assert not _asked("-tan", "-s").stream
    assert not _asked("-tan", "-r").stream


def test_sorting_reads_what_it_sorts_by():
    assert _asked("-t", "--sort", "rtt_us").needs & facts.TCP_INFO


def test_a_wrong_sort_field_is_told_before_anything_is_read():
    with pytest.raises(BadInput, match="did you mean 'rtt_us'"):
        _asked("--sort", "-rtt_u")


def test_v6_only_keeps_no_ipv4():
    assert {each["family"] for each in _shown("-ta6")} == {"inet6"}
    assert {each["family"] for each in _shown("-ta4")} == {"inet"}


def test_families_of_the_internet_say_nothing_of_unix():
    assert {each["protocol"] for each in _shown("-4ax", "-t")} == {"tcp", "unix"}


def test_default_of_ss_leaves_out_listeners_and_time_wait():
    assert {each["state"] for each in _shown("-t")} == {"ESTABLISHED", "CLOSE_WAIT"}


def test_a_filter_keeps_what_matches():
    assert {each["local_port"] for each in _shown("process", "=", "nginx")} == {443}
    assert len(_shown("dport = :5432")) == 3


def test_what_waits_to_be_accepted_is_the_listeners():
    waiting = next(
        each for each in _shown("-t") if each["inode"] is None and each["remote_port"] == 40200
    )

    assert (waiting["pid"], waiting["owner_by"]) == (901, "listener")


def test_every_flag_of_ss_adds_its_columns():
    heading = written(snapshot(), "ls", "-taemoi")[0].splitlines()[0]

    for title in (
        "USER",
        "UNIT",
        "CONTAINER",
        "INODE",
        "COOKIE",
        "RCVBUF",
        "DROPS",
        "TIMER",
        "RTT-US",
        "CWND",
    ):
        assert title in heading
    assert written(snapshot(), "ls", "-ta", "-o", "wide")[0].splitlines()[0] == heading


def test_other_namespaces_are_named_where_they_are_asked_for():
    assert written(snapshot(), "ls", "-ta", "-N", "all")[0].startswith("NAMESPACE")


def test_a_filter_that_ss_reads_otherwise_is_noted():
    made = answer(snapshot(), "ls", "dport = :443 or sport = :22 and state established")

    assert "and" in made.notes[0]


def test_counting_wins_over_the_summary():
    assert "groups" in answer(snapshot(), "ls", "-s", "--by", "process").data


def test_summary_counts_families_and_states():
    made = answer(snapshot(), "ls", "-as").data

    tcp = next(row for row in made["summary"] if row["protocol"] == "tcp")
    assert made["total"] == 15
    assert (tcp["total"], tcp["families"]) == (8, {"inet": 5, "inet6": 3})
    assert sum(tcp["states"].values()) == 8
