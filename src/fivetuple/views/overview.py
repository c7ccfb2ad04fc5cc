"""One screen for this machine: what listens, what it talks to, what is odd.

`ft` alone shows it. On a terminal everything fits the screen: ports of one program, addresses of
one service and whole namespaces are folded into one line each, and what was folded is told with
the command that shows it. Off a terminal a screen has 60 lines; with -o wide every entry has its
line. On the host every network namespace is looked at; inside a container only its own.

OPEN TO says how far the addresses of a listener open it; firewalls are not looked at. CONNS are
its clients' sockets now, TIME_WAIT aside. ACCEPT is its fullest accept queue and the limit. PORTS
USED is the part of the ephemeral ports that is taken towards that destination, by whomever.

Examples:
    ft                 this machine, on one screen
    ft --watch         again and again
    ft -N web          one network namespace
    ft --json          all of it, for programs
"""

from __future__ import annotations

from collections import Counter
from shlex import quote

from fivetuple.analysis.folding import NAMESPACE, fold, port_words
from fivetuple.analysis.listening import Listener, listeners, where_words
from fivetuple.analysis.oddities import Oddity, oddities
from fivetuple.analysis.owners import namespace_name, owner_words, principal
from fivetuple.analysis.peers import Peer, peers
from fivetuple.analysis.rows_of_data import listener_row, oddity_row, peer_row
from fivetuple.analysis.screen import Screen
from fivetuple.analysis.tables import lean_table
from fivetuple.analysis.totals import summary_sentence, totals
from fivetuple.model import facts
from fivetuple.model.answer import FAINT, STRONG, WARN, Answer, Column, Heading, Line, Styled
from fivetuple.model.endpoint import address_text
from fivetuple.model.names import PROTOCOLS
from fivetuple.model.question import EVERY_STATE, Hint, Question

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from fivetuple.analysis.folding import Fold
    from fivetuple.model.command import Request
    from fivetuple.model.snapshot import Snapshot

ARGUMENTS = ""
OPTIONS = ()
FITS_SCREEN = True  # the front door gives `screen_size`: lines and columns of the terminal

PIPED_SIZE = 60, 1000  # lines and columns where there is no terminal: one screen all the same
NARROW_ROOM = 2
NEARLY_FULL = 0.7  # of an accept queue
NEARLY_USED = 0.8  # of the ephemeral ports


def question(request: Request) -> Question:
    """Ask for everything that one screen may tell."""
    needs = (
        facts.SOCKETS | facts.OWNERS | facts.PROCESSES | facts.CONTAINERS | facts.NAMESPACES | facts.BACKLOG | facts.UNIX
        | facts.BOUND_INACTIVE | facts.OTHER_NAMESPACES | facts.USERS
    )  # fmt: skip
    return Question(needs, Hint(EVERY_STATE, frozenset(PROTOCOLS)), request.get("netns") or "auto")


def answer(snapshot: Snapshot, request: Request) -> Answer:
    """Draw the screen."""
    found, destinations, odd = listeners(snapshot), peers(snapshot), oddities(snapshot)
    has_spaces = len({*(each.netns for each in found), *(peer.netns for peer in destinations)}) > 1
    counts = totals(snapshot)
    summary = summary_sentence(counts)
    scope = _scope(request, has_spaces=has_spaces)
    screen = Screen(_size(request), (len(found), len(destinations)), odd, summary)
    listening = _listening(snapshot, found, screen.listening, scope, has_spaces=has_spaces)
    screen.after_listening(listening)
    talking = _talking(snapshot, destinations, screen.talking, scope, has_spaces=has_spaces)
    screen.after_talking(talking)
    blocks = [
        Line(Styled(_title(snapshot), STRONG)),
        *listening,
        *talking,
        *_odd(odd, screen.oddities_shown(odd), scope),
        Line(""),
        Line(summary),
    ]
    data = {
        "listeners": [listener_row(snapshot, each) for each in found],
        "peers": [peer_row(snapshot, peer) for peer in destinations],
        "odd": [oddity_row(snapshot, each) for each in odd],
        "summary": counts,
    }
    return Answer(blocks, data, lists="listeners")


def _size(request: Request) -> tuple[int, int] | None:
    """Return the lines and columns that the answer has; None for a form that shows everything."""
    if request.get("output") not in (None, "table"):
        return None
    return request.get("screen_size") or PIPED_SIZE


