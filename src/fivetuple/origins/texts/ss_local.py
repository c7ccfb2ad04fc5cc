"""How ss names the ends of sockets that stay below or beside IP: raw, unix, netlink, packet, vsock.

In RECORD netlink and vsock have two 32-bit numbers at the start of an address: multicast groups
and port id, context id and port (the table is in kernel/diag_rows.py).
"""

from __future__ import annotations

import re
from struct import pack

from fivetuple.model import names
from fivetuple.model.endpoint import AF_NETLINK, AF_PACKET, AF_VSOCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Values = dict[str, Any]

ANY = 0xFFFFFFFF
ENDS_CHARACTERS = 1000  # both names of 108 bytes, padded to their columns

# Without -n ss writes names: /etc/protocols
RAW_PROTOCOLS = {
    "ip": 0, "icmp": 1, "igmp": 2, "ipv6-icmp": 58, "ospf": 89, "ospfigp": 89, "esp": 50, "ah": 51,
    "gre": 47, "vrrp": 112, "pim": 103, "l2tp": 115, "eigrp": 88, "rsvp": 46, "raw": 255,
}  # fmt: skip
_RAW_ANYWHERE = {"tcp": 6, "udp": 17, "sctp": 132, "udplite": 136, "dccp": 33, "*": 0}

# /etc/iproute2/nl_protos
NETLINK_PROTOCOLS = {
    "rtnl": 0, "usersock": 2, "fw": 3, "tcpdiag": 4, "nflog": 5, "xfrm": 6, "selinux": 7, "iscsi": 8,
    "audit": 9, "fiblookup": 10, "connector": 11, "nft": 12, "ip6fw": 13, "dec-rt": 14, "uevent": 15,
    "genl": 16, "scsi-trans": 18, "ecryptfs": 19, "rdma": 20, "crypto": 21, "smc": 22,
}  # fmt: skip

# lib/ll_proto.c of iproute2: those that are met; every other is written as [number]
ETHERTYPES = {
    "*": 3, "all": 3, "loop": 0x60, "ip": 0x800, "ipv4": 0x800, "arp": 0x806, "rarp": 0x8035,
    "802.1Q": 0x8100, "ipv6": 0x86DD, "ppp_disc": 0x8863, "ppp_ses": 0x8864, "802.1ad": 0x88A8,
    "mpls_uc": 0x8847, "lldp": 0x88CC, "eapol": 0x888E,
}  # fmt: skip

# A name may hold blanks and digits: it ends where what follows is a row's grammar to the end.
# Most peers have no name, so a name that looks like an inode and a peer's name loses to that.
_UNIX = tuple(
    re.compile(
        rf"(?P<name>.{{1,110}}?)\s(?P<inode>\d+)\s{{1,300}}(?P<peer_name>{peer_name})\s(?P<peer>\d+)"
        r"(?=\s*$|\s+(?:users:\(\(\"|[<-]-[>-]|[a-z_]+:|via |proc_ctx=))"
    )
    for peer_name in (r"\*", r".{1,110}?")
)
_GROUPS = re.compile(r"\bgroups=0x([0-9a-f]{1,8})\b")


def raw_protocol(port: str) -> int:
    """Return the protocol of a raw socket, which ss writes as its port.

    Raises:
        ValueError: it has no such name.
    """
    if port.isdecimal():
        return int(port[:6])
    number = RAW_PROTOCOLS.get(port, _RAW_ANYWHERE.get(port))
    if number is None:
        number = int(port.removeprefix("ipproto-"))
    return number


def unix(rest: str) -> tuple[str, int, str, int, str]:
    """Return name, inode, the peer's name and inode, and the words behind them.

    Raises:
        ValueError: these are not the ends of a unix socket.
    """
    head = rest[:ENDS_CHARACTERS]
    match = _UNIX[0].match(head) or _UNIX[1].match(head)
    if match is None:
        raise ValueError("no unix socket")
    return (
        match["name"],
        int(match["inode"]),
        match["peer_name"].lstrip(),
        int(match["peer"]),
        rest[match.end() :],
    )


def netlink(local: str, peer: str, rest: str) -> Values:
    """Return the columns of `rtnl:812`, `4:sshd/812`, `genl:kernel`, `0:0`.

    Raises:
        ValueError: it is none of these.
    """
    protocol, _, port = local.partition(":")
    number = NETLINK_PROTOCOLS.get(protocol)
    groups = _GROUPS.search(rest)
    group, _, peer_port = peer.partition(":")
    return {
        "family": AF_NETLINK,
        "type": names.RAW,
        "protocol_number": int(protocol) if number is None else number,
        "local": _numbers(int(groups[1], 16) if groups else 0, _port_id(port)),
        "remote": _numbers(int(group), _port_id(peer_port)) if peer_port else bytes(16),
    }


def _port_id(text: str) -> int:
    text = text.rpartition("/")[2]  # `sshd/812`
    return 0 if text in ("kernel", "*") else int(text) & ANY


def packet(local: str) -> tuple[str, Values]:
    """Return the interface and the columns of `*:eth0`, `[2048]:lo`, `arp:*`.

    Raises:
        ValueError: it is none of these.
    """
    protocol, colon, interface = local.rpartition(":")
    if not colon:
        raise ValueError("no interface")
    number = ETHERTYPES.get(protocol)
    return interface, {
        "family": AF_PACKET,
        "protocol_number": int(protocol.strip("[]")) if number is None else number,
    }


def vsock(local: str, peer: str) -> Values:
    """Return the columns of `2:1024` and `*:*`.

    Raises:
        ValueError: it is none of these.
    """
    (cid, port), (peer_cid, peer_port) = (
        [ANY if part == "*" else int(part) for part in end.split(":")] for end in (local, peer)
    )
    return {
        "family": AF_VSOCK,
        "local": _numbers(cid, port),
        "remote": bytes(16) if peer_cid == peer_port == ANY else _numbers(peer_cid, peer_port),
    }


def _numbers(first: int, second: int) -> bytes:
    return pack("<II8x", first & ANY, second & ANY)
