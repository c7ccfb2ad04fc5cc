"""Origin: where a Snapshot comes from. One file a scheme; the caller knows none of them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from fivetuple.model.question import Question
    from fivetuple.model.snapshot import Snapshot

    class Origin(Protocol):
        """Gives Snapshots of one host at one time."""

        provides: int
        """The Facts that it can give at all."""

        def snapshot(self, question: Question) -> Snapshot:
            """Return a Snapshot with the facts that the question needs, or the reason in `missing`."""
            ...
