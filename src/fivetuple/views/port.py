"""Tell the whole story of a port, service or process: what it is, who holds it, why, who is connected.

WORD is a port (5432, :5432, 53/udp), a service (postgresql), a process, unit or container
(nginx), a pid, or an address with or without a port (10.0.0.5:443). Every network namespace is
looked at, and also what ss does not show: ports held by sockets that neither listen nor connect,
and outgoing connections that took the port. `ft 5432` is short for `ft port 5432`.

Examples:
    ft 5432           what is this port, who has it, what now?
    ft nginx          the ports and connections of a program
    ft port 53/udp    one protocol
    ft :8080          the port, even if a process has that number
"""

from __future__ import annotations

from collections import Counter

from fivetuple.analysis.advice import advise
from fivetuple.analysis.forwarding import Forward, forwards
from fivetuple.analysis.lens import Lens
from fivetuple.analysis.listening import Listener, listeners, namespace_name, owner_words, where_words
from fivetuple.analysis.peers import Peer, peers
from fivetuple.analysis.reasons import age_words, parent_line, why_it_runs
from fivetuple.analysis.selecting import Part, parts_of
from fivetuple.analysis.subject import Subject, subject_of
from fivetuple.model import facts
from fivetuple.model.answer import FAINT, STRONG, WARN, Answer, Column, Heading, Line, Pairs, Styled, Table
from fivetuple.model.endpoint import address_text
from fivetuple.model.errors import BadInput
from fivetuple.model.fields import DEFAULT_DATA
from fivetuple.model.names import INTERNET_PROTOCOLS
from fivetuple.model.ports import port_space
from fivetuple.model.question import EVERY_STATE, Hint, Question
from fivetuple.model.services import service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from fivetuple.model.command import Request
    from fivetuple.model.process import Process
    from fivetuple.model.snapshot import Snapshot

ARGUMENTS = "WORD"
OPTIONS = ()
MOST = 12  # entries of one list; more are folded


def question(request: Request) -> Question:
    """Ask for everything that may hold or explain a port."""
    _word(request)
    needs = (
        facts.SOCKETS | facts.OWNERS | facts.PROCESSES | facts.CONTAINERS | facts.NAMESPACES | facts.BACKLOG
        | facts.BOUND_INACTIVE | facts.FIREWALL | facts.USERS | facts.TIMERS
    )  # fmt: skip
    return Question(needs, Hint(EVERY_STATE, frozenset((*INTERNET_PROTOCOLS, "vsock"))), request.get("netns") or "auto")


def _word(request: Request) -> str:
    if len(request.words) != 1:
        if len(request.words) > 1:
            raise BadInput(f"ft port takes one word; for a filter write: ft ls {' '.join(request.words)}")
        raise BadInput("ft port needs a port, a service, a process or an address: ft port 5432")
    return request.words[0]


def answer(snapshot: Snapshot, request: Request) -> Answer:
    """Tell the story."""
    holders = [process for process in snapshot.processes.values() if process.pid in _holding(snapshot)]
    subject = subject_of(_word(request), holders)
    part = parts_of(snapshot, subject)
    found = [each for each in listeners(snapshot) if part.has_listener(each)]
    clients, destinations = part.clients(), [peer for peer in peers(snapshot) if part.has_peer(peer)]
    through = [each for port in subject.ports for each in forwards(snapshot, port, subject.protocol, found)]
    owners = _owners(snapshot, part)
    advice = advise(snapshot, subject, part, found, through)
    blocks = [
        *_what(snapshot, subject, owners),
        *_held(snapshot, part, found),
        *_why(snapshot, owners, request.now_ns),
        *_connected(snapshot, clients),
        *_talking(snapshot, destinations, subject),
        *_forwarded(snapshot, through),
        *([Line(""), Heading("What to do"), *(Line(f"  {sentence}") for sentence in advice)] if advice else []),
    ]
    data = {
        "subject": {"word": subject.word, "ports": list(subject.ports), "pids": list(subject.pids), "protocol": subject.protocol},
        "ports": [_port_data(snapshot, port, subject.protocol) for port in subject.ports],
        "sockets": [dict(zip(DEFAULT_DATA, values, strict=True)) for values in _values(snapshot, part)],
        "processes": [_process_data(snapshot, process) for process in owners],
        "clients": [{"remote_address": address, "connections": count, "states": dict(states)} for address, count, states in clients],
        "forwards": [each._asdict() for each in through],
        "advice": advice,
    }
    is_used = bool(part.rows or through)
    return Answer(blocks, data, lists="sockets", status=0 if is_used else 1)


