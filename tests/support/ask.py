"""Asking a view of this machine, now: its data, its text and its status, without a process in between."""

from __future__ import annotations

import time
from collections import namedtuple
from typing import TYPE_CHECKING, Any

from fivetuple.cli.blocks import draw
from fivetuple.cli.page import Page
from fivetuple.model.command import Request
from fivetuple.origins.live import Live

if TYPE_CHECKING:
    from types import ModuleType

    from fivetuple.model.snapshot import Snapshot

Said = namedtuple("Said", "data text status snapshot")


def ask(view: ModuleType, *words: str, width: int | None = None, **options: Any) -> Said:
    """Ask a view of the live machine. Options are a Request's: netns, screen_size, road ..."""
    request = Request(view.__name__.rpartition(".")[2], words, options, time.time_ns())
    snapshot = Live(options.get("road"), request.now_ns).snapshot(view.question(request))
    return answered(view, snapshot, request, width)


def answered(
    view: ModuleType, snapshot: Snapshot, request: Request, width: int | None = None
) -> Said:
    """Ask a view of a snapshot."""
    answer = view.answer(snapshot, request)
    return Said(answer.data, text_of(answer.blocks, width), answer.status, snapshot)


def text_of(blocks: Any, width: int | None = None) -> str:
    """Draw blocks as text without colours."""
    page = Page(width, has_colour=False)
    return "\n".join(line for block in blocks for line in draw(block, page))
