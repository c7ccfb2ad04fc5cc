"""The story of a port or program as blocks for people, chapter by chapter. A chapter with nothing to tell is left out."""

from __future__ import annotations

from dataclasses import dataclass

from fivetuple.analysis.far_ends import far_ends
from fivetuple.analysis.folding import fold, port_words
from fivetuple.analysis.forwarding import Forward, target_words
from fivetuple.analysis.listening import where_words
from fivetuple.analysis.owners import namespace_name, owner_words, principal
from fivetuple.analysis.port_meaning import meaning_blocks
from fivetuple.analysis.reasons import parent_line, since_words, why_it_runs
from fivetuple.analysis.tables import lean_table
from fivetuple.model.answer import FAINT, WARN, Column, Heading, Line, Pairs, Styled
from fivetuple.model.endpoint import address_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Sequence

    from fivetuple.analysis.clients import Client
    from fivetuple.analysis.folding import Fold
    from fivetuple.analysis.holding import Holder
    from fivetuple.analysis.listening import Listener
    from fivetuple.analysis.oddities import Oddity
    from fivetuple.analysis.peers import Peer
    from fivetuple.analysis.selecting import Part
    from fivetuple.model.process import Process

MOST = 12  # entries of one chapter; more are counted
MOST_PROGRAMS = 4
MOST_COMMAND = 1000  # characters of a command line
MOST_ENDS = 3
DATAGRAMS = frozenset(("udp", "udplite"))


@dataclass(frozen=True, slots=True)
class Story:
    """All there is to tell."""

    part: Part
    listeners: Sequence[Listener]
    holders: Sequence[Holder]
    clients: Sequence[Client]
    peers: Sequence[Peer]
    forwards: Sequence[Forward]
    odd: Sequence[Oddity]
    advice: Sequence[str]
    now_ns: int

    @property
    def owners(self) -> list[Process]:
        """The processes that hold what this is about, each once, by age."""
        processes = self.part.snapshot.processes
        known = [processes[pid] for pid in self.part.pids if pid in processes]
        return sorted(known, key=lambda one: (one.pid == 1, one.started_ns or 0, one.pid))


def told(story: Story) -> list[object]:
    """Return the chapters."""
    return [
        *meaning_blocks(story.part),
        *_held(story),
        *_why(story),
        *_connected(story),
        *_talking(story),
        *_far(story),
        *_forwarded(story),
        *_odd(story),
        *_chapter("What to do", [Line(f"  {sentence}") for sentence in story.advice]),
    ]


def _chapter(title: str, blocks: Sequence[object]) -> list[object]:
    return [Line(""), Heading(title), *blocks] if blocks else []


def _more(count: int) -> list[object]:
    return [Line(Styled(f"  and {count} more: -o json has all", FAINT))] if count > 0 else []


def _space_column(story: Story, inodes: Iterable[int | None], priority: int = 1) -> list[Column]:
    """Return the column of namespaces where something is outside of our own."""
    own = story.part.snapshot.own_netns
    return (
        [Column("NAMESPACE", "<", priority)]
        if any(inode not in (own, None) for inode in inodes)
        else []
    )


def _held(story: Story) -> list[object]:
    """Show who holds it, in each namespace, and in which way."""
    snapshot = story.part.snapshot
    lines, left = fold(
        story.listeners,
        MOST,
        alike=lambda each: (
            each.netns,
            each.protocol,
            each.process.name,
            where_words(each),
            each.reach,
        ),
        namespace=lambda _: None,
        weight=lambda entries: (
            any(each.is_full for each in entries),
            sum(each.connections for each in entries),
            len(entries),
        ),
    )
    spaces = _space_column(
        story, [*(each.netns for each in story.listeners), *(each.netns for each in story.holders)]
    )
    rows = [_listener_cells(story, line, has_spaces=bool(spaces)) for line in lines]
    rows += [
        [
            each.how, each.protocol, each.where, _user(story, each.owner, each.uid), each.place,
            *([namespace_name(snapshot, each.netns)] if spaces else []), each.note,
        ]
        for each in story.holders[:MOST]
    ]  # fmt: skip
    if not rows:
        return _chapter("Who holds it", [Line(f"  {_nothing(story)}")])
    columns = [
        Column("HOW"), Column("PROTO", "<", 4), Column("WHERE", folds=True), Column("OWNER", folds=True),
        Column("UNIT OR CONTAINER", "<", 3), *spaces, Column("", "<", 2, folds=True),
    ]  # fmt: skip
    return _chapter(
        "Who holds it", [lean_table(columns, rows), *_more(left + len(story.holders[MOST:]))]
    )