def _holding(snapshot: Snapshot) -> set[int]:
    pids = {held >> 32 for held in snapshot.holders.values()}
    for shared in snapshot.shared.values():
        pids.update(held >> 32 for held in shared)
    return pids


def _values(snapshot: Snapshot, part: Part) -> list[tuple[Any, ...]]:
    lens = Lens(snapshot)
    lens.ownership.learn(snapshot.rows)
    return lens.values(DEFAULT_DATA)(part.rows)


def _owners(snapshot: Snapshot, part: Part) -> list[Process]:
    """Return the processes that hold what this is about, each once, by pid."""
    return [snapshot.processes[pid] for pid in sorted(part.pids) if pid in snapshot.processes]


def _what(snapshot: Snapshot, subject: Subject, owners: Sequence[Process]) -> list[object]:
    """Say what the number, name or address is."""
    blocks: list[object] = []
    for port in subject.ports[:4]:
        space = snapshot.namespaces.get(snapshot.own_netns)
        known = port_space(space.sysctls if space else {}).describe(port)
        blocks.append(Line(Styled(f"Port {port}", STRONG)))
        for each in _services(port, subject.protocol):
            blocks.append(Line(f"  {each}"))
        blocks += [Line(f"  {sentence}") for sentence in known.sentences]
    if subject.pids and not subject.ports:
        names = sorted({process.name for process in owners}) or [subject.word]
        blocks.append(Line(Styled(f"{', '.join(names)}: {len(subject.pids)} {_plural(len(subject.pids), 'process', 'processes')} with sockets", STRONG)))
    elif subject.pids:
        blocks.append(Line(f"  {subject.pids[0]} is a process, too; `ft ls pid = {subject.pids[0]}` lists its sockets."))
    if subject.address is not None and not subject.ports:
        blocks.append(Line(Styled(f"Address {address_text(subject.address)}", STRONG)))
    return blocks


def _services(port: int, protocol: str | None) -> list[str]:
    """Say what the port usually serves, and whether that is safe in the open."""
    lines = []
    for each in (protocol,) if protocol else ("tcp", "udp", "sctp", "dccp"):
        known = service(port, each)
        if known is None:
            continue
        safety = f" In the open: {known.exposure}, {known.reason}." if known.exposure and known.reason else ""
        about = f", {known.description}" if known.description else ""
        told = f"{port}/{each}: {known.name}{about}.{safety}".replace("..", ".")
        if told.partition(": ")[2] not in [line.partition(": ")[2] for line in lines]:
            lines.append(told)
    return lines or [f"{port}: no service is registered, and ft knows none by custom."]


def _plural(count: int, one: str, many: str) -> str:
    return one if count == 1 else many


def _held(snapshot: Snapshot, part: Part, found: Sequence[Listener]) -> list[object]:
    """Show who holds it, in each namespace, and in which way."""
    rows = [
        [
            "listens" if each.protocol in ("tcp", "sctp", "dccp", "mptcp") else "receives",
            f"{each.protocol} {', '.join(each.address_words()[:3])}:{each.port}", owner_words(each.process, each.pids),
            where_words(each), namespace_name(snapshot, each.netns), _queue(each),
        ]
        for each in found
    ]  # fmt: skip
    rows += [
        [how, f"{protocol} {where}", owner, place, namespace_name(snapshot, netns), note]
        for how, protocol, where, owner, place, netns, note in part.other_holders()
    ]
    if not rows:
        nothing = "nothing listens on it, is bound to it or uses it" if part.subject.ports else "it holds no internet socket"
        unsure = " that we can see" if snapshot.refused else ""
        return [Line(""), Heading("Who holds it"), Line(f"  {nothing}{unsure}")]
    shown = rows[:MOST]
    columns = [Column("HOW"), Column("WHERE"), Column("OWNER"), Column("UNIT OR CONTAINER", "<", 2), Column("NAMESPACE", "<", 1), Column("", "<", 3)]
    return [Line(""), Heading("Who holds it"), Table(columns, shown), *_more(len(rows) - len(shown))]


def _queue(each: Listener) -> str:
    if each.accept_queue is None or each.backlog is None:
        return ""
    text = f"accept queue {each.accept_queue}/{each.backlog}"
    return Styled(text + ", full", WARN) if each.accept_queue > each.backlog else text


def _more(count: int) -> list[object]:
    return [Line(Styled(f"  and {count} more", FAINT))] if count > 0 else []


