"""What somebody may have meant by a word that is no field of a filter. Imported for complaints only."""

from __future__ import annotations

from difflib import get_close_matches

from fivetuple.analysis.filter_fields import FIELD_OF, FIELDS, REFUSED
from fivetuple.analysis.filter_hosts import parse_hosts
from fivetuple.analysis.filter_values import WORDS
from fivetuple.model.errors import BadInput
from fivetuple.model.state import parse_state

LONGEST_WORD = 40  # a longer one is no typing mistake


def hint_for(word: str, *, stands_alone: bool = True) -> str:
    """Return one line that says what to write instead of the word; alone, no operator follows it."""
    text = word[:LONGEST_WORD]
    if text.lower() in WORDS["protocol"]:
        return f"did you mean 'protocol = {text.lower()}'?"
    if _is_state(text):
        return f"did you mean 'state {text.lower()}'?"
    if text.removeprefix(":").isdecimal():
        return (
            f"did you mean 'port = {text.removeprefix(':')}' or 'pid = {text.removeprefix(':')}'?"
        )
    if _is_host(text):
        return f"did you mean 'remote = {text}' or 'local = {text}'?"
    near = get_close_matches(text.lower().replace("-", "_"), [*FIELD_OF, *REFUSED, "exclude"], 1)
    if near:
        return f"did you mean '{near[0]}'?"
    is_name = stands_alone and text.replace("-", "").replace("_", "").isalnum()
    return (
        f"did you mean 'process = {text}'? `ft explain columns` lists the fields"
        if is_name
        else f"there are {', '.join(list(FIELDS)[:20])} and every column of `ft explain columns`"
    )


def _is_state(text: str) -> bool:
    try:
        parse_state(text)
    except BadInput:
        return False
    return True


def _is_host(text: str) -> bool:
    if not any(character in ".:" for character in text):
        return False
    try:
        parse_hosts(text)
    except BadInput:
        return False
    return True