def _listener_cells(story: Story, line: Fold, *, has_spaces: bool) -> list[str]:
    first = line.entries[0]
    pids = {pid for each in line.entries for pid in each.pids}
    uids = {uid for each in line.entries for uid in each.uids} if not pids else set()
    where = _ends(first)
    if len(line.entries) > 1:
        addresses = ", ".join(
            dict.fromkeys(text for each in line.entries for text in each.address_words())
        )
        where = f"{addresses}: {port_words(each.port for each in line.entries)}"
    owner = owner_words(principal(story.part.snapshot.processes, pids), pids)
    fullest = max(line.entries, key=lambda each: each.fill)
    return [
        "receives" if first.protocol in DATAGRAMS else "listens", first.protocol, where,
        _user(story, owner, next(iter(uids)) if len(uids) == 1 else None), where_words(first),
        *([namespace_name(story.part.snapshot, first.netns)] if has_spaces else []), _queue(fullest),
    ]  # fmt: skip


def _nothing(story: Story) -> str:
    """Say that nobody holds it, as sure as that is."""
    part = story.part
    unsure = " that can be seen from here" if part.snapshot.refused else ""
    if not part.is_of_ends:
        return f"it holds no internet socket{unsure}"
    if part.rows:
        return f"nothing on this host holds it{unsure}; it is the other end of connections"
    return f"nothing listens on it, is bound to it or is connected with it{unsure}"


def _ends(each: Listener) -> str:
    words = each.end_words()
    more = f" and {len(words) - MOST_ENDS} more" if len(words) > MOST_ENDS else ""
    return ", ".join(words[:MOST_ENDS]) + more


def _user(story: Story, owner: str, uid: int | None) -> str:
    """Name the socket's user where the process is not known."""
    if owner != "-" or uid is None:
        return owner
    return f"user {story.part.snapshot.users.get(uid) or uid}, process not known"


def _queue(each: Listener) -> str:
    if each.accept_queue is None or each.backlog is None:
        return ""
    text = f"accept queue {each.accept_queue}/{each.backlog}"
    return Styled(f"{text}, full", WARN) if each.is_full else text


def _why(story: Story) -> list[object]:
    """Say why each owner runs: unit, container or shell, command, parents, since when."""
    programs = _programs(story.owners)
    shown = programs[:MOST_PROGRAMS]
    blocks: list[object] = [Pairs(_reasons(story, workers)) for workers in shown]
    return _chapter("Why it runs", blocks + _more(len(programs) - MOST_PROGRAMS))


def _programs(owners: Sequence[Process]) -> list[list[Process]]:
    """Group processes: one program's children, and what was started with the same words, go with it."""
    programs: list[list[Process]] = []
    for process in owners:
        for workers in programs:
            if _is_worker(process, workers):
                workers.append(process)
                break
        else:
            programs.append([process])
    return programs


def _is_worker(process: Process, workers: Sequence[Process]) -> bool:
    first = workers[0]
    if process.name != first.name:
        return False
    is_child = process.parent_pid in {each.pid for each in workers}
    return is_child or (
        bool(process.argv) and process.argv == first.argv and process.cgroup == first.cgroup
    )


def _reasons(story: Story, workers: Sequence[Process]) -> list[tuple[str, str]]:
    """Tell of the oldest process of one program, and how many more there are."""
    snapshot, process = story.part.snapshot, workers[0]
    others = f", and {len(workers) - 1} more of it" if len(workers) > 1 else ""
    pairs = [
        (
            "process",
            f"{process.name} ({process.pid}){others}: {why_it_runs(snapshot.processes, process)}",
        )
    ]
    command = process.command
    if command:
        pairs.append(
            ("command", command if len(command) <= MOST_COMMAND else f"{command[:MOST_COMMAND]}...")
        )
    if process.uid is not None:
        pairs.append(("user", snapshot.users.get(process.uid) or str(process.uid)))
    if process.started_ns:
        pairs.append(("since", since_words(process.started_ns, story.now_ns)))
    if process.parent_pid:
        pairs.append(("parents", parent_line(snapshot.processes, process)))
    return pairs


