"""Names of user ids, as the host's name service knows them (getpwuid(3))."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def names(uids: Iterable[int]) -> dict[int, str]:
    """Return the names of those that have one: a container's users have none on its host.

    Where users come from a directory service each may cost a question over the network.
    """
    try:
        import pwd
    except ImportError:  # Windows
        return {}
    found = {}
    for uid in uids:
        try:
            found[uid] = pwd.getpwuid(uid).pw_name
        except (KeyError, OverflowError):
            continue
    return found
