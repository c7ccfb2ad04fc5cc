"""What forwards a port, and to where: NAT rules, and programs whose business it is.

Where a target is an address that one namespace of this host has, it is followed: who listens
there, or that nobody does. What neither a rule nor a command line tells is not guessed.
"""

from __future__ import annotations

from collections import namedtuple

from fivetuple.analysis.forwarding_programs import bracketed, told_by
from fivetuple.analysis.forwarding_rules import (
    HOOKS,
    address_words,
    condition_words,
    has_riddles,
    is_chosen_at_random,
    taking_rules,
)
from fivetuple.analysis.kubernetes import service_of
from fivetuple.analysis.owners import namespace_name, owner_words
from fivetuple.model.endpoint import is_loopback, parse_endpoint
from fivetuple.model.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from fivetuple.analysis.forwarding_programs import Told
    from fivetuple.analysis.forwarding_rules import Taken
    from fivetuple.analysis.listening import Listener
    from fivetuple.analysis.subject import Subject
    from fivetuple.model.endpoint import Endpoint
    from fivetuple.model.namespace import Namespace
    from fivetuple.model.process import Process
    from fivetuple.model.snapshot import Snapshot

Forward = namedtuple(
    "Forward",
    "netns by how protocol source target pid rule service target_netns target_process target_pid is_answered",
)
"""netns: where; by: what does it (nft, iptables, legacy, docker-proxy, ssh ...); how: a clause;
source: what is forwarded; target: to what, None where it can't be told; pid: of the program; rule:
as its tool shows it; service: the Kubernetes service that it is of; target_*: who listens at the
target when that is on this host; is_answered: whether anybody does, None where that can't be told."""

PROTOCOLS = ("tcp", "udp")
TUNNELLED = frozenset(("tcp", "sctp"))


def forwards(
    snapshot: Snapshot, subject: Subject, found: Sequence[Listener], everyone: Sequence[Listener]
) -> list[Forward]:
    """Return what forwards the subject's ports.

    found: the subject's listeners; everyone: all listeners, among them those at a target.
    """
    made = [
        _of_rule(snapshot, everyone, space, taken, port)
        for port in subject.ports
        for space in snapshot.namespaces.values()
        for taken in _rules(space, subject, port)
    ]
    for each in found:
        holders = (snapshot.processes.get(pid) for pid in sorted(each.pids))
        made += [
            _of_program(snapshot, everyone, each, process, told)
            for process in holders
            if process is not None
            for told in told_by(process, each.port)
        ]
    return made + _towards(snapshot, found, everyone)


def _towards(
    snapshot: Snapshot, found: Sequence[Listener], everyone: Sequence[Listener]
) -> list[Forward]:
    """Return the programs that forward other ports to one of these listeners."""
    told_of = {id(each) for each in found}
    made: list[Forward] = []
    for each in everyone:
        if id(each) in told_of:
            continue
        holders = (snapshot.processes.get(pid) for pid in sorted(each.pids))
        for process in filter(None, holders):
            for told in told_by(process, each.port):
                end = _endpoint(told.target) if told.is_here else None
                if _listener_at(snapshot, found, each.netns, each.protocol, end):
                    made.append(_of_program(snapshot, everyone, each, process, told))
    return made


def _of_program(
    snapshot: Snapshot, everyone: Sequence[Listener], each: Listener, process: Process, told: Told
) -> Forward:
    """Describe what a program that listens does with the port."""
    end = _endpoint(told.target) if told.is_here else None
    behind = _behind(snapshot, everyone, each.netns, each.protocol, end)
    source = ", ".join(each.end_words())
    return Forward(
        each.netns, process.name, told.how, each.protocol, source, told.target, process.pid, None, None, *behind
    )  # fmt: skip


def _rules(space: Namespace, subject: Subject, port: int) -> list[Taken]:
    protocols = (subject.protocol,) if subject.protocol else PROTOCOLS
    try:
        return taking_rules(space, port, protocols, subject.address)
    except BadInput:  # recorded in a form that we don't know
        return []


