"""Explain a word: a state, an error, a port, an option, a column, a command; with this host's numbers.

Words may be several, and one may consist of several. Without a word the contents are listed; the
name of a group (`ft explain errors`) lists that group. Case, blanks, dashes and underscores don't
matter. `--netns` takes the numbers of another network namespace.

Examples:
    ft explain TIME_WAIT               a state
    ft explain EADDRINUSE time-wait    two words
    ft explain 'accept queue'          of two words
    ft explain 5432                    a port by its number
    ft explain columns                 what every column of `ft ls` means
    ft explain filters                 the language of `ft ls`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fivetuple.analysis.articles import article, article_data
from fivetuple.analysis.contents import contents, group_of
from fivetuple.analysis.explaining import explain, suggestions
from fivetuple.analysis.manual import command_page
from fivetuple.model import facts
from fivetuple.model.answer import Answer, Line
from fivetuple.model.errors import BadInput
from fivetuple.model.question import EVERY_STATE, Hint, Question

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from fivetuple.model.command import Card, Request
    from fivetuple.model.snapshot import Snapshot

ARGUMENTS = "[WORD...]"
OPTIONS = ()
WANTS_CARDS = True
LONGEST_RUN = 4  # words of one term: `bound but inactive socket`


def question(request: Request) -> Question | None:
    """Ask for the settings of one namespace, and for no socket."""
    if not request.words:
        return None
    return Question(
        facts.NAMESPACES, Hint(EVERY_STATE, frozenset()), request.get("netns") or "self"
    )


def answer(snapshot: Snapshot | None, request: Request) -> Answer:
    """Explain each word, or list what can be explained."""
    if not request.words:
        blocks, data = contents()
        return Answer(blocks, data, lists="topics")
    sysctls = _sysctls(snapshot, request.get("netns"))
    blocks = []
    articles = []
    for told, data in _told(request.words, sysctls, request.get("cards") or {}):
        blocks += [Line(""), *told] if blocks else told
        articles.append(data)
    return Answer(blocks, {"articles": articles}, lists="articles")


def _sysctls(snapshot: Snapshot | None, netns: str | None) -> Mapping[str, str]:
    """Return the settings of the namespace that was asked for."""
    if snapshot is None:
        return {}
    spaces = snapshot.namespaces
    for space in spaces.values():
        if (
            netns
            and netns not in ("self", "all")
            and netns in (space.name, str(space.pid), *space.nsid_names)
        ):
            return space.sysctls
    own = spaces.get(snapshot.own_netns)
    return (
        own.sysctls
        if own
        else next((space.sysctls for space in spaces.values() if space.sysctls), {})
    )


def _told(
    words: Sequence[str], sysctls: Mapping[str, str], cards: Mapping[str, Card]
) -> Iterator[tuple[list[object], dict[str, Any]]]:
    """Give blocks and data of each term; the longest run of words that is known is one term.

    Raises:
        BadInput: a word is known to nobody; the message names what is like it.
    """
    at = 0
    while at < len(words):
        for run in range(min(LONGEST_RUN, len(words) - at), 0, -1):
            term = " ".join(words[at : at + run])
            found = _one(term, sysctls, cards)
            if found:
                yield found
                at += run
                break
        else:
            raise BadInput(_unknown(words[at], cards))


def _one(
    term: str, sysctls: Mapping[str, str], cards: Mapping[str, Card]
) -> tuple[list[object], dict[str, Any]] | None:
    """Explain one term: a group of articles, an article, a column, a port, or a command."""
    group = group_of(term)
    if group:
        return group
    explained = explain(term, sysctls)
    if explained:
        return list(article(explained)), article_data(explained)
    if term in cards:
        lines = command_page(cards[term])
        return [Line(line) for line in lines], {
            "word": term,
            "group": "Commands",
            "title": lines[0],
            "paragraphs": lines,
        }
    return None


def _unknown(word: str, cards: Mapping[str, Card]) -> str:
    from difflib import get_close_matches

    near = suggestions(word) + get_close_matches(word[:40], list(cards), 1, 0.7)
    hint = f"did you mean {' or '.join(near)}?" if near else "`ft explain` lists what is"
    return f"'{word}' is not explained here; {hint}"
