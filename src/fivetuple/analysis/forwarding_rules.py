"""Which NAT rules of a namespace forward a port of it: only those that can match its own addresses.

A packet to the port is taken through prerouting (it comes from outside) and output (this host
sends it), once for every own address, or for the one address that was asked for. Who sends it, by
which interface, is not known here: a rule that asks for that may take it, and says for whom. A
rule whose conditions surely hold ends the way, as in the kernel.
"""

from __future__ import annotations

from collections import namedtuple

from fivetuple.analysis.firewall import REWRITING, ruleset
from fivetuple.analysis.lookup_candidates import Packet, is_v4
from fivetuple.analysis.lookup_conditions import Meeting, holds
from fivetuple.model.endpoint import ANY_V4, Endpoint, address_text, is_loopback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from fivetuple.analysis.firewall_form import BaseChain, Condition, Rule, Ruleset
    from fivetuple.model.namespace import Namespace

HOOKS = {"prerouting": "from outside", "output": "from this host"}
# What can't be known of a packet that nobody sent yet.
UNKNOWN = frozenset(("source", "source_port"))
PORT_FIELDS = frozenset(("protocol", "destination_port"))
FINAL = frozenset(("accept", "drop", "reject", "queue"))
NOWHERE = Endpoint(ANY_V4, 0)

Taken = namedtuple("Taken", "rule protocol hooks addresses is_sure")
"""A rule that takes packets to the port: at which hooks, to which own addresses (16 bytes);
is_sure: every condition holds, whoever sends."""


def taking_rules(
    space: Namespace, port: int, protocols: Sequence[str], address: bytes | None
) -> list[Taken]:
    """Return the rules that take packets to a port; address: to this one only, None: to any own."""
    firewall: Any = space.firewall
    if not firewall:
        return []
    rules = ruleset(firewall)
    found: dict[tuple[object, ...], Taken] = {}
    for protocol in protocols:
        for hook in HOOKS:
            possible = _possible(rules, hook, protocol, port)
            for own in _destinations(space, hook, address) if possible else ():
                meeting = _meeting(space, hook, protocol, own, port)
                for rule, is_sure in _walk(possible, meeting):
                    _note(found, rule, protocol, hook, own, is_sure=is_sure)
    return list(found.values())


def condition_words(taken: Taken) -> list[str]:
    """Say of the unknown conditions what they ask for: `source 10.0.0.0/8`, `not by docker0`."""
    words = []
    for condition in taken.rule.conditions:
        label = LABELS.get(condition.field)
        if (
            label
            and (
                text := f"{'not ' if condition.negated else ''}{label} {_values(condition.values)}"
            )
            not in words
        ):
            words.append(text)
    return words


LABELS = {
    "source": "from", "source_port": "from port", "in_interface": "arriving by", "out_interface": "leaving by", "mark": "with mark",
}  # fmt: skip


def is_chosen_at_random(taken: Taken) -> bool:
    """Tell whether the rule takes a share of the connections only, as kube-proxy's do (statistic, numgen)."""
    texts = [
        str(value)
        for condition in taken.rule.conditions
        if condition.field == "other"
        for value in condition.values
    ]
    return any("statistic" in text or "numgen" in text or "--probability" in text for text in texts)


def has_riddles(taken: Taken) -> bool:
    """Tell whether it has conditions that we don't understand, other than a random choice."""
    return not taken.rule.is_understood and not is_chosen_at_random(taken)


def _possible(
    rules: Ruleset, hook: str, protocol: str, port: int
) -> Mapping[BaseChain, list[Rule]]:
    """Return by base chain the rules that protocol and port don't exclude; nothing if none rewrites."""
    meeting = _meeting(None, hook, protocol, ANY_V4, port)
    found: dict[BaseChain, list[Rule]] = {}
    for rule in rules.rules(hook):
        if all(
            holds(each, meeting) is not False
            for each in rule.conditions
            if each.field in PORT_FIELDS
        ):
            found.setdefault(rule.base, []).append(rule)
    return {
        base: kept
        for base, kept in found.items()
        if any(rule.step.verdict in REWRITING for rule in kept)
    }


