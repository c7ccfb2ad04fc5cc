"""An Explanation as blocks for people and as data: what `ft explain` and `ft help` both show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fivetuple.model.answer import FAINT, Heading, Line, Pairs, Styled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from fivetuple.analysis.explaining import Explanation

DEFAULT = "Linux's default; this host's own was not read"


def article(explained: Explanation) -> Iterator[object]:
    """Give the blocks of one article."""
    yield Heading(f"{explained.word}: {explained.title}")
    for paragraph in explained.paragraphs:
        yield Line(paragraph)
    if explained.told:
        yield Line(f"Often told otherwise: {explained.told}")
    numbers = [
        (fact.name, f"{fact.value} ({DEFAULT})" if fact.is_default else fact.value)
        for fact in explained.facts
    ]
    if numbers:
        yield Line("On this host:")
        yield Pairs(numbers)
    if explained.see_also:
        yield Line(Styled(f"See also: {', '.join(explained.see_also)}.", FAINT))
    if explained.sources:
        yield Line(Styled(f"Source: {'; '.join(explained.sources)}.", FAINT))


def article_data(explained: Explanation) -> dict[str, Any]:
    """Return the same as one object."""
    return {
        "word": explained.word,
        "group": explained.group,
        "title": explained.title,
        "paragraphs": list(explained.paragraphs),
        "told": explained.told or None,
        "numbers": [
            {"name": fact.name, "value": fact.value, "is_default": fact.is_default}
            for fact in explained.facts
        ],
        "see_also": list(explained.see_also),
        "sources": list(explained.sources),
    }
