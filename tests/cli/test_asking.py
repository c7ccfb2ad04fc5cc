"""What is said beside an answer about what it lacks."""

from __future__ import annotations

import json

import pytest
from tests.support.ft import ft

HEAD = "Proto Recv-Q Send-Q Local Address  Foreign Address  State  PID/Program name\n"
V4 = "tcp 0 0 0.0.0.0:80 0.0.0.0:* LISTEN 812/nginx: master p\n"
V6 = "tcp6 0 0 :::80 :::* LISTEN 812/nginx: master p\n"


def test_a_story_of_a_pasted_text_says_once_what_matters_to_it():
    done = ft("80", "--from", "-", stdin=(HEAD + V4).encode())

    said = done.stderr.decode().splitlines()
    assert done.returncode == 0
    assert not any(
        word in line for line in said for word in ("timers", "user names", "socket options")
    )
    assert sum("`ft save FILE`" in line for line in said) == 1


def test_json_says_all_that_is_missing():
    done = ft("80", "--from", "-", "--json", stdin=(HEAD + V4).encode())

    assert {"timers", "user names", "socket options"} <= set(json.loads(done.stdout)["missing"])


def test_options_matter_to_an_ipv6_listener_that_may_take_ipv4():
    done = ft("80", "--from", "-", stdin=(HEAD + V6).encode())

    assert "not shown: socket options" in done.stderr.decode()


@pytest.mark.parametrize("field", ["timer", "user"])
def test_a_column_that_was_asked_for_is_always_said_to_be_missing(field):
    done = ft("ls", "--fields", f"local,{field}", "--from", "-", stdin=(HEAD + V4).encode())

    assert "not shown: " in done.stderr.decode()
    assert field in done.stderr.decode()


def test_the_overview_of_a_text_does_without_user_names():
    done = ft("--from", "-", stdin=(HEAD + V4).encode())

    assert "not shown: " in done.stderr.decode()
    assert "user names" not in done.stderr.decode()
