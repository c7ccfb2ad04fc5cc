"""The articles of `ft explain`: one TOML file a group, and the TCP states from their own table.

Keys of an article: aliases, title, text (paragraphs, one a line), told (what many guides say, and
what Linux does), see (words of other articles), source. `{name}` in a text is a number of this
host: the names are in analysis/explaining.py PLACEHOLDERS.
"""

from __future__ import annotations

import tomllib
from collections import namedtuple

from fivetuple.model.state import STATES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

Topic = namedtuple("Topic", "word aliases group title paragraphs told see_also sources")
"""word: what it is called; told: "" when guides are right; paragraphs still hold placeholders."""

# File -> heading, in the order of the contents page.
GROUPS = {
    "ports": "Ports and addresses",
    "sockets": "Sockets and queues",
    "tcp": "TCP on the wire",
    "options": "Socket options",
    "errors": "Errors",
}
STATE_GROUP = "TCP states"

# Other names of states (dashes and underscores don't matter), and where their explanations lead.
_STATE_EXTRAS = {
    "ESTABLISHED": (("estab",), ("accept queue", "SO_KEEPALIVE", "send queue")),
    "SYN_SENT": ((), ("ETIMEDOUT", "accept queue", "three-way handshake")),
    "SYN_RECV": (
        ("syn_received", "syn_rcvd", "half-open"),
        ("SYN queue", "accept queue", "three-way handshake"),
    ),
    "FIN_WAIT1": (("fin_wait",), ("FIN_WAIT2", "orphan", "FIN")),
    "FIN_WAIT2": ((), ("CLOSE_WAIT", "tcp_fin_timeout", "orphan")),
    "TIME_WAIT": (
        ("2msl",),
        ("tcp_tw_reuse", "ephemeral ports", "SO_REUSEADDR", "tcp_fin_timeout"),
    ),
    "CLOSE": (("closed", "unconnected", "unconn"), ("datagram socket", "BOUND_INACTIVE")),
    "CLOSE_WAIT": ((), ("FIN_WAIT2", "LAST_ACK", "EMFILE")),
    "LAST_ACK": ((), ("CLOSE_WAIT", "FIN")),
    "LISTEN": (("listening", "listener"), ("accept queue", "backlog", "0.0.0.0")),
    "CLOSING": ((), ("FIN", "TIME_WAIT")),
    "BOUND_INACTIVE": (("bound",), ("EADDRINUSE", "port 0")),
}

_STATE_TOLD = {
    "TIME_WAIT": "Guides speak of 60 or 120 s and of twice the segment's lifetime; on Linux it is always 60 s. And it does not by "
    "itself block the restart of a server that always sets SO_REUSEADDR.",
    "SYN_RECV": "With SYN cookies a flood does not show as thousands of SYN_RECV.",
    "SYN_SENT": "Silence is not always a firewall: a full accept queue on the server looks the same.",
}  # fmt: skip


def read_topics() -> list[Topic]:
    """Read every article, group by group."""
    topics = [_of_state(number) for number in STATES]
    for file_name, heading in GROUPS.items():
        with open(__file__.removesuffix("__init__.py") + file_name + ".toml", "rb") as file:
            topics.extend(
                _of_table(word, heading, table) for word, table in tomllib.load(file).items()
            )
    return topics


def _of_table(word: str, heading: str, table: Mapping[str, Any]) -> Topic:
    """Make a Topic of one table of a TOML file."""
    paragraphs = tuple(line for line in table["text"].splitlines() if line)
    aliases, see, source = (tuple(table[key]) for key in ("aliases", "see", "source"))
    return Topic(
        word, aliases, heading, table["title"], paragraphs, table.get("told", ""), see, source
    )


def _of_state(number: int) -> Topic:
    """Make a Topic of a state."""
    state = STATES[number]
    aliases, see = _STATE_EXTRAS[state.name]
    followers = ", ".join(STATES[follower].name for follower in state.next)
    paragraphs = (
        state.implication,
        f"Who must act: {state.acts}. What can follow: {followers}.",
        f"How long: {state.timeout}",
        f"What to do: {state.advice}",
    )
    told = _STATE_TOLD.get(state.name, "")
    return Topic(
        state.name, aliases, STATE_GROUP, state.meaning, paragraphs, told, see, (state.source,)
    )
