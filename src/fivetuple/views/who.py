"""Which socket receives this packet, and why the others do not: the kernel's own look-up, followed.

Give the protocol and both ends as they are on the wire: first the sender, then where the packet
goes. Connections come first, then a listener at the packet's own address, then one at the
wildcard; SO_REUSEPORT groups, bound interfaces, IPV6_V6ONLY, address translation and filters of
the firewall are heeded. Without --syn the packet may be any segment of a connection.

Examples:
    ft who tcp 10.0.0.50:52431 192.168.1.100:80      who gets what a client sends to our port 80
    ft who --syn tcp 10.0.0.50:52431 10.0.0.1:443    who gets its new connection
    ft who udp '[fe80::5%eth0]:546' '[ff02::1:2%eth0]:547'
    ft who --netns all tcp 127.0.0.1:50000 127.0.0.1:5432
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fivetuple.analysis.lens import Lens
from fivetuple.analysis.lookup import SOCKET, UNREACHABLE, Verdict, followed, lookup
from fivetuple.analysis.lookup_words import packet_of
from fivetuple.analysis.owners import namespace_name
from fivetuple.model import facts, record
from fivetuple.model.answer import (
    BAD,
    FAINT,
    GOOD,
    WARN,
    Answer,
    Column,
    Heading,
    Line,
    Styled,
    Table,
)
from fivetuple.model.command import Option
from fivetuple.model.endpoint import address_text
from fivetuple.model.errors import BadInput
from fivetuple.model.fields import COSTLY, DEFAULT_DATA, FIELD, needs_of
from fivetuple.model.question import EVERY_STATE, Hint, Question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fivetuple.analysis.lookup_candidates import Candidate
    from fivetuple.model.command import Request
    from fivetuple.model.snapshot import Snapshot

ARGUMENTS = "tcp|udp|udplite SOURCE:PORT DESTINATION:PORT"
OPTIONS = (
    Option(("--iface",), "the interface that the packet arrives by; the one that leads to the sender if not given", "text", "NAME"),
    Option(("--syn",), "the packet asks for a new connection (TCP)"),
)  # fmt: skip

NEEDS = (
    facts.SOCKETS | facts.OWNERS | facts.PROCESS_NAMES | facts.PROCESSES | facts.OPTIONS
    | facts.BACKLOG | facts.NAMESPACES | facts.ROUTES | facts.FIREWALL
)  # fmt: skip
SHOWN_FIELDS = ("protocol", "state", "local", "remote", "process", "unit", "container")
OTHERS_SHOWN = 20
STYLES = {"socket": GOOD, "reset": BAD, "unreachable": BAD, "dropped": WARN}


def question(request: Request) -> Question:
    """Ask for the protocol's sockets, the raw ones that get copies, and what stands before them."""
    packet, _ = packet_of(request.words)
    needs = NEEDS
    if request.get("output") in ("json", "jsonl", "csv"):
        needs |= needs_of(_data_fields(request)) & ~(0 if request.get("fields") else COSTLY)
    return Question(
        needs,
        Hint(EVERY_STATE, frozenset((packet.protocol, "raw"))),
        request.get("netns") or "self",
    )


def answer(snapshot: Snapshot, request: Request) -> Answer:
    """Follow the packet in every namespace that was asked for."""
    verdicts = followed(
        snapshot, [_verdict(snapshot, netns, request) for netns in _scope(snapshot, request)]
    )
    first = _foremost(snapshot, verdicts)
    fields = _data_fields(request)
    data = _data(snapshot, first, fields)
    if len(verdicts) > 1:
        data["namespaces"] = [_data(snapshot, each, fields) for each in verdicts]
    blocks: list[object] = [Line(Styled(_title(request, first), STYLES[first.answer]))]
    if len(verdicts) == 1:
        blocks += _said(snapshot, first)
    else:
        blocks += _said_of_each(snapshot, verdicts)
    return Answer(blocks, data, lists="sockets", status=0 if first.answer == SOCKET else 1)


def _scope(snapshot: Snapshot, request: Request) -> list[int]:
    """Return the namespaces to ask: ours, the one named, or all."""
    which = request.get("netns") or "self"
    if which == "self" or not snapshot.namespaces:
        return [snapshot.own_netns]
    if which == "all":
        return list(snapshot.namespaces)
    # only what is in scope was described
    return [inode for inode, space in snapshot.namespaces.items() if space.interfaces] or [
        snapshot.own_netns
    ]


def _verdict(snapshot: Snapshot, netns: int, request: Request) -> Verdict:
    """Follow the packet in one namespace."""
    packet, scope = packet_of(request.words)
    name = request.get("iface") or scope
    index = _index_of(snapshot, netns, name) if name else 0
    return lookup(snapshot, netns, packet._replace(interface=index, is_syn=request.flag("syn")))


def _index_of(snapshot: Snapshot, netns: int, name: str) -> int:
    """Return the index of an interface by its name or number.

    Raises:
        BadInput: the namespace has no such interface; the message lists those that it has.
    """
    known = snapshot.interfaces.get(netns) or {}
    for index, own in known.items():
        if name in (own, str(index)):
            return index
    if (
        snapshot.namespaces and len(snapshot.namespaces) > 1 and netns != snapshot.own_netns
    ) or not known:
        return 0
    raise BadInput(f"no interface '{name}' here; there are {', '.join(known.values())}")


