"""NETLINK_ROUTE: interfaces, addresses and routes of the calling thread's network namespace.

Sources: rtnetlink(7), netlink(7); include/uapi/linux/rtnetlink.h struct rtmsg, struct rtattr;
include/uapi/linux/if_addr.h struct ifaddrmsg. A list whose rows changed while it was written
carries NLM_F_DUMP_INTR and is asked for again.
Routes are of the main table: what policy rules (`ip rule`) and other tables add is not followed.
"""

from __future__ import annotations

import os
from _socket import SOCK_CLOEXEC, SOCK_RAW, if_nameindex, socket
from struct import Struct, error, pack

from fivetuple.model.endpoint import AF_INET, AF_INET6, V4_PREFIX
from fivetuple.model.errors import NotAvailable, NotPermitted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Address = tuple[int, bytes, int]
    Route = tuple[bytes, int, int, bytes | None]
    Attributes = dict[int, bytes]

AF_NETLINK, NETLINK_ROUTE = 16, 0
RTM_NEWADDR, RTM_GETADDR = 20, 22
RTM_NEWROUTE, RTM_GETROUTE = 24, 26
REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_DUMP_INTR = 0x10
ATTEMPTS = 5

IFA_ADDRESS, IFA_LOCAL = 1, 2
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_MULTIPATH, RTA_TABLE, RTA_VIA = (
    1,
    4,
    5,
    6,
    9,
    15,
    18,
)
RT_TABLE_MAIN = 254
RTN_UNICAST, RTN_LOCAL, RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT = 1, 2, 6, 7, 8
REFUSING = (RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT)
RTM_F_CLONED = 0x200  # a cached route, no rule

_HEADER = Struct("=IHHII")  # struct nlmsghdr
_ATTRIBUTE = Struct("=HH")  # struct rtattr
_IFADDRMSG = Struct("=BBBBI")
_RTMSG = Struct("=BBBBBBBBI")
_NEXTHOP = Struct("=HBBi")  # struct rtnexthop


def interfaces() -> dict[int, str]:
    """Return interface index -> name."""
    try:
        return dict(if_nameindex())
    except OSError as err:
        raise _refusal(err, "interfaces") from err


def addresses() -> tuple[Address, ...]:
    """Return (interface index, address of 16 bytes, prefix length in 128 bits), in that order."""
    found = []
    for family in (AF_INET, AF_INET6):
        for message in _dump(RTM_GETADDR, RTM_NEWADDR, family, "addresses"):
            _, prefix, _, _, interface = _IFADDRMSG.unpack_from(message)
            attributes = _attributes(message, _IFADDRMSG.size)
            # Of a point-to-point link IFA_ADDRESS is the other end's; IFA_LOCAL is ours.
            raw = attributes.get(IFA_LOCAL) or attributes.get(IFA_ADDRESS)
            if raw:
                found.append((interface, *_widened(raw, prefix)))
    return tuple(sorted(found))


def routes() -> tuple[Route, ...]:
    """Return (destination, prefix length in 128 bits, interface, gateway) of the main table.

    The longest prefix first, then the least metric, the order in which the kernel tries them.
    A route with several next hops comes once for each. Interface 0: refused (unreachable,
    prohibited, black hole).
    """
    found: list[tuple[int, int, Route]] = []
    for kind, destination, prefix, attributes in _routing_entries():
        if kind not in (RTN_UNICAST, *REFUSING) or _number(attributes, RTA_TABLE) != RT_TABLE_MAIN:
            continue
        metric = _number(attributes, RTA_PRIORITY)
        hops = [(0, None)] if kind in REFUSING else _next_hops(attributes)
        found += [(-prefix, metric, (destination, prefix, index, via)) for index, via in hops]
    found.sort(key=lambda each: each[:2])
    return tuple(route for _, _, route in found)


def local_prefixes() -> tuple[tuple[bytes, int], ...]:
    """Return (address, prefix length in 128 bits) of what the namespace takes for its own.

    Its addresses, 127.0.0.0/8, and what `ip route add local` added: sockets may be bound there,
    and packets sent there never leave.
    """
    entries = _routing_entries()
    return tuple(sorted({(entry[1], entry[2]) for entry in entries if entry[0] == RTN_LOCAL}))


