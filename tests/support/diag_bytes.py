"""Messages of sock_diag made by hand, as the kernel lays them out."""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack
from typing import Any

from fivetuple.model import record

Attributes = Sequence[tuple[int, bytes]]

SHUTDOWN = (8, b"\0")  # INET_DIAG_SHUTDOWN, which every full inet socket has


def message(payload: bytes, attributes: Attributes = (), kind: int = 20) -> bytes:
    """Return one netlink message; the kind 20 is SOCK_DIAG_BY_FAMILY."""
    for number, value in attributes:
        payload += pack("=HH", 4 + len(value), number) + value + bytes(-len(value) % 4)
    return pack("=IHHII", 16 + len(payload), kind, 2, 1, 0) + payload


def inet(
    state: int = 1,
    *,
    family: int = 2,
    local: bytes = bytes(4),
    remote: bytes = bytes(4),
    ports: tuple[int, int] = (0, 0),
    timer: tuple[int, int, int] = (0, 0, 0),
    queues: tuple[int, int] = (0, 0),
    uid: int = 0,
    inode: int = 1,
    cookie: int = 1,
    interface: int = 0,
    attributes: Attributes = (SHUTDOWN,),
) -> bytes:
    """Return a message with a struct inet_diag_msg. `timer`: which, retransmits, expires in ms."""
    which, retransmits, expires_ms = timer
    payload = pack("=BBBB", family, state, which, retransmits)
    payload += pack(">HH", *ports) + local.ljust(16, b"\0") + remote.ljust(16, b"\0")
    payload += pack("=IQIIIII", interface, cookie, expires_ms, *queues, uid, inode)
    return message(payload, attributes)


def messages(*parts: bytes) -> memoryview:
    """Return messages of one length as netlink hands them on."""
    return memoryview(b"".join(parts))


def columns(rows: Any) -> list[dict[str, Any]]:
    """Return every row of the chunks as a dict of its columns."""
    return list(record.unpack(b"".join(rows)))


def known(row: dict[str, Any]) -> set[str]:
    """Return the names of the groups that a row knows."""
    return {name for bit, name in record.GROUP_NAMES.items() if row["known"] & bit}
