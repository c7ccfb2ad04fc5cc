"""The short way for `ft ls` with plain flags and filter words: no option parser is imported.

click costs 25 ms to import, more than all the rest of a small `ft ls`. What this file can't
read for certain (an option with a value, a long option, a typo) it leaves to click, which reads
the same declarations. A test holds the two against each other.
"""

from __future__ import annotations

from fivetuple.cli.options import COMMON, FORMATS, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from fivetuple.model.command import Option

    Parsed = tuple[tuple[str, ...], dict[str, object]]


def quick_parse(options: Sequence[Option], arguments: Sequence[str]) -> Parsed | None:
    """Return (words, options) or None when this is a case for click."""
    flags = {flag: name_of(option) for option in (*options, *COMMON) if option.kind == "flag" for flag in option.flags}
    words: list[str] = []
    given: dict[str, object] = {}
    waits_for_format = False
    for argument in arguments:
        if waits_for_format:
            waits_for_format = False
            if argument in FORMATS:
                given["output"] = argument
                given.pop("options", None)
                continue
        if argument in flags:
            given[flags[argument]] = True
            waits_for_format = argument == "-o"
        elif argument[:1] == "-" and argument[1:2] != "-" and argument != "-":
            for letter in argument[1:]:
                name = flags.get("-" + letter)
                if name is None:
                    return None
                given[name] = True
        elif argument[:1] == "-":
            return None
        else:
            words.append(argument)
    return tuple(words), given
