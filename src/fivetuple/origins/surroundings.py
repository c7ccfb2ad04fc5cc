"""What stands around the sockets: namespaces' settings, interfaces, firewall."""

from __future__ import annotations

from fivetuple.model import facts, record
from fivetuple.model.errors import NotAvailable, NotPermitted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fivetuple.model.namespace import Namespace
    from fivetuple.model.question import Question
    from fivetuple.model.snapshot import Snapshot

INTERFACES = record.Projection("interface")


class InterfacesAsMet(dict):  # type: ignore[type-arg]  # netns -> {index: name}
    """Interface names, read when the first bound socket is met: most lists have none."""

    def get(self, netns: int, default: Mapping[int, str] | None = None) -> Mapping[int, str] | None:  # type: ignore[override]
        """Return the names of our own namespace's interfaces."""
        if netns not in self:
            from fivetuple.kernel import netns as namespaces
            from fivetuple.kernel import rtnetlink

            self[netns] = {}
            if netns == namespaces.own():
                try:
                    self[netns] = rtnetlink.interfaces()
                except (NotAvailable, NotPermitted):
                    return default
        found: Mapping[int, str] = self[netns]
        return found


def describe(snapshot: Snapshot, question: Question, spaces: Iterable[Namespace | None]) -> None:
    """Fill in what the question needs of the namespaces in scope."""
    needs = question.needs
    snapshot.interfaces = InterfacesAsMet()
    if not needs & (facts.NAMESPACES | facts.FIREWALL | facts.ROUTES):
        return
    from fivetuple.kernel import netns

    told = [space or snapshot.namespaces.get(snapshot.own_netns) for space in spaces]
    in_scope = [space for space in told if space is not None]
    if len(in_scope) < len(told):  # /proc, where namespaces have their numbers, is not mounted
        snapshot.miss(facts.NAMESPACES, "/proc does not tell our own network namespace")
    reasons = netns.describe(
        in_scope,
        interfaces=True,
        sysctls=bool(needs & facts.NAMESPACES),
        routes=bool(needs & facts.ROUTES),
        firewall=bool(needs & facts.FIREWALL),
    )
    for space in in_scope:
        snapshot.interfaces[space.inode] = space.interfaces
    for inode, reason in reasons.items():
        if reason.endswith(" is gone"):  # with its sockets: nothing is missing
            continue
        snapshot.miss(
            facts.NAMESPACES, f"{snapshot.namespaces[inode].name}: {reason}", refused=True
        )
