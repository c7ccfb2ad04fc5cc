"""Terminal columns: how many a text takes, and how to pad, shorten and fold it to so many."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = "  "
LEAST_CELL = 6  # a cell shortened below that says nothing


def width_of(text: str) -> int:
    """Return the terminal columns a text takes: East Asian wide characters take two."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(
        0 if category(c) in ("Mn", "Me") else 2 if east_asian_width(c) in "WF" else 1 for c in text
    )


def padded(text: str, width: int, align: str) -> str:
    """Fill a text with blanks up to a width; `>` puts them before it."""
    blanks = " " * (width - width_of(text))
    return blanks + text if align == ">" else text + blanks


def shortened(text: str, room: int, *, keeps_end: bool = False) -> str:
    """Cut a text to so many columns and put an ellipsis where it was cut: at its end or start."""
    if width_of(text) <= room:
        return text
    if room < 1:
        return ""
    kept = text[len(text) - room + 1 :] if keeps_end else text[: room - 1]
    while width_of(kept) > room - 1:
        kept = kept[1:] if keeps_end else kept[:-1]
    return "…" + kept if keeps_end else kept + "…"


def folded(text: str, room: int | None) -> list[str]:
    """Break a text at blanks so that it fits; a word longer than the room is broken anywhere."""
    if room is None or width_of(text) <= room:
        return [text]
    if text.isascii():
        from textwrap import wrap

        return wrap(text, max(room, 1), break_on_hyphens=False) or [""]
    lines, line = [], ""
    for word in text.split(" "):
        if line and width_of(line) + 1 + width_of(word) > room:
            lines.append(line)
            line = ""
        line = f"{line} {word}" if line else word
        while width_of(line) > room:
            head = line[:room]
            while width_of(head) > room and len(head) > 1:
                head = head[:-1]
            lines.append(head)
            line = line[len(head) :]
    return [*lines, line] if line or not lines else lines


def squeezed(widths: Sequence[int], aligns: Sequence[str], room: int) -> list[int]:
    """Narrow the widest text columns until the row fits; numbers (`>`) keep their width."""
    made = list(widths)
    excess = sum(made) + len(GAP) * (len(made) - 1) - room
    while excess > 0:
        can = [i for i, align in enumerate(aligns) if align != ">" and made[i] > LEAST_CELL]
        if not can:
            break
        widest = max(can, key=lambda i: made[i])
        made[widest] -= 1
        excess -= 1
    return made
