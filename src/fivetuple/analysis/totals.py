"""Totals: how many sockets of each protocol, TCP state and namespace there are."""

from __future__ import annotations

from collections import Counter

from fivetuple.analysis.owners import namespace_name
from fivetuple.model import record
from fivetuple.model.names import STREAM, protocol_name
from fivetuple.model.state import state_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fivetuple.model.snapshot import Snapshot

COUNTED = record.Projection("family", "type", "state", "protocol_number", "netns")
TOLD_STATES = ("LISTEN", "ESTABLISHED", "TIME_WAIT", "CLOSE_WAIT")


def totals(snapshot: Snapshot) -> dict[str, Any]:
    """Count the sockets: `sockets`, and by `protocols`, `tcp_states`, `namespaces`, most first."""
    protocols: Counter[str] = Counter()
    states: Counter[str] = Counter()
    spaces: Counter[str] = Counter()
    for (family, kind, state, number, netns), count in Counter(COUNTED.read(snapshot.rows)).items():
        name = protocol_name(family, kind, number)
        protocols[name] += count
        if name == "tcp":
            states[state_name(state, is_stream=kind == STREAM)] += count
        spaces[namespace_name(snapshot, netns)] += count
    return {
        "sockets": len(snapshot),
        "protocols": dict(protocols.most_common()),
        "tcp_states": dict(states.most_common()),
        "namespaces": dict(spaces.most_common()),
    }


def summary_sentence(counts: dict[str, Any]) -> str:
    """Tell the totals in one sentence."""
    number, spaces = counts["sockets"], len(counts["namespaces"])
    where = f" in {spaces} network namespaces" if spaces > 1 else ""
    noun = "socket" if number == 1 else "sockets"
    if not number:
        return "No sockets."
    kinds = [f"{count} {name}" for name, count in counts["protocols"].items()]
    states = counts["tcp_states"]
    told = [f"{states[state]} {state}" for state in TOLD_STATES if state in states]
    detail = f" ({', '.join(told)})" if told else ""
    kinds = [f"{kind}{detail}" if kind.endswith(" tcp") else kind for kind in kinds]
    return f"{number} {noun}{where}: {', '.join(kinds)}."
