"""Show the page of a command, or explain a word.

`ft help` alone lists the commands; `ft help COMMAND` is `ft COMMAND --help`; any other word is
explained as `ft explain WORD` does.

Examples:
    ft help ls
    ft help TIME_WAIT
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fivetuple.analysis.articles import article, article_data
from fivetuple.analysis.contents import group_of
from fivetuple.analysis.explaining import explain, suggestions
from fivetuple.analysis.manual import command_page, contents_page
from fivetuple.model import facts
from fivetuple.model.answer import Answer, Line
from fivetuple.model.errors import BadInput
from fivetuple.model.question import EVERY_STATE, Hint, Question

if TYPE_CHECKING:
    from fivetuple.model.command import Request
    from fivetuple.model.snapshot import Snapshot

ARGUMENTS = "[COMMAND | TOPIC]"
OPTIONS = ()
WANTS_CARDS = True


def question(request: Request) -> Question | None:
    """Ask for this host's numbers where a word has to be explained."""
    term = " ".join(request.words)
    if not term or term in request.get("cards"):
        return None
    return Question(facts.NAMESPACES, Hint(EVERY_STATE, frozenset()), "self")


def answer(snapshot: Snapshot | None, request: Request) -> Answer:
    """Show the page."""
    cards = request.get("cards")
    term = " ".join(request.words)
    if not term or term in cards:
        lines = command_page(cards[term]) if term else contents_page(cards)
        return Answer([Line(line) for line in lines], {"topic": term or "ft", "lines": lines})
    group = group_of(term)
    if group:
        return Answer(group[0], {"articles": [group[1]]}, lists="articles")
    own = snapshot.namespaces.get(snapshot.own_netns) if snapshot else None
    explained = explain(term, own.sysctls if own else {})
    if explained is None:
        from difflib import get_close_matches

        near = list(
            dict.fromkeys(get_close_matches(term[:40], list(cards), 1, 0.6) + suggestions(term))
        )
        hint = (
            f"did you mean {' or '.join(near[:3])}?"
            if near
            else "`ft help` lists the commands, `ft explain` the words"
        )
        raise BadInput(f"there is no help on '{term}'; {hint}")
    return Answer(article(explained), {"articles": [article_data(explained)]}, lists="articles")
