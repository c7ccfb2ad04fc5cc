"""One screen for this machine: what listens, what it talks to, what is odd.

`ft` alone shows it. Long lists are folded to the busiest entries, and each says how many were
left out and which command shows them. On the host every network namespace is looked at; inside
a container only its own.
"""

from __future__ import annotations

from collections import Counter

from fivetuple.analysis.listening import Listener, listeners, namespace_name, owner_words, where_words
from fivetuple.analysis.oddities import oddities
from fivetuple.analysis.peers import Peer, peers
from fivetuple.analysis.ports_used import share_used
from fivetuple.model import facts, record
from fivetuple.model.answer import FAINT, STRONG, WARN, Answer, Column, Heading, Line, Styled, Table
from fivetuple.model.names import PROTOCOLS, ProtocolNames
from fivetuple.model.question import EVERY_STATE, Hint, Question

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from fivetuple.model.command import Request
    from fivetuple.model.snapshot import Snapshot

ARGUMENTS = ""
OPTIONS = ()

SCREEN_ROWS = 50  # where no terminal tells its height
SHARES = (0.5, 0.3, 0.2)  # of the screen: listeners, destinations, oddities
HEADINGS = 9  # lines that are not entries: headings, blank lines, the summary
COUNTED = record.Projection("family", "type", "state", "protocol_number", "netns")


def question(request: Request) -> Question:
    """Ask for everything that one screen may tell."""
    needs = facts.SOCKETS | facts.OWNERS | facts.PROCESSES | facts.CONTAINERS | facts.NAMESPACES | facts.BACKLOG | facts.UNIX
    return Question(needs, Hint(EVERY_STATE, frozenset(PROTOCOLS)), request.get("netns") or "auto")


def answer(snapshot: Snapshot, request: Request) -> Answer:
    """Draw the screen."""
    rows = max((request.get("screen_rows") or SCREEN_ROWS) - HEADINGS, 12)
    room = [max(int(rows * share), 3) for share in SHARES]
    found, destinations, odd = listeners(snapshot), peers(snapshot), oddities(snapshot)
    has_spaces = len({each.netns for each in (*found, *destinations)}) > 1
    shares = [share_used(snapshot, peer) for peer in destinations]
    blocks = [
        Line(Styled(_title(snapshot), STRONG)),
        *_listening(snapshot, found, room[0], has_spaces=has_spaces),
        *_talking(snapshot, destinations, shares, room[1], has_spaces=has_spaces),
        *_odd(odd, room[2]),
        Line(""),
        Line(summary_sentence(snapshot)),
    ]
    data = {
        "listeners": [_listener_row(snapshot, each) for each in found],
        "peers": [_peer_row(snapshot, peer, share) for peer, share in zip(destinations, shares, strict=True)],
        "odd": [each._asdict() for each in odd],
        "summary": _summary(snapshot),
    }
    return Answer(blocks, data, lists="listeners")


def _title(snapshot: Snapshot) -> str:
    host = snapshot.host
    return f"{host.name}, {host.system} {host.kernel}".rstrip()


def _listening(snapshot: Snapshot, found: Sequence[Listener], room: int, *, has_spaces: bool) -> list[object]:
    """Show the listeners, those with connections first when they don't all fit."""
    if not found:
        return [Line(""), Heading("Listening"), Line("  nothing")]
    shown = list(found)
    if len(found) > room:
        busiest = sorted(found, key=lambda each: (-each.connections, each.protocol != "tcp", each.port))[: room - 1]
        shown = [each for each in found if each in busiest]
    columns = [
        Column("PROTO"), Column("PORT", ">"), Column("SERVICE", "<", 2), Column("REACHED FROM", "<", 3),
        *([Column("NAMESPACE", "<", 1)] if has_spaces else []),
        Column("OWNER"), Column("UNIT OR CONTAINER", "<", 4), Column("CONNS", ">", 5), Column("ACCEPT", ">", 6),
    ]  # fmt: skip
    rows = [
        [
            each.protocol, str(each.port), each.service or "", reached_from(snapshot, each),
            *([namespace_name(snapshot, each.netns)] if has_spaces else []),
            owner_words(each.process, each.pids), where_words(each), str(each.connections or ""), _queue(each),
        ]
        for each in shown
    ]  # fmt: skip
    return [Line(""), Heading(f"Listening ({len(found)})"), Table(columns, rows), *_folded(len(found) - len(shown), "listeners", "ft ls -tul")]


def _queue(each: Listener) -> str:
    """Write the accept queue, marked when it is filling up (full is limit + 1)."""
    if each.accept_queue is None:
        return ""
    if each.backlog is None:
        return str(each.accept_queue)
    text = f"{each.accept_queue}/{each.backlog}"
    return Styled(text, WARN) if each.accept_queue >= max(each.backlog * 0.7, 1) else text


