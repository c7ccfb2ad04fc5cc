"""The short way for command lines that are plain: no option parser is imported.

click costs 25 ms to import, more than all the rest of a small `ft ls`. What this file can't
read for certain (a value that looks like an option, a wrong one, a typo) it leaves to click,
which reads the same declarations. A test holds the two against each other.
"""

from __future__ import annotations

from fivetuple.cli.options import FORMATS, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from fivetuple.model.command import Option

    Parsed = tuple[tuple[str, ...], dict[str, object]]

LONGEST_NUMBER = 18  # digits; no list has more rows, and int() itself fails at 4,300


def quick_parse(options: Sequence[Option], arguments: Sequence[str]) -> Parsed | None:
    """Return (words, options) or None when this is a case for click."""
    by_flag = {flag: option for option in options for flag in option.flags}
    words: list[str] = []
    given: dict[str, object] = {}
    index = 0
    while index < len(arguments):
        argument = arguments[index]
        index += 1
        if argument == "--":
            words += arguments[index:]
            break
        if argument[:1] != "-" or argument == "-":
            words.append(argument)
            continue
        flag, assigned, value = (
            argument.partition("=") if argument[:2] == "--" else (argument, "", "")
        )
        option = by_flag.get(flag)
        if flag == "-o" and arguments[index : index + 1] and arguments[index] in FORMATS:
            given["output"] = arguments[index]
            index += 1
        elif option is None or option.kind == "flag":
            names = () if assigned else _flags(argument, by_flag)
            if not names:
                return None
            given.update(dict.fromkeys(names, True))
        else:
            if not assigned:
                value = arguments[index] if index < len(arguments) else "-"
                index += 1
            if not _take(option, value, given):
                return None
    return tuple(words), given


def _flags(argument: str, by_flag: dict[str, Option]) -> tuple[str, ...]:
    """Return the names of a flag, or of several in one word: `-tanp`; () where one takes a value."""
    is_one = argument[:2] == "--" or argument in by_flag
    names = []
    for flag in (argument,) if is_one else ["-" + letter for letter in argument[1:]]:
        option = by_flag.get(flag)
        if option is None or option.kind != "flag":
            return ()
        names.append(name_of(option))
    return tuple(names)


def _take(option: Option, value: str, given: dict[str, object]) -> bool:
    """Note the value of an option; False where click has to look at it."""
    name = name_of(option)
    if (
        option.kind == "seconds"
        or (value[:1] == "-" and option.kind != "many")
        or value[:2] in ("-", "-o", "--")
    ):
        return False
    if option.kind == "many":
        listed = read_list(value)
        if listed or name in given:
            given[name] = given.get(name, ()) + listed  # type: ignore[operator]  # it was listed before
    elif option.kind == "int":
        if not is_count(value):
            return False
        given[name] = int(value)
    elif option.kind == "choice" and value not in option.choices:
        return False
    else:
        given[name] = value
    return True


def is_count(text: str) -> bool:
    """Tell whether a text is a number of rows."""
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER


def read_list(text: str) -> tuple[str, ...]:
    """Return the words between the commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())