def _scope(request: Request, *, has_spaces: bool) -> str:
    """Return the option with which `ft ls` looks at the same namespaces."""
    asked = request.get("netns")
    if asked:
        return f" -N {quote(asked)}"
    return " -N all" if has_spaces else ""


def _title(snapshot: Snapshot) -> str:
    """Name the machine; what pasted text does not tell is left out."""
    host = snapshot.host
    system = f"{host.system} {host.kernel}".strip()
    return f"{host.name}, {system}" if host.name else f"A machine with {system}"


def _listening(
    snapshot: Snapshot, found: Sequence[Listener], room: int | None, scope: str, *, has_spaces: bool
) -> list[object]:
    """Show the listeners; when they don't all fit, those with trouble or connections stay."""
    if not found:
        return [Line(""), Heading("Listening"), Line("  nothing")]
    lines, left = fold(
        found,
        room,
        alike=lambda each: (
            each.netns,
            each.protocol,
            each.process.name,
            where_words(each),
            each.reach,
            frozenset() if each.pids else frozenset(each.uids),
        ),
        namespace=lambda each: each.netns if each.netns != snapshot.own_netns else None,
        weight=_weight,
    )
    columns = [
        Column("PROTO"), Column("PORT", ">"), Column("SERVICE", "<", 6), Column("OPEN TO", "<", 3),
        *([Column("NAMESPACE", "<", 2)] if has_spaces else []),
        Column("OWNER"), Column("UNIT OR CONTAINER", "<", 5), Column("CONNS", ">", 1), Column("ACCEPT", ">", 4),
    ]  # fmt: skip
    rows = [_listener_cells(snapshot, line, has_spaces=has_spaces) for line in lines]
    return [
        Line(""),
        Heading(f"Listening ({len(found)})"),
        lean_table(columns, rows),
        *_folded(lines, left, f"ft ls -tul{scope}"),
    ]


def _weight(entries: Sequence[Listener]) -> tuple[int, ...]:
    """Order lines for a screen that can't show all: trouble, connections, ports, TCP before UDP."""
    is_tcp = any(each.protocol == "tcp" for each in entries)
    connections = sum(each.connections for each in entries)
    return any(each.is_full for each in entries), connections, len(entries), is_tcp


def _listener_cells(snapshot: Snapshot, line: Fold, *, has_spaces: bool) -> list[str]:
    entries = line.entries
    first = entries[0]
    is_namespace = line.how == NAMESPACE
    owners = {each.process.name for each in entries if each.process.name}
    pids = {pid for each in entries for pid in each.pids}
    owner = (
        owner_words(principal(snapshot.processes, pids), pids) if pids else _user(snapshot, line)
    )
    if is_namespace and len(owners) > 1:
        owner = f"{len(owners)} programs"
    fullest = max(entries, key=lambda each: each.fill)
    connections = sum(each.connections for each in entries)
    return [
        "" if len({each.protocol for each in entries}) > 1 else first.protocol,
        f"{len({(each.protocol, each.port) for each in entries})} ports" if is_namespace else port_words(each.port for each in entries),
        (first.service or "") if len(entries) == 1 else "",
        "" if is_namespace else open_to(snapshot, first),
        *([namespace_name(snapshot, first.netns)] if has_spaces else []),
        owner, "" if is_namespace else where_words(first), str(connections or ""), _queue(fullest),
    ]  # fmt: skip


def _user(snapshot: Snapshot, line: Fold) -> str:
    """Name the one user of sockets whose processes are not known."""
    uids = {uid for each in line.entries for uid in each.uids}
    return f"user {snapshot.users.get(min(uids)) or min(uids)}" if len(uids) == 1 else "-"


def _queue(each: Listener) -> str:
    """Write the accept queue, marked when it is filling up (full is limit + 1)."""
    if each.accept_queue is None:
        return ""
    if each.backlog is None:
        return str(each.accept_queue)
    text = f"{each.accept_queue}/{each.backlog}"
    return Styled(text, WARN) if each.accept_queue >= max(each.backlog * NEARLY_FULL, 1) else text


def open_to(snapshot: Snapshot, each: Listener) -> str:
    """Say how far a listener's addresses open it; firewalls are not looked at here."""
    if each.reach == "loopback":
        return "this host" if each.netns == snapshot.own_netns else "its namespace"
    names = snapshot.interfaces.get(each.netns, {})
    devices = [names.get(index) or f"if{index}" for index in sorted(each.interfaces)]
    via = f" by {', '.join(devices)}" if devices else ""
    if each.reach == "every address":
        return f"any address{via}"
    words = list(dict.fromkeys(address_text(address) for address, _ in sorted(each.addresses)))
    more = f" +{len(words) - NARROW_ROOM}" if len(words) > NARROW_ROOM else ""
    return f"{', '.join(words[:NARROW_ROOM])}{more}{via}"