def reached_from(snapshot: Snapshot, each: Listener) -> str:
    """Say from where a listener's addresses can be reached; firewalls are not looked at here."""
    words = []
    if each.reach == "loopback":
        return "this host only" if each.netns == snapshot.own_netns else "its namespace only"
    if each.interfaces:
        names = snapshot.interfaces.get(each.netns, {})
        words = [f"via {names.get(index) or f'if{index}'}" for index in sorted(each.interfaces)]
    if each.reach == "every address":
        return " ".join(["every address", *words])
    return " ".join([", ".join(each.address_words()[:2]) + (" ..." if len(each.addresses) > 2 else ""), *words])


def _talking(snapshot: Snapshot, found: Sequence[Peer], shares: Sequence[float | None], room: int, *, has_spaces: bool) -> list[object]:
    if not found:
        return [Line(""), Heading("Talking to"), Line("  nobody")]
    shown = found[:room] if len(found) <= room else found[: room - 1]
    columns = [
        Column("DESTINATION"), Column("SERVICE", "<", 2), *([Column("NAMESPACE", "<", 1)] if has_spaces else []),
        Column("OWNER"), Column("CONNS", ">"), Column("STATES", "<", 4), Column("PORTS USED", ">", 5),
    ]  # fmt: skip
    rows = [
        [
            str(peer.remote), peer.service or "", *([namespace_name(snapshot, peer.netns)] if has_spaces else []),
            owner_words(peer.process, peer.pids), str(peer.connections), _states(peer.states), percent(share),
        ]
        for peer, share in zip(shown, shares, strict=False)
    ]  # fmt: skip
    return [Line(""), Heading(f"Talking to ({len(found)})"), Table(columns, rows), *_folded(len(found) - len(shown), "destinations", "ft ls --by remote")]


def percent(share: float | None) -> str:
    """Write a share of ports; a warning from 80 %."""
    if share is None:
        return ""
    text = f"{share:.1%}" if share >= 0.001 else "<0.1%"
    return Styled(text, WARN) if share >= 0.8 else text


def _states(states: Counter[str]) -> str:
    return ", ".join(f"{state} {count}" for state, count in states.most_common(3))


def _odd(found: Sequence[Any], room: int) -> list[object]:
    if not found:
        return []
    shown = found[:room] if len(found) <= room else found[: room - 1]
    lines: list[object] = [Line(""), Heading(f"Odd ({len(found)})")]
    for each in shown:
        lines += [Line(Styled(f"  {each.what}", WARN)), Line(Styled(f"    {each.meaning}", FAINT))]
    return lines + _folded(len(found) - len(shown), "oddities", "ft ls --by state")


def _folded(count: int, what: str, command: str) -> list[object]:
    return [Line(Styled(f"  and {count} more {what}: {command}", FAINT))] if count > 0 else []


def summary_sentence(snapshot: Snapshot) -> str:
    """Count the sockets in one sentence."""
    counts = _summary(snapshot)
    kinds = ", ".join(f"{count} {name}" for name, count in counts["protocols"].items())
    spaces = len(counts["namespaces"])
    where = f" in {spaces} network namespaces" if spaces > 1 else ""
    return f"{counts['sockets']} sockets{where}: {kinds}."


def _summary(snapshot: Snapshot) -> dict[str, Any]:
    protocols: Counter[str] = Counter()
    spaces: Counter[str] = Counter()
    names = ProtocolNames()
    for family, kind, _, number, netns in COUNTED.read(snapshot.rows):
        protocols[names[family << 24 | kind << 16 | number]] += 1
        spaces[namespace_name(snapshot, netns)] += 1
    return {"sockets": len(snapshot), "protocols": dict(protocols.most_common()), "namespaces": dict(spaces)}


def _listener_row(snapshot: Snapshot, each: Listener) -> dict[str, Any]:
    return {
        "protocol": each.protocol, "port": each.port, "service": each.service, "addresses": each.address_words(),
        "reach": each.reach, "netns": each.netns, "netns_name": namespace_name(snapshot, each.netns),
        "process": each.process.name or None, "pids": sorted(each.pids), "unit": each.socket_unit[1] if each.socket_unit else each.place.unit,
        "socket_unit": each.socket_unit[0] if each.socket_unit else None,
        "container": each.place.container, "connections": each.connections, "accept_queue": each.accept_queue,
        "backlog": each.backlog,
    }  # fmt: skip


def _peer_row(snapshot: Snapshot, peer: Peer, share: float | None) -> dict[str, Any]:
    from fivetuple.model.endpoint import address_text

    return {
        "protocol": peer.protocol, "remote_address": address_text(peer.remote.address), "remote_port": peer.remote.port,
        "service": peer.service, "netns": peer.netns, "netns_name": namespace_name(snapshot, peer.netns),
        "process": peer.process.name or None, "pids": sorted(peer.pids), "connections": peer.connections,
        "states": dict(peer.states), "ports_used_share": share,
    }  # fmt: skip
