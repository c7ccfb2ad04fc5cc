"""Random filters as trees, random rows, and an interpreter of filters that is slow and obvious.

The interpreter knows a filter's meaning from docs/filters.md alone: it reads a row as a dict, asks
`ipaddress` for prefixes and `fnmatch` for globs, and looks owners up by walking over all rows.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import operator
import random
import re

from hypothesis import strategies as st

from fivetuple.analysis.filter_fields import FIELDS
from fivetuple.analysis.filter_hosts import low_address
from fivetuple.analysis.filter_ports import ANY_PORT
from fivetuple.analysis.filter_tree import Group, Host, Mark, Ports, Test, group, negated
from fivetuple.analysis.filter_values import WORDS
from fivetuple.model import record
from fivetuple.model.endpoint import ANY_V4, ANY_V6, V4_PREFIX, pack_address
from fivetuple.model.names import protocol_name
from fivetuple.model.process import Place, Process
from fivetuple.model.snapshot import Host as Machine
from fivetuple.model.snapshot import Snapshot
from fivetuple.model.state import WORDS as STATE_WORDS

COMPARE = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
FAMILY = {"unix": 1, "inet": 2, "inet6": 10, "netlink": 16, "packet": 17, "vsock": 40}
TYPE = {"stream": 1, "dgram": 2, "raw": 3, "rdm": 4, "seqpacket": 5, "dccp": 6, "packet": 10}
TIMER = {"retransmit": 1, "keepalive": 2, "timewait": 3, "persist": 4}
SHUTDOWN = {"read": 1, "write": 2, "both": 3}
ADDRESSES = [
    *map(
        pack_address,
        (
            "10.0.0.5",
            "10.0.1.6",
            "127.0.0.1",
            "192.168.7.7",
            "0.0.0.0",
            "::",
            "::1",
            "2001:db8::1",
            "2001:db8:1::",
        ),
    ),
]
PORTS = (0, 22, 80, 443, 8000, 8050, 40000, 65535)
NETNS = (4026531840, 7)
PATHS = {1: b"/run/one.sock", 2: b"\0abstract", 3: b"/run/Two.sock", 5: b"\0000001f"}
RARE = ("cgroup", "service", "autobound")  # with the tests of examples: their meaning is a table's

# --- trees -----------------------------------------------------------------------------------


def trees(fields=tuple(FIELDS), *, is_text_free=True):
    """Filters over the given fields (all), in the shape that `parse` makes."""
    leaves = leaf(fields, is_text_free=is_text_free)
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(
                group, st.sampled_from(("and", "or")), st.lists(inner, min_size=2, max_size=4)
            ),
            st.builds(negated, inner),
        ),
        max_leaves=8,
    )


def leaf(fields, *, is_text_free):
    """One test of one of the fields."""
    return st.sampled_from([FIELDS[name] for name in fields]).flatmap(
        lambda field: _test(field, is_text_free)
    )


def _test(field, is_text_free):
    kind = field.kind
    if kind == "flag":
        return st.just(Test(field.name, "", ()))
    if kind == "state":
        masks = st.sets(st.sampled_from(sorted(STATE_WORDS)), min_size=1).map(
            lambda words: (
                sum(
                    1 << number
                    for number in frozenset().union(*(STATE_WORDS[word] for word in words))
                ),
            )
        )
        return st.builds(Test, st.just(field.name), _EQUALS, masks)
    value = _VALUES[kind](field) if kind in _VALUES else _words(kind)
    if kind == "text":
        return _texts(field, is_text_free)
    several = st.builds(
        Test, st.just(field.name), _EQUALS, st.lists(value, min_size=1, max_size=3).map(tuple)
    )
    if kind in ("port", "count", "size", "us", "ms", "age"):
        one = value if kind != "port" else value.filter(lambda ports: ports.low == ports.high)
        orders = st.sampled_from(("<", "<=", ">", ">="))
        return st.one_of(several, st.builds(Test, st.just(field.name), orders, st.tuples(one)))
    return several


_EQUALS = st.sampled_from(("=", "!="))
_GLOBS = st.sampled_from(
    ("*", "nginx", "ngin*", "*n*", "?*", "[a-n]*", "[!a-n]*", "web", "/run/*", "web.socket", "@*", "eth?", "lo", "7", "cubic", "nginx.service",
     "abcdef", "shop/*", "cart", "root", "0", "1*", "*1", "a*b*c", "", "https", "/run/one.sock")
)  # fmt: skip


def _texts(field, is_text_free):
    text = st.one_of(_GLOBS, st.text(max_size=12)) if is_text_free else _GLOBS
    if field.name == "cgroup":
        text = text.map(lambda value: value.removeprefix("/sys/fs/cgroup").rstrip("/") or "/")
    if field.name in ("path", "cgroup"):
        several = st.builds(Test, st.just(field.name), _EQUALS, st.tuples(text))
    else:
        several = st.builds(
            Test, st.just(field.name), _EQUALS, st.lists(text, min_size=1, max_size=3).map(tuple)
        )
    regexes = st.sampled_from(
        ("n", "^n", "[0-9]+", "x$", "(a|b)", "'\"", "a b", "\\d", ",", "web|nginx")
    )
    return st.one_of(
        several, st.builds(Test, st.just(field.name), st.just("~"), st.tuples(regexes))
    )


def _words(kind):
    return st.sampled_from(sorted(set(WORDS[kind].values())))


def _ports(_field):
    single = st.sampled_from(PORTS).map(lambda port: Ports(port, port))
    span = st.tuples(st.sampled_from(PORTS), st.sampled_from(PORTS)).map(
        lambda both: Ports(min(both), max(both))
    )
    large = st.builds(
        lambda port, family: Ports(port, port, family),
        st.sampled_from((0, 22, 1 << 31)),
        st.sampled_from((16, 40)),
    )
    there = st.one_of(single, span, st.just(ANY_PORT))
    of_family = st.builds(
        lambda ports, family: ports._replace(family=family), there, st.sampled_from((2, 10))
    )
    return st.one_of(there, of_family, large, st.just(Ports(0, 0xFFFFFFFF, 40)))


@st.composite
def _hosts(draw, _field):
    family = draw(st.sampled_from((0, 0, 2, 2, 2, 10, 10, 1, 16, 17, 40)))
    port = draw(
        st.one_of(st.none(), st.sampled_from(PORTS).map(lambda number: Ports(number, number)))
    )
    if family == 0:
        return Host(0, None, 0, port)
    if family == 1:
        return Host(1, draw(_GLOBS), 0)
    if family == 17:
        return Host(
            17,
            draw(st.sampled_from((None, 3, 2048))),
            0,
            draw(st.sampled_from((None, "lo", "eth0"))),
        )
    if family in (16, 40):
        number = draw(st.sampled_from((None, 2, 3)))
        return Host(family, number, 0, draw(st.sampled_from((None, Ports(22, 22, family)))))
    is_only = draw(st.booleans())
    if is_only and draw(st.booleans()):
        return Host(family, None, 0, port, True)
    pool = [address for address in ADDRESSES if (address[:12] == V4_PREFIX) == (family == 2)]
    address = draw(st.sampled_from(pool))
    bits = draw(st.integers(96, 128)) if family == 2 else draw(st.integers(0, 128))
    return Host(family, low_address(address, bits), bits, port, is_only)


def _numbers(_field):
    return st.one_of(st.sampled_from((0, 1, 2, 22, 1000, 65536)), st.integers(0, 2**64 - 1))


def _measures(_field):
    thousandths = st.integers(0, 10**9).map(
        lambda number: number // 1000 if number % 1000 == 0 else number / 1000
    )
    return st.one_of(st.sampled_from((0, 1, 2, 1000, 0.5)), st.integers(0, 2**50), thousandths)


_VALUES = {
    "port": _ports,
    "host": _hosts,
    "count": _numbers,
    "size": _measures,
    "us": _measures,
    "ms": _measures,
    "age": _measures,
    "mark": lambda _field: st.builds(
        Mark, st.sampled_from((0, 1, 3, 0xFFFFFFFF)), st.sampled_from((0, 1, 3, 0xFF, 0xFFFFFFFF))
    ),
    "text": lambda _field: _GLOBS,
}

# --- rows ------------------------------------------------------------------------------------


SEEDS = st.integers(0, 2**32)


def rows_of(seed, count=40):
    """Rows as dicts, from small pools, so that filters find some; from one number, for speed."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    return [_row(chance) for _ in range(count)]


