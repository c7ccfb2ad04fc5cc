"""What a filter says, as a tree: tests of one field each, joined by and, or and not.

A tree is Test or Group. A Group's `word` is `and`, `or` or `not` (one part); `group()` makes
them so that equal filters are equal trees: no group inside one of the same word, none of one
part. The empty filter is an `and` of nothing: it matches every row.

`str(Filter)` writes the tree down in the one spelling that `parse` reads back to an equal tree.
"""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Test = namedtuple("Test", "field operator values")
"""field: a name of filter_fields.FIELD; operator: = != < <= > >= or ~; values: what its kind reads.

Several values mean any of them (`!=`: none of them). A flag has no operator ("") and no values.
"""
Group = namedtuple("Group", "word parts")

Ports = namedtuple("Ports", "low high family", defaults=(0,))
"""A range of ports; family: that of netlink and vsock, whose ports are not TCP's; 0: the others."""
Host = namedtuple("Host", "family address bits port is_only", defaults=(None, False))
"""One end of a socket, as ss's `src` and `dst` take it.

family: 0 any internet address; AF_INET or AF_INET6, by the notation; or another family.
address: 16 bytes (internet), the pattern (unix), the number of protocol or context (others) or
None; bits: length of the prefix of those 16 bytes; port: Ports or None (any), of packet sockets
the interface's name; is_only: written with `inet:` or `inet6:`, so v4-mapped sockets are not meant.
"""
Mark = namedtuple("Mark", "value mask")

MATCH_ALL = Group("and", ())
SPECIAL = frozenset("()'\",!<>=~&| \t\n\r\v\f\\")
"""Characters that make a text need quotes."""


def group(word: str, parts: Iterable[Test | Group]) -> Test | Group:
    """Join trees by `and` or `or`, in the one shape that equal filters share."""
    flat: list[Test | Group] = []
    for part in parts:
        if isinstance(part, Group) and part.word == word:
            flat.extend(part.parts)
        else:
            flat.append(part)
    return flat[0] if len(flat) == 1 else Group(word, tuple(flat))


def negated(tree: Test | Group) -> Test | Group:
    """Return the opposite; twice the opposite is the tree itself."""
    if isinstance(tree, Group) and tree.word == "not":
        part: Test | Group = tree.parts[0]
        return part
    return Group("not", (tree,))


def leaves_of(tree: Test | Group) -> Iterator[Test]:
    """Iterate over every test in the tree, from left to right."""
    if isinstance(tree, Test):
        yield tree
        return
    for part in tree.parts:
        yield from leaves_of(part)


def quoted(text: str, *, is_always: bool = False) -> str:
    """Write a text so that the scanner reads exactly this one back."""
    if (
        text
        and not is_always
        and not any(character in SPECIAL or character.isspace() for character in text)
    ):
        return text
    if "'" not in text:
        return f"'{text}'"
    return "".join(f'"{piece}"' if piece[0] == "'" else f"'{piece}'" for piece in _runs(text))


def _runs(text: str) -> Iterator[str]:
    """Cut a text into runs of apostrophes and runs of everything else."""
    start = 0
    for index in range(1, len(text) + 1):
        if index == len(text) or (text[index] == "'") != (text[start] == "'"):
            yield text[start:index]
            start = index
