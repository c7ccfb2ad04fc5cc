"""lookup() against the kernel where one situation is the point: states, copies, firewalls, foreign addresses."""

from __future__ import annotations

import os
import select
import socket
import struct
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.namespaces import enter, in_namespace, ip, namespace, pair, wait_for

from fivetuple.analysis.lookup import Verdict, lookup
from fivetuple.analysis.lookup_candidates import Packet
from fivetuple.kernel import netns
from fivetuple.model import facts
from fivetuple.model.endpoint import Endpoint, pack_address
from fivetuple.model.question import EVERY_STATE, Hint, Question
from fivetuple.model.state import ESTABLISHED, LISTEN, TIME_WAIT
from fivetuple.origins.live import Live

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.kernel

NEEDS = (
    facts.SOCKETS | facts.OPTIONS | facts.BACKLOG | facts.NAMESPACES | facts.ROUTES | facts.FIREWALL
)
V4, OTHER_V4, NETWORK_V4 = "10.77.8.1", "10.77.8.2", "10.77.8.255"
LINK_LOCAL, OTHER_LINK_LOCAL = "fe80::77", "fe80::78"
GROUP = "239.1.2.3"
SHORT_S = 0.3


@pytest.fixture(scope="module")
def spaces():
    """Two linked namespaces: names of both, and of the first one's interface."""
    with namespace() as inside, namespace() as outside:
        link = pair(inside, outside, 8)
        ip("-n", inside, "address", "add", f"{LINK_LOCAL}/64", "dev", link.interface_a, "nodad")
        ip(
            "-n",
            outside,
            "address",
            "add",
            f"{OTHER_LINK_LOCAL}/64",
            "dev",
            link.interface_b,
            "nodad",
        )
        ip(
            "-n",
            inside,
            "address",
            "change",
            f"{V4}/24",
            "broadcast",
            NETWORK_V4,
            "dev",
            link.interface_a,
        )
        yield inside, outside, link.interface_a


def look(
    protocol: str,
    source: tuple[str, int],
    to: tuple[str, int],
    *,
    is_syn: bool = False,
    interface: str = "",
) -> Verdict:
    """Ask where the packet goes, in the namespace of the caller."""
    snapshot = Live("netlink", 0).snapshot(
        Question(NEEDS, Hint(EVERY_STATE, frozenset((protocol, "raw"))))
    )
    own = netns.own()
    index = socket.if_nametoindex(interface) if interface else 0
    return lookup(snapshot, own, Packet(protocol, end(*source), end(*to), index, is_syn))


def end(address: str, port: int) -> Endpoint:
    return Endpoint(pack_address(address), port)


def inodes(verdict: Verdict) -> list[int]:
    return [each.inode for each in verdict.sockets]


def inode(sock: socket.socket) -> int:
    return os.fstat(sock.fileno()).st_ino


def listener(address: str = "127.0.0.1", port: int = 0, backlog: int = 8) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    made.listen(backlog)
    return made


def datagram(address: str, port: int = 0, **options: Any) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for name in options:
        made.setsockopt(socket.SOL_SOCKET, getattr(socket, name), 1)
    made.bind((address, port))
    return made


def received(sockets: Sequence[socket.socket]) -> list[int]:
    """Return the inodes of the sockets that have got something, once one has."""
    select.select(sockets, [], [], 2)
    readable, _, _ = select.select(sockets, [], [], 0)
    return [inode(each) for each in readable]


def nft(*lines: str) -> None:
    subprocess.run(
        ["nft", "-f", "-"], input="\n".join(("flush ruleset", *lines)), text=True, check=True
    )


def in_other(
    outside: str, inside: str, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM
) -> socket.socket:
    """Open a socket in the other namespace: it stays there."""
    enter(outside)
    try:
        return socket.socket(family, kind)
    finally:
        enter(inside)


def outcome(sender: socket.socket, to: tuple[str, int]) -> str:
    sender.settimeout(SHORT_S)
    try:
        sender.connect(to)
    except ConnectionRefusedError:
        return "reset"
    except TimeoutError:
        return "dropped"
    return "socket"


def test_connection_takes_its_own_segments(spaces):
    def story():
        with listener() as server, socket.create_connection(server.getsockname()) as client:
            accepted, peer = server.accept()
            with accepted:
                there = look("tcp", peer, server.getsockname())
                back = look("tcp", server.getsockname(), peer)
                return (
                    inodes(there) == [inode(accepted)],
                    inodes(back) == [inode(client)],
                    [each.inode for each, _ in there.others] == [inode(server)],
                )

    assert in_namespace(spaces[0], story) == (True, True, True)


def test_connection_that_nobody_accepted_takes_its_segments_without_a_file(spaces):
    def story():
        with listener() as server, socket.create_connection(server.getsockname()) as client:
            verdict = look("tcp", client.getsockname(), server.getsockname())
            return [(each.inode, each.state) for each in verdict.sockets]

    assert in_namespace(spaces[0], story) == [(0, ESTABLISHED)]