def _talking(
    snapshot: Snapshot, found: Sequence[Peer], room: int | None, scope: str, *, has_spaces: bool
) -> list[object]:
    """Show the destinations; when they don't all fit, those with most connections stay."""
    if not found:
        return [Line(""), Heading("Talking to"), Line("  nobody")]
    lines, left = fold(
        found,
        room,
        alike=lambda peer: (peer.netns, peer.protocol, peer.remote.port, peer.process.name),
        namespace=lambda peer: peer.netns if peer.netns != snapshot.own_netns else None,
        weight=_peer_weight,
    )
    columns = [
        Column("DESTINATION"), Column("SERVICE", "<", 5), *([Column("NAMESPACE", "<", 1)] if has_spaces else []),
        Column("OWNER"), Column("CONNS", ">"), Column("STATES", "<", 4), Column("PORTS USED", ">", 3),
    ]  # fmt: skip
    rows = [_peer_cells(snapshot, line, has_spaces=has_spaces) for line in lines]
    return [
        Line(""),
        Heading(f"Talking to ({len(found)})"),
        lean_table(columns, rows),
        *_folded(lines, left, f"ft ls --by remote{scope}"),
    ]


def _peer_weight(entries: Sequence[Peer]) -> tuple[int, ...]:
    """Order lines for a screen that can't show all: ports that run out, then connections."""
    is_short = any((peer.share or 0) >= NEARLY_USED for peer in entries)
    return is_short, sum(peer.connections for peer in entries)


def _peer_cells(snapshot: Snapshot, line: Fold, *, has_spaces: bool) -> list[str]:
    entries = line.entries
    first = entries[0]
    is_namespace = line.how == NAMESPACE
    owners = {peer.process.name for peer in entries if peer.process.name}
    pids = {pid for peer in entries for pid in peer.pids}
    states: Counter[str] = Counter()
    for peer in entries:
        states.update(peer.states)
    destination = str(first.remote)
    if is_namespace:
        destination = f"{len({peer.remote for peer in entries})} ends"
    elif len(entries) > 1:
        destination = f"{len({peer.remote for peer in entries})} addresses :{first.remote.port}"
    shares = [peer.share for peer in entries if peer.share is not None]
    return [
        destination, (first.service or "") if not is_namespace else "",
        *([namespace_name(snapshot, first.netns)] if has_spaces else []),
        f"{len(owners)} programs" if len(owners) > 1 else owner_words(principal(snapshot.processes, pids), pids),
        str(states.total()), state_words(states), percent(max(shares, default=None)),
    ]  # fmt: skip


def state_words(states: Counter[str]) -> str:
    """Write the most frequent states: `ESTABLISHED 3, TIME_WAIT 1`."""
    return ", ".join(f"{state} {count}" for state, count in states.most_common(3))


def percent(share: float | None) -> str:
    """Write a share of ports; marked where few are left."""
    if share is None:
        return ""
    text = f"{share:.1%}" if share >= 0.001 or not share else "<0.1%"
    return Styled(text, WARN) if share >= NEARLY_USED else text


def _odd(found: Sequence[Oddity], room: int | None, scope: str) -> list[object]:
    """Show what is odd with its meaning; where not even one has room, the first without."""
    if not found:
        return []
    shown = found if room is None else found[: max(room, 1)]
    lines: list[object] = [Line(""), Heading(f"Odd ({len(found)})")]
    for each in shown:
        lines.append(Line(Styled(f"  {each.what}", WARN)))
        if room != 0:
            lines.append(Line(Styled(f"    {each.meaning}", FAINT)))
    if len(shown) < len(found):
        more = f"  and {len(found) - len(shown)} more: ft -o wide, ft ls --by state{scope}"
        lines.append(Line(Styled(more, FAINT)))
    return lines


def _folded(lines: Sequence[Fold], left: int, command: str) -> list[object]:
    """Say what was folded or left out, and what shows it."""
    folded = sum(len(line.entries) for line in lines if len(line.entries) > 1)
    if not folded and not left:
        return []
    words = [f"{folded} folded"] if folded else []
    words += [f"{left} not shown"] if left else []
    return [Line(Styled(f"  {', '.join(words)}: {command}", FAINT))]
