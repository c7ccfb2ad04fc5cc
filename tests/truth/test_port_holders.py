"""Who holds a port, on a real kernel: listeners, workers, bound sockets, outgoing ones, TIME_WAIT, other users."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from tests.support.ask import ask
from tests.support.namespaces import NOBODY, child_in, in_namespace, namespace, pair, wait_for

from fivetuple.views import port

pytestmark = pytest.mark.kernel

LISTENER = """
import socket
server = socket.create_server(({host!r}, {port}), reuse_port={reuse_port})
ready(port=server.getsockname()[1])
wait()
"""


def listener(host="0.0.0.0", number=0, *, reuse_port=False):
    return LISTENER.format(host=host, port=number, reuse_port=reuse_port)


def of(said, key, **wanted):
    """Return the objects of a list whose members are as wanted."""
    return [
        row for row in said.data[key] if all(row[name] == value for name, value in wanted.items())
    ]


def test_a_port_that_nobody_uses_exits_with_one_and_says_what_a_client_sees():
    with namespace("none") as name:
        said = ask(port, "7", netns=name)

    assert said.status == 1
    assert said.data["sockets"] == []
    assert "nothing listens on it, is bound to it or is connected with it" in said.text
    assert "a client is refused" in said.text


def test_a_listener_in_another_namespace_is_found_with_its_process_and_parents():
    with namespace("web") as name, child_in(name, listener(number=8080)) as child:
        said = ask(port, "8080", netns="all")

        [found] = of(said, "listeners", netns_name=name)
        [process] = of(said, "processes", pid=child.pid)

    assert (found["pid"], found["port"], found["reach"]) == (child.pid, 8080, "every address")
    assert found["addresses"] == ["0.0.0.0"]
    assert process["parent_pids"][-1] == 1
    assert said.status == 0


def test_a_bound_socket_that_ss_does_not_show_holds_the_port():
    code = "import socket\ns = socket.socket(); s.bind(('127.0.0.1', 5555))\nready(); wait()"
    with namespace("bound") as name, child_in(name, code) as child:
        said = ask(port, "5555", netns=name)
        shown = subprocess.run(
            ["ip", "netns", "exec", name, "ss", "-tan"], capture_output=True, text=True, check=True
        ).stdout

    [holder] = said.data["holders"]
    assert (holder["how"], holder["where"]) == ("bound only", "127.0.0.1:5555")
    assert f"({child.pid})" in holder["owner"]
    assert ":5555" not in shown
    assert "does not show it" in said.text
    assert said.status == 0


def test_an_outgoing_connection_that_took_the_port_is_told_with_the_way_to_keep_it():
    code = """
import socket
server = socket.create_server(('127.0.0.1', 0))
client = socket.socket(); client.bind(('127.0.0.1', 40000)); client.connect(server.getsockname())
ready(to=server.getsockname()[1]); wait()
"""
    with namespace("taken") as name, child_in(name, code) as child:
        said = ask(port, ":40000", netns=name)
        to = child.facts["to"]

    [holder] = said.data["holders"]
    assert (holder["how"], holder["note"]) == ("outgoing", "ESTABLISHED")
    assert holder["where"] == f"127.0.0.1:40000 -> 127.0.0.1:{to}"
    assert "net.ipv4.ip_local_reserved_ports=40000" in said.text


def test_time_wait_after_a_server_closed_tells_the_seconds_that_are_left():
    code = """
import socket
server = socket.create_server(('127.0.0.1', 8443))
client = socket.create_connection(('127.0.0.1', 8443)); accepted, _ = server.accept()
accepted.close(); client.recv(1); client.close(); server.close()
ready(); wait()
"""
    with namespace("tw") as name, child_in(name, code):
        said = wait_for(lambda: _with_holders(ask(port, "8443", netns=name)), what="TIME_WAIT")

    [holder] = said.data["holders"]
    assert (holder["how"], holder["owner"]) == ("TIME_WAIT", "nobody")
    assert 50_000 < holder["left_ms"] <= 62_000
    assert "one connection has ended, it is kept for" in holder["note"]
    assert "SO_REUSEADDR" in said.text


def _with_holders(said):
    return said if said.data["holders"] else None


def test_connections_whose_listener_closed_are_not_called_outgoing():
    code = """
import socket
server = socket.create_server(('127.0.0.1', 8081))
client = socket.create_connection(('127.0.0.1', 8081)); accepted, _ = server.accept(); server.close()
ready(); wait()
"""
    with namespace("closed") as name, child_in(name, code):
        said = ask(port, "8081", netns=name)

    [holder] = said.data["holders"]
    assert (holder["how"], holder["note"]) == ("accepted", "ESTABLISHED; its listener is closed")


def test_workers_that_share_a_listener_by_fork_are_one_entry_under_the_oldest():
    code = """
import os, socket
server = socket.create_server(('127.0.0.1', 9001)); pids = []
for _ in range(3):
    pid = os.fork()
    if pid == 0:
        os.read(0, 1); os._exit(0)
    pids.append(pid)
