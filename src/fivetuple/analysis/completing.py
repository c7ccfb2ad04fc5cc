"""Which words may come next on a command line of ft: what shells offer when Tab is pressed.

Commands, options and choices come from what the commands declare, filter words from the table of
filter fields. What only the running machine knows (its ports, programs, namespaces) is asked of
`live`, and only where it can stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fivetuple.analysis.manual import summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fivetuple.model.command import Card, Option

    Words = Iterable[tuple[str, str]]
    """(word, what it is)."""
    Live = Mapping[str, Callable[[], Words]]

FILES = ":files"  # tells the shell's script to offer file names
OPERATOR_ENDS = frozenset("=<>~")

# What may stand as the argument of a command whose usage line does not say it.
ARGUMENTS_OF = {
    "port": ("ports", "processes"),
    "explain": ("topics", "commands"),
    "help": ("commands", "topics"),
    "services": ("services",),
    "who": ("protocols",),
}
LIVE = ("ports", "processes", "namespaces", "users")


class Line:
    """A command line up to the cursor; the last word is the one being typed, perhaps empty."""

    def __init__(self, words: Sequence[str], cards: Mapping[str, Card], live: Live) -> None:
        self._cards = cards
        self._live = live
        self._current = words[-1] if words else ""
        self._before = list(words[:-1])

    def candidates(self) -> list[tuple[str, str]]:
        """Return the words that begin as the current one does, each with what it is."""
        found = dict(reversed([*self._possible()]))
        offered = [pair for pair in sorted(found.items()) if pair[0].startswith(self._current)]
        return offered or [pair for pair in found.items() if pair[0] == FILES]

    def _possible(self) -> Words:
        name, positional, waiting = self._read()
        if "--" not in self._before:
            if waiting is not None:
                return self._values(waiting, self._current)
            if self._current.startswith("--") and "=" in self._current:
                return self._assigned(name)
            if self._current.startswith("-"):
                return [
                    (flag, option.help) for option in self._options(name) for flag in option.flags
                ]
        if name is None:
            return [
                *self._named(("commands",)),
                *(self._named(("ports", "processes")) if self._current else ()),
            ]
        return self._arguments(name, positional)

    def _read(self) -> tuple[str | None, list[str], Option | None]:
        """Return the command, its words so far, and the option whose value comes next."""
        name: str | None = None
        positional: list[str] = []
        waiting: Option | None = None
        for word in self._before:
            if waiting is not None:
                waiting = None
            elif word.startswith("-") and word != "-":
                waiting = self._option_that_waits(name, word)
            elif name is None and word in self._cards:
                name = word
            else:
                positional.append(word)
        if name is None and positional:
            name = "port"
        return name, positional, waiting

    def _options(self, name: str | None) -> list[Option]:
        card = self._cards[name or "overview"]
        return [option for _, options in card.options for option in options]

    def _option_that_waits(self, name: str | None, word: str) -> Option | None:
        """Return the option that takes the next word as its value."""
        for option in self._options(name):
            if option.kind not in ("flag", "seconds") and word in option.flags:
                return option
            if word == "-o" and "--output" in option.flags:
                return option
        return None

    def _values(self, option: Option, typed: str) -> Words:
        """Return the values of an option; of a list, the last of those typed with commas between."""
        if option.kind == "choice":
            return [(choice, "") for choice in option.choices]
        if option.kind == "many":
            done, _, last = typed.rpartition(",")
            before = f"{done}," if done else ""
            before += "-" if last.startswith("-") else ""
            return [(before + word, text) for word, text in _fields()]
        if option.metavar == "FILE":
            return [(FILES, "")]
        return (
            [("self", "our own"), ("all", "every one"), *self._named(("namespaces",))]
            if option.metavar == "WHICH"
            else ()
        )

    def _assigned(self, name: str | None) -> Words:
        """Complete `--output=js`."""
        flag, _, typed = self._current.partition("=")
        option = next((each for each in self._options(name) if flag in each.flags), None)
        return (
            [(f"{flag}={word}", text) for word, text in self._values(option, typed)]
            if option
            else ()
        )

    def _arguments(self, name: str, positional: Sequence[str]) -> Words:
        usage = self._cards[name].arguments
        if "FILTER" in usage:
            return self._filter_words(positional)
        if name in ARGUMENTS_OF:
            return self._named(ARGUMENTS_OF[name])
        literals = [
            (word, "") for word in usage.strip("[]").replace("|", " ").split() if word.islower()
        ]
        more = self._named(("commands",)) if "COMMAND" in usage else ()
        return [*literals, *more, *([(FILES, "")] if "FILE" in usage else ())]

    def _named(self, kinds: Sequence[str]) -> list[tuple[str, str]]:
        """Return the words of some kinds."""
        found: list[tuple[str, str]] = []
        for kind in kinds:
            if kind in LIVE:
                found += self._live[kind]() if kind in self._live else ()
            elif kind == "commands":
                found += [
                    (name, summary(card))
                    for name, card in self._cards.items()
                    if name != "overview"
                ]
            else:
                found += _KINDS[kind]()
        return found

    def _filter_words(self, positional: Sequence[str]) -> Words:
        """Complete the filter language: a field, then its operator, then its value."""
        from fivetuple.analysis.filter_fields import FIELD_OF, FIELDS, KINDS

        last = positional[-1] if positional else ""
        before = positional[-2] if len(positional) > 1 else ""
        if last in ("state", "exclude"):
            return _states()
        if last in FIELD_OF and KINDS[FIELDS[FIELD_OF[last]].kind].operators:
            return [
                (operator, "")
                for operator in KINDS[FIELDS[FIELD_OF[last]].kind].operators
                if operator[0] not in "<>!"
            ]
        if last and last[-1] in OPERATOR_ENDS and before in FIELD_OF:
            return self._filter_values(before)
        return [*((name, field.meaning) for name, field in FIELDS.items()), *_FILTER_WORDS]

    def _filter_values(self, name: str) -> Words:
        """Return the values of a field of filters."""
        from fivetuple.analysis.filter_fields import FIELD_OF, FIELDS
        from fivetuple.analysis.filter_values import WORDS

        field = FIELDS[FIELD_OF[name]]
        if field.kind in WORDS:
            return [(word, "") for word in WORDS[field.kind]]
        if field.kind == "state":
            return _states()
        if field.kind == "port":
            colon = ":" if name in ("sport", "dport") else ""
            return [(colon + word, text) for word, text in self._named(("ports",))]
        kinds = {
            "process": "processes",
            "netns": "namespaces",
            "service": "services",
            "user": "users",
        }
        return self._named((kinds[field.name],)) if field.name in kinds else ()


_FILTER_WORDS = (
    ("state", "a TCP state follows"),
    ("exclude", "a TCP state that is left out follows"),
    ("not", "turns the next test round"),
    ("and", "both tests hold"),
    ("or", "one of the tests holds"),
    ("sport", "own port"),
    ("dport", "the peer's port"),
    ("src", "own address"),
    ("dst", "the peer's address"),
)


def _states() -> Words:
    from fivetuple.model.state import STATES

    for state in STATES.values():
        yield state.name.lower().replace("_", "-"), state.meaning


def _fields() -> Words:
    from fivetuple.model.fields import FIELD

    return ((name, field.meaning) for name, field in FIELD.items())


def _topics() -> Words:
    from fivetuple.analysis.contents import GROUP_WORDS
    from fivetuple.analysis.explaining import topics

    yield from (
        (word, f"all of {heading}") for word, heading in GROUP_WORDS.items() if " " not in word
    )
    for entries in topics().values():
        yield from ((word, title) for word, title in entries if " " not in word)


def _services() -> Words:
    from fivetuple.model.services import known_names

    return ((name, "service") for name in known_names())


def _protocols() -> Words:
    return (("tcp", ""), ("udp", ""))


_KINDS = {"topics": _topics, "services": _services, "protocols": _protocols}
