"""Namespace: one network namespace of the host, its name and its own settings."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Namespace:
    """A network namespace: every one has its own ports, sysctls, addresses and firewall."""

    __slots__ = (
        "addresses", "firewall", "inode", "interfaces", "is_own", "local_prefixes", "name",
        "nsid_names", "path", "pid", "routes", "sysctls",
    )  # fmt: skip

    def __init__(
        self,
        inode: int,
        name: str,
        *,
        pid: int | None = None,
        path: str | None = None,
        is_own: bool = False,
    ) -> None:
        self.inode = inode
        self.name = name
        """`host`, the name in /run/netns, the container or pod in it, or the oldest process's name."""
        self.pid = pid
        """A process that lives in it; None when only a file in /run/netns keeps it."""
        self.path = path
        """A file that keeps it and opens it, such as /run/netns/NAME."""
        self.is_own = is_own
        self.nsid_names: tuple[str, ...] = ()
        """Every name it has in /run/netns."""
        self.sysctls: Mapping[str, str] = {}
        """`net.ipv4.ip_local_port_range` -> `32768\\t60999`; filled for Facts NAMESPACES."""
        self.interfaces: Mapping[int, str] = {}
        """Interface index -> name."""
        self.addresses: tuple[tuple[int, bytes, int], ...] = ()
        """(interface index, address of 16 bytes, prefix length counted in 128 bits)."""
        self.routes: tuple[tuple[bytes, int, int, bytes | None], ...] = ()
        """(destination of 16 bytes, prefix length in 128 bits, interface index, gateway) of the
        main table, the one to take first; interface 0: unreachable, prohibited or a black hole.
        A prefix of less than 96 bits is IPv6's: ::/0 takes no IPv4 address."""
        self.local_prefixes: tuple[tuple[bytes, int], ...] = ()
        """(address of 16 bytes, prefix length in 128 bits): what it takes for its own."""
        self.firewall: object | None = None
        """What analysis/forwarding.py understands of nft and iptables; filled for Facts FIREWALL."""
