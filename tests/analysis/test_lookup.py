from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.support.lookups import ETH1, NETNS, packet, row, snapshot, space

from fivetuple.analysis.lookup import followed, lookup
from fivetuple.model import record
from fivetuple.model.endpoint import ANY_V4, ANY_V6, Endpoint, pack_address
from fivetuple.model.namespace import Namespace

CLIENT, SERVER = "203.0.113.5:40000", "192.0.2.1:80"


def judged(*rows, to=SERVER, protocol="tcp", road="bpf", **changes):
    return lookup(
        snapshot(*rows, road=road, where=space(**changes)), NETNS, packet(protocol, CLIENT, to)
    )


def test_closed_port_is_reset_by_tcp_and_unreachable_by_udp():
    assert judged().answer == "reset"
    assert judged(protocol="udp").answer == "unreachable"
    assert judged(protocol="udplite").answer == "unreachable"


def test_packet_for_another_host_is_unreachable_and_names_no_candidate():
    verdict = judged(row("tcp", ":80", inode=1), to="192.0.2.2:80")

    assert (verdict.answer, verdict.sockets, verdict.others) == ("unreachable", [], [])


def test_tcp_takes_no_broadcast():
    assert judged(row("tcp", ":80", inode=1), to="192.0.2.255:80").answer == "dropped"


def test_rewritten_packet_is_looked_up_at_its_new_port():
    rules = {
        "nft": [],
        "legacy": {
            "ip": "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080\nCOMMIT\n"
        },
    }

    verdict = judged(row("tcp", ":80", inode=1), row("tcp", ":8080", inode=2), firewall=rules)

    assert [each.inode for each in verdict.sockets] == [2]
    assert verdict.reasons[0].startswith(
        "before any socket is looked up, its destination is rewritten to 192.0.2.1:8080"
    )


def test_connection_that_stands_is_not_rewritten():
    rules = {
        "nft": [],
        "legacy": {
            "ip": "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080\nCOMMIT\n"
        },
    }

    assert [
        each.inode for each in judged(row("tcp", SERVER, CLIENT, inode=1), firewall=rules).sockets
    ] == [1]


def test_raw_sockets_are_told_beside_the_receiver():
    verdict = judged(row("tcp", ":80", inode=1), row("raw", ":0", inode=2, protocol_number=6))

    assert [each.inode for each in verdict.copies] == [2]
    assert verdict.reasons[-1] == "a raw socket gets a copy as well"


def test_what_the_road_does_not_tell_is_said():
    dual = row("tcp", "*:80", inode=1, known=record.INODE)

    assert judged(dual, road="proc").reasons[-2:] == [
        "/proc does not tell which sockets are bound to an interface: none was taken to be",
        "whether the IPv6 socket takes IPv4 too (IPV6_V6ONLY off) is not known here: it was taken to",
    ]
    assert not any(
        "V6ONLY" in reason for reason in judged(row("tcp", ":80", inode=1), road="ss").reasons
    )


def test_unknown_interface_is_said_where_a_socket_is_bound_to_one():
    verdict = judged(row("tcp", ":80", inode=1, interface=ETH1), interfaces={})

    assert verdict.answer == "reset"
    assert (
        verdict.reasons[-1]
        == "by which interface it arrives is not known, so sockets bound to one were left out; --iface tells"
    )


PUBLISHED = {
    "nft": [],
    "legacy": {
        "ip": "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 172.17.0.2:8080\nCOMMIT\n"
    },
}


def container():
    """Make a container's namespace: 172.17.0.2 on its eth0."""
    made = Namespace(7, "web")
    made.interfaces = {1: "lo", 2: "eth0"}
    made.addresses = ((2, pack_address("172.17.0.2"), 112),)
    made.local_prefixes = ((pack_address("172.17.0.2"), 128),)
    made.routes = ((pack_address("0.0.0.0"), 96, 2, pack_address("172.17.0.1")),)
    made.firewall = {"nft": []}
    return made


def test_published_port_is_followed_into_its_container():
    taken = snapshot(
        row("tcp", ":80", inode=1),
        row("tcp", "*:8080", inode=2, netns=7),
        where=space(firewall=PUBLISHED),
    )
    taken.namespaces[7] = container()

    host, web = followed(
        taken, [lookup(taken, netns, packet("tcp", CLIENT, SERVER)) for netns in (NETNS, 7)]
    )

    assert (host.answer, host.is_rewritten) == ("unreachable", True)
    assert [each.inode for each in web.sockets] == [2]
    assert (
        web.reasons[0]
        == "it comes from namespace host, which rewrites its destination to 172.17.0.2:8080"
    )


def test_published_port_is_not_followed_where_nobody_asked_and_that_is_said():
    taken = snapshot(where=space(firewall=PUBLISHED))

    (host,) = followed(taken, [lookup(taken, NETNS, packet("tcp", CLIENT, SERVER))])

    assert (
        host.reasons[-1]
        == "the other namespaces of this host were not asked for it; --netns all does"
    )


ADDRESSES = st.sampled_from(
    [
        ANY_V4,
        ANY_V6,
        *map(pack_address, ("192.0.2.1", "127.0.0.1", "::1", "2001:db8::1", "203.0.113.5")),
    ]
)
ROWS = st.builds(
    lambda **columns: record.pack({"netns": NETNS, "local_port": 80, "known": record.OPTIONS, "inode": 9, **columns}),
    family=st.sampled_from([2, 10]), type=st.sampled_from([1, 2, 3]), state=st.integers(1, 13),
    protocol_number=st.sampled_from([6, 17, 136]), remote_port=st.sampled_from([0, 80, 40000]), uid=st.integers(0, 1),
    interface=st.integers(0, 3), local=ADDRESSES, remote=ADDRESSES, options=st.sampled_from([0, 1, 2, 4, 7]),
    accept_queue=st.integers(0, 2),
)  # fmt: skip


@given(
    st.lists(ROWS, max_size=8),
    st.sampled_from(["tcp", "udp", "udplite"]),
    ADDRESSES,
    ADDRESSES,
    st.booleans(),
    st.sampled_from(["bpf", "netlink", "proc"]),
)
def test_every_socket_with_the_port_is_named_once_or_counted(
    rows, protocol, source, to, is_syn, road
):
    asked = packet(protocol, "127.0.0.1:80", "127.0.0.1:80", is_syn=is_syn)._replace(
        source=Endpoint(source, 80), destination=Endpoint(to, 80)
    )

    verdict = lookup(snapshot(*rows, road=road), NETNS, asked)

    named = [each.row for each in verdict.sockets] + [each.row for each, _ in verdict.others]
    assert (verdict.answer == "socket") == bool(verdict.sockets)
    assert len(named) == len(set(named))
    assert all(reason for reason in verdict.reasons)