def test_syn_goes_past_time_wait_to_the_listener(spaces):
    def story():
        with listener() as server:
            client = socket.create_connection(server.getsockname())
            accepted, peer = server.accept()
            accepted.close()
            wait_for(lambda: client.recv(1) == b"", what="FIN")
            client.close()
            to = server.getsockname()
            any_segment, syn = look("tcp", peer, to), look("tcp", peer, to, is_syn=True)
            with socket.socket() as again:  # and so the kernel does
                again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                again.bind(peer)
                again.settimeout(2)
                again.connect(to)
                server.accept()[0].close()
            return (
                [each.state for each in any_segment.sockets],
                inodes(syn) == [inode(server)],
                [each.state for each, _ in syn.others],
            )

    assert in_namespace(spaces[0], story) == ([TIME_WAIT], True, [TIME_WAIT])


def test_full_accept_queue_is_told(spaces):
    def story():
        with listener(backlog=1) as server:
            clients = [socket.create_connection(server.getsockname()) for _ in range(2)]
            verdict = look("tcp", ("127.0.0.1", 9), server.getsockname(), is_syn=True)
            for each in clients:
                each.close()
            return inodes(verdict) == [inode(server)], verdict.reasons

    found, reasons = in_namespace(spaces[0], story)

    assert found
    assert "its accept queue is full (2 of 1): a SYN is dropped until it accepts" in reasons


def test_multicast_reaches_every_member_even_of_one_reuseport_group(spaces):
    def story():
        members = [datagram("0.0.0.0", 5001, SO_REUSEADDR=1, SO_REUSEPORT=1) for _ in range(3)]
        members.append(
            datagram(V4, 5001, SO_REUSEADDR=1, SO_REUSEPORT=1)
        )  # bound to another address
        for each in members[:3]:
            each.setsockopt(
                socket.IPPROTO_IP,
                socket.IP_ADD_MEMBERSHIP,
                socket.inet_aton(GROUP) + socket.inet_aton(V4),
            )
        with datagram(V4) as sender:
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(V4))
            verdict = look("udp", sender.getsockname(), (GROUP, 5001))
            sender.sendto(b"?", (GROUP, 5001))
            got = received(members)
        for each in members:
            each.close()
        return sorted(inodes(verdict)) == sorted(got), len(got), verdict.reasons

    same, count, reasons = in_namespace(spaces[0], story)

    assert same
    assert count == 3
    assert "each of the 3 sockets that match gets a copy" in reasons


def test_broadcast_reaches_every_socket_that_matches(spaces):
    inside, outside, _ = spaces

    def story():
        sockets = [datagram("0.0.0.0", 5002, SO_REUSEADDR=1) for _ in range(2)] + [
            datagram(V4, 5002, SO_REUSEADDR=1)
        ]
        with in_other(outside, inside, kind=socket.SOCK_DGRAM) as sender:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sender.bind((OTHER_V4, 0))
            verdict = look("udp", sender.getsockname(), (NETWORK_V4, 5002))
            sender.sendto(b"?", (NETWORK_V4, 5002))
            got = received(sockets[:2])
        for each in sockets:
            each.close()
        return sorted(inodes(verdict)) == sorted(got), len(got)

    assert in_namespace(inside, story) == (True, 2)


def test_raw_socket_gets_a_copy_beside_the_receiver(spaces):
    def story():
        with (
            socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as raw,
            datagram("127.0.0.1") as receiver,
            datagram("127.0.0.1") as sender,
        ):
            verdict = look("udp", sender.getsockname(), receiver.getsockname())
            sender.sendto(b"?", receiver.getsockname())
            return (
                inodes(verdict) == [inode(receiver)],
                [each.inode for each in verdict.copies] == [inode(raw)],
                len(received([receiver, raw])),
            )

    assert in_namespace(spaces[0], story) == (True, True, 2)


def test_link_local_listener_hears_its_own_link_only(spaces):
    inside, outside, device = spaces

    def story():
        scope = socket.if_nametoindex(device)
        with (
            socket.socket(socket.AF_INET6) as server,
            in_other(outside, inside, socket.AF_INET6) as client,
        ):
            server.bind((LINK_LOCAL, 0, 0, scope))
            server.listen()
            port = server.getsockname()[1]
            there = look("tcp", (OTHER_LINK_LOCAL, 9), (LINK_LOCAL, port), interface=device)
            by_lo = look("tcp", (OTHER_LINK_LOCAL, 9), (LINK_LOCAL, port), interface="lo")
            enter(outside)
            other_scope = socket.if_nametoindex("veth8b")
            enter(inside)
            client.settimeout(2)
            client.connect((LINK_LOCAL, port, 0, other_scope))
            return inodes(there) == [inode(server)], by_lo.answer

    assert in_namespace(inside, story) == (True, "reset")


@pytest.mark.parametrize("to", ["192.0.2.9", OTHER_V4])
def test_packet_for_another_host_reaches_no_socket(spaces, to):
    def story():
        with listener("0.0.0.0") as server:
            return look("tcp", ("127.0.0.1", 9), (to, server.getsockname()[1])).answer

    assert in_namespace(spaces[0], story) == "unreachable"


