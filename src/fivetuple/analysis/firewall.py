"""The rules of a namespace's firewall, of nftables and iptables alike, in the form of firewall_form."""

from __future__ import annotations

from fivetuple.analysis import firewall_iptables, firewall_nft
from fivetuple.analysis.firewall_form import BaseChain, Condition, Rule, Ruleset, Step
from fivetuple.model.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["BaseChain", "Condition", "Rule", "Ruleset", "Step", "rewrites", "ruleset"]

REWRITING = ("dnat", "redirect", "tproxy", "netmap")


def ruleset(firewall: Mapping[str, Any] | None) -> Ruleset:
    """Return the rules of `Namespace.firewall` (kernel/nftables.py read_firewall); none of None.

    Raises:
        BadInput: the data isn't what nft and iptables-save give; it was recorded wrongly.
    """
    bases: list[BaseChain] = []
    steps: dict[tuple[str, str, str, str], list[Step]] = {}
    try:
        if firewall:
            told_by_iptables = {
                (family, table, chain)
                for family, text in firewall.get("iptables", {}).items()
                for table, chain in firewall_iptables.chains(text)
            }
            firewall_nft.add(firewall.get("nft", ()), told_by_iptables, bases, steps)
            for source in ("iptables", "legacy"):
                for family, text in firewall.get(source, {}).items():
                    firewall_iptables.add(text, family, source, bases, steps)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as err:
        raise BadInput(
            f"the firewall's rules are not in the form of nft and iptables: {err!r}"
        ) from err
    return Ruleset(tuple(bases), steps)


def rewrites(rules: Ruleset) -> list[Rule]:
    """Return the rules that send a packet to another address or port than it asked for."""
    return [rule for rule in rules.rules() if rule.step.verdict in REWRITING]
