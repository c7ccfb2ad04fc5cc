"""The fields of filters: names, what kind of value each takes, what each needs to know.

How to read DERIVED: one line a field: name, other names, kind, Facts that it needs beyond those
of model/fields.py, an example, and a meaning where model/fields.py has none. Every column of
RECORD that is not named here becomes a field by itself, with the kind of its unit; a column
whose name ends in a unit can be named without it (`rtt` for `rtt_us`).
KINDS says which operators a kind takes and how its value is read and compared
(filter_values.py, filter_compile.py). docs/filters.md is drawn from these tables.
"""

from __future__ import annotations

from collections import namedtuple

from fivetuple.model import facts, record
from fivetuple.model.fields import FIELD as SHOWN

Field = namedtuple("Field", "name aliases kind needs example meaning")
Kind = namedtuple("Kind", "operators value")

_ORDER = ("=", "!=", "<", "<=", ">", ">=")
_WORD = ("=", "!=")
_TEXT = ("=", "!=", "~")
KINDS = {
    "flag": Kind((), "none: the name alone"),
    "state": Kind(_WORD, "a state, or all, connected, synchronized, bucket, big"),
    "protocol": Kind(_WORD, "a protocol"),
    "family": Kind(_WORD, "a family"),
    "type": Kind(_WORD, "a socket type"),
    "timer": Kind(_WORD, "a timer"),
    "shutdown": Kind(_WORD, "read, write, both"),
    "option": Kind(_WORD, "an option, as `reuseport`; several: any of them"),
    "basis": Kind(_WORD, "holder, listener"),
    "host": Kind(_WORD, "ADDRESS[/PREFIX][:PORT], :PORT, unix:GLOB, link:, netlink:, vsock:"),
    "port": Kind(_ORDER, "a port, a range 8000-8100, a service name; lists with commas"),
    "count": Kind(_ORDER, "a number, decimal or 0x"),
    "size": Kind(_ORDER, "bytes, with k, M, G, T of 1024"),
    "us": Kind(_ORDER, "a time: us, ms, s, min, h, d"),
    "ms": Kind(_ORDER, "a time: us, ms, s, min, h, d"),
    "age": Kind(_ORDER, "a time: us, ms, s, min, h, d"),
    "mark": Kind(_WORD, "VALUE or VALUE/MASK"),
    "text": Kind(_TEXT, "a glob; after ~ a regular expression"),
}

_OWNER = facts.OWNERS
_NAMED = facts.OWNERS | facts.PROCESS_NAMES
_PLACED = facts.OWNERS | facts.PROCESSES

DERIVED = (
    Field("protocol", ("proto", "netid"), "protocol", 0, "protocol = tcp,mptcp", ""),
    Field("family", (), "family", 0, "family = inet6", ""),
    Field("type", (), "type", 0, "type = dgram", ""),
    Field("state", (), "state", 0, "state close-wait", ""),
    Field("local", ("src", "local_address"), "host", 0, "local in 10.0.0.0/8,192.168.0.0/16", "own address, and port if one is written"),
    Field("remote", ("dst", "remote_address"), "host", 0, "remote = 10.0.0.5:443", "the peer's address, and port if one is written"),
    Field("local_port", ("sport",), "port", 0, "sport = :22", "own port; 0: none"),
    Field("remote_port", ("dport",), "port", 0, "dport >= :1024", "the peer's port; 0: none"),
    Field("port", (), "port", 0, "port = 80,443,8000-8100", "either port, where there is one"),
    Field("pid", ("pids",), "count", _OWNER, "pid = 812", "process that owns it (any of them)"),
    Field("fd", (), "count", _OWNER, "fd > 1000", ""),
    Field("process", (), "text", _NAMED, "process = ngin*", "program or script that owns it (any of them)"),
    Field("command", (), "text", _PLACED, "command ~ --config", ""),
    Field("user", (), "text", 0, "user = www-data", "name of the socket's user, or its number"),
    Field("unit", (), "text", _PLACED, "unit = nginx", "systemd unit of the owner (of a listener that systemd holds: the service that will answer); `.service` may be left out"),
    Field("socket_unit", (), "text", 0, "socket_unit = sshd.socket", ""),
    Field("container", (), "text", 0, "container = web-*", "container of the owner: its name, or its id from 6 digits on"),
    Field("pod", (), "text", 0, "pod = shop/*", "Kubernetes pod of the owner; the namespace may be left out"),
    Field("cgroup", (), "text", _PLACED, "cgroup /system.slice/*", "cgroup of the owner by its path, or the socket's own by its number"),
    Field("process_age", (), "age", _PLACED, "process_age < 1h", "time since the owner was started; no socket tells its own age"),
    Field("owner_by", (), "basis", _OWNER, "owner_by = listener", ""),
    Field("netns", ("netns_name",), "text", facts.NAMESPACES, "netns = web", "network namespace, by name or inode number"),
    Field("interface", ("dev",), "text", 0, "dev = eth0", "interface it is bound to, by name or index; 0: none"),
    Field("path", (), "text", 0, "path = /run/*", ""),
    Field("service", (), "text", 0, "service = https", ""),
    Field("options", ("option",), "option", 0, "option = reuseport", ""),
    Field("timer", (), "timer", 0, "timer = retransmit", ""),
    Field("shutdown", (), "shutdown", 0, "shutdown = write", ""),
    Field("congestion_algorithm", ("congestion",), "text", 0, "congestion = bbr", ""),
    Field("fwmark", (), "mark", facts.OPTIONS, "fwmark = 0x01/0xff", "firewall mark: its bits under the mask"),
    Field("listening", (), "flag", 0, "listening", "it takes what comes: a listener, or an unconnected UDP socket with a port"),
    Field("loopback", (), "flag", 0, "not loopback", "one of its addresses is 127.0.0.0/8 or ::1"),
    Field("orphan", (), "flag", 0, "orphan", "its process closed it and the kernel still finishes the connection"),
    Field("unowned", (), "flag", _OWNER, "unowned", "no process is known that owns it"),
    Field("autobound", (), "flag", facts.NAMESPACES, "autobound", "its own port or path is one that the kernel gives away by itself"),
)  # fmt: skip