ready(pids=pids); wait()
"""
    with namespace("fork") as name, child_in(name, code) as child:
        said = ask(port, "9001", netns=name)

    [found] = said.data["listeners"]
    assert found["pid"] == child.pid
    assert found["pids"] == sorted([child.pid, *child.facts["pids"]])
    assert found["sockets"] == 1
    assert f"({child.pid}, +3)" in said.text
    assert "and 3 more of it" in said.text


def test_reuseport_workers_are_one_service_and_no_conflict():
    code = listener("127.0.0.1", 9002, reuse_port=True)
    with namespace("rp") as name, child_in(name, code) as one, child_in(name, code) as two:
        said = ask(port, "9002/tcp", netns=name)

    [found] = said.data["listeners"]
    assert found["sockets"] == 2
    assert found["pids"] == sorted([one.pid, two.pid])


def test_two_programs_at_two_addresses_of_one_port_count_their_own_clients():
    clients = """
import socket
kept = [socket.create_connection(('127.0.0.1', 9003)) for _ in range(3)] + [socket.create_connection(('127.0.0.2', 9003))]
ready(); wait()
"""
    with (
        namespace("two") as name,
        child_in(name, listener("127.0.0.1", 9003)),
        child_in(name, ["socat", "TCP-LISTEN:9003,bind=127.0.0.2,fork", "PIPE"]),
    ):
        wait_for(lambda: len(ask(port, "9003", netns=name).data["listeners"]) == 2)
        with child_in(name, clients):
            said = ask(port, "9003", netns=name)

    counts = {row["addresses"][0]: row["connections"] for row in said.data["listeners"]}
    assert counts == {"127.0.0.1": 3, "127.0.0.2": 1}


def test_a_client_in_another_namespace_is_named_also_over_a_dual_stack_listener():
    server = """
import socket
server = socket.create_server(('', 9004), family=socket.AF_INET6, dualstack_ipv6=True)
ready(); kept = [server.accept() for _ in range(2)]; wait()
"""
    with namespace("srv") as srv, namespace("cli") as cli:
        link = pair(srv, cli)
        client = f"""
import socket
kept = [socket.create_connection((host, 9004)) for host in ({link.v4_a!r}, {link.v6_a!r})]
ready(); wait()
"""
        with child_in(srv, server), child_in(cli, client) as child:
            said = ask(port, "9004", netns="all")

    found = {row["remote_address"]: row for row in said.data["clients"]}
    assert set(found) == {link.v4_b, link.v6_b}
    assert all((row["pid"], row["netns_name"]) == (child.pid, cli) for row in found.values())
    assert "*:9004" in said.text
    assert "Who connects to it from here" not in said.text


def test_equal_addresses_of_two_namespaces_are_not_mixed_up():
    code = """
import socket
server = socket.create_server(('127.0.0.1', 9005)); client = socket.socket()
client.bind(('127.0.0.1', 39005)); client.connect(('127.0.0.1', 9005)); accepted, _ = server.accept()
ready(); wait()
"""
    with (
        namespace("one") as one,
        namespace("two") as two,
        child_in(one, code) as first,
        child_in(two, code) as second,
    ):
        said = ask(port, "9005", netns="all")

    named = {(row["netns_name"], row["pid"]) for row in said.data["clients"]}
    assert named == {(one, first.pid), (two, second.pid)}


def test_an_ordinary_user_is_told_whose_socket_it_is_and_that_the_owner_is_hidden():
    with namespace("user") as name, child_in(name, listener("127.0.0.1", 9006)):
        ask(port, "9006", netns=name)  # what Python imports late, nobody may be unable to read
        data, text = in_namespace(name, _asked_as_nobody, uid=NOBODY)

    [found] = [row for row in data["listeners"] if row["port"] == 9006]
    assert found["pid"] is None
    assert "user root, process not known" in text
    assert "run it with sudo" in text


def _asked_as_nobody():
    said = ask(port, "9006", netns="self")
    return said.data, said.text


def test_a_name_with_escape_codes_and_newlines_is_shown_harmless(tmp_path):
    program = tmp_path / "evil\x1b[31m\nname"
    shutil.copy(shutil.which("socat") or "socat", program)
    with namespace("evil") as name, child_in(name, [str(program), "TCP-LISTEN:9007,fork", "PIPE"]):
        said = wait_for(lambda: _with_listeners(ask(port, "9007", netns=name)))

    assert "\x1b" not in said.text
    assert "evil\\x1b[31m\\nname" in said.text
    assert "\x1b" in said.data["listeners"][0]["process"]


def _with_listeners(said):
    return said if said.data["listeners"] else None


def test_a_pid_tells_the_process_when_no_socket_has_the_port_of_that_number():
    with namespace("pid") as name, child_in(name, listener("127.0.0.1", 9008)) as child:
        said = ask(port, str(child.pid), netns=name)

    assert [row["port"] for row in said.data["listeners"]] == [9008]
    assert said.data["subject"]["pids"] == [child.pid]


def test_a_wildcard_listener_is_not_claimed_for_an_address_that_its_namespace_lacks():
    with namespace("a") as one, namespace("b") as two:
        link = pair(one, two)
        with child_in(one, listener(number=9009)), child_in(two, listener(number=9009)):
            said = ask(port, f"{link.v4_a}:9009", netns="all")

    assert [row["netns_name"] for row in said.data["listeners"]] == [one]


def test_nginx_and_redis_are_told_with_their_clients_as_ss_counts_them(tmp_path):
    for program in ("nginx", "redis-server"):
        if shutil.which(program, path="/usr/sbin:/usr/bin") is None:
            pytest.skip(f"no {program}")
    tmp_path.chmod(0o755)
    config = tmp_path / "nginx.conf"
    temporary = " ".join(
        f"{kind}_temp_path {tmp_path}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config.write_text(
        f"daemon off; worker_processes 2; pid {tmp_path}/pid; events {{}} http {{ access_log off; {temporary} "
        "server { listen 80; listen [::]:80; return 200 hi; } }"
    )
    nginx = ["nginx", "-c", str(config), "-e", str(tmp_path / "error")]
    redis = [
        "redis-server",
        "--port",
        "6379",
        "--save",
        "",
        "--logfile",
        "/dev/null",
        "--protected-mode",
        "no",
    ]
    clients = """
