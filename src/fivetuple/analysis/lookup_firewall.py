"""What the firewall does to a packet before the sockets are looked up: rewrite, drop, refuse, or nothing.

The order of Netfilter: a packet from outside meets prerouting, then input; one that the host sends
to itself meets output, prerouting and input. Addresses are translated by the first packet of a
connection, in prerouting from outside and in output from here; a connection that stands keeps what
it got. A rule with a condition that can't be judged from outside (a mark, a limit, a match that
we don't know) decides nothing here; it is told that it might.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fivetuple.analysis.firewall import ruleset
from fivetuple.analysis.lookup_candidates import is_v4
from fivetuple.analysis.lookup_conditions import Meeting, holds
from fivetuple.analysis.lookup_delivery import arriving_interface, is_local, knows_addresses
from fivetuple.model.endpoint import LOOPBACK_V6, V4_PREFIX, Endpoint, pack_address
from fivetuple.model.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fivetuple.analysis.firewall_form import BaseChain, Rule, Ruleset
    from fivetuple.analysis.lookup_candidates import Packet
    from fivetuple.model.namespace import Namespace


class Met(NamedTuple):
    """What came of a packet before the sockets."""

    packet: Packet
    """As the sockets see it."""
    answer: str | None
    """`dropped` or `unreachable` when it gets no further."""
    reasons: list[str]


class Judgement(NamedTuple):
    """What one base chain says."""

    verdict: str
    """accept, drop, reject ...; of a nat chain dnat or redirect."""
    rule: Rule | None
    """The rule that said it; None: the chain's policy."""
    doubts: list[Rule]
    """Rules before it that would have decided otherwise, if they apply."""


REWRITING = frozenset(("dnat", "redirect", "netmap"))
FILTERING = frozenset(("accept", "drop", "reject", "queue", "tproxy"))
LOOPBACK_V4 = V4_PREFIX + b"\x7f\0\0\1"
TAKING = {
    "tproxy": "a rule hands it to a socket of its choice (TPROXY), which is not followed here",
    "queue": "a rule hands it to a program (NFQUEUE) that may drop or change it",
}
ANSWERS = {"drop": "dropped", "reject": "unreachable"}


def meet(space: Namespace | None, packet: Packet, *, is_new: bool) -> Met:
    """Take a packet through the namespace's rules. `is_new`: it belongs to no known connection."""
    if space is None or space.firewall is None:
        return Met(
            packet,
            None,
            ["firewall rules could not be read, so address translation and filters are left out"],
        )
    firewall: Any = space.firewall
    rules = ruleset(firewall)
    reasons = [
        f"not all firewall rules could be read: {problem}"
        for problem in firewall.get("problems", ())
    ]
    if not rules.bases:
        return Met(packet, None, reasons)
    is_from_here = knows_addresses(space) and is_local(space, packet.source.address)
    if is_new:
        packet = _rewritten(space, rules, packet, reasons, is_from_here=is_from_here)
    for hook in ("output", "prerouting", "input") if is_from_here else ("prerouting", "input"):
        if (
            hook == "input"
            and knows_addresses(space)
            and not is_local(space, packet.destination.address)
        ):
            break  # forwarded, or not for us
        meeting = _meeting(space, packet, hook, is_new=is_new, is_from_here=is_from_here)
        for base, judged in _judge_hook(rules, hook, meeting):
            reasons += _doubts(base, judged)
            if judged.rule and judged.verdict in TAKING:
                reasons.append(f"{TAKING[judged.verdict]}: {judged.rule.step.text}")
            if judged.verdict in ANSWERS and not judged.doubts:
                return Met(packet, ANSWERS[judged.verdict], [*reasons, _said_of(base, judged)])
    return Met(packet, None, reasons)


def _meeting(
    space: Namespace, packet: Packet, hook: str, *, is_new: bool, is_from_here: bool
) -> Meeting:
    """Say what a rule at the hook sees of the packet; what a host sends to itself travels by `lo`."""
    index = arriving_interface(space, packet)
    name = "lo" if is_from_here else space.interfaces.get(index)
    return Meeting(
        packet,
        in_interface="" if hook == "output" else name,
        out_interface=name if hook == "output" else "",
        state="new" if is_new else "established",
        destination_type=("local" if is_local(space, packet.destination.address) else "unicast")
        if knows_addresses(space)
        else None,
    )


def _rewritten(
    space: Namespace, rules: Ruleset, packet: Packet, reasons: list[str], *, is_from_here: bool
) -> Packet:
    """Return the packet as destination NAT leaves it."""
    hook = "output" if is_from_here else "prerouting"
    meeting = _meeting(space, packet, hook, is_new=True, is_from_here=is_from_here)
    for base in _bases(rules, hook, meeting, types=("nat",)):
        judged = judge(base, _rules_of(rules, base), meeting, REWRITING | FILTERING)
        reasons.extend(
            f"a rule may send it elsewhere; whether it applies can't be told from outside: {doubt.step.text}"
            for doubt in judged.doubts
            if doubt.step.verdict in REWRITING
        )
        if judged.rule is None or judged.verdict not in REWRITING or judged.doubts:
            continue
        new = _new_end(space, packet, judged.rule, is_from_here=is_from_here)
        by = f"{judged.verdict}: {judged.rule.step.text}"
        if new is None:
            reasons.append(
                f"a rule rewrites its destination in a way that can't be foretold ({by})"
            )
            return packet
        reasons.append(
            f"before any socket is looked up, its destination is rewritten to {new} ({by})"
        )
        return packet._replace(destination=new)
    return packet


