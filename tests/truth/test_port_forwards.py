"""What forwards a port, on a real kernel: NAT rules of nft and iptables, and programs that forward."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.ask import ask
from tests.support.namespaces import NOBODY, child_in, in_namespace, namespace, pair, wait_for

from fivetuple.views import port

pytestmark = pytest.mark.kernel

SERVER = "import socket\nserver = socket.create_server(({host!r}, {number}))\nready(); wait()"
DOCKER = (
    "iptables -t nat -N DOCKER",
    "iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
    "iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER",
    "iptables -t nat -A DOCKER -i docker0 -j RETURN",
)
KUBE = (
    "iptables -t nat -N KUBE-SERVICES",
    "iptables -t nat -N KUBE-NODEPORTS",
    "iptables -t nat -N KUBE-SVC-AAAA",
    "iptables -t nat -N KUBE-SEP-ONE",
    "iptables -t nat -N KUBE-SEP-TWO",
    "iptables -t nat -A PREROUTING -j KUBE-SERVICES",
    "iptables -t nat -A OUTPUT -j KUBE-SERVICES",
    "iptables -t nat -A KUBE-SERVICES -d 10.96.0.50/32 -p tcp -m comment --comment 'default/other:http cluster IP' -m tcp --dport 30080 -j KUBE-SVC-AAAA",
    "iptables -t nat -A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
    "iptables -t nat -A KUBE-NODEPORTS -p tcp -m comment --comment 'default/web:http' -m tcp --dport 30080 -j KUBE-SVC-AAAA",
    "iptables -t nat -A KUBE-SVC-AAAA -m comment --comment 'default/web:http' -m statistic --mode random --probability 0.5 -j KUBE-SEP-ONE",
    "iptables -t nat -A KUBE-SVC-AAAA -m comment --comment 'default/web:http' -j KUBE-SEP-TWO",
    "iptables -t nat -A KUBE-SEP-ONE -p tcp -m comment --comment 'default/web:http' -m tcp -j DNAT --to-destination 10.244.0.5:8080",
    "iptables -t nat -A KUBE-SEP-TWO -p tcp -m comment --comment 'default/web:http' -m tcp -j DNAT --to-destination 10.244.0.6:8080",
)


def run(name, *lines):
    for line in lines:
        subprocess.run(
            ["ip", "netns", "exec", name, "sh", "-c", line], check=True, capture_output=True
        )


def nft(name, *rules, hook="prerouting", table="made"):
    run(
        name,
        f"nft add table ip {table}",
        f"nft add chain ip {table} way '{{type nat hook {hook} priority -100;}}'",
        *(f"nft add rule ip {table} way {rule}" for rule in rules),
    )


def in_(said, name):
    """Return the forwards of one namespace: other namespaces may have theirs."""
    return [row for row in said.data["forwards"] if row["netns_name"] == name]


@contextmanager
def two():
    """Yield two linked namespaces: a host and, behind it, a container; and the link."""
    with namespace("host") as host, namespace("box") as box:
        yield host, box, pair(host, box)


def test_an_nft_rule_forwards_and_its_target_is_followed_into_the_container():
    with (
        two() as (host, box, link),
        child_in(box, SERVER.format(host="0.0.0.0", number=80)) as child,
    ):
        nft(host, f"ip daddr {link.v4_a} tcp dport 8080 dnat to {link.v4_b}:80")
        said = ask(port, "8080", netns="all")

    [found] = in_(said, host)
    assert (found["by"], found["target"], found["netns_name"]) == ("nft", f"{link.v4_b}:80", host)
    assert (found["target_netns_name"], found["target_pid"], found["is_answered"]) == (
        box,
        child.pid,
        True,
    )
    assert f"to {link.v4_b}:80" in said.text
    assert "from outside" in found["source"]
    assert "from this host" not in found["source"]
    assert said.status == 0


def test_a_forward_that_leads_nowhere_is_told():
    with two() as (host, _, link):
        nft(host, f"tcp dport 8080 dnat to {link.v4_b}:81")
        said = ask(port, "8080", netns="all")

    [found] = in_(said, host)
    assert found["is_answered"] is False
    assert "nothing listens there" in said.text


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param("ip daddr 10.9.9.9 tcp dport 8080 dnat to 10.1.1.1:80", id="another address"),
        pytest.param("ip daddr 10.9.0.0/16 dnat to 10.1.1.1", id="another network, any port"),
        pytest.param("tcp dport 8081 dnat to 10.1.1.1:80", id="another port"),
        pytest.param("tcp dport != 8080 dnat to 10.1.1.1:80", id="every other port"),
        pytest.param("udp dport 8080 dnat to 10.1.1.1:80", id="another protocol"),
    ],
)
def test_a_rule_that_cannot_take_packets_to_the_port_is_not_claimed(rule):
    with two() as (host, _, _link):
        nft(host, rule)
        said = ask(port, "8080/tcp", netns=host)

    assert said.data["forwards"] == []
    assert said.status == 1


def test_a_rule_behind_one_that_always_wins_is_not_claimed():
    with two() as (host, _, _link):
        nft(host, "tcp dport 8080 dnat to 10.1.1.1:80", "tcp dport 8080 dnat to 10.1.1.2:80")
        said = ask(port, "8080", netns="all")

    assert [row["target"] for row in in_(said, host)] == ["10.1.1.1:80"]


def test_a_rule_for_another_address_is_told_when_that_address_is_asked_for():
    with two() as (host, _, _link):
        nft(host, "ip daddr 10.9.9.9 tcp dport 6379 dnat to 10.1.1.1:6379", hook="output")
        said = ask(port, "10.9.9.9:6379", netns="all")

    [found] = in_(said, host)
    assert found["target"] == "10.1.1.1:6379"
    assert "from this host" in found["source"]


def test_a_chain_of_nft_in_the_table_of_iptables_is_not_overlooked():
    with two() as (host, _, _link):
        nft(host, "tcp dport 8443 redirect to :4443", table="nat")
        run(host, "iptables -t nat -A PREROUTING -p tcp --dport 8444 -j REDIRECT --to-ports 4444")
        by_nft, by_iptables = ask(port, "8443", netns=host), ask(port, "8444", netns=host)

    assert [(row["by"], row["target"]) for row in by_nft.data["forwards"]] == [
        ("nft", "this host:4443")
    ]
    assert [(row["by"], row["target"]) for row in by_iptables.data["forwards"]] == [
        ("iptables", "this host:4444")
    ]


def test_docker_s_chain_forwards_from_outside_and_from_this_host_but_not_from_its_own_bridge():
    with two() as (host, box, link), child_in(box, SERVER.format(host="0.0.0.0", number=80)):
        run(
            host,
            *DOCKER,
            f"iptables -t nat -A DOCKER ! -i docker0 -p tcp -m tcp --dport 18080 -j DNAT --to-destination {link.v4_b}:80",
        )
        said = ask(port, "18080", netns="all")
        other = ask(port, "18081", netns="all")

    [found] = in_(said, host)
    assert (found["by"], found["target"]) == ("iptables", f"{link.v4_b}:80")
    assert "from outside and from this host" in found["source"]
    assert "not arriving by docker0" in found["source"]
    assert found["target_netns_name"] == box
    assert in_(other, host) == []


def test_kube_proxy_s_chains_tell_the_service_of_a_node_port_and_every_endpoint():
    with two() as (host, _, _link):
        run(host, *KUBE)
        said = ask(port, "30080", netns="all")
        cluster = ask(port, "10.96.0.50:30080", netns="all")

    assert {row["target"] for row in in_(said, host)} == {
        "10.244.0.5:8080",
        "10.244.0.6:8080",
    }
    assert {row["service"] for row in in_(said, host)} == {"default/web:http"}
    assert "Kubernetes service default/web:http" in said.text
    assert len(in_(cluster, host)) == 2


def test_docker_proxy_is_known_by_its_command_line(tmp_path):
    program = tmp_path / "docker-proxy"
    program.write_text(
        f"#!{sys.executable}\nimport socket, sys\nat = sys.argv.index('-host-port')\n"
        "server = socket.create_server(('0.0.0.0', int(sys.argv[at + 1])))\nsys.stdin.read()\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    with (
        two() as (host, box, link),
        child_in(box, SERVER.format(host="0.0.0.0", number=80)) as child,
    ):
        argv = [
            str(program),
            "-proto",
            "tcp",
            "-host-ip",
            "0.0.0.0",
            "-host-port",
            "8080",
            "-container-ip",
            link.v4_b,
            "-container-port",
            "80",
        ]
        with child_in(host, argv) as proxy:
            said = wait_for(lambda: in_(ask(port, "8080", netns="all"), host), what="docker-proxy")

    [found] = said
    assert (found["by"], found["pid"], found["target"]) == (
        "docker-proxy",
        proxy.pid,
        f"{link.v4_b}:80",
    )
    assert (found["target_netns_name"], found["target_pid"]) == (box, child.pid)


def _forwarding(said):
    return said if said.data["forwards"] else None


def test_socat_and_who_answers_behind_it():
    with (
        namespace("socat") as name,
        child_in(name, SERVER.format(host="127.0.0.1", number=6379)) as child,
        child_in(name, ["socat", "-d", "TCP4-LISTEN:9000,fork,reuseaddr", "TCP:127.0.0.1:6379"]),
    ):
        said = wait_for(lambda: _forwarding(ask(port, "9000", netns=name)), what="socat")

    [found] = said.data["forwards"]
    assert (found["by"], found["target"], found["target_pid"]) == (
        "socat",
        "127.0.0.1:6379",
        child.pid,
    )


@contextmanager
def sshd(name, folder, address):
    """Run an sshd that takes one key, in a namespace; yield the options that a client needs."""
    for key in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True
        )
    shutil.copy(folder / "user.pub", folder / "authorized")
    config = folder / "sshd_config"
    config.write_text(
        f"Port 2222\nListenAddress {address}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\nStrictModes no\n"
        "PermitRootLogin yes\nUsePAM no\nAllowTcpForwarding yes\nPidFile none\n"
    )
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with child_in(name, ["/usr/sbin/sshd", "-D", "-q", "-f", str(config)]) as daemon:
        options = [
            "-i",
            str(folder / "user"),
            "-p",
            "2222",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
        ]
        yield (
            daemon,
            [
                *options,
                "-o",
                "LogLevel=ERROR",
                "-o",
                "ExitOnForwardFailure=yes",
                "-F",
                "none",
                "-N",
            ],
        )


def test_ssh_forwards_of_every_kind_between_two_namespaces(tmp_path):
    if shutil.which("sshd", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("no openssh-server")
    with namespace("far") as far, namespace("near") as near:
        link = pair(far, near)
        with sshd(far, tmp_path, link.v4_a) as (daemon, options):
            wait_for(lambda: ask(port, "2222", netns=far).data["listeners"], what="sshd")
            argv = [
                "ssh",
                *options,
                "-L",
                "8080:localhost:80",
                "-D",
                "1080",
                "-R",
                "9090:localhost:90",
                f"root@{link.v4_a}",
            ]
            with child_in(near, argv) as client:
                back = wait_for(
                    lambda: _forwarding(ask(port, "9090", netns=far)), 10, "the -R listener"
                )
                local = ask(port, "8080", netns=near)
                socks = ask(port, "1080", netns=near)
                server = ask(port, "2222", netns="all")

    [found] = local.data["forwards"]
    assert (found["by"], found["pid"], found["target"]) == ("ssh", client.pid, "localhost:80")
    assert f"through root@{link.v4_a}" in found["how"]
    assert found["target_netns"] is None  # localhost of the far side is not ours to look up
    assert "a SOCKS proxy" in socks.data["forwards"][0]["how"]
    assert "the ssh session of root" in back.data["forwards"][0]["how"]
    assert "-R" in back.data["forwards"][0]["how"]
    assert server.data["forwards"] == []
    assert server.data["listeners"][0]["pid"] == daemon.pid
    assert [(row["pid"], row["netns_name"]) for row in server.data["clients"]] == [
        (client.pid, near)
    ]


def test_rules_that_an_ordinary_user_may_not_read_are_said_to_be_missing():
    with namespace("user") as name:
        ask(port, "8080", netns=name)  # what Python imports late, nobody may be unable to read
        missing = in_namespace(name, _missing_as_nobody, uid=NOBODY)

    assert "firewall" in missing or "nft" in missing


def _missing_as_nobody():
    return " ".join(ask(port, "8080", netns="self").snapshot.missing.values())