def _row(chance):
    row = {name: chance.choice(pool) for name, pool in _POOLS.items()}
    if row["family"] not in (2, 10):  # netlink and vsock have 8 bytes of their own, the others none
        port = chance.choice((0, 22, 1 << 31)).to_bytes(4, "little")
        own = b"\x02\0\0\0" + port + bytes(8) if row["family"] in (16, 40) else bytes(16)
        row |= {"local": own, "remote": own}
    return row


_POOLS = {
    name: (0, 1, 2, 22, 200) if column.format == "B" else (0, 1, 2, 22, 1000)
    for name, column in record.COLUMN.items()
    if not column.format.endswith("s")
} | {
    "kind": (0,),
    "family": (2, 2, 2, 10, 10, 1, 16, 17, 40),
    "type": (1, 1, 2, 3, 5),
    "state": (1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 11, 13),
    "protocol_number": (0, 2, 3, 6, 6, 17, 132, 262, 2048),
    "local_port": PORTS,
    "remote_port": PORTS,
    "known": (0xFFFF, 0xFFFF, 0, 0x5555, 0xAAAA, 0x3333),
    "netns": NETNS,
    "inode": range(7),
    "peer_inode": range(7),
    "uid": (0, 33, 1000),
    "local": ADDRESSES,
    "remote": ADDRESSES,
    "cgroup_id": (0, 1, 77),
    "congestion_algorithm": (b"", b"cubic", b"bbr"),
}  # fmt: skip