def _routing_entries() -> Iterator[tuple[int, bytes, int, Attributes]]:
    """Yield (RTN_ type, destination, prefix length, attributes) of every route."""
    for family in (AF_INET, AF_INET6):
        for message in _dump(RTM_GETROUTE, RTM_NEWROUTE, family, "routes"):
            _, prefix, _, _, _, _, _, kind, flags = _RTMSG.unpack_from(message)
            attributes = _attributes(message, _RTMSG.size)
            raw = attributes.get(RTA_DST) or bytes(4 if family == AF_INET else 16)
            if not flags & RTM_F_CLONED:
                yield kind, *_widened(raw, prefix), attributes


def _next_hops(attributes: Attributes) -> list[tuple[int, bytes | None]]:
    """Return (interface, gateway) of each next hop."""
    hops = [(_number(attributes, RTA_OIF), _gateway(attributes))] if RTA_OIF in attributes else []
    multipath = attributes.get(RTA_MULTIPATH, b"")
    at = 0
    while at + _NEXTHOP.size <= len(multipath):
        length, _, _, interface = _NEXTHOP.unpack_from(multipath, at)
        if length < _NEXTHOP.size:
            break
        hop = _attributes(multipath[at : at + length], _NEXTHOP.size)
        hops.append((interface, _gateway(hop)))
        at += length + 3 & ~3
    return hops


def _gateway(attributes: Attributes) -> bytes | None:
    """Return the gateway's 16 bytes; RTA_VIA is one of the other family (RFC 5549)."""
    raw = attributes.get(RTA_GATEWAY) or attributes.get(RTA_VIA, b"")[2:]
    return _widened(raw, 0)[0] if raw else None


def _widened(raw: bytes, prefix: int) -> tuple[bytes, int]:
    """Return an address as 16 bytes and its prefix length in 128 bits."""
    return (V4_PREFIX + raw, prefix + 96) if len(raw) == 4 else (raw, prefix)


def _number(attributes: Attributes, kind: int) -> int:
    return int.from_bytes(attributes.get(kind, b"")[:4], "little")


def _attributes(message: bytes, start: int) -> Attributes:
    """Return type -> payload of the attributes that follow a message's fixed part."""
    found: Attributes = {}
    at = start
    while at + 4 <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, at)
        if length < 4:
            break
        found[kind & 0x3FFF] = message[at + 4 : at + length]
        at += length + 3 & ~3
    return found


def _dump(request: int, answer: int, family: int, what: str) -> list[bytes]:
    """Return the payloads of one list, asked for again while it changes under our hands."""
    try:
        asking = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)
        try:
            messages: list[bytes] = []
            for attempt in range(1, ATTEMPTS + 1):
                asking.send(
                    _HEADER.pack(28, request, REQUEST_DUMP, attempt, 0) + pack("=B11x", family)
                )
                messages, torn = _receive(asking, attempt, answer)
                if not torn:
                    break
            return messages
        finally:
            asking.close()
    except OSError as err:
        raise _refusal(err, what) from err
    except error:
        raise NotAvailable(
            f"the kernel's list of {what} can't be read: a message is cut off"
        ) from None


def _receive(asking: socket, attempt: int, answer: int) -> tuple[list[bytes], bool]:
    """Return the payloads up to the list's end, and whether it changed meanwhile."""
    messages: list[bytes] = []
    torn = False
    while True:
        datagram = asking.recv(1 << 17)
        at = 0
        while at + _HEADER.size <= len(datagram):
            length, kind, flags, sequence, _ = _HEADER.unpack_from(datagram, at)
            payload = datagram[at + _HEADER.size : at + length]
            at += max(length, _HEADER.size) + 3 & ~3
            if sequence != attempt:
                continue
            torn |= bool(flags & NLM_F_DUMP_INTR)
            if kind == answer:
                messages.append(payload)
            elif kind in (NLMSG_DONE, NLMSG_ERROR):
                number = -int.from_bytes(payload[:4], "little", signed=True)
                if number > 0:
                    raise OSError(number, os.strerror(number))
                return messages, torn


def _refusal(err: OSError, what: str) -> NotAvailable | NotPermitted:
    """Return the error to raise for what the kernel answered."""
    reason = f"the list of {what} can't be had by NETLINK_ROUTE: {os.strerror(err.errno or 0)}"
    return NotPermitted(reason) if isinstance(err, PermissionError) else NotAvailable(reason)