def _why(snapshot: Snapshot, owners: Sequence[Process], now_ns: int) -> list[object]:
    """Say why each owner runs: unit, container or shell, command, parents, since when."""
    if not owners:
        return []
    blocks: list[object] = [Line(""), Heading("Why it runs")]
    told: list[Process] = []
    for process in owners:
        # workers of one program are told once, by their oldest
        if any(process.name == other.name and process.place is not None and _same_place(process, other) for other in told):
            continue
        told.append(process)
        if len(told) > MOST // 3:
            break
        pairs = [("process", f"{process.name} ({process.pid}): {why_it_runs(snapshot, process)}")]
        if process.command:
            pairs.append(("command", process.command[:2000]))
        if process.uid is not None:
            pairs.append(("user", snapshot.users.get(process.uid) or str(process.uid)))
        if process.started_ns:
            pairs.append(("running for", age_words(now_ns - process.started_ns)))
        pairs.append(("parents", parent_line(snapshot, process)))
        blocks.append(Pairs(pairs))
    others = len(owners) - len(told)
    return blocks + ([Line(Styled(f"  and {others} more processes of the same", FAINT))] if others > 0 else [])


def _same_place(one: Process, other: Process) -> bool:
    mine, theirs = one.place, other.place
    return mine is not None and theirs is not None and (mine.unit, mine.container_id) == (theirs.unit, theirs.container_id)


def _connected(snapshot: Snapshot, clients: Sequence[tuple[str, int, Counter[str]]]) -> list[object]:  # noqa: ARG001
    if not clients:
        return []
    total = sum(count for _, count, _ in clients)
    rows = [[address, str(count), ", ".join(f"{state} {n}" for state, n in states.most_common())] for address, count, states in clients[:MOST]]
    columns = [Column("CLIENT"), Column("CONNS", ">"), Column("STATES", "<", 1)]
    return [Line(""), Heading(f"Who is connected ({total})"), Table(columns, rows), *_more(len(clients) - len(rows))]


def _talking(snapshot: Snapshot, found: Sequence[Peer], subject: Subject) -> list[object]:
    if not found:
        return []
    title = "Who talks to that port elsewhere" if subject.ports else "What it talks to"
    rows = [
        [str(peer.remote), peer.service or "", owner_words(peer.process, peer.pids), str(peer.connections),
         ", ".join(f"{state} {n}" for state, n in peer.states.most_common(3)), namespace_name(snapshot, peer.netns)]
        for peer in found[:MOST]
    ]  # fmt: skip
    columns = [Column("DESTINATION"), Column("SERVICE", "<", 2), Column("OWNER"), Column("CONNS", ">"), Column("STATES", "<", 1), Column("NAMESPACE", "<", 3)]
    return [Line(""), Heading(title), Table(columns, rows), *_more(len(found) - len(rows))]


def _forwarded(snapshot: Snapshot, found: Sequence[Forward]) -> list[object]:
    if not found:
        return []
    blocks: list[object] = [Line(""), Heading("What forwards it")]
    for each in found[:MOST]:
        target = f" to {each.target}" if each.target else ""
        where = namespace_name(snapshot, each.netns)
        blocks.append(Line(f"  {each.by}{f' ({each.pid})' if each.pid else ''}{target}: {each.how}; in {where}, for {each.source}"))
    return blocks + _more(len(found) - MOST)


def _port_data(snapshot: Snapshot, port: int, protocol: str | None) -> dict[str, Any]:
    spaces = {}
    for space in snapshot.namespaces.values():
        if space.sysctls:
            known = port_space(space.sysctls).describe(port)
            spaces[space.name] = {"privileged": known.is_privileged, "ephemeral": known.is_ephemeral, "reserved": known.is_reserved}
    named = [service(port, each) for each in ((protocol,) if protocol else ("tcp", "udp", "sctp", "dccp"))]
    return {
        "port": port,
        "class": port_space({}).describe(port).port_class,
        "services": [each._asdict() for each in named if each is not None],
        "namespaces": spaces,
    }


def _process_data(snapshot: Snapshot, process: Process) -> dict[str, Any]:
    place = process.place
    return {
        "pid": process.pid, "process": process.name, "command": process.command, "uid": process.uid,
        "user": snapshot.users.get(process.uid) if process.uid is not None else None, "started_ns": process.started_ns,
        "unit": place.unit if place else None, "container": place.container if place else None, "pod": place.pod if place else None,
        "why": why_it_runs(snapshot, process), "parents": parent_line(snapshot, process),
    }  # fmt: skip
