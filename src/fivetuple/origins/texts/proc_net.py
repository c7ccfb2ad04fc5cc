"""Copies of /proc/net/tcp and its sisters, one or several: `cat /proc/net/{tcp,tcp6,udp,udp6}`.

The tables are read by kernel/procfs.py. Each begins with its header line; what `head` or
`tail -n +1` write between several files (`==> /proc/net/raw <==`) tells which it is where the
header does not: UDP, UDP-Lite, raw and ping have the same.
"""

from __future__ import annotations

import re

from fivetuple.kernel.procfs import guess_kind, parse_proc_net
from fivetuple.model import facts, record
from fivetuple.model.endpoint import AF_NETLINK, AF_PACKET, AF_UNIX
from fivetuple.model.errors import BadInput
from fivetuple.model.names import RAW
from fivetuple.model.text import printable
from fivetuple.origins.texts.collector import NETNS, Collector

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from fivetuple.model.snapshot import Snapshot

CURE = "copy the whole table: `cat /proc/net/tcp /proc/net/tcp6`"
WISHES = {
    facts.OWNERS: "/proc/net names no process: `ss -tanp`, as root, does",
    facts.PROCESS_NAMES: "/proc/net names no process: `ss -tanp`, as root, does",
    facts.TCP_INFO: "/proc/net has no TCP details: `ss -tanpemoi` has",
    facts.BACKLOG: "/proc/net does not hold the limit of accept queues: `ss -tl` prints it",
    facts.OPTIONS: "/proc/net has no socket options",
    facts.BOUND_INACTIVE: "/proc/net has no TCP sockets that are only bound",
    facts.OTHER_NAMESPACES: "/proc/net is of one network namespace",
}
FACT_OF = {AF_UNIX: facts.UNIX, AF_NETLINK: facts.NETLINK, AF_PACKET: facts.PACKET}
_MARK = re.compile(
    rb"==> ?\S*?/?((?:tcp|udp|udplite|raw|icmp)6?|unix|netlink|packet|eps|assocs) ?<==\s*"
)
_SCTP = {"eps": "sctp/eps", "assocs": "sctp/assocs"}
_KINDS = record.Projection("family", "type", "known")


def parse(text: bytes, taken_ns: int, file_name: str = "") -> Snapshot:
    """Return the sockets of the tables; the file's name may tell the kind of the first.

    Raises:
        BadInput: a line isn't a row of its table, or was cut off.
    """
    collector = Collector()
    for kind, table in _tables(text, file_name):
        try:
            rows = parse_proc_net(table, kind, NETNS, collector.unix_names)
        except BadInput as err:
            raise BadInput(f"{printable(str(err))}: {CURE}") from None
        collector.add_rows(rows)
        for family, type_, known in set(_KINDS.read(rows)):
            collector.given |= (
                FACT_OF.get(family, 0)
                | facts.RAW * (type_ == RAW)
                | facts.TIMERS * bool(known & record.TIMER)
            )
    return collector.snapshot("/proc/net", taken_ns, WISHES, CURE)


def is_table(text: bytes) -> bool:
    """Tell whether the text begins as a table of /proc/net, or a mark before one."""
    return guess_kind(text) is not None or _MARK.match(text) is not None


def _tables(text: bytes, file_name: str) -> Iterator[tuple[str, bytes]]:
    """Split the text at the headers: (kind, table with its header)."""
    said = file_name if re.fullmatch(r"(?:udplite|raw|icmp|udp)6?", file_name) else None
    kind: str | None = None
    lines: list[bytes] = []
    for line in text.split(b"\n"):
        mark = _MARK.fullmatch(line) if line[:4] == b"==> " else None
        found = guess_kind(line) if mark is None else None
        if mark is None and found is None:
            lines.append(line)
            continue
        if kind is not None:
            yield kind, _table(lines)
        lines, kind = [], None
        if mark is not None:
            said = mark[1].decode()
            said = _SCTP.get(said, said)
        elif found is not None:
            kind = said if said is not None and _is_alike(line, said) else found
            lines, said = [line], None
    if kind is None:
        raise BadInput(f"no table of /proc/net follows the last mark: {CURE}")
    yield kind, _table(lines)


def _table(lines: list[bytes]) -> bytes:
    """Put a table together without the blank lines behind it, which would belong to a unix name."""
    return b"\n".join(lines).rstrip(b"\n") + b"\n"


def _is_alike(header: bytes, kind: str) -> bool:
    """Tell whether the table of that kind has this header."""
    try:
        parse_proc_net(header + b"\n", kind)
    except BadInput:
        return False
    return True
