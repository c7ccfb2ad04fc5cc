"""NETLINK_SOCK_DIAG: ask the kernel for a list of sockets, receive its messages, know its errors.

Messages come sorted by length. One list has few lengths, and messages of one length nearly
always have the same attributes at the same places, so `kernel/diag_rows.py` can copy a member
of thousands of messages at once instead of taking each message apart.

Sources: netlink(7), sock_diag(7); include/uapi/linux/netlink.h struct nlmsghdr, struct nlmsgerr;
net/netlink/af_netlink.c netlink_dump(). Lists are not atomic; what can repeat, and how, is said
in `kernel/sock_diag.py`.
"""

from __future__ import annotations

import os
from _socket import MSG_TRUNC, SOCK_CLOEXEC, SOCK_RAW, socket
from errno import EACCES, EINVAL, ENOENT, EOPNOTSUPP, EPERM, EPROTONOSUPPORT
from struct import pack
from sys import byteorder

from fivetuple.model.errors import FivetupleError, NotAvailable, NotPermitted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Messages = tuple[int, memoryview]
    """Length of a message, and messages of that length."""
    Run = tuple[int, int, int]
    """Length of a message, first word, word behind the last."""

AF_NETLINK = 16  # not every build of Python has it in _socket
NETLINK_SOCK_DIAG = 4

# nlmsg_type and nlmsg_flags. NLM_F_DUMP_INTR, "the list changed meanwhile", is never set by
# sock_diag: its lists keep no sequence number (nl_dump_check_consistent(), include/net/netlink.h).
NLMSG_ERROR, NLMSG_DONE = 2, 3
SOCK_DIAG_BY_FAMILY = 20
REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP

HEADER_BYTES = 16
ATTRIBUTE_HEADER_BYTES = 4
ATTRIBUTE_TYPE = 0x3FFF  # NLA_TYPE_MASK: without NLA_F_NESTED and NLA_F_NET_BYTEORDER

# netlink_dump() fills at most 32 KiB at a time, and as much only if the reader offers it.
# Eight of them make a chunk that is worth copying column by column and still fits the cache.
DATAGRAM_BYTES = 32 << 10
BUFFER_BYTES = 8 * DATAGRAM_BYTES

# What the kernel answers when the module for a family or protocol is absent
ABSENT = frozenset((ENOENT, EOPNOTSUPP, EINVAL, EPROTONOSUPPORT))
DENIED = frozenset((EPERM, EACCES))


class Torn(NotAvailable):
    """The bytes of an answer contradict themselves: cut off, or no netlink. Other roads may do."""


def dump(request: bytes, lacks: str) -> Iterator[Messages]:
    """Ask for a list of sockets; yield (message length, messages), all of one length.

    The network namespace of the thread that takes the first is asked. The buffer of messages is
    valid until the next is taken; each message starts at a multiple of `aligned(length)`.

    Args:
        request: what follows the netlink header: struct inet_diag_req_v2, unix_diag_req ...
        lacks: what to say when this kernel has no such list, a sentence without its full stop.

    Raises:
        NotPermitted: netlink is forbidden to this process.
        NotAvailable: no netlink, no such list, or the kernel broke the list off.
        Torn: the answer is no netlink.
    """
    asking = open_socket()
    try:
        yield from ask(asking, request, lacks)
    finally:
        asking.close()


def open_socket() -> socket:
    """Open a socket that can ask sock_diag; see `dump` for what it raises."""
    if byteorder != "little":
        raise NotAvailable("netlink is read on little-endian machines only")
    try:
        return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)
    except OSError as err:
        reason = f"opening a netlink socket for sock_diag gave '{os.strerror(err.errno or 0)}'"
        if err.errno in DENIED:
            raise NotPermitted(f"{reason}: a seccomp filter or security module forbids it") from err
        raise NotAvailable(f"{reason}: this kernel or sandbox has no sock_diag") from err


def ask(asking: socket, request: bytes, lacks: str) -> Iterator[Messages]:
    """Do what `dump` does, with a socket that is open; it can ask once."""
    header = pack("=IHHII", HEADER_BYTES + len(request), SOCK_DIAG_BY_FAMILY, REQUEST_DUMP, 1, 0)
    try:
        asking.send(header + request)
        yield from _receive(asking, lacks)
    except OSError as err:
        raise failure(err.errno or 0, lacks) from err