def snapshot_of(row_dicts):
    """A Snapshot of the rows, in which some sockets have one owner, some two, some none."""
    snapshot = Snapshot(
        Machine("here"),
        10**18,
        road="test",
        facts=0,
        chunks=[b"".join(map(record.pack, row_dicts))],
    )
    snapshot.holders = {1: 10 << 32 | 3, 2: 11 << 32 | 1001, 3: 10 << 32 | 4, 4: 99 << 32 | 5}
    snapshot.shared = {3: (10 << 32 | 4, 11 << 32 | 9)}
    web = Place("nginx.service", container_id="abcdef" + "0" * 58, engine="docker")
    web.container_name = "web"
    started_ns = 10**18 - 3600 * 10**9
    snapshot.processes = {
        10: Process(
            10,
            "nginx",
            argv=(b"nginx", b"-g", b"x y"),
            place=web,
            started_ns=started_ns,
            cgroup="/system.slice/nginx.service",
        ),
        11: Process(11, "cart 1", place=Place(pod="shop/cart"), started_ns=10**18 - 5 * 10**8),
    }
    snapshot.places = {77: Place("gone.service")}
    snapshot.socket_units = {4: ("web.socket", "web.service")}
    snapshot.unix_names = dict(PATHS)
    snapshot.users = {0: "root", 33: "web"}
    snapshot.interfaces = {NETNS[0]: {1: "lo", 2: "eth0"}}
    return snapshot


# --- the meaning -----------------------------------------------------------------------------


def matches(tree, row, snapshot, earlier):  # noqa: PLR0911  # a case a kind
    """Tell whether a row (a dict) matches; `earlier`: the rows up to and with it."""
    if isinstance(tree, Group):
        answers = [matches(part, row, snapshot, earlier) for part in tree.parts]
        return {"and": all, "or": any, "not": lambda one: not one[0]}[tree.word](answers)
    field = FIELDS[tree.field]
    if field.kind == "flag":
        return _FLAGS[tree.field](row, snapshot, earlier)
    if field.kind == "state":
        return (tree.values[0] >> row["state"] & 1 == 1) == (tree.operator == "=")
    if tree.field in ("local", "remote"):
        return any(_is_at(row, tree.field, host, snapshot) for host in tree.values) == (
            tree.operator == "="
        )
    if tree.field in ("local_port", "remote_port", "port"):
        return _is_port(row, tree)
    found = _values(tree.field, row, snapshot, earlier)
    if not found or (tree.field == "options" and tree.operator == "!=" and "none" not in found):
        return False
    positive = "=" if tree.operator == "!=" else tree.operator
    is_any = any(
        _holds(field, positive, value, wanted) for value in found for wanted in tree.values
    )
    return is_any != (tree.operator == "!=")