def _connected(story: Story) -> list[object]:
    found = story.clients
    has_ports = len({(each.protocol, each.port) for each in found}) > 1
    spaces = _space_column(story, [each.netns for each in found], 2)
    rows = [
        [
            address_text(each.address), *([f"{each.port}/{each.protocol}"] if has_ports else []),
            owner_words(each.process, each.pids) if each.netns is not None else "",
            *([namespace_name(story.part.snapshot, each.netns) if each.netns is not None else ""] if spaces else []),
            str(each.connections), state_words(each.states),
        ]
        for each in found[:MOST]
    ]  # fmt: skip
    columns = [
        Column("CLIENT"), *([Column("TO PORT", ">", 2)] if has_ports else []), Column("ITS PROCESS HERE", "<", 1), *spaces,
        Column("CONNS", ">"), Column("STATES", "<", 3),
    ]  # fmt: skip
    total = sum(each.connections for each in found)
    return _chapter(
        f"Who is connected ({total})",
        [lean_table(columns, rows), *_more(len(found) - MOST)] if rows else [],
    )


def state_words(states: Counter[str]) -> str:
    """Write the states, the most frequent first."""
    return ", ".join(f"{state} {count}" for state, count in states.most_common(4))


def _talking(story: Story) -> list[object]:
    """Show whom the program talks to, or who on this host talks to that end."""
    found = _untold(story)
    spaces = _space_column(story, [peer.netns for peer in found], 2)
    rows = [
        [
            str(peer.remote), peer.service or "", owner_words(peer.process, peer.pids),
            *([namespace_name(story.part.snapshot, peer.netns)] if spaces else []), str(peer.connections), state_words(peer.states),
        ]
        for peer in found[:MOST]
    ]  # fmt: skip
    columns = [
        Column("DESTINATION"), Column("SERVICE", "<", 2), Column("OWNER"), *spaces, Column("CONNS", ">"),
        Column("STATES", "<", 1),
    ]  # fmt: skip
    title = "Who connects to it from here" if story.part.is_of_ends else "What it talks to"
    return _chapter(title, [lean_table(columns, rows), *_more(len(found) - MOST)] if rows else [])


def _untold(story: Story) -> Sequence[Peer]:
    """Leave out the destinations whose connections were told as clients: both of their ends are here."""
    if not story.part.is_of_ends:
        return story.peers
    told_already = {
        (each.netns, each.protocol, each.port, each.process.name) for each in story.clients
    }
    return [
        peer
        for peer in story.peers
        if (peer.netns, peer.protocol, peer.remote.port, peer.process.name) not in told_already
    ]


def _far(story: Story) -> list[object]:
    """Show which ends of ours an address of somebody else is connected with."""
    found = far_ends(story.part, story.peers)
    spaces = _space_column(story, [each.netns for each in found], 2)
    rows = [
        [
            str(each.local), each.service or "", owner_words(each.process, each.pids),
            *([namespace_name(story.part.snapshot, each.netns)] if spaces else []), str(each.connections), state_words(each.states),
        ]
        for each in found[:MOST]
    ]  # fmt: skip
    columns = [
        Column("OUR END"), Column("SERVICE", "<", 2), Column("OWNER"), *spaces, Column("CONNS", ">"), Column("STATES", "<", 1),
    ]  # fmt: skip
    return _chapter(
        "What it is connected with here",
        [lean_table(columns, rows), *_more(len(found) - MOST)] if rows else [],
    )


def _forwarded(story: Story) -> list[object]:
    snapshot = story.part.snapshot
    blocks: list[object] = []
    for each in story.forwards[:MOST]:
        who = f"{each.by} ({each.pid})" if each.pid else each.by
        target = target_words(snapshot, each)
        where = (
            ""
            if each.netns == snapshot.own_netns
            else f" in {namespace_name(snapshot, each.netns)}"
        )
        service = f", of the Kubernetes service {each.service}" if each.service else ""
        if each.pid and target:
            blocks.append(Line(f"  {who}{where}: {each.source} -> {target}"))
        else:
            to = f" to {target}" if target else ""
            blocks.append(Line(f"  {who}{where} forwards{to}{service}: {each.source}"))
        blocks.append(Line(Styled(f"    {each.how}{f': {each.rule}' if each.rule else ''}", FAINT)))
    return _chapter("What forwards it", blocks + _more(len(story.forwards) - MOST))


def _odd(story: Story) -> list[object]:
    blocks: list[object] = []
    for each in story.odd[:MOST]:
        if each.kind != "BOUND_INACTIVE":  # told by who holds it
            blocks += [
                Line(Styled(f"  {each.what}", WARN)),
                Line(Styled(f"    {each.meaning}", FAINT)),
            ]
    return _chapter("Odd", blocks)
