"""Whatever is typed as a filter is read or refused with a sentence; and what is read can be run."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.filter_trees import snapshot_of

from fivetuple.analysis.filter_fields import FIELD_OF
from fivetuple.analysis.filter_hosts import parse_hosts
from fivetuple.analysis.filter_ports import parse_ports
from fivetuple.analysis.filters import parse
from fivetuple.analysis.patterns import glob_matcher, regex_matcher
from fivetuple.model import record
from fivetuple.model.errors import BadInput

pytestmark = pytest.mark.slow

PIECES = st.sampled_from(
    (*FIELD_OF, "state", "exclude", "established", "all", "and", "or", "not", "!", "(", ")", "&&", "|", "in", "=", "!=", "<", ">=",
     "~", "eq", "geq", "is", ",", "'", '"', "\\", ":443", ":https", "10.0.0.0/8", "[::1]:22", "::1:22", "unix:/run/*", "vsock:2:22",
     "netlink:route:kernel", "link:ip:eth0", "inet:", "inet6:*", "1.5h", "64k", "0x1/0xff", "8000-8100", "*", "[", "]", "{1,3}",
     "(a+)+", "tcp", "reuseport", "-1", "99999999999999999999999", "1e9", "²", "\0", "\ud800", "\x1b[0m")
)  # fmt: skip
ROW = record.pack({"family": 2, "type": 1, "known": 0xFFFF, "state": 1, "inode": 1})


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.one_of(PIECES, PIECES, PIECES, st.text(max_size=6)), max_size=12), st.booleans())
def test_words_of_the_language_in_any_order_are_read_or_refused(pieces, is_one_string):
    complaint = ""
    words = ["".join(pieces)] if is_one_string else pieces
    try:
        read = parse(words)
    except BadInput as error:
        complaint = str(error)
        read = None

    if read is None:
        assert all(line.isprintable() for line in complaint.splitlines())
        return
    assert parse([str(read)]).tree == read.tree
    read.row_filter(snapshot_of([]))(ROW)


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="0123456789abcdef:.[]/*%-@ inetux²", max_size=30))
def test_hosts_and_ports_are_read_or_refused(text):
    for read in (parse_hosts, parse_ports):
        with suppress(BadInput):
            read(text)


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="ab*?[]!-\\^", max_size=20), st.text(alphabet="ab]-*\\", max_size=20))
def test_globs_never_fail_and_never_run_away(pattern, text):
    glob_matcher(pattern)(text * 50)


@settings(max_examples=500, deadline=5000)
@given(st.text(alphabet="ab()|*+?{}123,^$[]\\.", max_size=16))
def test_regular_expressions_are_refused_or_end_soon(pattern):
    try:
        matches = regex_matcher(pattern)
    except BadInput:
        return
    matches("a" * 1000 + "!")
