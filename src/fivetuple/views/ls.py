"""List sockets: protocol, state, queues, both ends, owner. Speaks ss's flags and filter language.

Without flags it lists every internet socket in every state. With ss's flags it does what ss
does: `-t -u -w -x` choose protocols, `-l` listeners only, `-a` every state, and neither of the
two leaves out listeners, unconnected sockets, TIME_WAIT and SYN_RECV, as ss does.

Examples:
    ft ls                                      every internet socket
    ft ls -tulpn                               what listens, as with ss
    ft ls state close-wait process = nginx     a filter
    ft ls '( dport = :443 or sport = :22 )'    ss's own filter
    ft ls --by process state established       counts
    ft ls --json 'rtt > 50ms'                  for programs
"""

from __future__ import annotations

from fivetuple.analysis.choosing import both, chooser
from fivetuple.analysis.ss_flags import ALL_FAMILIES, families, selection
from fivetuple.model import facts
from fivetuple.model.answer import Answer, SocketTable
from fivetuple.model.command import Option
from fivetuple.model.errors import BadInput
from fivetuple.model.fields import COSTLY, DEFAULT_DATA, FIELD, needs_of
from fivetuple.model.question import Hint, Question
from fivetuple.model.state import LISTEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from fivetuple.analysis.choosing import Keep
    from fivetuple.analysis.filters import Filter
    from fivetuple.model.command import Request
    from fivetuple.model.snapshot import Snapshot

ARGUMENTS = "[FILTER...]"
GROUPS = (
    "process",
    "remote",
    "port",
    "state",
    "user",
    "container",
    "unit",
    "netns",
    "protocol",
    "service",
    "command",
)
OPTIONS = (
    Option(("-t", "--tcp"), "TCP"),
    Option(("-u", "--udp"), "UDP and UDP-Lite"),
    Option(("-w", "--raw"), "raw and ping"),
    Option(("-x", "--unix"), "unix"),
    Option(("-d", "--dccp"), "DCCP"),
    Option(("-S", "--sctp"), "SCTP"),
    Option(("-M", "--mptcp"), "MPTCP"),
    Option(("-0", "--packet"), "packet"),
    Option(("--netlink",), "netlink"),
    Option(("--vsock",), "vsock"),
    Option(("-4", "--ipv4"), "IPv4 only"),
    Option(("-6", "--ipv6"), "IPv6 only"),
    Option(("-f", "--family"), "one family: inet, inet6, unix, link, netlink or vsock", "choice", "FAMILY",
           ("inet", "inet6", "unix", "link", "netlink", "vsock")),
    Option(("-l", "--listening"), "listeners only (and unconnected datagram sockets)"),
    Option(("-a", "--all"), "every state; alone, every family too"),
    Option(("-n", "--numeric"), "numbers, as always: ft looks no name up"),
    Option(("-p", "--processes"), "the owner, as always"),
    Option(("-e", "--extended"), "user, unit, container, inode and cookie as well"),
    Option(("-m", "--memory"), "buffers and drops as well"),
    Option(("-o", "--options"), "timers as well"),
    Option(("-i", "--info"), "round-trip time, window, retransmits and byte counts as well"),
    Option(("-s", "--summary"), "counts by protocol and state instead of the list"),
    Option(("--by",), "count by this instead of listing: " + ", ".join(GROUPS), "choice", "FIELD", GROUPS),
)  # fmt: skip

PLAIN_FIELDS = (
    "protocol",
    "state",
    "recv_queue_bytes",
    "send_queue_bytes",
    "accept_queue",
    "backlog",
    "local",
    "remote",
)
EXTRA_FIELDS = {
    "extended": ("user", "unit", "container", "inode", "cookie"),
    "memory": ("recv_buffer_bytes", "send_buffer_bytes", "drops"),
    "options": ("timer", "timer_ms", "timer_retransmits"),
    "info": (
        "rtt_us",
        "congestion_window",
        "retransmits",
        "bytes_sent",
        "bytes_received",
        "last_data_received_ms",
    ),
}


