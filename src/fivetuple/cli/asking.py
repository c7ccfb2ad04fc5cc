"""From a Request to what is written: the Snapshot, the answer, and what has to be said beside it."""

from __future__ import annotations

import sys

from fivetuple.cli.commands import is_view

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from fivetuple.model.answer import Answer
    from fivetuple.model.command import Request
    from fivetuple.model.snapshot import Snapshot

INCOMPLETE = 3
LONGEST_LINE = 1000  # of a complaint: what was typed is repeated in it, and may have been pasted


def ask(module: ModuleType, request: Request) -> tuple[Snapshot | None, Answer]:
    """Get the Snapshot that the command needs, and its answer."""
    if not is_view(module):
        return None, module.run(request)
    question = module.question(request)
    if question is None:
        return None, module.answer(None, request)
    from fivetuple.origins import open_origin

    origin = open_origin(request.get("from"), request.get("road"), request.now_ns)
    snapshot = origin.snapshot(question)
    return snapshot, module.answer(snapshot, request)


def needs_of(module: ModuleType, request: Request) -> int:
    """Return the Facts that the question needs: what else a file lacks is nobody's trouble."""
    question = module.question(request) if is_view(module) else None
    return question.needs if question else 0


def finish(answer: Answer, snapshot: Snapshot | None, request: Request, needs: int) -> int:
    """Write the answer to stdout and what has to be said beside it to stderr."""
    notes = list(answer.notes)
    if request.flag("resolve"):
        from fivetuple.cli.resolve import add_names

        notes += add_names(answer)
    if answer.is_whole or request.get("output") in ("json", "jsonl", "csv"):
        from fivetuple.cli.encode import write
    else:
        from fivetuple.cli.render import write
    status = write(answer, snapshot, request)
    sys.stdout.flush()
    if not request.flag("quiet"):
        for note in notes:
            complain(note)
        if snapshot is not None:
            say_what_is_missing(snapshot, request, needs)
    if request.flag("strict") and snapshot is not None and snapshot.refused & needs:
        return INCOMPLETE
    return status


def say_what_is_missing(snapshot: Snapshot, request: Request, needs: int) -> None:
    """Say once each what the answer lacks and why; the same reason is not said twice."""
    from fivetuple.model import facts

    if not request.get("from"):  # a list of this machine's sockets that lacks some always says so
        needs |= facts.BOUND_INACTIVE | (facts.OTHER_NAMESPACES if request.get("netns") else 0)
    elif request.command == "port":
        needs &= ~_changes_no_sentence(snapshot)
    elif request.command == "overview":  # a user whose name no text holds is told by number
        needs &= ~facts.USERS
    said: dict[str, list[str]] = {}
    for fact, reason in snapshot.missing.items():
        if fact & needs or (fact == facts.BPF and request.get("road")):
            said.setdefault(reason, []).extend(facts.names(fact))
    for reason, names in said.items():
        complain(f"not shown: {', '.join(names)}: {reason}")


def _changes_no_sentence(snapshot: Snapshot) -> int:
    """Return the Facts that the story of a pasted text does without; `missing` in JSON has them.

    Of timers it tells the time that TIME_WAIT lasts, of users the names of numbers, of options
    whether an IPv6 listener takes IPv4 too: that one matters where there is such a listener.
    """
    from fivetuple.model import facts, names, record
    from fivetuple.model.endpoint import AF_INET6
    from fivetuple.model.state import LISTEN

    kept = facts.TIMERS | facts.USERS
    listeners = (
        known
        for family, kind, state, known in record.Projection(
            "family", "type", "state", "known"
        ).read(snapshot.rows)
        if family == AF_INET6 and (state == LISTEN or kind == names.DGRAM)
    )
    return kept | (0 if any(not known & record.OPTIONS for known in listeners) else facts.OPTIONS)


def complain(sentence: str) -> None:
    """Write one harmless line to stderr, if anybody reads it."""
    from fivetuple.model.text import printable

    lines = [printable(line[:LONGEST_LINE]) for line in sentence.split("\n")]
    try:
        sys.stderr.write("ft: " + "\n    ".join(lines) + "\n")
    except OSError:
        return  # stderr is full or closed: nowhere is left to say so