def _of_rule(
    snapshot: Snapshot, everyone: Sequence[Listener], space: Namespace, taken: Taken, port: int
) -> Forward:
    """Describe a rule that takes packets to a port."""
    rule, step = taken.rule, taken.rule.step
    target, end = _target(taken, port)
    hooks = " and ".join(words for hook, words in HOOKS.items() if hook in taken.hooks)
    source = [
        f"{taken.protocol} to port {port} of {address_words(space, taken)}",
        hooks,
        *condition_words(taken),
    ]
    how = f"{step.verdict} in table {rule.base.family} {rule.base.table}"
    if is_chosen_at_random(taken):
        how += ", one of several targets, chosen at random"
    if has_riddles(taken):
        how += ", if conditions that ft can't judge hold"
    behind = _behind(snapshot, everyone, space.inode, taken.protocol, end)
    return Forward(
        space.inode, rule.base.source, how, taken.protocol, ", ".join(source), target, None, step.text, service_of(rule), *behind
    )  # fmt: skip


def _target(taken: Taken, port: int) -> tuple[str, Endpoint | None]:
    """Return the target as text, and as an end when it is exactly one."""
    step = taken.rule.step
    low, high = step.ports or (port, port)
    ports = str(low) if low == high else f"{low}-{high}"
    if not step.address:
        return f"this host:{ports}", None
    text = f"{bracketed(step.address)}:{ports}"
    return text, _endpoint(text) if low == high else None


def _endpoint(text: str | None) -> Endpoint | None:
    try:
        return parse_endpoint(text) if text else None
    except BadInput:  # a name, a range, a socket file
        return None


def _behind(
    snapshot: Snapshot,
    everyone: Sequence[Listener],
    netns: int,
    protocol: str,
    end: Endpoint | None,
) -> tuple[int | None, str | None, int | None, bool | None]:
    """Return (namespace, process, pid, whether anybody listens) of a target, None where it can't be told."""
    if end is None:
        return None, None, None, None
    space = _space_with(snapshot, netns, end.address)
    if space is None:
        return None, None, None, None
    each = _listener_at(snapshot, everyone, netns, protocol, end)
    if each is not None:
        return space.inode, each.process.name or None, each.process.pid or None, True
    # a namespace whose addresses are known was entered, so its listeners were read, too
    return space.inode, None, None, False


def _listener_at(
    snapshot: Snapshot,
    among: Sequence[Listener],
    netns: int,
    protocol: str,
    end: Endpoint | None,
) -> Listener | None:
    """Return the first of these listeners that hears an end as a namespace sees it."""
    space = _space_with(snapshot, netns, end.address) if end is not None else None
    if end is None or space is None:
        return None
    for each in among:
        if (
            each.netns == space.inode
            and each.protocol == protocol
            and each.port == end.port
            and each.hears(end.address)
        ):
            return each
    return None


def _space_with(snapshot: Snapshot, netns: int, address: bytes) -> Namespace | None:
    """Return the one namespace that has the address, our own before others."""
    if is_loopback(address):
        return snapshot.namespaces.get(netns)
    having = [
        space
        for space in snapshot.namespaces.values()
        if any(own == address for _, own, _ in space.addresses)
    ]
    mine = [space for space in having if space.inode == netns]
    candidates = mine or having
    return candidates[0] if len(candidates) == 1 else None


def target_words(snapshot: Snapshot, each: Forward) -> str:
    """Name a forward's target and who listens there: `172.17.0.2:80 (nginx (900) in web)`."""
    if each.target is None:
        return ""
    if each.target_netns is None or each.is_answered is None:
        return str(each.target)
    where = (
        f" in {namespace_name(snapshot, each.target_netns)}"
        if each.target_netns != each.netns
        else ""
    )
    if not each.is_answered:
        return f"{each.target}, where nothing listens{where}"
    process = snapshot.processes.get(each.target_pid or 0)
    who = owner_words(process, (process.pid,)) if process else "a socket whose owner is not known"
    return f"{each.target}, {who}{where}"
