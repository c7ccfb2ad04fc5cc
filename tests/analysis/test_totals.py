"""The totals and their sentence."""

from __future__ import annotations

from tests.support.made import Made

from fivetuple.analysis.totals import summary_sentence, totals


def test_sockets_are_counted_by_protocol_state_and_namespace():
    made = Made()
    made.space(5, "box")
    made.listen("0.0.0.0:80")
    made.socket("127.0.0.1:80", "127.0.0.1:5000")
    made.socket("127.0.0.1:53", "", "CLOSE", protocol="udp", netns=5)

    counts = totals(made.snapshot())

    assert counts == {
        "sockets": 3, "protocols": {"tcp": 2, "udp": 1}, "tcp_states": {"LISTEN": 1, "ESTABLISHED": 1}, "namespaces": {"host": 2, "box": 1},
    }  # fmt: skip
    assert (
        summary_sentence(counts)
        == "3 sockets in 2 network namespaces: 2 tcp (1 LISTEN, 1 ESTABLISHED), 1 udp."
    )


def test_one_socket_is_singular_and_none_is_said():
    made = Made()
    made.listen("0.0.0.0:80")

    assert summary_sentence(totals(made.snapshot())) == "1 socket: 1 tcp (1 LISTEN)."
    assert summary_sentence(totals(Made().snapshot())) == "No sockets."
