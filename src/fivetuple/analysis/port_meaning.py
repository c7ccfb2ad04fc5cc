"""What a port number, a name or an address means, before anybody is looked at who uses it."""

from __future__ import annotations

from fivetuple.model.answer import STRONG, Line, Styled
from fivetuple.model.endpoint import address_text
from fivetuple.model.ports import port_space
from fivetuple.model.services import Service, service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.analysis.selecting import Part
    from fivetuple.analysis.subject import Subject

PROTOCOLS = ("tcp", "udp", "sctp", "dccp")
MOST_PORTS = 4


def meaning_blocks(part: Part) -> list[object]:
    """Say what the subject is: each port, the processes, or the address."""
    subject = part.subject
    if not subject.ports:
        return [Line(Styled(_title(part), STRONG)), *_also(subject)]
    blocks: list[object] = []
    for port in subject.ports[:MOST_PORTS]:
        where = f" of {address_text(subject.address)}" if subject.address is not None else ""
        blocks.append(Line(Styled(f"Port {port}{where}", STRONG)))
        blocks += [Line(f"  {sentence}") for sentence in _sentences(part, port)]
    return blocks + _also(subject)


def _title(part: Part) -> str:
    subject = part.subject
    if subject.address is not None:
        return f"Address {address_text(subject.address)}{_whose(part)}"
    processes = part.snapshot.processes
    names = sorted({processes[pid].name for pid in part.pids if pid in processes}) or [subject.word]
    count = len(part.pids)
    return f"{', '.join(names)}: {count} {'process' if count == 1 else 'processes'} with internet sockets"


def _whose(part: Part) -> str:
    """Say which namespaces have the address."""
    names = [
        space.name
        for space in part.snapshot.namespaces.values()
        if any(own == part.subject.address for _, own, _ in space.addresses)
    ]
    return f", of {', '.join(sorted(names)[:4])}" if names else ""


def _also(subject: Subject) -> list[object]:
    """Say what else the word could mean, and how to ask for that."""
    if subject.ports and subject.pids:
        return [
            Line(
                f"  {subject.pids[0]} is also a process with sockets: ft ls pid = {subject.pids[0]}"
            )
        ]
    if subject.services:
        ports = ", ".join(map(str, subject.services[:4]))
        return [Line(f"  The service of that name has port {ports}: ft :{subject.services[0]}")]
    if subject.pids and subject.word.isdigit() and not subject.ports and int(subject.word) <= 65535:
        return [
            Line(
                f"  No socket has the port of that number: ft :{subject.word} tells what it is for"
            )
        ]
    return []


def _sentences(part: Part, port: int) -> list[str]:
    """Say what the port usually serves and what this host makes of it."""
    lines: list[str] = []
    told: set[tuple[str, str]] = set()
    for protocol in (part.subject.protocol,) if part.subject.protocol else PROTOCOLS:
        known = service(port, protocol)
        if known is not None and (known.name, known.description) not in told:
            told.add((known.name, known.description))
            lines.append(_service_sentence(port, known))
    if not lines:
        lines.append(f"{port}: no service is registered, and ft knows none by custom.")
    own = part.spaces.get(part.snapshot.own_netns)
    if own is None:  # nothing is known of this host's settings: what IANA says holds everywhere
        return [*lines, *port_space({}).describe(port).sentences[:1]]
    return [*lines, *own.describe(port).sentences]


def _service_sentence(port: int, known: Service) -> str:
    about = f", {known.description.rstrip('.')}" if known.description else ""
    safety = (
        f" In the open: {known.exposure}, {known.reason.rstrip('.')}."
        if known.exposure and known.reason
        else ""
    )
    return f"{port}/{known.protocol}: {known.name}{about}.{safety}"
