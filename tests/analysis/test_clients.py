"""Clients of listeners, with their process where this host has it."""

from __future__ import annotations

from tests.support.made import HOST, Made

from fivetuple.analysis.clients import clients
from fivetuple.analysis.selecting import Part
from fivetuple.analysis.subject import Subject


def of_port(made: Made, port: int = 80):
    return [
        (each.process.name, each.netns, each.connections, dict(each.states))
        for each in clients(Part(made.snapshot(), Subject(str(port), (port,))))
    ]


def test_clients_are_grouped_by_address_and_process():
    made = Made()
    made.process(8, "curl")
    made.process(9, "wget")
    made.listen("127.0.0.1:80")
    for number, pid in enumerate((8, 8, 9)):
        made.socket("127.0.0.1:80", f"127.0.0.1:{50000 + number}")
        made.socket(f"127.0.0.1:{50000 + number}", "127.0.0.1:80", "ESTABLISHED", pid)

    assert of_port(made) == [
        ("curl", HOST, 2, {"ESTABLISHED": 2}),
        ("wget", HOST, 1, {"ESTABLISHED": 1}),
    ]


def test_a_client_elsewhere_has_no_process_and_every_state_of_our_ends_is_counted():
    made = Made()
    made.listen("0.0.0.0:80")
    made.socket("192.0.2.10:80", "198.51.100.7:50000")
    made.socket("192.0.2.10:80", "198.51.100.7:50001", "CLOSE_WAIT")

    assert of_port(made) == [("", None, 2, {"ESTABLISHED": 1, "CLOSE_WAIT": 1})]


def test_connections_to_the_same_port_of_others_are_no_clients():
    made = Made()
    made.listen("0.0.0.0:80")
    made.socket("192.0.2.10:40000", "10.0.0.1:80")

    assert of_port(made) == []