def _holds(field, sign, value, wanted):
    if sign == "~":
        return re.search(wanted, value) is not None
    if field.kind == "text":
        return fnmatch.fnmatchcase(value, wanted)
    if field.kind == "mark":
        return value & wanted.mask == wanted.value
    return COMPARE[sign](value, wanted)


def _values(field, row, snapshot, earlier):  # noqa: PLR0911  # a case a field
    """The values that the row has for the field; none: unknown, or it has none."""
    known = row["known"]
    if field in (
        "pid",
        "process",
        "command",
        "process_age",
        "owner_by",
        "unit",
        "container",
        "pod",
        "fd",
    ):
        return _owner_values(field, row, snapshot, earlier)
    if field == "protocol":
        return [protocol_name(row["family"], row["type"], row["protocol_number"])]
    if field in ("family", "type"):
        table = {number: name for name, number in (FAMILY if field == "family" else TYPE).items()}
        return [table[row[field]]]
    if field in ("timer", "shutdown"):
        table = {number: name for name, number in (TIMER if field == "timer" else SHUTDOWN).items()}
        return (
            ([table.get(row[field], "?")] if row[field] else [])
            if known & record.COLUMN[field].group
            else []
        )
    if field == "options":
        names = [
            name.lower() for name in record.OPTION_NAMES if row["options"] & getattr(record, name)
        ]
        return names + ["none"] * bool(
            known & record.OPTIONS
        )  # what is set is so; the rest, if all are told
    if field == "fwmark":
        return [row["mark"]] if known & record.MARK else []
    if field == "socket_unit":
        return (
            [snapshot.socket_units[row["inode"]][0]]
            if row["inode"] in snapshot.socket_units
            else []
        )
    if field == "user":
        return (
            [str(row["uid"]), *filter(None, [snapshot.users.get(row["uid"])])]
            if known & record.UID
            else []
        )
    if field == "netns":
        return [str(row["netns"])]
    if field == "path":
        name = _unix_name(snapshot, row["inode"])
        return [name] if row["family"] == 1 and name else []
    if field == "congestion_algorithm":
        text = row[field].rstrip(b"\0").decode()
        return [text] if known & record.CONGESTION and text else []
    group_bit = record.COLUMN[field].group
    return [row[field]] if not group_bit or known & group_bit else []


def owners(row, snapshot, earlier):
    """The pids that own the row's socket: its holders, or its listener's while it waits there."""
    inode = row["inode"]
    if not inode:
        inode = _listener(row, earlier)
    return {pid for pid, _ in snapshot.holders_of(inode)}


def _listener(row, earlier):
    if row["state"] not in (1, 3, 8):
        return 0
    for address in (row["local"], ANY_V4, ANY_V6):
        for other in reversed(earlier):
            is_there = (other["netns"], other["local_port"], other["local"]) == (
                row["netns"],
                row["local_port"],
                address,
            )
            if other["state"] == 10 and other["family"] in (2, 10) and is_there:
                if other["inode"]:
                    return other["inode"]
                break
    return 0


def _owner_values(field, row, snapshot, earlier):  # noqa: PLR0911  # a case a field
    pids = owners(row, snapshot, earlier)
    if field == "pid":
        return list(pids)
    if field == "fd":
        return [fd for _, fd in snapshot.holders_of(row["inode"])]
    if field == "owner_by":
        return (["holder"] if row["inode"] else ["listener"]) if pids else []
    read = [snapshot.processes[pid] for pid in pids if pid in snapshot.processes]
    if field == "process":
        return [process.name for process in read]
    if field == "command":
        return [process.command for process in read if process.command is not None]
    if field == "process_age":
        return [(snapshot.taken_ns - process.started_ns) / 1e9 for process in read]
    if field == "unit" and row["inode"] in snapshot.socket_units:
        return _place_names(field, Place(snapshot.socket_units[row["inode"]][1]))
    places = [process.place for process in read if process.place]
    if not places and row["cgroup_id"] in snapshot.places:
        places = [snapshot.places[row["cgroup_id"]]]
    return [name for place in places for name in _place_names(field, place)]