def _foremost(snapshot: Snapshot, verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict that answers for all: where a socket receives, our own namespace first."""
    return min(
        verdicts,
        key=lambda each: (
            each.answer == UNREACHABLE,
            each.answer != SOCKET,
            each.netns != snapshot.own_netns,
        ),
    )


def _data(snapshot: Snapshot, verdict: Verdict, fields: Sequence[str]) -> dict[str, Any]:
    """Return the verdict for programs."""
    others = _records(snapshot, [each for each, _ in verdict.others], fields)
    return {
        "answer": verdict.answer,
        "sockets": _records(snapshot, verdict.sockets, fields),
        "reasons": verdict.reasons,
        "others": [
            each | {"reason": why} for each, (_, why) in zip(others, verdict.others, strict=True)
        ],
        "copies": _records(snapshot, verdict.copies, fields),
        "certain": verdict.is_certain,
        "netns": verdict.netns,
        "netns_name": namespace_name(snapshot, verdict.netns),
    }


def _data_fields(request: Request) -> tuple[str, ...]:
    """Return the fields of each socket in the data.

    Raises:
        BadInput: a name of --fields is no field.
    """
    asked = tuple(request.get("fields") or DEFAULT_DATA)
    for name in asked:
        if name not in FIELD:
            raise BadInput(f"'{name}' is not a field; `ft explain columns` lists them")
    return asked


def _records(
    snapshot: Snapshot, chosen: Sequence[Candidate], fields: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the sockets' rows as `ft ls --json` has them."""
    lens = Lens(snapshot)
    lens.ownership.learn(snapshot.rows)
    values = lens.values(fields)(_rows(snapshot, chosen))
    return [dict(zip(fields, row, strict=True)) for row in values]


def _cells(
    snapshot: Snapshot, chosen: Sequence[Candidate], fields: Sequence[str]
) -> list[tuple[str, ...]]:
    lens = Lens(snapshot)
    lens.ownership.learn(snapshot.rows)
    return lens.cells(fields)(_rows(snapshot, chosen))


def _rows(snapshot: Snapshot, chosen: Sequence[Candidate]) -> bytes:
    size = record.SIZE
    view = memoryview(snapshot.rows)
    return b"".join(bytes(view[each.row * size : each.row * size + size]) for each in chosen)


def _title(request: Request, verdict: Verdict) -> str:
    packet, _ = packet_of(request.words)
    kind = " SYN" if request.flag("syn") and packet.protocol == "tcp" else ""
    return f"{packet.protocol}{kind} {packet.source} -> {packet.destination}: {_outcome(verdict)}"


def _outcome(verdict: Verdict) -> str:
    """Say the answer in a few words."""
    count = len(verdict.sockets)
    if verdict.answer != SOCKET:
        return verdict.answer
    if count == 1:
        is_full = any("accept queue is full" in reason for reason in verdict.reasons)
        return "one socket receives it" + (", and its accept queue is full" if is_full else "")
    return (
        f"{count} sockets receive it"
        if verdict.is_for_everyone
        else f"one of these {count} sockets receives it"
    )


def _said(snapshot: Snapshot, verdict: Verdict) -> list[object]:
    """Show who receives, why, and why the others do not."""
    blocks: list[object] = []
    if verdict.sockets:
        blocks += [Line(""), _table(snapshot, verdict.sockets)]
    blocks += [Line(""), Heading("Why"), *(Line(f"  - {reason}") for reason in verdict.reasons)]
    if verdict.copies:
        blocks += [Line(""), Heading("Copies"), _table(snapshot, verdict.copies)]
    if verdict.others:
        blocks += [
            Line(""),
            Heading(f"Not these ({len(verdict.others)})"),
            _others(snapshot, verdict),
        ]
        left = len(verdict.others) - OTHERS_SHOWN
        if left > 0:
            blocks.append(
                Line(
                    Styled(
                        f"  and {left} more: ft ls sport = :{verdict.packet.destination.port}",
                        FAINT,
                    )
                )
            )
    return blocks


def _table(snapshot: Snapshot, chosen: Sequence[Candidate]) -> Table:
    """Show sockets with their owners; columns that nobody fills are left out."""
    rows = _cells(snapshot, chosen, SHOWN_FIELDS)
    kept = [
        i
        for i, name in enumerate(SHOWN_FIELDS)
        if name not in ("unit", "container") or any(row[i] != "-" for row in rows)
    ]
    return Table(
        [Column(FIELD[SHOWN_FIELDS[i]].title) for i in kept],
        [[row[i] for i in kept] for row in rows],
    )


def _others(snapshot: Snapshot, verdict: Verdict) -> Table:
    """Show the sockets with the same port that do not get the packet, each with its reason."""
    shown = verdict.others[:OTHERS_SHOWN]
    rows = _cells(snapshot, [each for each, _ in shown], ("state", "local", "remote", "process"))
    columns = [
        Column("STATE"),
        Column("LOCAL"),
        Column("REMOTE", "<", 2),
        Column("PROCESS", "<", 1),
        Column("BECAUSE"),
    ]
    return Table(columns, [[*row, reason] for row, (_, reason) in zip(rows, shown, strict=True)])


def _said_of_each(snapshot: Snapshot, verdicts: Sequence[Verdict]) -> list[object]:
    """Show each namespace that the packet can reach; name the others in one line."""
    blocks: list[object] = []
    elsewhere = []
    for each in verdicts:
        name = namespace_name(snapshot, each.netns)
        if each.answer == UNREACHABLE and not each.others and len(each.reasons) == 1:
            elsewhere.append(name)
            continue
        blocks += [
            Line(""),
            Heading(f"In namespace {name}: {_outcome(each)}"),
            *_said(snapshot, each),
        ]
    if elsewhere:
        destination = address_text(verdicts[0].packet.destination.address)
        blocks += [Line(""), Line(f"{destination} is no address of: {', '.join(elsewhere)}")]
    return blocks
