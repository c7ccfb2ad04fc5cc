"""Socket: one row in the field's words, with its owner. For a few rows; many are read by Projection.

The fields are those of model/fields.py, in its order; `socket.pyi` spells them out for type
checkers and is made from the same table by scripts/gen_socket_pyi.py.
"""

from __future__ import annotations

from collections import namedtuple

from fivetuple.model.fields import FIELD

Socket = namedtuple("Socket", tuple(FIELD))
Socket.__doc__ = "One socket. Unknown fields are None; docs/columns.md tells what each means."
