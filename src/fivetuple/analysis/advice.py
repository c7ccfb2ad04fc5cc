"""What to do next about a port or a program: sentences with commands, only where there is something to do."""

from __future__ import annotations

from fivetuple.analysis.holding import ACCEPTED, BOUND, OUTGOING, WAITING
from fivetuple.model import facts
from fivetuple.model.ports import RESERVED_SYSCTL, PortSpace, format_ranges, merge_ranges
from fivetuple.model.services import NEVER, PRIVATE, service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fivetuple.analysis.forwarding import Forward
    from fivetuple.analysis.holding import Holder
    from fivetuple.analysis.listening import Listener
    from fivetuple.analysis.selecting import Part


def advise(
    part: Part, found: Sequence[Listener], held: Sequence[Holder], through: Sequence[Forward]
) -> list[str]:
    """Return what a person may want to do now, the most urgent first."""
    advice: list[str] = []
    if part.subject.ports and not found:
        advice += _unserved(part, held, through)
    advice += _of_queues(found)
    advice += _of_targets(through)
    advice += _of_reach(part, found, through)
    advice += _hidden(part, found, held)
    if part.subject.ports and found:
        advice += _freeing(part, found)
    return list(dict.fromkeys(advice))


def _unserved(part: Part, held: Sequence[Holder], through: Sequence[Forward]) -> Iterator[str]:
    """Advise on ports that nobody listens on."""
    by_how = {each.how: each for each in held}
    if BOUND in by_how:
        yield "A socket is bound to it without listening: bind() fails with EADDRINUSE for others until its owner closes it or ends."
    if OUTGOING in by_how:
        yield "An outgoing connection has it as its local port: a server that binds the port on every address fails with EADDRINUSE until that ends."
        yield from _reserving(part, by_how[OUTGOING])
    if ACCEPTED in by_how:
        yield "Its listener is closed and connections of it are left: a server can bind it again if both, the old one and the new, set SO_REUSEADDR."
    if WAITING in by_how:
        left = max((each.left_ms or 0) for each in held if each.how == WAITING)
        until = f"after {-(-left // 1000)} s" if left else "after 60 s at most"
        yield f"TIME_WAIT is left on it: a server can bind it at once if it sets SO_REUSEADDR and the sockets before had it, too; {until} in any case."
    if not part.rows and not through and part.subject.address is None:
        ports = ", ".join(str(port) for port in part.subject.ports[:4] if port)
        if ports:  # nothing can listen on port 0
            yield f"Nothing listens on {ports}: a client is refused, or gets no answer where a firewall drops its packets. Start the service, or look where it listens: ft ls -tlnp"


def _reserving(part: Part, holder: Holder) -> Iterator[str]:
    """Say how the kernel is kept from taking the port for outgoing connections."""
    space: PortSpace | None = part.spaces.get(holder.netns)
    if space is None or not space.is_ephemeral(holder.port):
        return
    ranges = format_ranges(merge_ranges((*space.reserved, (holder.port, holder.port))))
    yield f"To keep it for a server: sysctl -w {RESERVED_SYSCTL}={ranges}"


def _of_queues(found: Sequence[Listener]) -> Iterator[str]:
    for each in found:
        if each.is_full:
            yield (
                f"The accept queue of port {each.port} is full ({each.accept_queue} wait, limit {each.backlog}): new connections are "
                f"dropped until {each.process.name or 'its owner'} calls accept() again."
            )


def _of_targets(through: Sequence[Forward]) -> Iterator[str]:
    for each in through:
        if each.is_answered is False:
            yield f"{each.by} forwards to {each.target}, and nothing listens there: start what should, or remove the forward."


def _of_reach(part: Part, found: Sequence[Listener], through: Sequence[Forward]) -> Iterator[str]:
    """Advise where a port is open too far, or not far enough; firewalls are not looked at."""
    if not part.is_of_ends:
        return
    if found and not through and all(each.reach == "loopback" for each in found):
        yield "Only its own network namespace can reach it. For others, let the program listen on 0.0.0.0 or on an interface's address."
    for each in found:
        known = service(each.port, each.protocol)
        if (
            each.reach == "every address"
            and known is not None
            and known.exposure in (NEVER, PRIVATE)
        ):
            where = (
                "in a private network" if known.exposure == PRIVATE else "in no open network at all"
            )
            why = f": {known.reason}" if known.reason else ""
            yield f"Port {each.port} is open on every address, and what it usually serves, {known.name}, belongs {where}{why}. Let it listen on 127.0.0.1 or a private address, or filter the port."


def _hidden(part: Part, found: Sequence[Listener], held: Sequence[Holder]) -> Iterator[str]:
    is_hidden = any(not each.pids for each in found) or any(each.uid is not None for each in held)
    if is_hidden and part.snapshot.refused & facts.OWNERS:
        yield "Owners of other users are hidden from this user: run it with sudo to see them."


def _freeing(part: Part, found: Sequence[Listener]) -> Iterator[str]:
    """Say how the port is freed: by the unit, the container, or the process."""
    for each in found:
        if each.socket_unit:
            unit, answering = each.socket_unit
            yield f"To free it: systemctl stop {unit} {answering}"
        elif each.place.container and each.place.engine in ("docker", "podman"):
            yield f"To free it: {each.place.engine} stop {each.place.container}"
        elif each.place.unit and each.place.unit.endswith(".service"):
            user = "--user " if each.place.user_unit else ""
            yield f"To free it: systemctl {user}stop {each.place.unit}"
        elif each.process.pid:
            yield from _ending(part, each)


def _ending(part: Part, each: Listener) -> Iterator[str]:
    """Name the process to end: a worker's parent of the same program, which would keep the port or start another.

    Of sshd(8) a session's parent may be the server, which has nothing to do with the session's ports.
    """
    worker = each.process
    main = part.snapshot.processes.get(worker.parent_pid or 0)
    is_parent = (
        main is not None
        and main.name == worker.name
        and main.cgroup == worker.cgroup
        and not worker.name.startswith("sshd")
    )
    process = main if main is not None and is_parent else worker
    is_partial = bool(part.snapshot.refused & facts.OWNERS)
    if process.pid == 1:
        if is_parent:
            yield f"To free it: stop the container whose first process {process.name} is; ending a worker of it frees nothing."
    elif is_partial and process.uid != worker.uid:
        yield f"To free it, as root: kill {process.pid} ({process.name})"
    elif is_partial and each.uids and worker.uid not in each.uids:
        yield f"To free it root may be needed: {worker.name} ({worker.pid}) has it, but another user opened it, whose processes are hidden."
    else:
        yield f"To free it: kill {process.pid} ({process.name})"
