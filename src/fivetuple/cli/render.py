"""Answers as text for people: tables, lines, pairs; plain, coloured, or as Markdown."""

from __future__ import annotations

import sys

from fivetuple.cli.page import page_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.model.answer import Answer
    from fivetuple.model.command import Request
    from fivetuple.model.snapshot import Snapshot


def write(
    answer: Answer, snapshot: Snapshot | None, request: Request
) -> int:  # the same as encode.write
    """Write the answer to stdout; return the exit status, 1 when an asked-for list is empty."""
    page = page_for(request)
    has_headings = not request.flag("no_headers")
    if answer.blocks:
        from fivetuple.cli.blocks import draw

        for block in answer.blocks:
            for line in draw(block, page, has_headings=has_headings):
                sys.stdout.write(line + "\n")
    if answer.sockets is None:
        return answer.status
    from fivetuple.cli.socket_table import write_sockets

    is_chosen = bool(request.get("fields"))
    count = write_sockets(answer.sockets, page, has_headings=has_headings, is_chosen=is_chosen)
    return answer.status or int(not count and bool(request.words))
