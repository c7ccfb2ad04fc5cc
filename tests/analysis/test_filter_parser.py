"""The language of filters is read as ss reads it, and what can't be read is shown with its place."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.filter_trees import trees

from fivetuple.analysis.filter_fields import FIELDS
from fivetuple.analysis.filter_tree import leaves_of
from fivetuple.analysis.filters import Filter, parse
from fivetuple.model.errors import BadInput


def spelled(*words):
    """Parse, and return the filter in its one spelling."""
    return str(parse(words))


def complaint(*words):
    """Parse what can't be read; return the lines of the complaint."""
    with pytest.raises(BadInput) as caught:
        parse(words)
    return str(caught.value).splitlines()


@settings(max_examples=150, deadline=None)
@given(trees())
def test_every_filter_is_read_back_from_its_spelling(tree):
    text = str(Filter(tree))

    assert parse([text]).tree == tree
    if "'" not in text and '"' not in text:  # a shell would not split what is quoted
        assert parse(text.split(" ")).tree == tree


@pytest.mark.parametrize(
    "words",
    [
        ("state", "established", "(", "dport", "=", ":443", "or", "sport", "=", ":22", ")"),
        ("state established ( dport = :443 or sport = :22 )",),
        ("state", "established", "( dport = :443 or sport = :22 )"),
        ("state established (dport=:443||sport==22)".replace("||", " || "),),
        ("state", "established", "and", "(dport", "eq", ":https", "|", "sport", "ssh)"),
        ("state=established & ( dport = https or sport = ssh )",),
    ],
)
def test_filter_of_ss_is_read_however_the_shell_split_it(words):
    assert spelled(*words) == "state = established and ( remote_port = 443 or local_port = 22 )"


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("state established state syn-sent", "state established,syn-sent"),
        ("state established close-wait", "state established,close-wait"),
        ("state established,close-wait", "state established,close-wait"),
        (
            "state connected exclude time-wait exclude syn-recv",
            "state established,syn-sent,fin-wait-1,fin-wait-2,close-wait,last-ack,closing",
        ),
        ("exclude time-wait", "state big,syn-recv"),
        ("exclude all state established", "state established"),
        ("excl listening", "exclude listen"),
        ("state in established, close-wait", "state established close-wait"),
        ("state bucket", "state time-wait syn-recv"),
        ("state Established", "state ESTAB"),
    ],
)
def test_states_of_one_run_are_folded_as_in_ss(words, meaning):
    assert parse([words]).tree == parse([meaning]).tree


def test_states_joined_by_and_are_both_asked():
    assert (
        spelled("state established and state listening") == "state = established and state = listen"
    )


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("sport = 1 or sport = 2 and dport = 3", "sport = 1 or ( sport = 2 and dport = 3 )"),
        ("sport = 1 or sport = 2 dport = 3", "sport = 1 or ( sport = 2 and dport = 3 )"),
        ("not sport = 1 or sport = 2", "( not sport = 1 ) or sport = 2"),
        ("! ( sport = 1 or sport = 2 )", "not ( sport = 1 or sport = 2 )"),
        ("!listening", "not listening"),
        ("not not listening", "is listening"),
        ("not not not listening", "not listening"),
        ("((listening))", "listening"),
    ],
)
def test_operators_bind_as_ss_s_manual_says(words, meaning):
    assert parse([words]).tree == parse([meaning]).tree


@pytest.mark.parametrize(
    ("spellings", "operator"),
    [
        (("=", "==", "eq", "in", ""), "="),
        (("!=", "ne", "neq", "not in"), "!="),
        (("<", "lt"), "<"),
        (("<=", "le", "leq"), "<="),
        ((">", "gt"), ">"),
        ((">=", "ge", "geq"), ">="),
    ],
)
def test_every_spelling_of_an_operator_means_the_same(spellings, operator):
    for spelling in spellings:
        assert spelled(f"sport {spelling} :22") == f"local_port {operator} 22"


@pytest.mark.parametrize(
    ("words", "spelling"),
    [
        ("port = 80, 443 ,8000-8100", "port = 80,443,8000-8100"),
        ("process = nginx,redis", "process = nginx,redis"),
        ("process = 'my server'", "process = 'my server'"),
        ("process = my\\ server", "process = 'my server'"),
        ('process = "it\'s"', "process = 'it'\"'\"'s'"),
        ("process ~ ^(a|b){1,3}$", "process ~ '^(a|b){1,3}$'"),
        ("(process ~ (a|b))", "process ~ '(a|b)'"),
        ("path = /run/a,b", "path = '/run/a,b'"),
        ("src unix:/run/a,b", "local = 'unix:/run/a,b'"),
        ("src /tmp/.X11-unix/*", "local = 'unix:/tmp/.X11-unix/*'"),
        ("rtt > 50ms", "rtt_us > 50000us"),
        ("rtt_us > 50", "rtt_us > 50us"),
        ("last-data-sent > 1.5s", "last_data_sent_ms > 1500ms"),
        ("recv_queue > 64k", "recv_queue_bytes > 65536"),
        ("process_age < 1h", "process_age < 3600s"),
        ("fwmark 0x1/0xff", "fwmark = 0x1/0xff"),
        ("fwmark != 1", "fwmark != 0x1/0xffffffff"),
        ("cgroup /sys/fs/cgroup/system.slice/", "cgroup = /system.slice"),
        ("option SO_REUSEPORT", "options = reuseport"),
        ("protocol = TCP", "protocol = tcp"),
        ("proto = ip-47", "protocol = ip-47"),
        ("src 'unix:/run/*',10.0.0.1", "local = 'unix:/run/*',10.0.0.1/32"),
        ("local not in 10/8", "local != 10.0.0.0/8"),
    ],
)
def test_values_are_read_by_the_kind_of_their_field(words, spelling):
    assert spelled(words) == spelling


