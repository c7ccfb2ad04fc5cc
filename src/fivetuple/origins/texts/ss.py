"""The text of ss (iproute2), any version and any flags: `ss -tanpemoi` tells most.

A row is [Netid] [State] [Recv-Q Send-Q] LOCAL PEER and words; every column in brackets can be
missing, and the words may stand on lines of their own that begin with white space. Rows are
read one by one by what their words are, so texts without header, or several in one, do too.

What ss leaves out, it leaves to be concluded (misc/ss.c):
- Netid, when only one kind of sockets was asked for: states tell TCP, else UNCONN tells UDP.
- State, when states were selected: a row that has no peer listens (TCP) or is UNCONN (UDP), a
  timewait timer is TIME_WAIT's; of the other rows the state stays 0, and `missing` says so.
- `*` as an address is IPv6's wildcard that hears IPv4 too, `[::]` the one that does not. Before
  4.14 `*` was IPv4's and `::` IPv6's; a text with `:::` is such a one.
- A process's name is printed as it is. It has 15 bytes, so it can't imitate the 16 characters
  that end one holder and begin the next.
"""

from __future__ import annotations

from fivetuple.model import facts
from fivetuple.origins.texts.collector import counted
from fivetuple.origins.texts.ss_local import RAW_PROTOCOLS
from fivetuple.origins.texts.ss_rows import NETIDS, STATES, Reader, is_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from fivetuple.model.snapshot import Snapshot

CURE = "paste the output of `ss -tanpemoi` (numbers, no names: -n)"
WISHES = {
    facts.OWNERS: "the text names no process: `ss -p`, as root, does",
    facts.PROCESS_NAMES: "the text names no process: `ss -p`, as root, does",
    facts.TCP_INFO: "the text has no TCP details: `ss -i` prints them",
    facts.BACKLOG: "the text has no listener with its queue",
    facts.TIMERS: "the text has no timers: `ss -o` prints them",
    facts.OPTIONS: "ss tells of most socket options nothing",
    facts.UNIX: "the text has no unix sockets: `ss -xa` prints them",
    facts.NETLINK: "the text has no netlink sockets: `ss -a -f netlink` prints them",
    facts.PACKET: "the text has no packet sockets: `ss -0a` prints them",
    facts.VSOCK: "the text has no vsock sockets: `ss -a --vsock` prints them",
    facts.RAW: "the text has no raw sockets: `ss -wa` prints them",
    facts.BOUND_INACTIVE: "ss shows no TCP sockets that are only bound",
    facts.OTHER_NAMESPACES: "ss shows one network namespace, that where it runs",
}

ONLY_TCP = STATES.keys() - {"ESTAB", "UNCONN", "UNKNOWN", "UNDEF"}


def parse(text: str, taken_ns: int) -> Snapshot:
    """Return the sockets of the text.

    Raises:
        BadInput: no line of it is a socket.
    """
    reader = Reader(text)
    for rows in _sections(text):
        reader.read(rows, _protocol_of(rows))
    notes = []
    if reader.stateless:
        notes.append(
            f"{counted(reader.stateless, 'socket')} without a state: ss prints none when states are selected"
        )
    return reader.collector.snapshot("ss", taken_ns, WISHES, CURE, notes)


def is_row(words: list[str]) -> bool:
    """Tell whether a line, split at white space, could be a row of ss."""
    if not words:
        return False
    if words[0] in NETIDS:
        words = words[1:]
    if words and words[0] in STATES:
        words = words[1:]
    return len(words) >= 4 and is_number(words[0]) and is_number(words[1])


def is_header(line: str) -> bool:
    """Tell whether the line names ss's columns."""
    return "Local Address:Port" in line and not line.lstrip().startswith("Proto")


def _sections(text: str) -> Iterator[list[str]]:
    """Split the text at its headers, and put each row and its further lines together."""
    rows: list[str] = []
    lines = text.split("\n")
    first = next((line for line in lines if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip(" "))]  # of a text that was pasted indented
    for whole in lines:
        line = whole.removeprefix(indent) if indent else whole
        if line[:1] in (" ", "\t") and rows and not line.lstrip().startswith("`- "):
            rows[-1] += " " + line.lstrip()
        elif is_header(line):
            yield rows
            rows = []
        elif line and not line.isspace():
            rows.append(line)
    yield rows


def _protocol_of(rows: list[str]) -> str:
    """Conclude what the rows without Netid are: TCP, UDP or raw."""
    has_unconnected = False
    has_backlog = has_state = False
    for row in rows:
        words = row.split(None, 5)
        if words[0] in ONLY_TCP:
            return "tcp"
        if words[0] == "UNCONN":
            has_unconnected = True
            if len(words) > 3 and words[3].rpartition(":")[2] in RAW_PROTOCOLS:
                return "raw"
        has_state = has_state or words[0] in STATES or words[0] in NETIDS
        has_backlog = has_backlog or (len(words) > 1 and words[1] != "0")
    if has_unconnected:
        return "udp"
    if has_state or has_backlog:
        return "tcp"
    # no state and nothing in Send-Q, where a listener has its backlog
    alone = [row for row in rows if row.rstrip().endswith(":*") or ":* " in row]
    return "udp" if alone else "tcp"
