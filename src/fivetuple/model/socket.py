"""Socket: one row in the field's words, with its owner. For a few rows; many are read by Projection."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
