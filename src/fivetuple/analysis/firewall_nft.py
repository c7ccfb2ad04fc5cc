"""The JSON of nft (libnftables-json(5)) as chains of rules.

A rule is a list of statements. Matches become Conditions; the verdict ends the rule. A verdict map
(`vmap`) and an address out of a map become one rule for each element, with the key as a condition.
What iptables-nft wrote holds `xt` statements that say nothing; iptables-save tells those tables.
"""

from __future__ import annotations

import json

from fivetuple.analysis.firewall_form import BaseChain, Condition, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    Json = Any  # what json.loads() gives; every access is checked or caught by firewall.ruleset()

    Sets = Mapping[tuple[str, str, str], Sequence[Json]]
    Choice = tuple[tuple[Condition, ...], Json]

MAX_PORT = 65535
VERDICTS = (
    "accept",
    "drop",
    "reject",
    "return",
    "jump",
    "goto",
    "dnat",
    "redirect",
    "snat",
    "masquerade",
    "tproxy",
    "queue",
)
# Statements that change, log or count a packet and judge nothing.
PASSING = frozenset(
    (
        "counter",
        "log",
        "mangle",
        "notrack",
        "flow",
        "dup",
        "set",
        "map",
        "ct helper",
        "ct timeout",
        "ct expectation",
        "secmark",
        "synproxy",
    )
)
FAMILIES = ("ip", "ip6", "inet")
FIRST_HOOKS = ("prerouting", "input", "forward", "output", "postrouting")

# (kind, name) of what a statement looks at -> the Condition's field. `th` is any transport header.
FIELDS = {
    ("meta", "l4proto"): "protocol",
    ("meta", "protocol"): "family",
    ("meta", "nfproto"): "family",
    ("meta", "iifname"): "in_interface",
    ("meta", "iif"): "in_interface",  # codespell:ignore iif
    ("meta", "oifname"): "out_interface",
    ("meta", "oif"): "out_interface",
    ("meta", "mark"): "mark",
    ("ct", "state"): "state",
    ("ip", "protocol"): "protocol",
    ("ip6", "nexthdr"): "protocol",
    ("ip", "saddr"): "source",
    ("ip6", "saddr"): "source",
    ("ip", "daddr"): "destination",
    ("ip6", "daddr"): "destination",
    **{
        (header, "sport"): "source_port"
        for header in ("tcp", "udp", "sctp", "dccp", "udplite", "th")
    },
    **{
        (header, "dport"): "destination_port"
        for header in ("tcp", "udp", "sctp", "dccp", "udplite", "th")
    },
}
TRANSPORTS = frozenset(("tcp", "udp", "sctp", "dccp", "udplite"))


def add(
    objects: Iterable[Mapping[str, Json]],
    told_by_iptables: set[tuple[str, str, str]],
    bases: list[BaseChain],
    steps: dict[tuple[str, str, str, str], list[Step]],
) -> None:
    """Add the chains of a ruleset, but for (family, table, chain) that iptables-save tells better."""
    objects = list(objects)
    sets: dict[tuple[str, str, str], Sequence[Json]] = {}
    for each in objects:
        for kind in ("set", "map"):
            if kind in each:
                it = each[kind]
                sets[it["family"], it["table"], it["name"]] = it.get("elem", ())
    for each in objects:
        chain, rule = each.get("chain"), each.get("rule")
        if (
            chain
            and _is_base(chain)
            and (chain["family"], chain["table"], chain["name"]) not in told_by_iptables
        ):
            bases.append(_base(chain))
        elif rule and (rule["family"], rule["table"], rule["chain"]) not in told_by_iptables:
            place = ("nft", rule["family"], rule["table"], rule["chain"])
            steps.setdefault(place, []).extend(_Reader(rule, sets).steps())


def _is_base(chain: Mapping[str, Json]) -> bool:
    """Tell whether the kernel calls the chain for packets of IP."""
    return chain["family"] in FAMILIES and chain.get("hook") in FIRST_HOOKS


def _base(chain: Mapping[str, Json]) -> BaseChain:
    hook, priority = chain["hook"], int(chain.get("prio", 0))
    kind, policy = chain.get("type", "filter"), chain.get("policy", "accept")
    return BaseChain(
        chain["family"], chain["table"], chain["name"], kind, hook, priority, policy, "nft"
    )


