"""Which own ends are served."""

from __future__ import annotations

from tests.support.made import HOST, Made

from fivetuple.analysis.serving import Served
from fivetuple.model.endpoint import pack_address

TCP, UDP = 6, 17


def test_an_end_is_served_at_its_address_and_behind_a_wildcard():
    made = Made()
    made.listen("127.0.0.1:80")
    made.listen("[::]:443")
    made.socket("0.0.0.0:53", "", "CLOSE", protocol="udp")
    has = Served(made.snapshot().rows).has
    here, there = pack_address("127.0.0.1"), pack_address("192.0.2.10")

    assert has(HOST, TCP, 80, here)
    assert not has(HOST, TCP, 80, there)
    assert has(HOST, TCP, 443, there)
    assert has(HOST, UDP, 53, there)
    assert not has(HOST, TCP, 53, there)
    assert not has(5, TCP, 443, there)


def test_connected_and_raw_sockets_serve_nobody():
    made = Made()
    made.socket("127.0.0.1:80", "127.0.0.1:5000")
    made.socket("0.0.0.0:1", "", "CLOSE", type=3)
    made.socket("127.0.0.1:53", "127.0.0.1:5000", "ESTABLISHED", protocol="udp")
    has = Served(made.snapshot().rows).has

    assert not any(
        has(HOST, number, port, pack_address("127.0.0.1"))
        for number, port in ((TCP, 80), (TCP, 1), (UDP, 53))
    )
