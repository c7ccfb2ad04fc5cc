"""The overview: one screen, whatever is on it, and all of it as data."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.support.ask import answered, ask
from tests.support.made import NOW_NS, Made
from tests.support.namespaces import child_in, namespace

from fivetuple.model.command import Request
from fivetuple.views import overview

GOLDEN = Path(__file__).parent / "golden"


def shown(made: Made, width: int | None = 120, **options):
    return answered(overview, made.snapshot(), Request("overview", (), options, NOW_NS), width)


def a_host() -> Made:
    """A web server with a database, a container, a client, and things that are odd."""
    made = Made()
    box = made.space(2, "shop", "172.17.0.2/16")
    made.process(1, "systemd", parent=0, age_s=9000)
    made.process(100, "nginx", unit="nginx.service", age_s=500)
    made.process(101, "nginx", parent=100, unit="nginx.service", age_s=400)
    made.process(200, "postgres", unit="postgresql.service")
    made.process(300, "api", container="shop")
    inode = made.listen("0.0.0.0:443", 101, 100, backlog=511)
    made.listen("[::]:443", 101, 100, backlog=511)
    made.listen("127.0.0.1:5432", 200, accept_queue=130)
    made.listen("0.0.0.0:8080", 300, netns=box)
    made.socket("0.0.0.0:53", "", "CLOSE", 200, protocol="udp")
    for number in range(4):
        made.socket("192.0.2.10:443", f"198.51.100.7:{50000 + number}", "ESTABLISHED", 101)
        made.socket(f"172.17.0.2:{40000 + number}", "10.0.3.10:3306", "ESTABLISHED", 300, netns=box)
        made.socket("127.0.0.1:5432", f"127.0.0.1:{41000 + number}", "CLOSE_WAIT", 200)
    for number in range(12):
        made.socket(
            f"172.17.0.2:{42000 + number}", "10.0.3.10:3306", "TIME_WAIT", netns=box, inode=0
        )
    made.socket("0.0.0.0:7777", "", "BOUND_INACTIVE", 300, netns=box)
    assert inode
    return made


def golden(name: str, text: str) -> None:
    """Compare with a golden file; FT_WRITE_GOLDEN=1 writes it anew."""
    path = GOLDEN / name
    if os.environ.get("FT_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_screen_of_a_made_host_at_several_widths(width):
    golden(f"overview-{width}.txt", shown(a_host(), width, screen_size=(40, width)).text + "\n")


def test_the_json_of_a_made_host():
    golden("overview.json", json.dumps(shown(a_host()).data, indent=1) + "\n")


def test_connections_belong_to_the_listener_and_time_wait_to_nobody():
    said = shown(a_host())

    by_port = {row["port"]: row for row in said.data["listeners"]}
    assert by_port[443]["connections"] == 4
    assert by_port[443]["pid"] == 100  # the older of the two
    [peer] = said.data["peers"]
    assert peer["states"] == {"TIME_WAIT": 12, "ESTABLISHED": 4}
    assert peer["process"] == "api"
    assert peer["ports_used_share"] == pytest.approx(16 / 28232)


@pytest.mark.parametrize(("rows", "columns"), [(24, 60), (24, 80), (30, 100), (50, 150)])
def test_hundreds_of_ports_and_many_namespaces_fit_the_screen_and_say_what_was_folded(
    rows, columns
):
    made = a_host()
    made.process(500, "farm")
    for port in range(8000, 8300):
        made.listen(f"0.0.0.0:{port}", 500)
    for number in range(30):
        space = made.space(100 + number, f"pod{number}", "10.244.0.9/24")
        made.process(600 + number, f"app{number}")
        for port in (80, 443):
            made.listen(f"0.0.0.0:{port}", 600 + number, netns=space)
    for number in range(200):
        made.socket(
            f"192.0.2.10:{45000 + number}", f"203.0.113.{number + 1}:443", "ESTABLISHED", 500
        )

    said = shown(made, columns, screen_size=(rows, columns))

    assert len(said.text.splitlines()) <= rows
    assert all(len(line) <= columns for line in said.text.splitlines())
    assert "8000-8299 (300 ports)" in said.text
    assert "ft ls -tul -N all" in said.text
    assert "folded" in said.text
    assert len(said.data["listeners"]) == 4 + 300 + 60


def farm() -> Made:
    made = Made()
    made.process(500, "farm")
    for port in range(8000, 8300):
        made.listen(f"0.0.0.0:{port}", 500)
    return made


def test_off_a_terminal_it_is_one_screen_all_the_same():
    said = shown(farm(), None)

    assert len(said.text.splitlines()) <= 60
    assert "8000-8299" in said.text


def test_the_wide_form_has_a_line_for_every_listener():
    said = shown(farm(), None, output="wide")

    assert all(f"  {port}  " in said.text for port in range(8000, 8300))
    assert "folded" not in said.text


def test_a_machine_without_sockets_is_told_in_few_words():
    said = shown(Made(), screen_size=(24, 80))

    assert "Listening\n  nothing" in said.text
    assert "Talking to\n  nobody" in said.text
    assert said.text.endswith("No sockets.")
    assert said.status == 0


def test_a_text_without_a_host_name_has_a_title_all_the_same():
    snapshot = Made().snapshot()
    snapshot.host.name, snapshot.host.kernel = "", ""

    said = answered(overview, snapshot, Request("overview", (), {}, NOW_NS))

    assert said.text.startswith("A machine with Linux\n")


def test_columns_that_nobody_fills_are_left_out():
    made = Made()
    made.listen("127.0.0.1:65001")

    text = shown(made).text

    assert "UNIT OR CONTAINER" not in text
    assert "NAMESPACE" not in text
    assert "this host" in text


def test_a_hostile_name_is_harmless():
    made = Made()
    made.process(9, "bad\x1b]0;x\x07\nname")
    made.listen("0.0.0.0:80", 9)

    said = shown(made)

    assert "\x1b" not in said.text
    assert "bad\\x1b]0;x\\x07\\nname (9)" in said.text


@pytest.mark.kernel
def test_it_agrees_with_ss_on_every_listener_and_every_connection():
    code = """