def test_word_that_the_shell_kept_together_is_one_value_of_a_text():
    assert spelled("process", "=", "my server") == "process = 'my server'"
    assert spelled("process", "=", "it's") == spelled('process = "it\'s"')
    assert spelled("sport", "=", ":22 or dport = :22") == spelled("sport = :22 or dport = :22")


def test_bytes_that_are_no_utf8_are_read_as_rows_show_them():
    assert parse(["path", "=", "/run/\udcff"]).tree == parse(["path", "=", "/run/\\xff"]).tree


@pytest.mark.parametrize("field", FIELDS.values(), ids=lambda field: field.name)
def test_example_of_every_field_is_about_that_field(field):
    asked = parse([field.example])

    assert asked.mentions(field.name)
    for name in field.aliases:
        assert parse([field.example.replace(field.example.split()[0], name, 1)]).mentions(
            field.name
        ) or field.kind in ("flag", "state")


def test_complaint_shows_the_filter_the_place_and_what_would_work():
    assert complaint("state", "established", "procss = nginx") == [
        "can't read this filter: 'procss' is no field",
        "  state established procss = nginx",
        "                    ^^^^^^",
        "did you mean 'process'?",
    ]


@pytest.mark.parametrize(
    ("words", "place", "hint"),
    [
        ("tcp", "tcp", "did you mean 'protocol = tcp'?"),
        ("443", "443", "did you mean 'port = 443' or 'pid = 443'?"),
        ("state established :443", ":443", "did you mean 'port = 443' or 'pid = 443'?"),
        (
            "10.0.0.5:80",
            "10.0.0.5:80",
            "did you mean 'remote = 10.0.0.5:80' or 'local = 10.0.0.5:80'?",
        ),
        ("established", "established", "did you mean 'state established'?"),
        ("exclud time-wait", "exclud", "did you mean 'exclude'?"),
        ("state establisht", "establisht", ""),
        ("option = reuseprt", "reuseprt", ""),
        ("age > 1h", "age", "no socket tells its age"),
        ("listening = yes", "=", "write listening or not listening"),
        ("process > 3", ">", "it takes = != ~"),
        ("dport > 80,443", "80,443", "this is several"),
        ("sport >= 80-90", "80-90", "this is several"),
        ("sport < *", "*", "this is several"),
        ("( sport = 1", "(", "put a ) behind it"),
        ("sport = 1 )", ")", ""),
        ("( )", "( )", ""),
        ("sport =", " ", "for example: sport = :22"),
        ("process and uid = 0", "and", "for example: process = ngin*"),
        ("sport = 1 or", " ", ""),
        ("sport = 1,,2", ",", ""),
        ("process = 'a", "'a", ""),
        ("rtt > 50", "50", ""),
        ("src ::1:22", "::1:22", ""),
        ("src example.org", "example.org", ""),
        ("sport = 70000", "70000", ""),
        ("process ~ (a+)+", "(a+)+", ""),
        ("process ~ (a", "(a", ""),
        ("state established exclude established", "state established exclude established", ""),
        ("| sport = 1", "|", "a test begins with a field: state established"),
    ],
)
def test_complaint_marks_the_place(words, place, hint):
    _, shown, marks, *more = complaint(words)

    start, length = marks.index("^"), marks.count("^")
    assert f"{shown} "[start : start + length] == place
    assert "".join(more).startswith(hint)


def test_complaint_shows_no_control_character_and_stays_short():
    lines = complaint("\x1b[31mproces\n = " + "x" * 10_000)

    assert all(line.isprintable() for line in lines)
    assert max(map(len, lines)) < 200


def test_complaint_marks_behind_wide_characters():
    assert complaint("process = 日本 procss = x")[2] == " " * 17 + "^^^^^^"


def test_nesting_is_limited():
    parse(["(" * 40 + "listening" + ")" * 40])
    parse(["not " * 1001 + "listening"])

    assert "nested" in complaint("(" * 41 + "listening" + ")" * 41)[0]


def test_filter_of_thousands_of_tests_is_read():
    many = " or ".join(f"( sport = {port} dport = 1 )" for port in range(1500))

    assert len(list(leaves_of(parse([many]).tree))) == 3000
    assert "more than" in complaint("listening " * 6000)[0]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text()))
def test_random_words_are_read_or_refused(words):
    with suppress(BadInput):
        parse(words)