def test_loopback_address_is_not_reached_from_outside(spaces):
    def story():
        with listener("0.0.0.0") as server:
            port = server.getsockname()[1]
            return look("tcp", (OTHER_V4, 9), ("127.0.0.1", port)).answer, look(
                "tcp", (V4, 9), ("127.0.0.1", port)
            ).answer

    assert in_namespace(spaces[0], story) == ("dropped", "socket")


RULES = f"""
table ip nat {{
  chain pre {{
    type nat hook prerouting priority -100
    tcp dport 8080 redirect to :9090
    tcp dport 8081 dnat to 192.0.2.9:1
    tcp dport 8082 dnat to {V4}:9090
  }}
  chain out {{
    type nat hook output priority -100
    tcp dport 8080 redirect to :9090
  }}
}}
table inet filter {{
  chain services {{
    tcp dport {{ 22, 9090 }} accept
    tcp dport 25 return
    tcp dport 25 accept
  }}
  chain input {{
    type filter hook input priority 0
    policy drop
    ct state established,related accept
    iifname lo accept
    jump services
    tcp dport 23 reject with tcp reset
    tcp dport 24 limit rate 1/second accept
  }}
}}
"""


@pytest.mark.parametrize(
    ("port", "answer"),
    [
        (9090, "socket"),
        (8080, "socket"),
        (8082, "socket"),
        (22, "socket"),
        (23, "unreachable"),
        (25, "dropped"),
        (80, "dropped"),
        (9091, "dropped"),
    ],
)
def test_firewall_rewrites_and_filters_before_the_look_up(spaces, port, answer):
    inside, outside, _ = spaces

    def story():
        nft(RULES)
        servers = [listener("0.0.0.0", each) for each in (9090, 22, 23, 25, 80)]
        try:
            with in_other(outside, inside) as client:
                client.bind((OTHER_V4, 0))
                verdict = look("tcp", client.getsockname(), (V4, port), is_syn=True)
                return (
                    verdict.answer,
                    [each.local_port for each in verdict.sockets],
                    outcome(client, (V4, port)),
                )
        finally:
            for each in servers:
                each.close()
            nft()

    said, ports, truth = in_namespace(inside, story)

    assert said == answer
    assert truth == ("reset" if answer == "unreachable" else answer)
    assert ports == ([] if answer != "socket" else [22 if port == 22 else 9090])


def test_host_that_talks_to_itself_meets_the_rules_of_output_and_lo(spaces):
    def story():
        nft(RULES)
        with listener("0.0.0.0", 9090) as server, listener(V4, 80), socket.socket() as client:
            redirected = look("tcp", (V4, 9), (V4, 8080))
            accepted = look("tcp", (V4, 9), (V4, 80))
            truth = outcome(client, (V4, 8080))
            nft()
            return inodes(redirected) == [inode(server)], accepted.answer, truth

    assert in_namespace(spaces[0], story) == (True, "socket", "socket")


def test_destination_rewritten_to_another_host_is_forwarded(spaces):
    def story():
        nft(RULES)
        verdict = look("tcp", (OTHER_V4, 9), (V4, 8081))
        nft()
        return verdict

    verdict = in_namespace(spaces[0], story)

    assert verdict.answer == "unreachable"
    assert str(verdict.packet.destination) == "192.0.2.9:1"
    assert "its destination is rewritten to 192.0.2.9:1" in verdict.reasons[0]


def test_rule_that_cannot_be_judged_is_told_and_decides_nothing(spaces):
    def story():
        nft(RULES)
        with listener("0.0.0.0", 24):
            verdict = look("tcp", (OTHER_V4, 9), (V4, 24))
        nft()
        return verdict.answer, verdict.reasons

    answer, reasons = in_namespace(spaces[0], story)

    assert answer == "socket"
    assert any("can't be told from outside" in reason for reason in reasons)


def test_group_names_every_member_whoever_the_hash_picks(spaces):
    def story():
        members = []
        for _ in range(3):
            made = socket.socket()
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            made.bind(("127.0.0.1", 5003))
            made.listen()
            members.append(made)
        verdict = look("tcp", ("127.0.0.1", 9), ("127.0.0.1", 5003), is_syn=True)
        for each in members:
            each.close()
        return len(verdict.sockets), verdict.is_certain, {each.state for each in verdict.sockets}

    assert in_namespace(spaces[0], story) == (3, True, {LISTEN})


def test_reset_of_a_closed_port_has_a_sentence(spaces):
    def story():
        linger = struct.pack("ii", 1, 0)
        with listener() as server, socket.create_connection(server.getsockname()) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            to = server.getsockname()
        return look("tcp", ("127.0.0.1", 9), to)

    verdict = in_namespace(spaces[0], story)

    assert verdict.answer == "reset"
    assert verdict.reasons[-1].endswith("the kernel answers with a RST")
