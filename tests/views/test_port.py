"""The story of a port, a service, a process: from a hand-made snapshot, word by word."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from tests.support.ask import answered
from tests.support.made import NOW_NS, Made

from fivetuple.model import facts
from fivetuple.model.command import Request
from fivetuple.model.errors import BadInput
from fivetuple.views import port

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(autouse=True)
def _utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def told(made: Made, word: str, width: int = 120, snapshot=None):
    return answered(port, snapshot or made.snapshot(), Request("port", (word,), {}, NOW_NS), width)


def a_host() -> Made:
    made = Made()
    box = made.space(2, "shop", "172.17.0.2/16")
    made.process(1, "systemd", parent=0, age_s=90000)
    made.process(40, "bash", "-bash", age_s=7000)
    made.process(100, "nginx", "nginx: master process", unit="nginx.service", age_s=5000)
    made.process(
        101, "nginx", "nginx: worker process", parent=100, unit="nginx.service", age_s=4000
    )
    made.process(300, "api", "api", "--port", "8080", container="shop")
    made.process(400, "curl", "curl", "http://127.0.0.1/", parent=40)
    made.listen("0.0.0.0:80", 100, 101, backlog=511)
    made.listen("[::]:80", 100, 101, backlog=511)
    made.listen("0.0.0.0:8080", 300, netns=box)
    made.socket("127.0.0.1:80", "127.0.0.1:50000", "ESTABLISHED", 101)
    made.socket("127.0.0.1:50000", "127.0.0.1:80", "ESTABLISHED", 400)
    made.socket("192.0.2.10:80", "198.51.100.7:50001", "ESTABLISHED", 101)
    made.socket("172.17.0.2:40000", "10.0.3.10:3306", "ESTABLISHED", 300, netns=box)
    return made


def golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("FT_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("word", ["80", "nginx", "api", "8080", "3306", "9"])
def test_the_story_of_a_word(word):
    golden(f"port-{word}.txt", told(a_host(), word).text + "\n")


def test_the_json_of_a_port():
    said = told(a_host(), "80")

    assert len(said.data["sockets"]) == 5
    golden("port.json", json.dumps({**said.data, "sockets": "rows of ft ls"}, indent=1) + "\n")


def test_both_ends_of_a_connection_on_this_host_are_told_once():
    said = told(a_host(), "80")

    assert [(row["remote_address"], row["process"]) for row in said.data["clients"]] == [
        ("127.0.0.1", "curl"),
        ("198.51.100.7", None),
    ]
    assert "Who connects to it from here" not in said.text


@pytest.mark.parametrize(
    ("word", "status"),
    [("80", 0), (":80", 0), ("80/tcp", 0), ("80/udp", 1), ("http", 0), ("shop", 0), ("127.0.0.1:80", 0), ("172.17.0.2", 0),
     ("192.0.2.99", 1), ("172.17.0.2:80", 1), ("nginx.service", 0), ("101", 0), ("[::1]:80", 0), ("9", 1)],
)  # fmt: skip
def test_the_status_says_whether_anything_uses_it(word, status):
    assert told(a_host(), word).status == status


@pytest.mark.parametrize("word", ["70000", "nosuchthing", "1.2.3.4:99999", "", "[::1"])
def test_a_word_that_means_nothing_is_bad_input_with_a_sentence(word):
    with pytest.raises(BadInput):
        told(a_host(), word)


def test_several_words_lead_to_the_list():
    with pytest.raises(BadInput, match="ft ls state established"):
        port.question(Request("port", ("state", "established"), {}, NOW_NS))


def test_a_mistyped_name_gets_a_suggestion():
    with pytest.raises(BadInput, match="did you mean nginx"):
        told(a_host(), "nginxx")


def test_a_number_that_is_a_port_in_use_and_a_pid_tells_the_port_and_names_the_other():
    made = a_host()
    made.process(80, "thing")
    made.listen("127.0.0.1:999", 80)

    said = told(made, "80")

    assert "80 is also a process with sockets: ft ls pid = 80" in said.text
    assert {row["port"] for row in said.data["listeners"]} == {80}


def test_a_listener_that_systemd_holds_names_its_units_and_how_to_stop_them():
    made = a_host()
    inode = made.listen("0.0.0.0:22", 1)
    snapshot = made.snapshot()
    snapshot.socket_units[inode] = ("ssh.socket", "ssh.service")

    by_port, by_name = (
        told(made, "22", snapshot=snapshot),
        told(made, "ssh.socket", snapshot=snapshot),
    )

    assert "ssh.socket for ssh.service" in by_port.text
    assert "systemctl stop ssh.socket ssh.service" in by_port.text
    assert [row["port"] for row in by_name.data["listeners"]] == [22]


def test_hidden_owners_are_told_by_their_user_and_with_the_way_to_see_them():
    made = Made()
    made.listen("0.0.0.0:80", uid=33)
    snapshot = made.snapshot()
    snapshot.miss(facts.OWNERS, "other users", refused=True)

    said = told(made, "80", snapshot=snapshot)

    assert "user www-data, process not known" in said.text
    assert "run it with sudo" in said.text


def test_without_the_host_s_settings_nothing_is_said_of_them():
    snapshot = a_host().snapshot()
    for space in snapshot.namespaces.values():
        space.sysctls = {}

    text = told(a_host(), "80", snapshot=snapshot).text

    assert "well-known port" in text
    assert "CAP_NET_BIND_SERVICE" not in text


def test_a_long_command_line_is_cut_and_a_hostile_one_is_harmless():
    made = Made()
    made.process(7, "evil", "evil", "\x1b[2J\n" + "x" * 5000)
    made.listen("0.0.0.0:80", 7)

    text = told(made, "80").text

    assert "\x1b" not in text
    assert "x" * 50 + "..." in text.replace("\n", "").replace(" ", "")
    assert len(text) < 4000
