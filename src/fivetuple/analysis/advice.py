"""What to do next about a port: sentences with commands, only where there is something to do."""

from __future__ import annotations

from fivetuple.analysis.forwarding import is_local_only
from fivetuple.model import facts
from fivetuple.model.endpoint import WILDCARDS
from fivetuple.model.ports import port_space
from fivetuple.model.services import NEVER, PRIVATE, service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from fivetuple.analysis.forwarding import Forward
    from fivetuple.analysis.listening import Listener
    from fivetuple.analysis.selecting import Part
    from fivetuple.analysis.subject import Subject
    from fivetuple.model.snapshot import Snapshot


def advise(
    snapshot: Snapshot, subject: Subject, part: Part, found: Sequence[Listener], through: Sequence[Forward]
) -> list[str]:
    """Return what a person may want to do now, the most likely first."""
    advice: list[str] = []
    ports = subject.ports[:1]
    if ports and not found:
        advice += _unserved(snapshot, ports[0], part, through)
    for each in found:
        if each.accept_queue is not None and each.backlog is not None and each.accept_queue > each.backlog:
            advice.append(f"Its accept queue is full: look whether {each.process.name or 'the owner'} still calls accept().")
    if found and is_local_only(found):
        advice.append("Only this host can reach it. For others bind it to 0.0.0.0 or an interface's address in the program's configuration.")
    for each in found:
        known = service(each.port, each.protocol)
        is_open = any(address in WILDCARDS for address, _ in each.addresses)
        if is_open and known is not None and known.exposure in (NEVER, PRIVATE):
            advice.append(f"{known.name} on every address: {known.reason}. Bind it to 127.0.0.1 or a private address, or filter the port.")
            break
    if facts.OWNERS in snapshot.missing and any(not each.pids for each in found):
        advice.append("Some owners are hidden from this user: run it with sudo to see them.")
    return advice


def _unserved(snapshot: Snapshot, port: int, part: Part, through: Sequence[Forward]) -> list[str]:
    """Advise on a port that nobody listens on."""
    how = {holder[0] for holder in part.other_holders()}
    space = snapshot.namespaces.get(snapshot.own_netns)
    known = port_space(space.sysctls if space else {})
    if through:
        return ["Nothing listens here, the rules above forward it: look at their target."]
    advice = []
    if "bound only" in how:
        advice.append("A socket is bound to it without listening: bind() fails with EADDRINUSE for others until its owner closes it.")
    if "outgoing" in how:
        advice.append("An outgoing connection took it as its local port, so a server can't bind it now.")
        if known.is_ephemeral(port):
            advice.append(f"Keep it for a server: sysctl -w net.ipv4.ip_local_reserved_ports={port} (add to what is there).")
    if "TIME_WAIT" in how:
        advice.append("Only TIME_WAIT is left on it: a server that sets SO_REUSEADDR can bind it at once, others after 60 s at most.")
    if not advice:
        advice.append(f"Nothing listens on {port}: a client is refused. Start the service, or look where it listens: ft ls -tlnp.")
    return advice