import socket
kept = [socket.create_server(('127.0.0.1', 0)) for _ in range(40)] + [socket.create_server(('', 0), family=socket.AF_INET6)]
for server in kept[:20]:
    for _ in range(3):
        kept += (socket.create_connection(server.getsockname()), server.accept()[0])
udp = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(5)]
for each in udp: each.bind(('0.0.0.0', 0))
ready(); wait()
"""
    with namespace("agree") as name, child_in(name, code):
        said = ask(overview, netns=name)
        listening = _ss(name, "-Htuln")
        connected = _ss(name, "-Htan", "state", "established")

    assert sorted(row["port"] for row in said.data["listeners"]) == sorted(_ports(listening, 4))
    clients = {
        row["port"]: row["connections"] for row in said.data["listeners"] if row["connections"]
    }
    ports = _ports(connected, 2)
    assert clients == {port: ports.count(port) for port in clients}
    assert sum(clients.values()) == 60
    assert sum(row["connections"] for row in said.data["peers"]) == 60


def _ss(name, *flags):
    done = subprocess.run(
        ["ip", "netns", "exec", name, "ss", *flags], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def _ports(lines, column):
    return [int(line.split()[column].rpartition(":")[2]) for line in lines]


def test_a_listener_whose_process_is_not_known_is_told_by_its_user():
    made = Made()
    made.listen("0.0.0.0:80", uid=0)
    made.listen("0.0.0.0:81", uid=33)
    made.listen("0.0.0.0:82", uid=33)
    made.listen("0.0.0.0:83", uid=4242)
    made.listen("0.0.0.0:84", known=0)

    lines = [
        line.split("any address")[1].split("0/128")[0].strip()
        for line in shown(made).text.splitlines()
        if "any address" in line
    ]

    assert lines == ["user root", "user www-data", "user www-data", "user 4242", "-"]