def question(request: Request) -> Question:
    """Ask for owners only where a column or the filter is about them."""
    sieve = _filter(request)
    protocols, states = selection(request, sieve)
    sort = sort_order(request.get("sort") or ())
    needs = facts.SOCKETS | (sieve.needs if sieve else 0) | needs_of([name for name, _ in sort])
    by = request.get("by")
    if (by or request.flag("summary")) and (request.get("fields") or sort):
        raise BadInput(
            "--by and -s count, largest first; --fields and --sort are about the list: leave out one of the two"
        )
    if by:
        needs |= _group_needs(by)
    elif request.flag("summary"):
        pass  # what it counts is in every row
    elif request.get("output") in ("json", "jsonl", "csv"):
        needs |= needs_of(_data_fields(request)) & ~(
            0 if request.get("fields") else COSTLY | facts.PROCESSES
        )
        needs |= facts.PROCESSES
    else:
        needs |= needs_of(_table_fields(request))
    for name, fact in (
        ("unix", facts.UNIX),
        ("netlink", facts.NETLINK),
        ("packet", facts.PACKET),
        ("vsock", facts.VSOCK),
    ):
        needs |= fact if name in protocols else 0
    if sieve:
        states &= sieve.hint.states
        if sieve.hint.protocols is not None:
            protocols &= sieve.hint.protocols
    if needs & facts.OWNERS:
        states |= 1 << LISTEN  # a connection that nobody accepted belongs to its listener
    if request.flag("interactive"):
        needs |= facts.OTHER_NAMESPACES
    is_kept = (
        by or sort or request.flag("summary") or request.flag("resolve") or needs & facts.PROCESSES
    )
    return Question(needs, Hint(states, protocols), _scope(request, sieve), not is_kept)


def _scope(request: Request, sieve: Filter | None) -> str:
    """Return which namespaces to look at: our own, as ss does, unless the question names others."""
    speaks_of_others = sieve is not None and (
        sieve.mentions("netns") or sieve.mentions("netns_name")
    )
    return request.get("netns") or (
        "all" if speaks_of_others or request.get("by") == "netns" else "self"
    )


def answer(snapshot: Snapshot, request: Request) -> Answer:
    """List, count or sum up the sockets."""
    keep = keeper(snapshot, request)
    if request.get("by"):
        from fivetuple.analysis.counting import counted

        return counted(snapshot, keep, request.get("by"), request.get("limit"))
    if request.flag("summary"):
        from fivetuple.analysis.counting import summary

        return summary(snapshot, keep)
    is_data = request.get("output") in ("json", "jsonl", "csv")
    table = SocketTable(
        snapshot,
        _data_fields(request) if is_data else _table_fields(request),
        keep=keep,
        sort=sort_order(request.get("sort") or ()),
        limit=request.get("limit"),
    )
    sieve = _filter(request)
    return Answer(sockets=table, notes=sieve.notes if sieve else ())


def keeper(snapshot: Snapshot, request: Request) -> Keep | None:
    """Return the function that keeps the matching rows of a buffer; None when all match."""
    sieve = _filter(request)
    protocols, states = selection(request, sieve)
    has_only_those = snapshot.protocols is not None and snapshot.protocols <= protocols
    wanted = None if has_only_those or protocols == ALL_FAMILIES else protocols
    # the filter sees listeners also where flags leave them out: connections wait at them
    return both(
        sieve.row_filter(snapshot) if sieve else None, chooser(wanted, states, families(request))
    )


def _filter(request: Request) -> Filter | None:
    """Parse the filter words."""
    if not request.words:
        return None
    from fivetuple.analysis.filters import parse

    return parse(request.words)


def _table_fields(request: Request) -> tuple[str, ...]:
    """Return the columns of the table: those asked for, or those that the flags add."""
    asked = request.get("fields")
    if asked:
        return checked_fields(asked)
    columns: tuple[str, ...] = PLAIN_FIELDS
    for flag, extra in EXTRA_FIELDS.items():
        if request.flag(flag) or request.get("output") == "wide":
            columns += extra
    if (request.get("netns") or "self") != "self":
        columns = ("netns_name", *columns)
    return (*columns, "process")


def _data_fields(request: Request) -> tuple[str, ...]:
    asked = request.get("fields")
    return checked_fields(asked) if asked else DEFAULT_DATA


def checked_fields(asked: Sequence[str]) -> tuple[str, ...]:
    """Return the fields, each known.

    Raises:
        BadInput: a name is no field.
    """
    for name in asked:
        if name not in FIELD:
            from difflib import get_close_matches

            near = get_close_matches(name, FIELD, 1)
            hint = f"did you mean '{near[0]}'?" if near else "`ft explain columns` lists them"
            raise BadInput(f"'{name}' is not a field; {hint}")
    return tuple(asked)


def sort_order(asked: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    """Read `--sort rtt_us,-bytes_sent`: a minus sign sorts from high to low."""
    order = []
    for word in asked:
        descending = word.startswith("-")
        order.append((checked_fields((word.removeprefix("-"),))[0], descending))
    return tuple(order)


def _group_needs(by: str) -> int:
    needs = {
        "process": facts.OWNERS | facts.PROCESS_NAMES,
        "user": facts.USERS,
        "netns": facts.NAMESPACES,
    }
    default = facts.OWNERS | facts.PROCESSES if by in ("container", "unit", "command") else 0
    return needs.get(by, default) | (facts.CONTAINERS if by == "container" else 0)
