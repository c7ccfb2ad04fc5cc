"""States in every tool's spelling, and what each says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivetuple.model import state
from fivetuple.model.errors import BadInput
from fivetuple.model.state import SS_WORDS, STATES, parse_state, state_name


@pytest.mark.parametrize("word", SS_WORDS)
def test_every_word_of_ss_is_known_with_dash_underscore_and_any_case(word):
    assert parse_state(word) == parse_state(word.upper().replace("-", "_"))
    assert parse_state(word)


@pytest.mark.parametrize("one", STATES.values(), ids=lambda one: one.name)
def test_the_spellings_of_kernel_ss_and_netstat_lead_to_the_state(one):
    assert one.number in parse_state(one.name)
    if one.netstat:
        assert one.number in parse_state(one.netstat)
    if one.number != state.BOUND_INACTIVE:  # ss prints it as UNCONN, like CLOSE
        assert one.number in parse_state(one.ss)


@pytest.mark.parametrize(
    ("word", "number"), [("SYN_RCVD", 3), ("FIN_WAIT_1", 4), ("CLOSED", 7), ("LISTENING", 10)]
)
def test_spellings_of_bsd_and_windows_are_known(word, number):
    assert number in parse_state(word)


def test_connected_leaves_out_what_has_no_peer():
    assert parse_state("all") - parse_state("connected") == {
        state.CLOSE,
        state.LISTEN,
        state.BOUND_INACTIVE,
    }


def test_synchronized_is_connected_without_syn_sent():
    assert parse_state("connected") - parse_state("synchronized") == {state.SYN_SENT}


def test_bucket_and_big_share_nothing_and_make_all():
    assert not parse_state("bucket") & parse_state("big")
    assert parse_state("bucket") | parse_state("big") == parse_state("all")
    assert parse_state("bucket") >= {state.SYN_RECV, state.TIME_WAIT}


def test_an_unknown_state_gets_a_suggestion():
    with pytest.raises(
        BadInput, match=r"'clos-wait' is no socket state: did you mean close-wait\?"
    ):
        parse_state("clos-wait")


def test_a_state_like_nothing_lists_what_is_known():
    with pytest.raises(BadInput, match="established, syn-sent"):
        parse_state("zzzz")


@given(st.text())
def test_any_text_is_a_state_or_bad_input(word):
    try:
        states = parse_state(word)
    except BadInput:
        return
    assert states <= set(state.NAMES)


def test_an_escape_code_in_a_state_is_spelled_out():
    with pytest.raises(BadInput) as error:
        parse_state("\x1b[31mred")

    assert "\x1b" not in str(error.value)


def test_close_of_a_datagram_socket_is_unconn():
    assert state_name(7, is_stream=False) == "UNCONN"
    assert state_name(7, is_stream=True) == "CLOSE"
    assert state_name(1, is_stream=False) == "ESTABLISHED"


def test_a_request_socket_is_shown_as_syn_recv():
    assert state_name(12) == "SYN_RECV"


def test_a_number_from_a_newer_kernel_is_named_by_its_number():
    assert state_name(99) == "STATE_99"


@pytest.mark.parametrize("one", STATES.values(), ids=lambda one: one.name)
def test_every_state_says_all_and_leads_only_to_states(one):
    assert all((one.meaning, one.implication, one.acts, one.timeout, one.advice, one.source))
    assert set(one.next) <= set(STATES)
    assert one.next


def test_time_wait_lasts_60_seconds_and_close_wait_for_ever():
    assert STATES[state.TIME_WAIT].timeout.startswith("60 s")
    assert "close()" in STATES[state.CLOSE_WAIT].acts
    assert STATES[state.CLOSE_WAIT].timeout.startswith("None")