_KIND_OF_UNIT = {"bytes": "size", "bytes/s": "size", "us": "us", "ms": "ms"}
_UNIT_ENDINGS = ("_bytes_per_s", "_bytes", "_us", "_ms")
_SHORT = {"congestion_window": ("cwnd",), "slow_start_threshold": ("ssthresh",), "mark": ()}
_UNFIT = frozenset(("kind", "known", "local", "remote"))  # no fact about a socket, or derived above
_NEEDS_OF_HIDDEN = {"peer_inode": facts.UNIX, "window_scales": facts.TCP_INFO}
_BOUNDS = {"count": "0", "size": "64k", "us": "10ms", "ms": "10s"}
_EXAMPLES = {
    "rtt_us": "rtt > 50ms", "recv_queue_bytes": "recv_queue > 64k", "retransmits": "retransmits > 0",
    "bytes_received": "bytes_received >= 1.5G", "uid": "uid = 0",
}  # fmt: skip

# Words that people look for, and what there is instead.
REFUSED = {
    "age": "no socket tells its age: the kernel keeps no opening time; `process_age > 1h` is the owner's, "
    "`last_data_received > 1h` how long it was silent",
}


def _fields() -> dict[str, Field]:
    """Make the table of all fields by name: DERIVED, then the other columns of RECORD."""
    table = {}
    for field in DERIVED:
        shown = SHOWN.get(field.name)
        needs = field.needs | (shown.needs if shown else 0)
        table[field.name] = field._replace(
            needs=needs, meaning=field.meaning or (shown.meaning if shown else "")
        )
    table["user"] = table["user"]._replace(needs=facts.USERS)
    taken = set(table) | {alias for field in DERIVED for alias in field.aliases}
    for column in record.COLUMNS:
        if column.name in taken or column.name in _UNFIT:
            continue
        endings = [ending for ending in _UNIT_ENDINGS if column.name.endswith(ending)]
        short = column.name.removesuffix(endings[0]) if endings else ""
        aliases = _SHORT.get(
            column.name, (short,) if short and short not in taken | set(record.NAMES) else ()
        )
        kind = _KIND_OF_UNIT.get(column.unit, "count")
        needs = SHOWN[column.name].needs if column.name in SHOWN else _NEEDS_OF_HIDDEN[column.name]
        example = _EXAMPLES.get(column.name, f"{(aliases or (column.name,))[0]} > {_BOUNDS[kind]}")
        table[column.name] = Field(column.name, aliases, kind, needs, example, column.meaning)
    return table


FIELDS = _fields()
FIELD_OF = {name: name for name in FIELDS} | {
    alias: field.name for field in FIELDS.values() for alias in field.aliases
}
"""Every name and other name -> the field's name."""