def _place_names(field, place):
    if field == "unit":
        return [place.unit, place.unit.removesuffix(".service")] if place.unit else []
    if field == "pod":
        return [place.pod, place.pod.split("/")[-1]] if place.pod else []
    if not place.container_id:
        return []
    return [place.container_name, *(place.container_id[:length] for length in range(6, 65))]


def _is_port(row, test):
    ranges = test.values
    if test.field != "port":
        side = test.field.removesuffix("_port")
        return _is_side_port(row, side, test.operator, ranges)
    positive = "=" if test.operator == "!=" else test.operator
    found = any(
        _is_side_port(row, side, positive, [ports])
        for side in ("local", "remote")
        for ports in ranges
        if ports.family in (16, 40) or row[f"{side}_port"]
    )
    return found != (test.operator == "!=")


def _is_side_port(row, side, sign, ranges):
    if sign in ("=", "!="):
        return any(_in_range(row, side, ports) for ports in ranges) == (sign == "=")
    (ports,) = ranges
    return ports.family in (0, row["family"]) and COMPARE[sign](_port(row, side, ports), ports.low)


def _port(row, side, ports):
    return (
        int.from_bytes(row[side][4:8], "little")
        if ports.family in (16, 40)
        else row[f"{side}_port"]
    )


def _in_range(row, side, ports):
    return ports.family in (0, row["family"]) and ports.low <= _port(row, side, ports) <= ports.high


def _is_at(row, side, host, snapshot):  # noqa: PLR0911  # a case a family
    family = row["family"]
    if host.family == 1:
        name = _unix_name(snapshot, row["inode" if side == "local" else "peer_inode"]) or ""
        return family == 1 and fnmatch.fnmatchcase(name.lower(), host.address.lower())
    if host.family in (16, 17, 40):
        number = (
            int.from_bytes(row[side][:4], "little") if host.family == 40 else row["protocol_number"]
        )
        if family != host.family or host.address not in (None, number):
            return False
        if host.family == 17:
            return host.port in (
                None,
                snapshot.interfaces.get(row["netns"], {}).get(row["interface"]),
            )
        return host.port is None or _in_range(row, side, host.port)
    if family not in (2, 10) or (host.is_only and family != host.family):
        return False
    if host.port is not None and not _in_range(row, side, host.port):
        return False
    return host.address is None or _in_prefix(row[side], host, family)


def _in_prefix(raw, host, family):
    address = ipaddress.IPv6Address(raw)
    if host.family == 2:
        mapped = address.ipv4_mapped
        return mapped is not None and mapped in ipaddress.ip_network(
            (host.address[12:], host.bits - 96)
        )
    return family == 10 and address in ipaddress.ip_network((host.address, host.bits))


def _unix_name(snapshot, inode):
    raw = snapshot.unix_names.get(inode)
    return raw and ("@" + raw[1:].decode() if raw[0] == 0 else raw.decode())


def _is_loopback(raw):
    address = ipaddress.IPv6Address(raw)
    return address.ipv4_mapped.is_loopback if address.ipv4_mapped else address.is_loopback


_FLAGS = {
    "listening": lambda row, _s, _e: (
        row["state"] == 10 or (row["state"] == 7 and row["type"] == 2 and row["local_port"] > 0)
    ),
    "loopback": lambda row, _s, _e: (
        row["family"] in (2, 10) and (_is_loopback(row["local"]) or _is_loopback(row["remote"]))
    ),
    "orphan": lambda row, _s, _e: (
        bool(row["known"] & record.INODE) and row["inode"] == 0 and row["state"] in (4, 5, 9, 11)
    ),
    "unowned": lambda row, snapshot, earlier: not owners(row, snapshot, earlier),
}
