"""The settings of one network namespace, read by a thread inside it, put into its Namespace."""

from __future__ import annotations

from fivetuple.kernel import rtnetlink, sysctl
from fivetuple.model.errors import NotAvailable, NotPermitted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fivetuple.model.namespace import Namespace


def read_interfaces(namespace: Namespace) -> None:
    """Fill in the interfaces, their addresses, and what the namespace takes for its own."""
    namespace.interfaces = rtnetlink.interfaces()
    namespace.addresses = rtnetlink.addresses()
    namespace.local_prefixes = rtnetlink.local_prefixes()


def read_sysctls(namespace: Namespace) -> None:
    """Fill in the sysctls."""
    namespace.sysctls = sysctl.network()


def read_routes(namespace: Namespace) -> None:
    """Fill in the routes."""
    namespace.routes = rtnetlink.routes()


def read_firewall(namespace: Namespace) -> None:
    """Fill in the firewall's rules."""
    from fivetuple.kernel.nftables import read_firewall

    namespace.firewall = read_firewall()


def fill(namespace: Namespace, readers: Iterable[Callable[[Namespace], None]]) -> list[str]:
    """Run each reader; return why one could not read."""
    problems = []
    for read in readers:
        try:
            read(namespace)
        except (NotPermitted, NotAvailable) as err:
            problems.append(str(err))
    return problems
