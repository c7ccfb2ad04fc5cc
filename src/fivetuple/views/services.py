"""Tell what a port or service is for, and whether it is safe in the open.

WORD is looked for in names and purposes. Without one the ports that people meet are listed, each
judged by hand; IANA's registry of 12,000 has many that nobody uses: --all lists them too. Where a
name is used that IANA gave to something else, the name that people use is shown.

Examples:
    ft services 6379            one port
    ft services ssh/tcp         of one protocol
    ft services 8000-8100       a range
    ft services mail            every service whose name or purpose says so
    ft services --all --json    the whole registry
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fivetuple.model.answer import BAD, GOOD, WARN, Answer, Column, Line, Styled, Table
from fivetuple.model.command import Option
from fivetuple.model.errors import BadInput
from fivetuple.model.services import ENCRYPTED, NEVER, PRIVATE, SAFE, known_names, search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fivetuple.model.command import Request
    from fivetuple.model.services import Service
    from fivetuple.model.snapshot import Snapshot

ARGUMENTS = "[WORD | N | N-M][/PROTOCOL]"
OPTIONS = (Option(("--all",), "without WORD: IANA's whole registry, not only what people meet"),)

# What the last column says of each judgement.
VERDICTS = {
    SAFE: Styled("yes", GOOD),
    ENCRYPTED: Styled("only encrypted", WARN),
    PRIVATE: Styled("private network", WARN),
    NEVER: Styled("never", BAD),
}
COLUMNS = (
    Column("PORT", ">"),
    Column("PROTOCOL", "<", 2),
    Column("NAME"),
    Column("WHAT FOR", "<", 0, folds=True),
    Column("SAFE IN THE OPEN?"),
    Column("WHY", "<", 1, folds=True),
)


def question(request: Request) -> None:
    """Ask for nothing: the tables are the same everywhere."""
    if request.flag("all") and request.words:
        raise BadInput("--all lists everything: leave out the word, or leave out --all")


def answer(snapshot: Snapshot | None, request: Request) -> Answer:  # every view has both
    """List what fits."""
    word = " ".join(request.words)
    found = search(word)
    notes: tuple[str, ...] = ()
    if not word and not request.flag("all"):
        everything = len(found)
        found = [one for one in found if one.exposure]
        notes = (
            f"these are the services that people meet; --all lists {everything:,}, WORD or N-M finds among all",
        )
    if not word:
        found.sort(key=lambda one: (one.port, one.last_port, one.protocol))
    data = {"services": [one._asdict() for one in found][: request.get("limit")]}
    if not found:
        return Answer([Line(_nothing(word))], data, lists="services", status=1)
    rows = [_row(protocols, one) for protocols, one in _merged(found)][: request.get("limit")]
    return Answer([Table(COLUMNS, rows)], data, lists="services", notes=notes)


def _merged(found: Sequence[Service]) -> list[tuple[list[str], Service]]:
    """Join the protocols that one port serves in the same way, in the order of the list.

    IANA registered UDP, SCTP and DCCP with many a TCP service: what only repeats the name of one
    that was judged is left to programs.
    """
    judged = {
        (one.port, name) for one in found if one.exposure for name in (one.name, one.iana_name)
    }
    joined: dict[tuple[object, ...], tuple[list[str], Service]] = {}
    for one in found:
        if one.exposure is None and (one.port, one.name) in judged:
            continue
        key = one._replace(protocol="", iana_name=None)
        joined.setdefault(key, ([], one))[0].append(one.protocol)
    return list(joined.values())


def _row(protocols: Sequence[str], one: Service) -> list[str]:
    ports = str(one.port) if one.last_port == one.port else f"{one.port}-{one.last_port}"
    verdict = VERDICTS.get(one.exposure, "") if one.exposure else ""
    return [ports, ",".join(protocols), one.name, one.description, verdict, one.reason or ""]


def _nothing(word: str) -> str:
    """Say that nothing was found, and what may have been meant."""
    from difflib import get_close_matches

    near = get_close_matches(word.lower()[:40], known_names(), 1, 0.6)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"no service has '{word}' as its port, in its name or its purpose{hint}"
