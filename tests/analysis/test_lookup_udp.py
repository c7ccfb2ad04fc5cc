from __future__ import annotations

from tests.support.lookups import ETH0, NETNS, packet, row, snapshot

from fivetuple.analysis.lookup import lookup
from fivetuple.model.record import REUSEADDR, REUSEPORT, V6ONLY

CLIENT, SERVER = "203.0.113.5:40000", "192.0.2.1:53"


def judged(*rows, protocol="udp", source=CLIENT, to=SERVER, road="bpf"):
    verdict = lookup(snapshot(*rows, road=road), NETNS, packet(protocol, source, to))
    return [each.inode for each in verdict.sockets], verdict.is_certain


def why_not(*rows):
    verdict = lookup(snapshot(*rows), NETNS, packet("udp", CLIENT, SERVER))
    return {each.inode: reason for each, reason in verdict.others}


def test_socket_connected_to_the_sender_goes_first():
    rows = (
        row("udp", SERVER, inode=1, interface=ETH0),
        row("udp", SERVER, CLIENT, inode=2),
        row("udp", SERVER, "203.0.113.6:1", inode=3),
    )

    assert judged(*rows) == ([2], True)
    assert why_not(*rows) == {
        1: "a socket connected to the sender goes before it",
        3: "it is connected to 203.0.113.6:1",
    }


def test_two_connected_alike_are_both_named():
    assert judged(row("udp", SERVER, CLIENT, inode=1), row("udp", SERVER, CLIENT, inode=2)) == (
        [1, 2],
        False,
    )


def test_exact_address_goes_before_the_wildcard():
    rows = row("udp", ":53", inode=1, interface=ETH0), row("udp", SERVER, inode=2)

    assert judged(*rows) == ([2], True)
    assert why_not(*rows) == {1: "a socket at the packet's own address goes before the wildcard"}


def test_of_equal_twins_the_one_bound_last_wins():
    rows = (
        row("udp", ":53", inode=7, options=REUSEADDR),
        row("udp", ":53", inode=3, options=REUSEADDR),
    )

    assert judged(*rows) == ([7], True)
    assert why_not(*rows) == {
        3: "it was bound earlier: of equal sockets the one bound last wins (by the order of the kernel's list)"
    }


def test_twins_are_all_named_where_the_road_does_not_tell_reuseport():
    assert judged(row("udp", ":53", inode=7), row("udp", ":53", inode=3), road="netlink") == (
        [7, 3],
        False,
    )


def test_twins_of_two_users_are_no_group_and_the_last_wins():
    rows = row("udp", ":53", inode=7, uid=1), row("udp", ":53", inode=3, uid=2)

    assert judged(*rows, road="netlink") == ([7], True)


def test_order_is_not_trusted_between_sockets_with_and_without_a_known_process():
    taken = snapshot(
        row("udp", ":53", inode=7, options=REUSEADDR), row("udp", ":53", inode=3, options=REUSEADDR)
    )
    del taken.holders[3]

    verdict = lookup(taken, NETNS, packet("udp", CLIENT, SERVER))

    assert ([each.inode for each in verdict.sockets], verdict.is_certain) == ([7, 3], False)


def test_bound_interface_and_ipv4_score_higher():
    everywhere = row("udp", ":53", inode=1, options=REUSEADDR)
    bound = row("udp", "*:53", inode=2, options=REUSEADDR, interface=ETH0)
    both = row("udp", "*:53", inode=3, options=REUSEADDR)

    assert judged(everywhere, bound, both) == ([2], True)
    assert (
        why_not(everywhere, bound, both)[1]
        == "a socket bound to the arriving interface scores higher"
    )
    assert judged(both, everywhere) == ([1], True)
    assert why_not(both, everywhere) == {
        3: "an IPv4 socket scores higher for IPv4 than one that takes both families"
    }


def test_group_answers_at_once_unless_a_connected_socket_may_belong_to_it():
    group = [row("udp", SERVER, inode=each, options=REUSEPORT | REUSEADDR) for each in (1, 2)]
    bound = row("udp", SERVER, inode=3, options=REUSEADDR, interface=ETH0)
    connected = row("udp", SERVER, "203.0.113.6:1", inode=4, options=REUSEPORT | REUSEADDR)

    assert judged(*group, bound) == ([1, 2], True)
    assert judged(*group, bound, connected) == ([3, 1, 2], False)


def test_udp_lite_has_no_table_of_connected_sockets():
    group = row("udplite", SERVER, inode=1, options=REUSEPORT | REUSEADDR, interface=ETH0)
    connected = row("udplite", SERVER, CLIENT, inode=2, options=REUSEPORT | REUSEADDR)

    assert judged(group, connected, protocol="udplite") == ([1], True)


def test_ipv6_scores_peer_and_interface():
    source, to = "[2001:db8::5]:9", "[2001:db8::1]:53"
    rows = (
        row("udp", "*:53", inode=1, options=V6ONLY),
        row("udp", "*:53", inode=2, interface=ETH0),
        row("udp", ":53", inode=3),
    )

    assert judged(*rows, source=source, to=to) == ([2], True)


def test_multicast_reaches_every_match_and_nobody_is_unreachable():
    rows = (
        row("udp", ":5353", inode=1, options=REUSEPORT),
        row("udp", ":5353", inode=2, options=REUSEPORT),
        row("udp", "192.0.2.1:5353", inode=3),
    )

    assert judged(*rows, to="224.0.0.251:5353") == ([1, 2], True)
    assert lookup(snapshot(), NETNS, packet("udp", CLIENT, "224.0.0.251:5353")).answer == "dropped"