def _new_end(
    space: Namespace, packet: Packet, rule: Rule, *, is_from_here: bool
) -> Endpoint | None:
    """Return the rewritten destination; None when the rule leaves a choice."""
    step = rule.step
    low, high = step.ports or (packet.destination.port, packet.destination.port)
    if step.verdict == "netmap" or low != high or (step.address and "-" in step.address):
        return None
    try:
        address = pack_address(step.address) if step.address else packet.destination.address
    except BadInput:
        return None
    if step.verdict == "redirect":
        address = _redirected(space, packet, is_from_here=is_from_here)
    return Endpoint(address, low) if address else None


def _redirected(space: Namespace, packet: Packet, *, is_from_here: bool) -> bytes | None:
    """Return the address that `redirect` sends to: net/netfilter/nf_nat_redirect.c."""
    family_is_v4 = is_v4(packet.destination.address)
    if is_from_here:
        return LOOPBACK_V4 if family_is_v4 else LOOPBACK_V6
    index = arriving_interface(space, packet)
    own = (address for each, address, _ in space.addresses if each == index)
    return next((address for address in own if is_v4(address) == family_is_v4), None)


def _bases(rules: Ruleset, hook: str, meeting: Meeting, types: Sequence[str]) -> list[BaseChain]:
    """Return the base chains that the packet meets at a hook, in order."""
    families = ("inet", "ip" if is_v4(meeting.packet.destination.address) else "ip6")
    found = [
        base
        for base in rules.bases
        if base.hook == hook and base.family in families and base.type in types
    ]
    return sorted(found, key=lambda base: base.priority)


def _rules_of(rules: Ruleset, base: BaseChain) -> Iterable[Rule]:
    return (rule for rule in rules.rules(base.hook, base.type) if rule.base == base)


def _judge_hook(
    rules: Ruleset, hook: str, meeting: Meeting
) -> Iterable[tuple[BaseChain, Judgement]]:
    """Yield what each filtering base chain of the hook says."""
    for base in _bases(rules, hook, meeting, types=("filter", "route")):
        yield base, judge(base, _rules_of(rules, base), meeting, FILTERING)


def judge(
    base: BaseChain, rules: Iterable[Rule], meeting: Meeting, deciding: frozenset[str]
) -> Judgement:
    """Take a packet through one base chain."""
    doubts: list[Rule] = []
    left: tuple[str, ...] | None = None
    for rule in rules:
        if left is not None and rule.chains[: len(left)] == left:
            continue  # a chain that was returned from
        left = None
        does = _all_hold(rule, meeting)
        if does is False:
            continue
        if does is None:
            if rule.step.verdict in deciding or rule.step.verdict == "return":
                doubts.append(rule)
            continue
        if rule.step.verdict == "return":
            left = rule.chains
        elif rule.step.verdict in deciding:
            return _judgement(rule.step.verdict, rule, doubts)
    return _judgement(base.policy, None, doubts)


def _judgement(verdict: str, rule: Rule | None, doubts: Sequence[Rule]) -> Judgement:
    """Keep the doubts that would have decided otherwise."""
    return Judgement(verdict, rule, [each for each in doubts if each.step.verdict != verdict])


def _all_hold(rule: Rule, meeting: Meeting) -> bool | None:
    """Tell whether every condition holds; None when that can't be told."""
    result: bool | None = True
    for condition in rule.conditions:
        does = holds(condition, meeting)
        if does is False:
            return False
        if does is None:
            result = None
    return result


def _doubts(base: BaseChain, judged: Judgement) -> list[str]:
    """Say where a filter might drop the packet and it can't be told whether it does."""
    if judged.verdict in ANSWERS and judged.doubts:
        by = judged.rule.step.text if judged.rule else f"the policy of {base.name} ({base.table})"
        return [
            f"the firewall drops it ({by}) unless an earlier rule lets it in, which can't be told from outside: {judged.doubts[0].step.text}"
        ]
    return [
        f"a firewall rule may drop it, but whether it applies can't be told from outside: {doubt.step.text}"
        for doubt in judged.doubts
        if doubt.step.verdict in ANSWERS
    ]


def _said_of(base: BaseChain, judged: Judgement) -> str:
    """Say what stopped the packet."""
    verb = (
        "drops it"
        if judged.verdict == "drop"
        else "refuses it (with ICMP, or with a RST where the rule says so)"
    )
    where = f"the firewall at {base.hook}"
    if judged.rule is None:
        return f"{where} {verb}: the policy of {base.family} {base.table} {base.name}"
    return f"{where} {verb}: {judged.rule.step.text}"
