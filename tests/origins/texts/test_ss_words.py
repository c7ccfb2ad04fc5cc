import pytest

from fivetuple.model import record
from fivetuple.model.state import ESTABLISHED, LISTEN
from fivetuple.origins.texts.ss_words import clock_ms, read_words


def read(words, **values):
    row = {"known": 0, "state": ESTABLISHED, "protocol_number": 6} | values
    read_words(words, row, len)
    return row


@pytest.mark.parametrize(
    ("text", "ms"),
    [("144ms", 144), ("2.008ms", 2008), ("2.008sec", 2008), ("45sec", 45_000), ("1min5sec", 65_000),
     ("119min", 7_140_000), ("7sec", 7000), ("", 0)],
)  # fmt: skip
def test_clocks(text, ms):
    assert clock_ms(text) == ms


@pytest.mark.parametrize("text", ["12", "1h", "ms", "2.ms", "-3ms"])
def test_what_is_no_clock_is_refused(text):
    with pytest.raises(ValueError, match="no time"):
        clock_ms(text)


def test_values_that_ss_leaves_out_are_concluded():
    row = read("cubic rtt:1/0.5 mss:536 cwnd:10")

    assert row["slow_start_threshold"] == 0x7FFFFFFF
    assert row["rto_us"] == 3_000_000


def test_a_listener_has_an_algorithm_and_no_details():
    row = read("bbr cwnd:10", state=LISTEN)

    assert row["congestion_algorithm"] == b"bbr"
    assert "congestion_window" not in row
    assert row["known"] == record.CONGESTION


def test_flags_are_no_algorithm():
    assert "congestion_algorithm" not in read("ts sack wscale:1,2 rto:200")


@pytest.mark.parametrize(
    "word", ["rtt:fast", "cwnd:many", "retrans:1", "timer:(on)", "skmem:(r)", "rto:inf", "wscale:7"]
)
def test_a_known_word_with_another_meaning_is_passed_over(word):
    row = read(f"{word} mss:1448")

    assert row["mss_bytes"] == 1448


def test_a_cgroup_without_a_path_has_its_id():
    row = read("cgroup:unreachable:1a2b")

    assert row["cgroup_id"] == 0x1A2B
    assert row["known"] & record.CGROUP


def test_the_firewall_mark_is_known_when_it_is_printed():
    assert read("fwmark:0x20")["mark"] == 32
    assert not read("ino:3")["known"] & record.MARK
