"""FIELDS: what a socket can tell about itself, in the words of JSON, CSV, filters and Python.

How to read FIELDS: one line a field: name, the heading of a table, alignment, the Facts that it
needs, unit, meaning, the value as an expression, and the text of a table's cell where that is
not simply the value. Expressions see the record's columns by their names and the helpers of
`analysis/lens.py` by theirs (capitals); they are compiled once a question, never per row, and
hold nothing that a user typed. Columns of RECORD that are not named here follow by themselves.
"""

from __future__ import annotations

from collections import namedtuple

from fivetuple.model import facts, record

Field = namedtuple("Field", "name title align needs unit meaning value text", defaults=(None,))

_OWNER = "(inode, state, netns, local, local_port)"
_INTERNET = "family == 2 or family == 10"
_HAS_REMOTE = "remote_port or remote not in WILDCARDS"

DERIVED = (
    Field("protocol", "PROTO", "<", 0, "", "tcp, udp, udplite, raw, icmp, icmp6, sctp, mptcp, dccp, unix, netlink, packet or vsock",
          "PROTOCOL[family << 24 | type << 16 | protocol_number]", "PROTOCOL[family << 24 | type << 16 | protocol_number]"),
    Field("family", "FAMILY", "<", 0, "", "inet, inet6, unix, netlink, packet or vsock", "FAMILY[family]"),
    Field("type", "TYPE", "<", 0, "", "stream, dgram, raw or seqpacket", "TYPE[type]"),
    Field("state", "STATE", "<", 0, "", "TCP state as the kernel spells it; UNCONN for a datagram socket without peer",
          "STATE[type << 8 | state]", "STATE[type << 8 | state]"),
    Field("local_address", "LOCAL ADDRESS", "<", 0, "", "own address; null where the family has none", "ADDRESS[family][local]"),
    Field("local_port", "LOCAL PORT", ">", 0, "", "own port; of vsock and netlink their 32-bit port; null: none",
          f"((local_port or None) if type != 3 else None) if {_INTERNET} else PORT(family, local)"),
    Field("remote_address", "REMOTE ADDRESS", "<", 0, "", "the peer's address; null: no peer",
          f"ADDRESS[family][remote] if {_HAS_REMOTE} else None"),
    Field("remote_port", "REMOTE PORT", ">", 0, "", "the peer's port; null: no peer",
          f"(remote_port or None) if {_INTERNET} else PORT(family, remote)"),
    Field("local", "LOCAL", "<", 0, "", "own address and port, path or name, as people write them",
          "LOCAL(family, type, protocol_number, netns, interface, local, local_port, inode, options, known)",
          "f'{V4[local]}:{local_port}' if family == 2 and not interface and local_port and type != 3 else "
          "LOCAL(family, type, protocol_number, netns, interface, local, local_port, inode, options, known)"),
    Field("remote", "REMOTE", "<", 0, "", "the peer's address and port, path or name, as people write them",
          f"REMOTE(family, remote, remote_port, peer_inode) if {_HAS_REMOTE} or peer_inode else None",
          "f'{V4[remote]}:{remote_port}' if family == 2 and remote_port else "
          f"REMOTE(family, remote, remote_port, peer_inode) if {_HAS_REMOTE} or peer_inode else '*'"),
    Field("netns", "NETNS", ">", 0, "", "network namespace, by its inode number", "netns"),
    Field("netns_name", "NAMESPACE", "<", facts.NAMESPACES, "", "network namespace, by what runs in it", "NETNS_NAME[netns]"),
    Field("inode", "INODE", ">", 0, "", record.COLUMN["inode"].meaning, "(inode or None) if known & 32768 else None"),
    Field("cookie", "COOKIE", ">", 0, "", record.COLUMN["cookie"].meaning, "(cookie or None) if known & 8 else None"),
    Field("pid", "PID", ">", facts.OWNERS, "", "process that owns it (the first, where several do)", f"OWN.process{_OWNER}.pid or None"),
    Field("pids", "PIDS", "<", facts.OWNERS, "", "every process that owns it", f"list(OWN.pids{_OWNER}) or None",
          f"','.join(map(str, OWN.pids{_OWNER})) or '-'"),
    Field("fd", "FD", ">", facts.OWNERS, "", "the owner's file descriptor", "FD(HOLDER(inode)) if inode in OWN else None"),
    Field("process", "PROCESS", "<", facts.OWNERS | facts.PROCESS_NAMES, "", "program or script that owns it",
          f"OWN.process{_OWNER}.name or None",
          f"'-' if state == 6 else (WHO_HOLDS.get(HOLDER(inode, 0) >> 32) if inode not in SHARED else None) or WHO{_OWNER}"),
    Field("command", "COMMAND", "<", facts.OWNERS | facts.PROCESSES, "", "the owner's command line", f"OWN.process{_OWNER}.command"),
    Field("user", "USER", "<", facts.USERS, "", "name of the socket's user", "USER(uid) if known & 8192 else None"),
    Field("uid", "UID", ">", 0, "", record.COLUMN["uid"].meaning, "uid if known & 8192 else None"),
    Field("unit", "UNIT", "<", facts.OWNERS | facts.PROCESSES, "", "systemd unit of the owner; of a listener that systemd holds, the service that will answer",
          f"SOCKET_UNITS[inode][1] if inode in SOCKET_UNITS else PLACE(cgroup_id, OWN.process{_OWNER}).unit"),
    Field("socket_unit", "SOCKET UNIT", "<", facts.OWNERS | facts.PROCESSES, "", "systemd socket unit that opened a listener, while systemd holds it",
          "SOCKET_UNITS[inode][0] if inode in SOCKET_UNITS else None"),
    Field("container", "CONTAINER", "<", facts.OWNERS | facts.PROCESSES | facts.CONTAINERS, "", "container of the owner",
          f"PLACE(cgroup_id, OWN.process{_OWNER}).container"),
    Field("pod", "POD", "<", facts.OWNERS | facts.PROCESSES | facts.CONTAINERS, "", "Kubernetes pod of the owner",
          f"PLACE(cgroup_id, OWN.process{_OWNER}).pod"),
    Field("owner_by", "OWNER BY", "<", facts.OWNERS, "", "how the owner is known: holder (it has the file), listener (by reasoning)",
          f"OWN.basis{_OWNER}"),
    Field("service", "SERVICE", "<", 0, "", "what the well-known side's port usually serves", "SERVICE(family, type, protocol_number, state, netns, local, local_port, remote_port)"),
    Field("path", "PATH", "<", facts.UNIX, "", "path of a unix socket; an abstract name starts with @", "PATH(inode) if family == 1 else None"),
    Field("interface", "INTERFACE", "<", 0, "", "interface it is bound to; null: any", "INTERFACE(netns, interface) if interface else None"),
    Field("options", "OPTIONS", "<", facts.OPTIONS, "", record.COLUMN["options"].meaning, "OPTION_NAMES(options) if known & 64 else None",
          "' '.join(OPTION_NAMES(options)) or '-'"),
    Field("timer", "TIMER", "<", facts.TIMERS, "", record.COLUMN["timer"].meaning, "TIMER.get(timer) if known & 256 else None"),
    Field("timer_ms", "TIMER-MS", ">", facts.TIMERS, "ms", record.COLUMN["timer_ms"].meaning, "timer_ms if known & 256 and timer else None"),
    Field("shutdown", "SHUTDOWN", "<", facts.OPTIONS, "", "which directions were shut down: read, write, both", "SHUTDOWN.get(shutdown) if known & 512 else None"),
    Field("congestion_algorithm", "CONGESTION", "<", facts.TCP_INFO, "", record.COLUMN["congestion_algorithm"].meaning,
          "(TEXT(congestion_algorithm.rstrip(b'\\0')) or None) if known & 16384 else None"),
)  # fmt: skip

