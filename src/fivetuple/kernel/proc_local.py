"""Rows of /proc/net/{unix,netlink,packet}: sockets that stay on this machine or below IP.

- unix (net/unix/af_unix.c unix_seq_show()): `pointer: refs 0 flags type st inode [ name]`.
  The name is printed raw: its newlines too, so a line that is no row continues the name before
  it, and a name can imitate a row. NUL bytes are printed as '@'; a leading one is an abstract
  name's (a path that begins with '@' looks the same; abstract is by far the commoner).
  What nobody accepted yet has inode 0 and is left out, as sock_diag leaves it out.
- netlink (net/netlink/af_netlink.c netlink_native_seq_show()):
  `pointer protocol portid groups rmem wmem dump refs drops inode`. Groups and port id go where
  `diag_rows` says. The type isn't told: programs ask for SOCK_RAW, the kernel's own (port id 0)
  are SOCK_DGRAM, and netlink(7) makes no difference between them.
- packet (net/packet/af_packet.c packet_seq_show()):
  `pointer refs type protocol interface running rmem uid inode`, the protocol in hex.
"""

from __future__ import annotations

import struct

from fivetuple.model import record
from fivetuple.model.endpoint import AF_NETLINK, AF_PACKET, AF_UNIX
from fivetuple.model.errors import BadInput

SO_ACCEPTCON = 0x10000  # include/linux/net.h __SO_ACCEPTCON
SOCK_DGRAM, SOCK_RAW = 2, 3
ESTABLISHED, CLOSE, LISTEN = 1, 7, 10

# The `St` of /proc/net/unix (include/uapi/linux/net.h socket_state) in the words of sk_state.
# CONNECTING (2) is the far end of a connection that nobody accepted yet.
UNIX_STATES = {1: CLOSE, 2: ESTABLISHED, 3: ESTABLISHED, 4: CLOSE}
UNIX_TYPES = (1, 2, 5)  # SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET

_PACK_UNIX = record.Projection("family", "type", "state", "known", "netns", "inode").struct.pack
_PACK_NETLINK = record.Projection(
    "family", "type", "state", "protocol_number", "known", "netns", "inode", "local",
    "recv_queue_bytes", "send_queue_bytes", "drops",
).struct.pack  # fmt: skip
_PACK_PACKET = record.Projection(
    "family", "type", "state", "protocol_number", "known", "uid", "netns", "interface", "inode",
    "recv_queue_bytes",
).struct.pack  # fmt: skip


def parse_unix(text: bytes, netns: int, names: dict[int, bytes]) -> bytes:
    """Return RECORD[n] of the lines of /proc/net/unix, and put the names into `names` by inode.

    Raises:
        BadInput: a line is neither a row nor the rest of the name before it.
    """
    rows: list[bytes] = []
    named: int | None = None
    lines = text.split(b"\n")
    cut_off = lines.pop()  # the kernel ends every row with a newline
    if cut_off and _unix_row(cut_off) is None:
        raise _no_row(cut_off, "unix")
    for line in [*lines, cut_off] if cut_off else lines:
        row = _unix_row(line)
        if row is not None:
            type_, state, inode, name = row
            named = inode if name else None
            if name:
                names[inode] = b"\0" + name[1:] if name[:1] == b"@" else name
            if inode:
                rows.append(_PACK_UNIX(AF_UNIX, type_, state, record.INODE, netns, inode))
        elif named is not None:  # the name before this line holds a newline
            names[named] += b"\n" + line
        elif line:
            raise _no_row(line, "unix")
    names.pop(0, None)
    return b"".join(rows)


def _unix_row(line: bytes) -> tuple[int, int, int, bytes] | None:
    """Return type, state, inode and name; None when the line can't be a row."""
    fields = line.split(None, 6)
    if len(fields) < 7 or fields[0][-1:] != b":" or len(fields[5]) != 2:
        return None
    inode, _, name = fields[6].partition(b" ")
    try:
        flags, type_, state = (int(field, 16) for field in fields[3:6])
        if type_ not in UNIX_TYPES or state not in UNIX_STATES or not inode.isdigit():
            return None
        int(fields[0][:-1], 16)
        struct.pack("Q", int(inode))
    except (ValueError, struct.error):
        return None
    return type_, LISTEN if flags & SO_ACCEPTCON else UNIX_STATES[state], int(inode), name


def parse_netlink(text: bytes, netns: int) -> bytes:
    """Return RECORD[n] of the lines of /proc/net/netlink.

    Raises:
        BadInput: a line isn't such a row.
    """
    known = record.QUEUES | record.DROPS | record.INODE
    rows = []
    for line in _lines(text):
        try:
            _, protocol, port, groups, rmem, wmem, _, _, drops, inode = line.split()
            kind = SOCK_RAW if int(port) else SOCK_DGRAM
            local = struct.pack("=II8x", int(groups, 16), int(port))
            what = AF_NETLINK, kind, CLOSE, int(protocol), known, netns, int(inode), local
            rows.append(_PACK_NETLINK(*what, int(rmem), int(wmem), int(drops)))
        except (ValueError, struct.error):
            raise _no_row(line, "netlink") from None
    return b"".join(rows)


def parse_packet(text: bytes, netns: int) -> bytes:
    """Return RECORD[n] of the lines of /proc/net/packet.

    Raises:
        BadInput: a line isn't such a row.
    """
    known = record.QUEUES | record.UID | record.INODE
    rows = []
    for line in _lines(text):
        try:
            _, _, type_, protocol, interface, _, rmem, uid, inode = line.split()
            kind = AF_PACKET, int(type_), CLOSE, int(protocol, 16), known
            rows.append(_PACK_PACKET(*kind, int(uid), netns, int(interface), int(inode), int(rmem)))
        except (ValueError, struct.error):
            raise _no_row(line, "packet") from None
    return b"".join(rows)


def _lines(text: bytes) -> list[bytes]:
    return [line for line in text.split(b"\n") if line.strip()]


def _no_row(line: bytes, kind: str) -> BadInput:
    return BadInput(
        f"'{line[:80].decode('ascii', 'backslashreplace')}' is not a row of /proc/net/{kind}"
    )
