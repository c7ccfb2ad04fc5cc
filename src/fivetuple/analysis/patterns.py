r"""Patterns over names: globs that never run away, and regular expressions that can't.

A glob is that of fnmatch(3) without its flags: `*` any text (also `/`), `?` one character,
`[a-z]` and `[!a-z]` one of a set, a backslash before `*`, `?`, `[` or itself takes that literally.
The names that patterns meet were chosen by strangers, so a regular expression that may need
exponential time is refused, and none sees more than the first SEEN_CHARACTERS.
"""

from __future__ import annotations

from fivetuple.model.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Matcher = Callable[[str], bool]
    Ranges = tuple[tuple[str, str], ...]

SEEN_CHARACTERS = 1000
MANY = 16  # a repetition up to this often is short enough to stand inside another


def glob_matcher(pattern: str) -> Matcher:
    """Return a function that tells whether a text matches the glob, from end to end."""
    parts = _parts(pattern)
    literals = "".join(part for part in parts if isinstance(part, str) and part)
    stars = sum(part == "" for part in parts)
    if not any(isinstance(part, tuple) for part in parts):
        if stars == 0:
            return lambda text: text == literals
        if stars == 1 and parts[-1] == "":
            return lambda text: text.startswith(literals)
        if stars == 1 and parts[0] == "":
            return lambda text: text.endswith(literals)
        if stars == 2 and parts[0] == parts[-1] == "":
            return lambda text: literals in text
    return lambda text: _matches(parts, text)


def regex_matcher(pattern: str) -> Matcher:
    """Return a function that tells whether the regular expression is found in a text.

    Raises:
        BadInput: it is no regular expression, or one that could take for ever.
    """
    import re
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "possible nested set": it means what it means today
            search = re.compile(pattern).search
            tree = re._parser.parse(pattern)  # type: ignore[attr-defined]  # noqa: SLF001  # no public name
    except re.error as error:
        raise BadInput(f"this is no regular expression: {error.msg}") from None
    except (OverflowError, RecursionError):
        raise BadInput("this regular expression is too large") from None
    if _may_run_away(tree):
        raise BadInput(
            "this regular expression repeats what repeats or chooses itself, as (a+)+ does, and could take for ever"
        )
    return lambda text: search(text[:SEEN_CHARACTERS]) is not None


def _parts(pattern: str) -> list[Any]:
    """Cut a glob into characters (str of one), stars (""), and sets (tuple: is_not, ranges)."""
    parts: list[Any] = []
    index = 0
    while index < len(pattern):
        character = pattern[index]
        index += 1
        if character == "*":
            if parts[-1:] != [""]:
                parts.append("")
        elif character == "?":
            parts.append((True, ()))
        elif character == "[" and (found := _set(pattern, index)):
            parts.append(found[0])
            index = found[1]
        elif character == "\\" and pattern[index : index + 1] in ("*", "?", "[", "\\"):
            parts.append(pattern[index])
            index += 1
        else:
            parts.append(character)
    return parts


def _set(pattern: str, start: int) -> tuple[tuple[bool, Ranges], int] | None:
    """Read `[...]` from behind its bracket: ((is_not, ranges), where it ends); None: not closed."""
    is_not = pattern[start : start + 1] in ("!", "^")
    start += is_not
    end = pattern.find("]", start + 1)  # a ] in the first place belongs to the set
    if end < 0:
        return None
    ranges = []
    index = start
    while index < end:
        if pattern[index + 1 : index + 2] == "-" and index + 2 < end:
            ranges.append((pattern[index], pattern[index + 2]))
            index += 3
        else:
            ranges.append((pattern[index], pattern[index]))
            index += 1
    return (is_not, tuple(ranges)), end + 1


def _matches(parts: list[Any], text: str) -> bool:
    """Match by going back to the last star only: len(parts) * len(text) steps at the most."""
    at_part = at_text = 0
    star = -1
    resume = 0
    while at_text < len(text):
        part = parts[at_part] if at_part < len(parts) else None
        if part == "":
            star, resume = at_part, at_text
            at_part += 1
        elif part is not None and _is_one(part, text[at_text]):
            at_part += 1
            at_text += 1
        elif star >= 0:
            resume += 1
            at_part, at_text = star + 1, resume
        else:
            return False
    return all(part == "" for part in parts[at_part:])


def _is_one(part: str | tuple[bool, Ranges], character: str) -> bool:
    """Tell whether one character is the part's."""
    if isinstance(part, str):
        return part == character
    is_not, ranges = part
    return bool(is_not) != any(low <= character <= high for low, high in ranges)


def _may_run_away(tree: Iterable[Any], *, is_repeated: bool = False) -> bool:
    """Tell whether a repetition or a choice stands inside a long repetition, in re's own tree."""
    for operation, argument in tree:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            _, most, body = argument
            is_long = int(most) > MANY
            if is_repeated and (is_long or argument[0] != most):
                return True
            if _may_run_away(body, is_repeated=is_repeated or is_long):
                return True
        elif name == "BRANCH":
            if is_repeated or any(_may_run_away(choice) for choice in argument[1]):
                return True
        elif any(_may_run_away(body, is_repeated=is_repeated) for body in _bodies(argument)):
            return True
    return False


def _bodies(argument: object) -> Iterable[Any]:
    """Return the patterns inside a group, look-around or condition."""
    if not isinstance(argument, tuple):
        return (argument,) if hasattr(argument, "pattern") else ()
    return [part for part in argument if hasattr(part, "pattern") or hasattr(part, "getwidth")]