# Columns that people are not shown as they are stored.
_HIDDEN = frozenset(("kind", "known", "local", "remote", "peer_inode", "window_scales"))
_TITLES = {
    "recv_queue_bytes": "RECV-Q", "send_queue_bytes": "SEND-Q", "accept_queue": "ACCEPT", "backlog": "BACKLOG",
    "retransmits": "RETRANS", "rtt_us": "RTT-US", "congestion_window": "CWND", "recv_buffer_bytes": "RCVBUF",
    "send_buffer_bytes": "SNDBUF", "timer_retransmits": "TRIES", "bytes_sent": "SENT", "bytes_received": "RECEIVED",
    "last_data_received_ms": "LAST-RECV-MS", "last_data_sent_ms": "LAST-SENT-MS",
}  # fmt: skip
_NEEDS = {
    record.TCP_INFO: facts.TCP_INFO, record.BACKLOG: facts.BACKLOG, record.TIMER: facts.TIMERS,
    record.OPTIONS: facts.OPTIONS, record.SHUTDOWN: facts.OPTIONS, record.MARK: facts.OPTIONS,
    record.BUFFERS: facts.OPTIONS, record.DROPS: facts.OPTIONS, record.CGROUP: facts.OPTIONS,
}  # fmt: skip


def _plain(column: record.Column) -> Field:
    """Make the field of a column that is shown as it is stored."""
    value = f"{column.name} if known & {column.group} else None" if column.group else column.name
    text = f"{column.name} if known & {column.group} else '-'" if column.group else column.name
    title = _TITLES.get(column.name, column.name.replace("_", " ").upper())
    return Field(
        column.name,
        title,
        ">",
        _NEEDS.get(column.group, 0),
        column.unit,
        column.meaning,
        value,
        text,
    )


_named = {field.name for field in DERIVED}
FIELDS = DERIVED + tuple(
    _plain(column)
    for column in record.COLUMNS
    if column.name not in _named and column.name not in _HIDDEN
)
FIELD = {field.name: field for field in FIELDS}

# What JSON and CSV hold when nobody chose: everything but the two that repeat others.
DEFAULT_DATA = tuple(name for name in FIELD if name not in ("local", "remote"))
# Inside one list of sockets these need facts that cost extra; they are null unless asked for.
COSTLY = facts.CONTAINERS


def needs_of(names: tuple[str, ...] | list[str]) -> int:
    """Return the Facts that the named fields need. Raise KeyError for a name that is no field."""
    total = 0
    for name in names:
        total |= FIELD[name].needs
    return total
