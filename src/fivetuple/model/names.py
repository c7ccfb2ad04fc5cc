"""Names of protocols, families and socket types, as tables from the kernel's numbers."""

from __future__ import annotations

from fivetuple.model.endpoint import (
    AF_INET,
    AF_INET6,
    AF_NETLINK,
    AF_PACKET,
    AF_UNIX,
    AF_VSOCK,
    FAMILY_NAMES,
)

# include/linux/net.h enum sock_type
STREAM, DGRAM, RAW, SEQPACKET = 1, 2, 3, 5
TYPE_NAMES = {
    STREAM: "stream",
    DGRAM: "dgram",
    RAW: "raw",
    4: "rdm",
    SEQPACKET: "seqpacket",
    6: "dccp",
    10: "packet",
}

# include/uapi/linux/in.h: the inet protocols that have ports of their own
PROTOCOL_NUMBERS = {
    "icmp": 1,
    "tcp": 6,
    "udp": 17,
    "dccp": 33,
    "icmp6": 58,
    "sctp": 132,
    "udplite": 136,
    "mptcp": 262,
}
_BY_NUMBER = {number: name for name, number in PROTOCOL_NUMBERS.items()}
INTERNET_PROTOCOLS = ("tcp", "udp", "udplite", "raw", "icmp", "icmp6", "sctp", "mptcp", "dccp")
OTHER_PROTOCOLS = ("unix", "netlink", "packet", "vsock")
PROTOCOLS = INTERNET_PROTOCOLS + OTHER_PROTOCOLS


def protocol_name(family: int, socket_type: int, number: int) -> str:
    """Return what people call the protocol: `tcp`, `raw`, `unix`, `packet` ..."""
    if family in (AF_INET, AF_INET6):
        return "raw" if socket_type == RAW else _BY_NUMBER.get(number, f"ip-{number}")
    return FAMILY_NAMES.get(family, f"family-{family}")


class ProtocolNames(dict):  # type: ignore[type-arg]  # a cache: int -> str
    """Protocol names by `family << 24 | type << 16 | number`, each made once."""

    def __missing__(self, key: int) -> str:
        name = self[key] = protocol_name(key >> 24, key >> 16 & 0xFF, key & 0xFFFF)
        return name


FAMILIES_OF = {
    "unix": (AF_UNIX,),
    "netlink": (AF_NETLINK,),
    "packet": (AF_PACKET,),
    "vsock": (AF_VSOCK,),
}
