"""The two ends of a socket as people write them, for every family; caches of address texts."""

from __future__ import annotations

from fivetuple.model import record
from fivetuple.model.endpoint import (
    AF_INET,
    AF_INET6,
    AF_NETLINK,
    AF_UNIX,
    AF_VSOCK,
    ANY_V6,
    AddressTexts,
    address_text,
)
from fivetuple.model.names import DGRAM, RAW, protocol_name
from fivetuple.model.text import decode, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from fivetuple.model.snapshot import Snapshot

FAMILIES = 64  # more than the kernel has (include/linux/socket.h AF_MAX)


def end_helpers(snapshot: Snapshot) -> dict[str, Any]:
    """Return the helpers that write addresses, ports, paths and interfaces."""
    none = _NoTexts()
    known = {AF_INET: AddressTexts(), AF_INET6: _MappedTexts(), AF_VSOCK: _CidTexts()}
    addresses = {family: known.get(family, none) for family in range(FAMILIES)}
    path, interface = _path(snapshot), _interface(snapshot)
    return {
        "ADDRESS": addresses,
        "V4": addresses[AF_INET],
        "PORT": port_of,
        "PATH": path,
        "INTERFACE": interface,
        "LOCAL": _local(addresses, path, interface),
        "REMOTE": _remote(addresses, path),
    }


class _MappedTexts(AddressTexts):
    """Addresses of IPv6 sockets: a v4-mapped one reads `::ffff:10.0.0.5`, as ss shows it."""

    def __missing__(self, address: bytes) -> str:
        text = self[address] = address_text(address, AF_INET6)
        return text


class _NoTexts(dict):  # type: ignore[type-arg]
    """Addresses of families that have none."""

    def __missing__(self, address: bytes) -> None:
        return None


class _CidTexts(dict):  # type: ignore[type-arg]
    """vsock's context ids (first 32 bits), and netlink's kernel side."""

    def __missing__(self, address: bytes) -> str:
        cid = int.from_bytes(address[:4], "little")
        return "*" if cid == 0xFFFFFFFF else str(cid)


def port_of(family: int, address: bytes) -> int | None:
    """Read the 32-bit port of vsock or the port id of netlink (bytes 4-7)."""
    if family not in (AF_VSOCK, AF_NETLINK):
        return None
    port = int.from_bytes(address[4:8], "little")
    return None if port in (0, 0xFFFFFFFF) else port


def _path(snapshot: Snapshot) -> Callable[[int], str | None]:
    """Make the function that names a unix socket: its path, or @abstract."""
    paths = snapshot.unix_names

    def path(inode: int) -> str | None:
        raw = paths.get(inode)
        if not raw:
            return None
        return "@" + decode(raw[1:]).rstrip("\0") if raw[0] == 0 else decode(raw)

    return path


def _interface(snapshot: Snapshot) -> Callable[[int, int], str]:
    interfaces = snapshot.interfaces

    def interface(netns: int, index: int) -> str:
        return interfaces.get(netns, {}).get(index) or f"if{index}"

    return interface


def _local(
    addresses: dict[int, Any],
    path: Callable[[int], str | None],
    interface_name: Callable[[int, int], str],
) -> Callable[..., str]:
    """Make the function that writes the own end as people do (`*:80` hears both families)."""

    def local_text(  # noqa: PLR0913, PLR0917  # one row's columns
        family: int,
        kind: int,
        number: int,
        netns: int,
        interface: int,
        local: bytes,
        port: int,
        inode: int,
        options: int,
        known: int,
    ) -> str:
        if family == AF_UNIX:
            return printable(path(inode) or f"* {inode}")
        scope = f"%{printable(interface_name(netns, interface))}" if interface else ""
        if family not in (AF_INET, AF_INET6):
            return _other_local(family, number, local, scope)
        ending = protocol_name(family, DGRAM, number) if kind == RAW else port or "*"
        if family == AF_INET6:
            takes_v4 = options & record.DUAL_STACK or (
                known & record.OPTIONS and not options & record.V6ONLY
            )
            if local == ANY_V6 and takes_v4 and not scope and kind != RAW:
                return f"*:{ending}"
            return f"[{addresses[family][local]}]{scope}:{ending}"
        return f"{addresses[family][local]}{scope}:{ending}"

    return local_text


def _other_local(family: int, number: int, local: bytes, scope: str) -> str:
    """Write the own end of netlink, packet and vsock."""
    if family == AF_NETLINK:
        return f"{NETLINK_NAMES.get(number, number)}:{port_of(family, local) or 'kernel'}"
    if family == AF_VSOCK:
        return f"{_CidTexts()[local]}:{port_of(family, local) or '*'}"
    return f"{ETHERTYPES.get(number, f'{number:#06x}')}{scope or '%*'}"


# include/uapi/linux/netlink.h
NETLINK_NAMES = {
    0: "route", 2: "usersock", 3: "firewall", 4: "sock_diag", 5: "nflog", 6: "xfrm", 7: "selinux", 8: "iscsi",
    9: "audit", 10: "fib_lookup", 11: "connector", 12: "netfilter", 13: "ip6_fw", 15: "uevent", 16: "generic",
    18: "scsitransport", 19: "ecryptfs", 20: "rdma", 21: "crypto", 22: "smc",
}  # fmt: skip
# include/uapi/linux/if_ether.h: those that are met
ETHERTYPES = {
    0: "none",
    3: "all",
    0x800: "ip",
    0x806: "arp",
    0x86DD: "ipv6",
    0x888E: "eapol",
    0x88CC: "lldp",
}


def _remote(addresses: dict[int, Any], path: Callable[[int], str | None]) -> Callable[..., str]:
    def remote_text(family: int, remote: bytes, port: int, peer_inode: int) -> str:
        if family == AF_UNIX:
            return printable(path(peer_inode) or f"* {peer_inode}")
        if family in (AF_VSOCK, AF_NETLINK):
            return f"{_CidTexts()[remote]}:{port_of(family, remote) or '*'}"
        text = addresses.get(family, {}).get(remote) or addresses[family][remote]
        if text is None:
            return "*"
        return f"[{text}]:{port or '*'}" if ":" in text else f"{text}:{port or '*'}"

    return remote_text
