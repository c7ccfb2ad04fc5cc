"""`ft ls` with ss's flags shows what ss shows, in a namespace with sockets of every kind and state."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter

import pytest
from tests.support.every_state import CODE
from tests.support.ft import ft
from tests.support.namespaces import child_in, namespace

MORE = """
import socket as s, struct as st
kept2 = []
for kind in (s.SOCK_STREAM, s.SOCK_DGRAM, s.SOCK_SEQPACKET):
    a, b = s.socketpair(s.AF_UNIX, kind)
    kept2 += [a, b]
abstract = s.socket(s.AF_UNIX); abstract.bind("\\0ft-abstract"); abstract.listen(); kept2.append(abstract)
client2 = s.socket(s.AF_UNIX); client2.connect("\\0ft-abstract"); kept2.append(client2)
kept2 += [s.socket(s.AF_INET, s.SOCK_RAW, 1), s.socket(s.AF_INET6, s.SOCK_RAW, 58)]
connected = s.socket(s.AF_INET, s.SOCK_RAW, 1); connected.connect(("127.0.0.1", 0)); kept2.append(connected)
kept2.append(s.socket(s.AF_PACKET, s.SOCK_DGRAM, s.htons(0x800)))
kept2.append(s.socket(s.AF_PACKET, s.SOCK_RAW, s.htons(3)))
link = s.socket(s.AF_NETLINK, s.SOCK_RAW, 0); link.bind((0, 0)); kept2.append(link)
"""
STATES = {
    "ESTAB": "ESTABLISHED", "SYN-SENT": "SYN_SENT", "SYN-RECV": "SYN_RECV", "FIN-WAIT-1": "FIN_WAIT1", "FIN-WAIT-2": "FIN_WAIT2",
    "TIME-WAIT": "TIME_WAIT", "CLOSE-WAIT": "CLOSE_WAIT", "LAST-ACK": "LAST_ACK", "LISTEN": "LISTEN", "CLOSING": "CLOSING", "UNCONN": "UNCONN",
}  # fmt: skip
# ss of Debian 12 shows no sockets that are bound and do nothing, no UDP-Lite and no ping sockets.
HIDDEN_BY_SS = {"BOUND_INACTIVE", "udplite", "icmp", "icmp6"}

FLAGS = (
    "-tn", "-tan", "-tln", "-tuan", "-tuln", "-uan", "-un", "-wan", "-4", "-6", "-4n", "-6an", "-4an", "-xa", "-x", "-xl",
    "-tx", "-4x", "-0", "-0a", "-tua6", "-M", "-Ma", "-Ml", "-l", "-a", "-ta4", "-tl6", "-w", "-twuna",
)  # fmt: skip


@pytest.fixture(scope="module")
def zoo():
    with namespace() as name, child_in(name, CODE.replace("ready(", MORE + "\nready(", 1), 20):
        yield name


def _end(text: str) -> str:
    """Return an end as both write it: without the interface, unbracketed, wildcards as one."""
    text = re.sub(r"%\w+", "", text)
    address, _, port = text.rpartition(":")
    address = address.strip("[]").replace("*", "any").replace("0.0.0.0", "any")
    address = "any" if address in ("::", "any") else address
    port = {"icmp": "1", "icmp6": "58"}.get(port, port)
    return f"{address}:{port}"


def _of_ss(name: str, *flags: str) -> Counter[tuple[str, ...]]:
    done = subprocess.run(
        ["nsenter", f"--net=/run/netns/{name}", "ss", "-Hn", *flags],
        capture_output=True,
        text=True,
        check=True,
    )
    found: Counter[tuple[str, ...]] = Counter()
    for line in done.stdout.splitlines():
        words = line.split()
        # ss leaves out the columns of protocol and state where there can be one only
        kind = "inet" if words[0] in STATES or words[0].isdigit() else words.pop(0)
        if words[0] not in STATES:
            words.insert(0, "ESTAB")
        if kind.startswith("u_"):
            found["unix", STATES[words[0]], re.search(r" (\d+) +\S+ +\d+\s*$", line)[1]] += 1  # type: ignore[index]
        elif kind in ("p_dgr", "p_raw", "nl"):
            found[{"nl": "netlink"}.get(kind, "packet"), "UNCONN"] += 1
        elif kind.startswith("v_"):
            continue
        else:
            found["inet", STATES[words[0]], _end(words[3]), _end(words[4])] += 1
    return found


def _of_ft(name: str, *flags: str) -> Counter[tuple[str, ...]]:
    done = ft(
        "ls", *flags, "--json", "--fields", "protocol,family,state,local,remote,inode", netns=name
    )
    assert done.returncode == 0, done.stderr
    found: Counter[tuple[str, ...]] = Counter()
    for each in json.loads(done.stdout)["sockets"]:
        if HIDDEN_BY_SS & {each["state"], each["protocol"]}:
            continue
        if each["family"] == "unix":
            found["unix", each["state"], str(each["inode"])] += 1
        elif each["family"] in ("packet", "netlink"):
            found[each["family"], each["state"]] += 1
        elif each["family"] in ("inet", "inet6"):
            remote = each["remote"] or "any:*"
            found["inet", each["state"], _end(each["local"]), _end(remote)] += 1
    return found


@pytest.mark.kernel
@pytest.mark.parametrize("flags", FLAGS)
def test_flags_choose_what_ss_chooses(zoo, flags):
    ours, theirs = _of_ft(zoo, flags), _of_ss(zoo, flags)

    assert theirs
    if "l" in flags or "a" in flags or "0" in flags:  # the socket that asks is itself in the list
        for counts in (ours, theirs):
            del counts["netlink", "UNCONN"]
    assert ours == theirs


@pytest.mark.kernel
@pytest.mark.parametrize("flags", ["-ta", "-ua", "-xa", "-t"])
def test_summary_counts_what_ss_lists(zoo, flags):
    summary = json.loads(ft("ls", flags, "-s", "--json", netns=zoo).stdout)["summary"]
    ours = {
        state: count
        for row in summary
        if row["protocol"] not in HIDDEN_BY_SS
        for state, count in row["states"].items()
        if state not in HIDDEN_BY_SS
    }

    theirs: Counter[str] = Counter()
    for (_, state, *_), count in _of_ss(zoo, flags).items():
        theirs[state] += count

    assert ours == dict(theirs)


@pytest.mark.kernel
@pytest.mark.parametrize("question", [["-tl"], ["-tl", "state", "listening"], ["-ta"]])
def test_socket_options_are_told_however_the_listener_is_asked_for(question):
    listener = "import socket\ns = socket.create_server(('127.0.0.1', 0))\nready()\nwait()"
    with namespace() as name, child_in(name, listener):
        done = ft("ls", *question, "-o", "csv", "--fields", "options", "-H", netns=name)

    assert done.stdout.split() == [b"reuseaddr"]