def _destinations(space: Namespace, hook: str, address: bytes | None) -> Iterable[bytes]:
    """Give the addresses that a packet may ask for; nothing from outside goes to loopback."""
    wanted = (
        [address] if address is not None else dict.fromkeys(own for _, own, _ in space.addresses)
    )
    return [each for each in wanted if hook == "output" or not is_loopback(each)]


def _meeting(
    space: Namespace | None, hook: str, protocol: str, address: bytes, port: int
) -> Meeting:
    is_own = (
        space is None
        or any(own == address for _, own, _ in space.addresses)
        or is_loopback(address)
    )
    return Meeting(
        Packet(protocol, NOWHERE, Endpoint(address, port)),
        in_interface="" if hook == "output" else None,
        out_interface=("lo" if is_own else None) if hook == "output" else "",
        state="new",
        destination_type="local" if is_own else "unicast",
    )


def _walk(
    possible: Mapping[BaseChain, list[Rule]], meeting: Meeting
) -> Iterator[tuple[Rule, bool]]:
    """Take a packet through the base chains; yield the rewriting rules that take it, and if surely."""
    families = ("inet", "ip" if is_v4(meeting.packet.destination.address) else "ip6")
    for base in sorted(possible, key=lambda each: each.priority):
        if base.family not in families:
            continue
        left: tuple[str, ...] | None = None
        for rule in possible[base]:
            if left is not None and rule.chains[: len(left)] == left:
                continue  # a chain that was returned from
            left = None
            does = _holds(rule.conditions, meeting)
            verdict = rule.step.verdict
            if does is False:
                continue
            if verdict in REWRITING:
                yield rule, does is True
                if does:
                    return
            elif does and verdict == "return":
                left = rule.chains
            elif does and verdict in FINAL:
                break


def _holds(conditions: Iterable[Condition], meeting: Meeting) -> bool | None:
    """Tell whether all conditions hold; None when that depends on who sends."""
    result: bool | None = True
    for condition in conditions:
        does = None if condition.field in UNKNOWN else holds(condition, meeting)
        if does is False:
            return False
        if does is None:
            result = None
    return result


def _note(  # what was seen, in one place
    found: dict[tuple[object, ...], Taken],
    rule: Rule,
    protocol: str,
    hook: str,
    own: bytes,
    *,
    is_sure: bool,
) -> None:
    """Remember that a rule takes packets to an address; the same rule by two hooks is one."""
    step = rule.step
    key = (
        rule.base.source,
        rule.base.family,
        rule.base.table,
        rule.chains[-1],
        step.text,
        step.address,
        step.ports,
        protocol,
    )
    taken = found.get(key)
    if taken is None:
        found[key] = Taken(rule, protocol, [hook], [own], is_sure)
        return
    if hook not in taken.hooks:
        taken.hooks.append(hook)
    if own not in taken.addresses:
        taken.addresses.append(own)
    found[key] = taken._replace(is_sure=taken.is_sure or is_sure)


def address_words(space: Namespace, taken: Taken) -> str:
    """Name the addresses whose packets a rule takes: `every own address`, or up to three of them."""
    own = {address for _, address, _ in space.addresses if not is_loopback(address)}
    asked = [each for each in taken.addresses if not is_loopback(each)]
    v4 = {each for each in own if is_v4(each)}
    if own and (set(asked) == own or set(asked) == v4 or set(asked) == own - v4):
        kind = "" if set(asked) == own else " (IPv4)" if set(asked) == v4 else " (IPv6)"
        return f"every own address{kind}"
    texts = sorted(address_text(each) for each in (asked or taken.addresses))
    more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""
    return ", ".join(texts[:3]) + more


def _values(values: Sequence[object]) -> str:
    shown = []
    for value in values:
        if isinstance(value, tuple):
            shown.append(str(value[0]) if value[0] == value[1] else f"{value[0]}-{value[1]}")
        else:
            shown.append(str(value))
    return "/".join(shown)
