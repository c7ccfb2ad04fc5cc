"""See every port and socket of a machine: who owns it, what state it is in, what is wrong.

    >>> import fivetuple
    >>> listeners = [s for s in fivetuple.snapshot() if s.state == "LISTEN"]

The names below are imported when they are first used (PEP 562).
"""

from __future__ import annotations

__version__ = "0.1.0"

_PLACES = {
    "Snapshot": "fivetuple.api",
    "snapshot": "fivetuple.api",
    "Socket": "fivetuple.model.socket",
    "Endpoint": "fivetuple.model.endpoint",
    "FiveTuple": "fivetuple.model.endpoint",
    "Projection": "fivetuple.model.record",
    "open_origin": "fivetuple.origins",
    "FivetupleError": "fivetuple.model.errors",
    "BadInput": "fivetuple.model.errors",
    "NotAvailable": "fivetuple.model.errors",
    "NotPermitted": "fivetuple.model.errors",
}
__all__ = [
    "BadInput",
    "Endpoint",
    "FiveTuple",
    "FivetupleError",
    "NotAvailable",
    "NotPermitted",
    "Projection",
    "Snapshot",
    "Socket",
    "__version__",
    "open_origin",
    "snapshot",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.api import Snapshot as Snapshot
    from fivetuple.api import snapshot as snapshot
    from fivetuple.model.endpoint import Endpoint as Endpoint
    from fivetuple.model.endpoint import FiveTuple as FiveTuple
    from fivetuple.model.errors import BadInput as BadInput
    from fivetuple.model.errors import FivetupleError as FivetupleError
    from fivetuple.model.errors import NotAvailable as NotAvailable
    from fivetuple.model.errors import NotPermitted as NotPermitted
    from fivetuple.model.record import Projection as Projection
    from fivetuple.model.socket import Socket as Socket
    from fivetuple.origins import open_origin as open_origin


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    from importlib import import_module

    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module 'fivetuple' has no attribute '{name}'")
    return getattr(import_module(place), name)
