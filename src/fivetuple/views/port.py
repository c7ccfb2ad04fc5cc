"""Tell the whole story of a port, service or process: what it is, who holds it, why, who is connected.

WORD is a port (5432, :5432, 53/udp), a service (postgresql, :ssh), a process, unit or container
(nginx), a pid, or an address with or without a port (10.0.0.5:443). Every network namespace is
looked at, and also what ss does not show: ports held by sockets that neither listen nor connect,
and outgoing connections that took the port. `ft 5432` is short for `ft port 5432`.

The exit status is 0 when something uses it, 1 when nothing does.

Examples:
    ft 5432           what is this port, who has it, what now?
    ft nginx          the ports and connections of a program
    ft port 53/udp    one protocol
    ft :8080          the port, even if a process has that number
"""

from __future__ import annotations

from fivetuple.analysis.advice import advise
from fivetuple.analysis.clients import clients
from fivetuple.analysis.forwarding import forwards
from fivetuple.analysis.holding import other_holders
from fivetuple.analysis.listening import listeners
from fivetuple.analysis.oddities import oddities
from fivetuple.analysis.peers import peers
from fivetuple.analysis.port_data import data_of
from fivetuple.analysis.port_story import Story, told
from fivetuple.analysis.selecting import Part
from fivetuple.analysis.subject import Subject, subject_of
from fivetuple.model import facts
from fivetuple.model.answer import Answer
from fivetuple.model.errors import BadInput
from fivetuple.model.names import INTERNET_PROTOCOLS
from fivetuple.model.question import EVERY_STATE, Hint, Question

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.model.command import Request
    from fivetuple.model.snapshot import Snapshot

ARGUMENTS = "WORD"
OPTIONS = ()


def question(request: Request) -> Question:
    """Ask for everything that may hold or explain a port."""
    _word(request)
    needs = (
        facts.SOCKETS | facts.OWNERS | facts.PROCESSES | facts.CONTAINERS | facts.NAMESPACES | facts.BACKLOG
        | facts.BOUND_INACTIVE | facts.OTHER_NAMESPACES | facts.FIREWALL | facts.USERS | facts.TIMERS | facts.OPTIONS
    )  # fmt: skip
    hint = Hint(EVERY_STATE, frozenset(INTERNET_PROTOCOLS))
    return Question(needs, hint, request.get("netns") or "auto")


def answer(snapshot: Snapshot, request: Request) -> Answer:
    """Tell the story."""
    part = _part(snapshot, subject_of(_word(request), snapshot))
    everyone = listeners(snapshot)
    found = [each for each in everyone if part.has_listener(each)]
    held = other_holders(part)
    through = forwards(snapshot, part.subject, found, everyone)
    connected = clients(part)
    story = Story(
        part=part,
        listeners=found,
        holders=held,
        clients=connected,
        peers=[peer for peer in peers(snapshot) if part.has_peer(peer)],
        forwards=through,
        odd=oddities(snapshot, part.rows),
        advice=advise(part, found, held, through),
        now_ns=request.now_ns,
    )
    is_used = bool(part.rows or through)
    return Answer(told(story), data_of(story), lists="sockets", status=0 if is_used else 1)


def _part(snapshot: Snapshot, subject: Subject) -> Part:
    """Return the part that the subject is about: of the process, where nothing uses a port of its number."""
    part = Part(snapshot, subject)
    if subject.ports and subject.pids and not part.rows:
        return Part(snapshot, subject._replace(ports=()))
    return part


def _word(request: Request) -> str:
    if len(request.words) > 1:
        raise BadInput(
            f"ft port takes one word; for a filter write: ft ls {' '.join(request.words)}"
        )
    if not request.words or not request.words[0].strip():
        raise BadInput("ft port needs a port, a service, a process or an address: ft port 5432")
    return request.words[0].strip()