class _Reader:
    """Reads one rule."""

    def __init__(self, rule: Mapping[str, Json], sets: Sets) -> None:
        self.rule = rule
        self.sets = sets
        self.text = (
            f"nft {rule['family']} {rule['table']} {rule['chain']} handle {rule.get('handle', '?')}"
        )
        if rule.get("comment"):
            self.text += f' "{rule["comment"]}"'

    def steps(self) -> Iterator[Step]:
        """Yield the rule, once for each element of a map in it; nothing when it judges nothing."""
        conditions: tuple[Condition, ...] = ()
        packets: int | None = None
        for part in self.rule.get("expr", ()):
            kind, body = (
                next(iter(part.items())) if isinstance(part, dict) and part else ("other", part)
            )
            if kind == "match":
                conditions += self._match(body)
            elif kind == "counter" and isinstance(body, dict):
                packets = body.get("packets")
            elif kind == "vmap":
                for more, verdict in self._choices(body["key"], body["data"]):
                    yield from self._judge(verdict, conditions + more, packets)
                return
            elif kind in VERDICTS:
                yield from self._judge(part, conditions, packets)
                return
            elif kind not in PASSING:
                conditions += (_other(part),)

    def _judge(
        self, verdict: Json, conditions: tuple[Condition, ...], packets: int | None
    ) -> Iterator[Step]:
        """Yield the steps of one verdict statement such as {"dnat": {"addr": ..., "port": ...}}."""
        if not isinstance(verdict, dict):
            return
        kind, body = next(iter(verdict.items()))
        body = body if isinstance(body, dict) else {}
        if kind in ("jump", "goto"):
            yield Step(conditions, kind, body.get("target"), packets=packets, text=self.text)
            return
        for more, address in self._mapped(body.get("addr")):
            for still_more, port in self._mapped(body.get("port")):
                new_address, new_port = address, port
                if isinstance(address, dict) and "concat" in address:
                    new_address, new_port = [*address["concat"], None][:2]
                every = conditions + more + still_more
                yield Step(
                    every, kind, None, _address(new_address), _ports(new_port), packets, self.text
                )

    def _mapped(self, value: Json) -> Iterator[Choice]:
        """Yield the value, or each value of the map that it is taken from, with its condition."""
        if isinstance(value, dict) and "map" in value:
            yield from self._choices(value["map"]["key"], value["map"]["data"])
        else:
            yield (), value

    def _choices(self, key: Json, elements: Json) -> Iterator[Choice]:
        """Yield (what the key must be, what is chosen then) for each element of a map."""
        for element in self._elements(elements):
            if isinstance(element, list) and len(element) == 2:
                parts = key["concat"] if isinstance(key, dict) and "concat" in key else [key]
                wanted = _bare(element[0])
                values = (
                    wanted["concat"]
                    if isinstance(wanted, dict) and "concat" in wanted
                    else [wanted]
                )
                pairs = zip(parts, values, strict=False)
                conditions = tuple(
                    one for part, value in pairs for one in self._compare(part, "==", value)
                )
                yield conditions, _bare(element[1])

    def _match(self, body: Mapping[str, Json]) -> tuple[Condition, ...]:
        return self._compare(body["left"], body.get("op", "=="), body["right"])

    def _compare(self, left: Json, operator: str, right: Json) -> tuple[Condition, ...]:
        """Return the conditions of `left operator right`; `tcp dport` asks for TCP, too."""
        kind, name = _looked_at(left)
        field = "destination_type" if kind == "fib" else FIELDS.get((kind, name))
        if field is None:
            return (_other({"match": {"left": left, "op": operator, "right": right}}),)
        implied = (Condition("protocol", (kind,)),) if kind in TRANSPORTS else ()
        if field.endswith("_port"):
            ranges = tuple(_port_range(operator, each) for each in self._elements(right))
            if None not in ranges:
                return (*implied, Condition(field, ranges, operator == "!="))
        if operator not in ("==", "!=", "in"):
            return (_other({"match": {"left": left, "op": operator, "right": right}}),)
        values = tuple(filter(None, (_address(each) for each in self._elements(right))))
        return (*implied, Condition(field, values, operator == "!="))

    def _elements(self, value: Json) -> Sequence[Json]:
        """Return the elements of a set (anonymous, named `@name`), or the one value."""
        if isinstance(value, str) and value.startswith("@"):
            return [
                _bare(each)
                for each in self.sets.get((self.rule["family"], self.rule["table"], value[1:]), ())
            ]
        if isinstance(value, dict) and "set" in value:
            inner = value["set"]
            return [_bare(each) for each in inner] if isinstance(inner, list) else [inner]
        return value if isinstance(value, list) else [value]


def _looked_at(left: Json) -> tuple[str, str]:
    """Return (header or kind, field) of a match's left side."""
    if isinstance(left, dict):
        for kind in ("payload", "meta", "ct", "fib"):
            body = left.get(kind)
            if isinstance(body, dict):
                if kind == "payload":
                    return str(body.get("protocol")), str(body.get("field"))
                if kind == "fib":
                    is_type = body.get("result") == "type" and "daddr" in body.get("flags", ())
                    return ("fib", "type") if is_type else ("", "")
                return kind, str(body.get("key"))
    return "", ""


def _bare(element: Json) -> Json:
    """Return a set's element without its time-out, counter or comment."""
    return element["elem"]["val"] if isinstance(element, dict) and "elem" in element else element


def _address(value: Json) -> str | None:
    """Return `10.0.0.0/8`, `10.0.0.1-10.0.0.9`, or a plain word; None for nothing."""
    if isinstance(value, dict):
        if "prefix" in value:
            return f"{value['prefix']['addr']}/{value['prefix']['len']}"
        if "range" in value:
            low, high = value["range"]
            return f"{low}-{high}"
        return json.dumps(value)
    return None if value is None else str(value)


def _ports(value: Json) -> tuple[int, int] | None:
    """Return the lowest and the highest port of a value; None when it is none."""
    if isinstance(value, dict) and "range" in value:
        low, high = value["range"]
        return (low, high) if isinstance(low, int) and isinstance(high, int) else None
    return (value, value) if isinstance(value, int) else None


def _port_range(operator: str, value: Json) -> tuple[int, int] | None:
    """Return the ports for which `port operator value` holds (for != those for which it doesn't)."""
    ports = _ports(value)
    if ports is None:
        return None
    low, high = ports
    return {
        ">": (high + 1, MAX_PORT),
        ">=": (high, MAX_PORT),
        "<": (0, low - 1),
        "<=": (0, low),
    }.get(operator, ports)


def _other(part: Json) -> Condition:
    return Condition("other", (json.dumps(part),))
