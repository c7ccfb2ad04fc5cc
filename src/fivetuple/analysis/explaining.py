"""What a word means, with this host's own numbers beside it: the knowledge of `ft explain`.

A word is looked for among the articles of model/topics, the columns of a socket, port numbers
and names of services, in this order. Case, spaces, dashes and underscores don't matter.
"""

from __future__ import annotations

import re
from collections import namedtuple
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING

from fivetuple.model import facts as facts_of
from fivetuple.model import record, services
from fivetuple.model.fields import FIELD
from fivetuple.model.ports import (
    RANGE_SYSCTL,
    RESERVED_SYSCTL,
    UNPRIVILEGED_SYSCTL,
    PortSpace,
    format_ranges,
    parse_port,
    port_space,
)
from fivetuple.model.text import printable
from fivetuple.model.topics import GROUPS, STATE_GROUP, Topic, read_topics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Explanation = namedtuple("Explanation", "word group title paragraphs told facts see_also sources")
"""A word explained, ready to be shown. told: what many guides say and how it really is, or ""."""
Fact = namedtuple("Fact", "name value is_default")
"""A number of this host: the sysctl, its text, and whether it is only Linux's default."""

COLUMN_GROUP = "Columns"
PORT_GROUP = "Ports and services"

# How long TIME_WAIT keeps a port from one destination: include/net/tcp.h TCP_TIMEWAIT_LEN.
TIME_WAIT_S = 60
_BY_MEMORY = "set by memory size"

# What `{name}` in an article stands for: the sysctl, and Linux's default (Documentation/
# networking/ip-sysctl.rst, Documentation/admin-guide/sysctl) for when this host's is not known.
SYSCTLS = {
    "bindv6only": ("net.ipv6.bindv6only", "0"),
    "file_max": ("fs.file-max", _BY_MEMORY),
    "ip_nonlocal_bind": ("net.ipv4.ip_nonlocal_bind", "0"),
    "somaxconn": ("net.core.somaxconn", "4096"),
    "tcp_abort_on_overflow": ("net.ipv4.tcp_abort_on_overflow", "0"),
    "tcp_ecn": ("net.ipv4.tcp_ecn", "2"),
    "tcp_fin_timeout": ("net.ipv4.tcp_fin_timeout", "60"),
    "tcp_keepalive_intvl": ("net.ipv4.tcp_keepalive_intvl", "75"),
    "tcp_keepalive_probes": ("net.ipv4.tcp_keepalive_probes", "9"),
    "tcp_keepalive_time": ("net.ipv4.tcp_keepalive_time", "7200"),
    "tcp_max_orphans": ("net.ipv4.tcp_max_orphans", _BY_MEMORY),
    "tcp_max_syn_backlog": ("net.ipv4.tcp_max_syn_backlog", _BY_MEMORY),
    "tcp_max_tw_buckets": ("net.ipv4.tcp_max_tw_buckets", _BY_MEMORY),
    "tcp_orphan_retries": ("net.ipv4.tcp_orphan_retries", "0"),
    "tcp_retries2": ("net.ipv4.tcp_retries2", "15"),
    "tcp_syn_retries": ("net.ipv4.tcp_syn_retries", "6"),
    "tcp_synack_retries": ("net.ipv4.tcp_synack_retries", "5"),
    "tcp_syncookies": ("net.ipv4.tcp_syncookies", "1"),
    "tcp_tw_reuse": ("net.ipv4.tcp_tw_reuse", "2"),
}

