"""The short way for plain flags and words: no option parser is imported.

click costs 25 ms to import, more than all the rest of a small `ft ls`. What this file can't
read for certain (an option with a value, a long option that is no flag, a typo) it leaves to
click, which reads the same declarations. A test holds the two against each other.
"""

from __future__ import annotations

from fivetuple.cli.options import FORMATS, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from fivetuple.model.command import Option

    Parsed = tuple[tuple[str, ...], dict[str, object]]


def quick_parse(options: Sequence[Option], arguments: Sequence[str]) -> Parsed | None:
    """Return (words, options) or None when this is a case for click."""
    flags = {
        flag: name_of(option)
        for option in options
        if option.kind == "flag"
        for flag in option.flags
    }
    words: list[str] = []
    given: dict[str, object] = {}
    is_format = False
    for index, argument in enumerate(arguments):
        if is_format:
            is_format = False
            given["output"] = argument
        elif argument == "--":
            words += arguments[index + 1 :]
            break
        elif (
            argument == "-o"
            and arguments[index + 1 : index + 2]
            and arguments[index + 1] in FORMATS
        ):
            is_format = True
        elif argument in flags:
            given[flags[argument]] = True
        elif argument[:1] != "-" or argument == "-":
            words.append(argument)
        elif argument[:2] == "--":
            return None
        else:
            for letter in argument[1:]:
                name = flags.get("-" + letter)
                if name is None:
                    return None
                given[name] = True
    return tuple(words), given