import socket
kept = [socket.create_connection((host, 80)) for host in ('127.0.0.1', '127.0.0.1', '::1')]
kept += [socket.create_connection(('127.0.0.1', 6379)) for _ in range(4)]
for each in kept[3:]:
    each.sendall(b'PING\\r\\n'); each.recv(10)
ready(); wait()
"""
    with namespace("real") as name, child_in(name, nginx) as web, child_in(name, redis):
        wait_for(lambda: {80, 6379} <= _ports(name), what="nginx and redis")
        with child_in(name, clients) as child:
            by_name = ask(port, "nginx", netns=name)
            by_port = ask(port, "redis", netns=name)
            counted = _connections(name)

    [found] = by_name.data["listeners"]
    assert (found["pid"], len(found["pids"]), found["connections"]) == (web.pid, 3, counted[80])
    assert sum(row["connections"] for row in by_name.data["clients"]) == counted[80] == 3
    assert by_port.data["listeners"][0]["process"] == "redis-server"
    assert sum(row["connections"] for row in by_port.data["clients"]) == counted[6379] == 4
    assert {row["pid"] for row in by_port.data["clients"]} == {child.pid}
    assert "belongs in a private network" in by_port.text


def _ports(name):
    output = subprocess.run(
        ["ip", "netns", "exec", name, "ss", "-Htln"], capture_output=True, text=True, check=True
    ).stdout
    return {int(line.split()[3].rpartition(":")[2]) for line in output.splitlines()}


def _connections(name):
    """Count with ss the sockets at each local port that have a peer."""
    output = subprocess.run(
        ["ip", "netns", "exec", name, "ss", "-Htan", "state", "connected"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    counts: dict[int, int] = {}
    for line in output.splitlines():
        number = int(line.split()[3].rpartition(":")[2])
        counts[number] = counts.get(number, 0) + 1
    return counts


def test_udp_is_told_apart_from_tcp():
    code = """
import socket
one = socket.create_server(('127.0.0.1', 9010)); two = socket.socket(type=socket.SOCK_DGRAM); two.bind(('127.0.0.1', 9010))
ready(); wait()
"""
    with namespace("udp") as name, child_in(name, code):
        both, only = ask(port, "9010", netns=name), ask(port, "9010/udp", netns=name)

    assert {row["protocol"] for row in both.data["listeners"]} == {"tcp", "udp"}
    assert {row["protocol"] for row in only.data["listeners"]} == {"udp"}
    assert "receives  udp" in only.text


def test_a_full_accept_queue_is_told_and_what_it_does_to_clients():
    code = """
import socket
server = socket.socket(); server.bind(('127.0.0.1', 9011)); server.listen(1)
kept = []
for _ in range(3):
    client = socket.socket(); client.setblocking(False); client.connect_ex(('127.0.0.1', 9011)); kept.append(client)
ready(); wait()
"""
    with namespace("full") as name, child_in(name, code):
        said = wait_for(lambda: _full(ask(port, "9011", netns=name)), what="a full queue")

    assert (said["accept_queue"], said["backlog"]) == (2, 1)


def _full(said):
    [found] = said.data["listeners"]
    return (
        found
        if "accept queue of port 9011 is full" in said.text.lower() and found["accept_queue"] == 2
        else None
    )


def test_the_snapshot_survives_a_socket_family_that_has_no_port():
    with (
        namespace("raw") as name,
        child_in(
            name,
            "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)\nready(); wait()",
        ),
    ):
        said = ask(port, "1", netns=name)

    assert said.status == 1