# The same for what follows from the port space: the sysctl that it comes from, and its text.
COMPUTED: Mapping[str, tuple[str, Callable[[PortSpace], str]]] = {
    "ephemeral_range": (
        RANGE_SYSCTL,
        lambda space: f"{space.ephemeral_low}-{space.ephemeral_high}",
    ),
    "usable_ephemeral_ports": (RANGE_SYSCTL, lambda space: str(space.usable_ephemeral_count)),
    "sustainable_rate": (
        RANGE_SYSCTL,
        lambda space: str(space.usable_ephemeral_count // TIME_WAIT_S),
    ),
    "reserved_ports": (RESERVED_SYSCTL, lambda space: format_ranges(space.reserved) or "none"),
    "unprivileged_port_start": (UNPRIVILEGED_SYSCTL, lambda space: str(space.unprivileged_start)),
}

# How a sentence says where a port may be reached from.
VERDICTS = {
    services.SAFE: "Safe in the open",
    services.ENCRYPTED: "In the open only when encrypted",
    services.PRIVATE: "For private networks",
    services.NEVER: "Never in the open",
}

PLACEHOLDERS = frozenset(SYSCTLS) | frozenset(COMPUTED)
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def explain(word: str, sysctls: Mapping[str, str]) -> Explanation | None:
    """Explain a word with the numbers of the namespace whose sysctls these are; None: unknown.

    Raises BadInput for a number that is no port, and for sysctls that the kernel would not write.
    """
    topic = _articles().get(_plain(word))
    if topic is not None:
        return _of_topic(topic, sysctls)
    column = _columns().get(_plain(word))
    if column is not None:
        return _of_column(column)
    number = word.strip().removeprefix(":")
    if number.isascii() and number.isdigit():
        return _of_port(parse_port(number), sysctls)
    return _of_service(word.strip(), sysctls)


def suggestions(word: str, limit: int = 3) -> list[str]:
    """Return the known words that are most like one that is unknown."""
    spelled = {_plain(name): name for name in services.known_names()} | _columns()
    spelled |= {plain: topic.word for plain, topic in _articles().items()}
    near = get_close_matches(_plain(word)[:40], spelled, n=2 * limit, cutoff=0.6)
    return list(dict.fromkeys(spelled[plain] for plain in near))[:limit]


def topics() -> dict[str, list[tuple[str, str]]]:
    """Return the contents page: heading -> (word, title) of each article, columns last."""
    contents: dict[str, list[tuple[str, str]]] = {
        heading: [] for heading in (STATE_GROUP, *GROUPS.values())
    }
    for topic in _all_topics():
        contents[topic.group].append((topic.word, topic.title))
    contents[COLUMN_GROUP] = [(name, _meaning(name)) for name in _columns().values()]
    return contents


@cache
def _all_topics() -> tuple[Topic, ...]:
    """Read the articles once."""
    return tuple(read_topics())


@cache
def _articles() -> Mapping[str, Topic]:
    """Return the articles by each of their names; a word wins over another's alias."""
    by_alias = {_plain(alias): topic for topic in _all_topics() for alias in topic.aliases}
    return by_alias | {_plain(topic.word): topic for topic in _all_topics()}


@cache
def _columns() -> dict[str, str]:
    """Return the names of a socket's columns by their plain spelling."""
    return {_plain(name): name for name in (*FIELD, *record.COLUMN)}


def _plain(word: str) -> str:
    """Return a word as it is compared: lower case, without spaces, dashes and underscores."""
    return re.sub(r"[\s_-]+", "", word.lower())


def _of_topic(topic: Topic, sysctls: Mapping[str, str]) -> Explanation:
    """Fill an article's placeholders; every number used is listed as a fact."""
    space = port_space(sysctls)
    title, *paragraphs = (fill(text, sysctls, space) for text in (topic.title, *topic.paragraphs))
    names = (_plain(name) for name in (topic.word, *topic.aliases))
    column = next((_columns()[name] for name in names if name in _columns()), None)
    if column:
        paragraphs.append(f"As the column {column} of `ft ls`: {_meaning(column)}.")
    used = [name for text in topic.paragraphs for name in _PLACEHOLDER.findall(text)]
    facts = tuple(dict.fromkeys(_fact(name, sysctls) for name in used))
    told = fill(topic.told, sysctls, space)
    return Explanation(
        topic.word,
        topic.group,
        title,
        tuple(paragraphs),
        told,
        facts,
        topic.see_also,
        topic.sources,
    )


def fill(text: str, sysctls: Mapping[str, str], space: PortSpace) -> str:
    """Put this host's numbers into a text; where they are unknown, Linux's, marked as default."""

    def number(match: re.Match[str]) -> str:
        value, is_default = _value(match[1], sysctls, space)
        if not is_default:
            return value
        before = text[: match.start()]
        in_parentheses = before.count("(") > before.count(")")
        return f"default {value}" if in_parentheses else f"{value} (default)"

    return _PLACEHOLDER.sub(number, text)


def _value(name: str, sysctls: Mapping[str, str], space: PortSpace) -> tuple[str, bool]:
    """Return a placeholder's text, and whether it is only Linux's default."""
    if name in COMPUTED:
        sysctl, spell = COMPUTED[name]
        return spell(space), sysctl not in sysctls
    sysctl, default = SYSCTLS[name]
    return (_one_line(sysctls[sysctl]), False) if sysctl in sysctls else (default, True)


def _fact(name: str, sysctls: Mapping[str, str]) -> Fact:
    """Return the sysctl behind a placeholder, as this host has it."""
    sysctl = COMPUTED[name][0] if name in COMPUTED else SYSCTLS[name][0]
    if sysctl in sysctls:
        return Fact(sysctl, _one_line(sysctls[sysctl]) or "none", is_default=False)
    space = PortSpace()
    default = COMPUTED[name][1](space) if name in COMPUTED else SYSCTLS[name][1]
    if sysctl == RANGE_SYSCTL:
        default = f"{space.ephemeral_low} {space.ephemeral_high}"
    return Fact(sysctl, default, is_default=True)


def _one_line(text: str) -> str:
    """Return a sysctl's text with single spaces, harmless to show."""
    return printable(" ".join(text.split()))


def _meaning(name: str) -> str:
    """Return what a column means, in the words of its table."""
    return str(FIELD[name].meaning if name in FIELD else record.COLUMN[name].meaning)


def _of_column(name: str) -> Explanation:
    """Explain a column of a socket from the tables that declare it."""
    unit = FIELD[name].unit if name in FIELD else record.COLUMN[name].unit
    paragraphs = [
        f"A column of `ft ls`, JSON and CSV{f', in {unit}' if unit else ''}; unknown is null."
    ]
    needs = facts_of.names(FIELD[name].needs) if name in FIELD else []
    if needs:
        paragraphs.append(f"To know it, ft also reads: {', '.join(needs)}.")
    source = record.COLUMN[name].source if name in record.COLUMN else "model/fields.py"
    return Explanation(name, COLUMN_GROUP, _meaning(name), tuple(paragraphs), "", (), (), (source,))


def _of_port(port: int, sysctls: Mapping[str, str]) -> Explanation:
    """Explain a port number: what it is for, and what this host makes of it."""
    described = port_space(sysctls).describe(port)
    found = [one for protocol in services.PROTOCOLS if (one := services.service(port, protocol))]
    title = found[0].name if found else f"a {described.port_class} port without a service"
    paragraphs = (*(_sentence(one) for one in _merged(found)), *described.sentences)
    facts = tuple(
        _fact(name, sysctls)
        for name in ("ephemeral_range", "reserved_ports", "unprivileged_port_start")
    )
    see = (
        "ephemeral ports" if described.port_class == "dynamic" else f"{described.port_class} ports"
    )
    more = ("NodePort",) if described.is_node_port else ()
    source = "IANA Service Name and Transport Protocol Port Number Registry"
    return Explanation(
        str(port), PORT_GROUP, title, paragraphs, "", facts, (see, *more), (source, "RFC 6335")
    )


def _of_service(name: str, sysctls: Mapping[str, str]) -> Explanation | None:
    """Explain the name of a service by the port that it has."""
    for protocol in services.PROTOCOLS:
        ports = services.port_of(name, protocol)
        if ports:
            named = [port for port in ports if services.name_of(port, protocol) == name.lower()]
            return _of_port((named or ports)[0], sysctls)
    return None


def _merged(found: list[services.Service]) -> list[tuple[str, services.Service]]:
    """Join the protocols that one port serves in the same way: `tcp, udp`.

    IANA used to register UDP with every TCP service: what only repeats a judged one is left out.
    """
    judged = {name for one in found if one.exposure for name in (one.name, one.iana_name)}
    joined: dict[tuple[str, str], tuple[str, services.Service]] = {}
    for one in found:
        if one.exposure is None and one.name in judged:
            continue
        key = one.name, one.description
        before = joined.get(key)
        joined[key] = (f"{before[0]}, {one.protocol}" if before else one.protocol, one)
    return list(joined.values())


def _sentence(pair: tuple[str, services.Service]) -> str:
    """Say what a service is for and whether it is safe in the open."""
    protocols, one = pair
    purpose = one.description or "IANA gives no description"
    text = f"{one.name} ({protocols}): {purpose}."
    if one.exposure:
        text += f" {VERDICTS[one.exposure]}: {one.reason}."
    if one.iana_name and one.iana_name != one.name:
        text += f" IANA calls it {one.iana_name}."
    return text
