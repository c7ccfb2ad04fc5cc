"""The text of iptables-save(8), of any of its variants, as chains of rules.

    *nat
    :PREROUTING ACCEPT [12:3456]
    [7:420] -A PREROUTING ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80

Matches and targets: iptables-extensions(8).
"""

from __future__ import annotations

import shlex

from fivetuple.analysis.firewall_form import BaseChain, Condition, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# Table -> built-in chain -> priority (include/uapi/linux/netfilter_ipv4.h enum nf_ip_hook_priorities).
PRIORITIES = {
    "raw": {"PREROUTING": -300, "OUTPUT": -300},
    "mangle": {
        "PREROUTING": -150,
        "INPUT": -150,
        "FORWARD": -150,
        "OUTPUT": -150,
        "POSTROUTING": -150,
    },
    "nat": {"PREROUTING": -100, "OUTPUT": -100, "INPUT": 100, "POSTROUTING": 100},
    "filter": {"INPUT": 0, "FORWARD": 0, "OUTPUT": 0},
    "security": {"INPUT": 50, "FORWARD": 50, "OUTPUT": 50},
}

# Option -> the Condition's field. Values: comma-separated, ports as `low:high`.
FIELDS = {
    "-p": "protocol",
    "-s": "source",
    "-d": "destination",
    "-i": "in_interface",
    "-o": "out_interface",
    "--dport": "destination_port",
    "--dports": "destination_port",
    "--sport": "source_port",
    "--sports": "source_port",
    "--ctstate": "state",
    "--state": "state",
    "--dst-type": "destination_type",
    "--mark": "mark",
    "--dst-range": "destination",
    "--src-range": "source",
}
TARGETS = {
    "ACCEPT": "accept", "DROP": "drop", "REJECT": "reject", "RETURN": "return", "DNAT": "dnat",
    "REDIRECT": "redirect", "SNAT": "snat", "MASQUERADE": "masquerade", "TPROXY": "tproxy",
    "QUEUE": "queue", "NFQUEUE": "queue", "NETMAP": "netmap",
}  # fmt: skip
# What a target says, and where a rule goes.
OF_TARGETS: tuple[str, ...] = (
    "-j",
    "-g",
    "--to-destination",
    "--to-source",
    "--to-ports",
    "--on-port",
    "--on-ip",
)
# Targets after which the next rule is met: they change or log a packet, and judge nothing.
PASSING = frozenset(("LOG", "NFLOG", "ULOG", "MARK", "CONNMARK", "CT", "NOTRACK", "TCPMSS", "CHECKSUM", "SET", "TRACE", "CLASSIFY", "DSCP", "TOS", "TTL", "HL", "AUDIT", "SECMARK", "CONNSECMARK", "RATEEST", "TEE"))  # fmt: skip
LAX_MATCHES = frozenset(
    (
        "comment",
        "tcp",
        "udp",
        "sctp",
        "multiport",
        "conntrack",
        "state",
        "addrtype",
        "mark",
        "iprange",
    )
)


def add(
    text: str,
    family: str,
    source: str,
    bases: list[BaseChain],
    steps: dict[tuple[str, str, str, str], list[Step]],
) -> None:
    """Add the chains of one iptables-save text; a line that can't be read is a rule that asks `other`."""
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith(":"):
            name, _, rest = line[1:].partition(" ")
            steps.setdefault((source, family, table, name), [])
            priority = PRIORITIES.get(table, {}).get(name)
            if priority is not None:
                kind = "nat" if table == "nat" else "filter"
                policy = rest.partition(" ")[0].lower()
                bases.append(
                    BaseChain(family, table, name, kind, name.lower(), priority, policy, source)
                )
        elif line.startswith(("-A ", "[")):
            chain, step = _step(line)
            if step is not None:
                steps.setdefault((source, family, table, chain), []).append(step)


def chains(text: str) -> set[tuple[str, str]]:
    """Return the (table, chain) that the text tells; chains of nft's own in such a table are not among them."""
    found = set()
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith(":"):
            found.add((table, line[1:].partition(" ")[0]))
    return found


def _step(line: str) -> tuple[str, Step | None]:
    """Return the chain and the rule of a line; no rule when it only marks or logs."""
    counters, _, rule = line.partition("] -A ") if line.startswith("[") else ("", "", line[3:])
    packets = counters[1:].partition(":")[0]
    try:
        words = shlex.split(rule)
    except ValueError:  # an unclosed quote
        words = rule.split()
    if not words:
        return "", None
    options = dict.fromkeys(OF_TARGETS, "")
    conditions = tuple(_conditions(words[1:], options))
    verdict, target = _verdict(options)
    if verdict is None:
        return words[0], None
    address, ports = _new_end(options)
    count = int(packets) if packets.isdigit() else None
    return words[0], Step(
        conditions, verdict, target, address, ports, count, line[line.find("-A ") :]
    )


def _conditions(words: list[str], options: dict[str, str]) -> Iterator[Condition]:
    """Yield what the rule looks at; put what its target says into `options`."""
    at = 0
    negated = False
    while at < len(words):
        word = words[at]
        end = at + 2 if word == "--comment" else at + 1  # a comment may look like an option
        while end < len(words) and not words[end].startswith("-") and words[end] != "!":
            end += 1
        value = " ".join(words[at + 1 : end])
        if word == "!":
            negated, at = True, at + 1
            continue
        if word in options:
            options[word] = value
        elif word in FIELDS:
            yield Condition(FIELDS[word], _values(word, value), negated)
        elif word == "-m":
            if value not in LAX_MATCHES:
                yield Condition("other", (f"-m {value}",), negated)
        elif not (options["-j"] or options["-g"] or word == "--comment"):
            yield Condition("other", (f"{word} {value}".strip(),), negated)
        negated, at = False, end


def _values(option: str, text: str) -> tuple[object, ...]:
    values = text.split(",")
    field = FIELDS[option]
    if field.endswith("_port"):
        return tuple(_port_range(value, ":") for value in values)
    if field.endswith("_interface"):  # a trailing + is any continuation
        return tuple(value[:-1] + "*" if value.endswith("+") else value for value in values)
    if field in ("state", "destination_type"):
        return tuple(value.lower() for value in values)
    return tuple(values)


def _port_range(text: str, separator: str) -> tuple[int, int]:
    """Return (low, high); an empty range, which nothing is in, when the text is none."""
    low, colon, high = text.partition(separator)
    if not (low.isdigit() or (colon and not low)) or not (high.isdigit() or not high):
        return (1, 0)
    return int(low or 0), int(high) if high else (65535 if colon else int(low))


def _verdict(options: dict[str, str]) -> tuple[str | None, str | None]:
    """Return the verdict and, of a jump, the chain; None for a rule that passes packets on."""
    if options["-g"]:
        return "goto", options["-g"]
    target = options["-j"]
    if not target or target in PASSING:
        return None, None
    return (TARGETS[target], None) if target in TARGETS else ("jump", target)


def _new_end(options: dict[str, str]) -> tuple[str | None, tuple[int, int] | None]:
    """Return address and ports of --to-destination and its kin: `10.0.0.1:80-90`, `[fd00::1]:80`."""
    if options["--to-ports"] or options["--on-port"]:
        return options["--on-ip"] or None, _port_range(
            options["--to-ports"] or options["--on-port"], "-"
        )
    end = options["--to-destination"] or options["--to-source"]
    address, colon, ports = end.rpartition(":")
    if not colon or (end.count(":") > 1 and not end.startswith("[")):
        address, ports = end, ""
    address = address.replace("[", "").replace("]", "")
    return address or None, _port_range(ports.partition("/")[0], "-") if ports else None
