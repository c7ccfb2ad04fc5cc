"""Which sockets a subject is about, and who holds its ports."""

from __future__ import annotations

import pytest
from tests.support.made import ALL_KNOWN, HOST, Made

from fivetuple.analysis.listening import listeners
from fivetuple.analysis.selecting import ROWS, Part
from fivetuple.analysis.subject import subject_of
from fivetuple.model import record


def chosen(word: str):
    made = Made()
    made.space(5, "box", "10.1.0.2/24")
    made.process(7, "web")
    made.process(8, "api")
    made.listen("0.0.0.0:80", 7)
    made.listen("0.0.0.0:80", 8, netns=5)
    made.socket("192.0.2.10:80", "198.51.100.7:50000", "ESTABLISHED", 7)
    made.socket("10.1.0.2:40000", "10.0.3.10:80", "ESTABLISHED", 8, netns=5)
    made.socket("0.0.0.0:53", "", "CLOSE", 7, protocol="udp")
    made.socket("0.0.0.0:80", "", "CLOSE", 7, type=3)
    snapshot = made.snapshot()
    part = Part(snapshot, subject_of(word, snapshot))
    return [(row[4], row[5], row[6] == 5) for row in ROWS.read(part.rows)], part.pids


@pytest.mark.parametrize(
    ("word", "rows", "pids"),
    [
        ("80", [(80, 0, False), (80, 0, True), (80, 50000, False), (40000, 80, True)], {7, 8}),
        ("80/udp", [], set()), ("53", [(53, 0, False)], {7}),
        ("10.1.0.2:80", [(80, 0, True)], {8}), ("192.0.2.10:80", [(80, 0, False), (80, 50000, False)], {7}),
        ("10.0.3.10:80", [(40000, 80, True)], set()), ("198.51.100.7", [(80, 50000, False)], set()),
        ("web", [(80, 0, False), (80, 50000, False), (53, 0, False)], {7}), ("api", [(80, 0, True), (40000, 80, True)], {8}),
    ],
)  # fmt: skip
def test_a_word_selects_its_sockets_and_the_holders_of_its_own_ends(word, rows, pids):
    assert chosen(word) == (rows, pids)


@pytest.mark.parametrize(
    ("address", "ports"),
    [("2001:db8::2", {82}), ("::1", {82}), ("10.1.0.2", {80, 82}), ("127.0.0.1", {80, 82})],
)
def test_the_ipv4_wildcard_is_at_no_ipv6_address(address, ports):
    made = Made()
    made.space(HOST, "host", "10.1.0.2/24", "2001:db8::2/64")
    made.listen("0.0.0.0:80", 7)
    made.listen("[::]:82", 7)
    snapshot = made.snapshot()

    part = Part(snapshot, subject_of(address, snapshot))

    assert {row[4] for row in ROWS.read(part.rows)} == ports


@pytest.mark.parametrize(
    ("address", "options", "known", "is_held"),
    [
        ("10.1.0.2", record.V6ONLY, ALL_KNOWN, False), ("127.0.0.1", record.V6ONLY, ALL_KNOWN, False),
        ("10.1.0.2", record.V6ONLY, ALL_KNOWN & ~record.OPTIONS, False),
        ("2001:db8::2", record.V6ONLY, ALL_KNOWN, True), ("10.1.0.2", 0, ALL_KNOWN, True),
        ("10.1.0.2", record.DUAL_STACK, ALL_KNOWN & ~record.OPTIONS, True),
        ("10.1.0.2", 0, ALL_KNOWN & ~record.OPTIONS, True),
    ],
)  # fmt: skip
def test_the_ipv6_wildcard_is_at_no_ipv4_address_where_it_is_v6only(
    address, options, known, is_held
):
    made = Made()
    made.space(HOST, "host", "10.1.0.2/24", "2001:db8::2/64")
    made.listen("[::]:82", 7, options=options, known=known)
    snapshot = made.snapshot()

    for word in (address, f"[{address}]:82" if ":" in address else f"{address}:82"):
        part = Part(snapshot, subject_of(word, snapshot))
        [listener] = listeners(snapshot)
        assert (bool(part.rows), part.has_listener(listener)) == (is_held, is_held)
