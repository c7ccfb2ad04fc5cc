"""The form of firewall rules, whoever wrote them, in the order in which a packet meets them.

Jumps are followed: a rule's `conditions` are all those on the way from its base chain, its
`chains` the chains of that way. To judge a packet, take the rules of a hook and type in order;
the first whose conditions all hold decides, but `return` leaves the chain: skip what follows while
`chains` begins with that rule's. When none decides, the policy of the base chain does.

What a rule looks at and we don't understand is a Condition `other`: whether it holds is unknown,
and whoever judges must say so.
"""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_DEPTH = 16  # include/net/netfilter/nf_tables.h NFT_JUMP_STACK_SIZE
MAX_RULES = 200_000  # after following jumps; a chain that many jump to counts many times

Condition = namedtuple("Condition", "field values negated", defaults=(False,))
"""One thing a rule looks at. It holds when the packet's value is among `values` (or isn't: `negated`).

Fields: protocol (`tcp`), source, destination (`10.0.0.0/8`, `10.0.0.1-10.0.0.9`), source_port,
destination_port ((low, high)), in_interface, out_interface (a trailing * is any), family,
state, mark, destination_type (`local`), other (the tool's own text).
"""


@dataclass(frozen=True, slots=True)
class BaseChain:
    """Where rules begin: a chain that the kernel calls at a hook."""

    family: str
    """`ip`, `ip6`, `inet`."""
    table: str
    name: str
    type: str
    """`nat`, `filter`, `route`."""
    hook: str
    """`prerouting`, `input`, `forward`, `output`, `postrouting`."""
    priority: int
    """The lower, the earlier."""
    policy: str
    """`accept` or `drop`."""
    source: str
    """`nft`, `iptables`, `legacy`."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rule as it stands in its chain."""

    conditions: tuple[Condition, ...]
    verdict: str
    """accept, drop, reject, return, jump, goto, dnat, redirect, snat, masquerade, tproxy, queue."""
    target: str | None = None
    """The chain that jump and goto go to."""
    address: str | None = None
    """New address, or a range of them `10.0.0.1-10.0.0.9`; None: unchanged (redirect: this host)."""
    ports: tuple[int, int] | None = None
    """New port, lowest and highest; None: unchanged."""
    packets: int | None = None
    """How many packets it took; None: it doesn't count."""
    text: str = ""
    """How to find it: the line of iptables-save, or nft's table, chain and handle."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule with all conditions on the way to it."""

    base: BaseChain
    chains: tuple[str, ...]
    conditions: tuple[Condition, ...]
    step: Step

    @property
    def is_understood(self) -> bool:
        """Tell whether we know of every condition what it asks."""
        return all(condition.field != "other" for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Ruleset:
    """Every base chain, and every chain's rules by (source, family, table, chain)."""

    bases: tuple[BaseChain, ...]
    steps: Mapping[tuple[str, str, str, str], Sequence[Step]]

    def rules(self, hook: str | None = None, type_: str | None = None) -> Iterator[Rule]:
        """Yield the rules of a hook and a type, or of all, in the order in which packets meet them."""
        left = MAX_RULES
        for base in sorted(self.bases, key=lambda each: (each.hook, each.priority)):
            if hook in (None, base.hook) and type_ in (None, base.type):
                for rule in self._walk(base, (base.name,), ()):
                    yield rule
                    left -= 1
                    if left == 0:
                        return

    def _walk(
        self, base: BaseChain, chains: tuple[str, ...], conditions: tuple[Condition, ...]
    ) -> Iterator[Rule]:
        for step in self.steps.get((base.source, base.family, base.table, chains[-1]), ()):
            every = conditions + step.conditions
            if step.verdict not in ("jump", "goto"):
                yield Rule(base, chains, every, step)
                continue
            if step.target and step.target not in chains and len(chains) < MAX_DEPTH:
                yield from self._walk(base, (*chains, step.target), every)
            if step.verdict == "goto":  # what falls off its end does not come back here
                yield Rule(base, chains, every, Step(step.conditions, "return", text=step.text))