def failure(number: int, lacks: str) -> FivetupleError:
    """Return the exception for the errno that the kernel gave instead of a list, or amid it."""
    if number in ABSENT:
        return NotAvailable(lacks)
    if number in DENIED:
        return NotPermitted(
            f"the kernel forbids this process to list sockets: '{os.strerror(number)}' from sock_diag"
        )
    return NotAvailable(f"sock_diag broke off its list of sockets: '{os.strerror(number)}'")


def _receive(asking: socket, lacks: str) -> Iterator[Messages]:
    """Collect datagrams until the buffer is full or the list ends; yield the messages in it."""
    buffer = memoryview(bytearray(BUFFER_BYTES))
    words = buffer.cast("I")
    ended = False
    while not ended:
        filled = 0
        runs: list[Run] = []
        while not ended and filled <= BUFFER_BYTES - DATAGRAM_BYTES:
            length, (sender, _) = asking.recvfrom_into(buffer[filled:], 0, MSG_TRUNC)
            if sender != 0:
                continue  # from a process, not from the kernel
            if length > BUFFER_BYTES - filled or length % 4:
                raise Torn(f"sock_diag sent a datagram of {length} bytes, which is no netlink")
            ended, error = find_runs(words, filled >> 2, (filled + length) >> 2, runs)
            if error:
                raise failure(error, lacks)
            filled += length
        yield from join_runs(buffer, runs)


def find_runs(words: memoryview, at: int, end: int, runs: list[Run]) -> tuple[bool, int]:
    """Add the runs of messages of equal length in `words[at:end]`, one datagram, to `runs`.

    Args:
        words: the buffer as 32-bit words; messages start at multiples of 4.
        at: where the datagram starts, in words.
        end: where it ends, in words.
        runs: (message length in bytes, first word, word behind the last) of every run so far.

    Returns:
        Whether the list ends here, and the errno that it ends with (0: none).

    Raises:
        Torn: a message is shorter than its header or longer than the datagram.
    """
    while at < end:
        if end - at < HEADER_BYTES >> 2:
            raise Torn("a netlink message ends within its header")
        length, kind = words[at], words[at + 1]
        step = length + 3 >> 2
        if length < HEADER_BYTES or step > end - at:
            raise Torn(
                f"a netlink message says that it has {length} bytes; {end - at << 2} are left"
            )
        number = kind & 0xFFFF
        if number in (NLMSG_DONE, NLMSG_ERROR):
            code = words[at + 4] if length >= HEADER_BYTES + 4 else 0
            return True, (1 << 32) - code if code >> 31 else 0
        first = at
        at += step
        while at <= end - step and words[at] == length and words[at + 1] == kind:
            at += step
        if number == SOCK_DIAG_BY_FAMILY:
            runs.append((length, first, at))
    return False, 0


def join_runs(buffer: memoryview, runs: list[Run]) -> Iterator[Messages]:
    """Yield (message length, messages) for each length; a single run is not copied."""
    by_length: dict[int, list[memoryview]] = {}
    for length, first, behind in runs:
        by_length.setdefault(length, []).append(buffer[first << 2 : behind << 2])
    for length, parts in by_length.items():
        yield length, parts[0] if len(parts) == 1 else memoryview(b"".join(parts))


def aligned(length: int) -> int:
    """Return how far the next message or attribute is: NLMSG_ALIGN, NLA_ALIGN."""
    return length + 3 & ~3


def attributes(message: memoryview, at: int) -> tuple[tuple[int, int, int], ...]:
    """Return (offset of its header, type, length with header) of each attribute from `at` on.

    Raises:
        Torn: an attribute is shorter than its header or longer than the message.
    """
    found = []
    end = len(message)
    while at < end:
        if end - at < ATTRIBUTE_HEADER_BYTES:
            raise Torn("a netlink attribute ends within its header")
        length = message[at] | message[at + 1] << 8
        kind = (message[at + 2] | message[at + 3] << 8) & ATTRIBUTE_TYPE
        if length < ATTRIBUTE_HEADER_BYTES or length > end - at:
            raise Torn(
                f"netlink attribute {kind} says that it has {length} bytes; {end - at} are left"
            )
        found.append((at, kind, length))
        at += aligned(length)
    return tuple(found)


def attribute(kind: int, payload: bytes) -> bytes:
    """Return the bytes of one attribute, padded: struct nlattr and what follows."""
    length = ATTRIBUTE_HEADER_BYTES + len(payload)
    return pack("=HH", length, kind) + payload + bytes(-length % 4)
