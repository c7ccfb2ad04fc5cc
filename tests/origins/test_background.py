"""What runs beside gives its result, or its error, to who waits for it."""

from __future__ import annotations

import _thread

import pytest

from fivetuple.origins.background import begun


def test_the_result_comes_to_who_waits_as_often_as_asked():
    wait = begun(lambda: 42)

    assert (wait(), wait()) == (42, 42)


def test_the_error_comes_to_who_waits():
    wait = begun(lambda: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        wait()


def test_where_no_thread_can_be_had_it_runs_when_it_is_waited_for(monkeypatch):
    def refuse(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    ran = []
    wait = begun(lambda: ran.append(1))

    assert not ran
    wait()
    assert ran == [1]
