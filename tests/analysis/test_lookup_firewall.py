from __future__ import annotations

import pytest
from tests.support.lookups import packet, space

from fivetuple.analysis.lookup_firewall import meet

CLIENT, SERVER = "203.0.113.5:40000", "192.0.2.1:80"


def walled(*lines, table="filter"):
    """Make a namespace with these lines of iptables-save."""
    text = "\n".join((f"*{table}", *lines, "COMMIT", ""))
    return space(firewall={"nft": [], "legacy": {"ip": text}})


def met(where, source=CLIENT, destination=SERVER, *, is_new=True):
    return meet(where, packet("tcp", source, destination), is_new=is_new)


def test_no_rules_leave_the_packet_as_it_is():
    assert met(space()) == (packet("tcp", CLIENT, SERVER), None, [])


def test_unread_rules_are_said():
    assert met(space(firewall=None)).reasons == [
        "firewall rules could not be read, so address translation and filters are left out"
    ]
    assert met(space(firewall={"nft": [], "problems": ["ip6tables is gone"]})).reasons == [
        "not all firewall rules could be read: ip6tables is gone"
    ]


def test_policy_drops_what_no_rule_lets_in():
    where = walled(":INPUT DROP [0:0]", "-A INPUT -p tcp --dport 443 -j ACCEPT")

    assert met(where).answer == "dropped"
    assert met(where).reasons == ["the firewall at input drops it: the policy of ip filter INPUT"]
    assert met(where, destination="192.0.2.1:443").answer is None


def test_known_connection_passes_where_its_state_is_accepted():
    where = walled(
        ":INPUT DROP [0:0]", "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
    )

    assert met(where, is_new=False).answer is None
    assert met(where, is_new=True).answer == "dropped"


def test_rejection_is_told_with_its_rule():
    where = walled(
        ":INPUT ACCEPT [0:0]",
        "-A INPUT -s 203.0.113.0/24 -j REJECT --reject-with icmp-port-unreachable",
    )

    assert met(where).answer == "unreachable"
    assert "-A INPUT -s 203.0.113.0/24 -j REJECT" in met(where).reasons[0]


def test_return_from_a_chain_goes_on_behind_its_jump():
    where = walled(
        ":INPUT ACCEPT [0:0]", ":LOCAL - [0:0]", "-A INPUT -j LOCAL", "-A INPUT -p tcp --dport 80 -j DROP",
        "-A LOCAL -p tcp --dport 80 -j RETURN", "-A LOCAL -j ACCEPT",
    )  # fmt: skip

    assert met(where).answer == "dropped"
    assert met(where, destination="192.0.2.1:81").answer is None


@pytest.mark.parametrize("policy", ["ACCEPT", "DROP"])
def test_condition_that_cannot_be_judged_decides_nothing(policy):
    verdict = "DROP" if policy == "ACCEPT" else "ACCEPT"
    wall = met(walled(f":INPUT {policy} [0:0]", f"-A INPUT -m recent --name x -j {verdict}"))

    assert wall.answer is None
    assert len(wall.reasons) == 1
    assert "can't be told from outside" in wall.reasons[0]


def test_destination_is_rewritten_by_prerouting_for_others_and_by_output_for_ourselves():
    where = walled(
        ":PREROUTING ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]",
        "-A PREROUTING ! -i docker0 -p tcp --dport 80 -j DNAT --to-destination 172.17.0.2:8080",
        "-A OUTPUT -d 192.0.2.1 -p tcp --dport 80 -j REDIRECT --to-ports 9090",
        table="nat",
    )  # fmt: skip

    assert str(met(where).packet.destination) == "172.17.0.2:8080"
    assert str(met(where, source="192.0.2.1:1").packet.destination) == "127.0.0.1:9090"
    assert str(met(where, is_new=False).packet.destination) == SERVER


def test_redirect_from_outside_goes_to_the_arriving_interface():
    where = walled(
        ":PREROUTING ACCEPT [0:0]",
        "-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 9090",
        table="nat",
    )

    assert str(met(where, source="198.51.100.7:1").packet.destination) == "198.51.100.1:9090"


def test_rewriting_that_leaves_a_choice_is_told_and_not_guessed():
    where = walled(
        ":PREROUTING ACCEPT [0:0]",
        "-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.1-10.0.0.9",
        table="nat",
    )

    assert str(met(where).packet.destination) == SERVER
    assert "can't be foretold" in met(where).reasons[0]


def test_forwarded_packet_does_not_meet_the_input_chain():
    assert met(walled(":INPUT DROP [0:0]"), destination="192.0.2.77:80").answer is None


def test_rules_of_the_other_family_are_not_met():
    where = space(firewall={"nft": [], "legacy": {"ip6": "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"}})

    assert met(where).answer is None
    assert met(where, source="[2001:db8::9]:1", destination="[2001:db8::1]:80").answer == "dropped"
