"""Subject: what `ft 5432`, `ft :8080`, `ft nginx`, `ft 812`, `ft 10.0.0.5:443` are about.

A number up to 65535 is a port, and also a process when one with that pid holds sockets; `:812`
is the port only, a larger number the process only. A word is a process, a unit or a container
when one of that name holds sockets, else a service of the registry; `:ssh` is the service only.
"""

from __future__ import annotations

from collections import namedtuple

from fivetuple.model.endpoint import WILDCARDS, pack_address, parse_endpoint, parse_port
from fivetuple.model.errors import BadInput
from fivetuple.model.services import port_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from fivetuple.model.process import Process
    from fivetuple.model.snapshot import Snapshot

Subject = namedtuple(
    "Subject",
    "word ports protocol pids address inodes services",
    defaults=((), None, (), None, (), ()),
)
"""ports: numbers it is about; protocol: tcp, udp ... or None for all; pids: processes it is
about; address: of 16 bytes, or None for any; inodes: sockets of a systemd socket unit of that
name; services: ports that a service of that name has, when the subject is a process."""

HIGHEST_PORT = 65535
PROTOCOLS = ("tcp", "udp", "sctp", "dccp", "udplite", "mptcp")


def subject_of(word: str, snapshot: Snapshot) -> Subject:
    """Return what a word is about on this host.

    Raises:
        BadInput: it is no port, no service, and no process of that name holds a socket.
    """
    everyone = holders(snapshot)
    bare, protocol = _without_protocol(word)
    if bare.isascii() and bare.isdigit():
        return _numbered(word, int(bare[:12]), protocol, everyone)
    port = bare.lstrip("*")
    if port.startswith(":") and not port.startswith("::"):
        return _port_only(word, port[1:], protocol, everyone)
    if _looks_like_address(bare):
        return _addressed(word, bare, protocol)
    pids, inodes = _named(bare, everyone), _of_socket_unit(bare, snapshot)
    ports = tuple(_service_ports(bare, protocol))
    if pids or inodes:
        return Subject(word, (), protocol, pids, None, inodes, ports)
    if not ports:
        raise BadInput(_nothing(word, everyone))
    return Subject(word, ports, protocol)


def holders(snapshot: Snapshot) -> list[Process]:
    """Return the processes that hold sockets of the snapshot."""
    pids = {held >> 32 for held in snapshot.holders.values()}
    for shared in snapshot.shared.values():
        pids.update(held >> 32 for held in shared)
    return [process for pid in sorted(pids) if (process := snapshot.processes.get(pid)) is not None]


def _without_protocol(word: str) -> tuple[str, str | None]:
    """Split `53/udp`, `udp/53` and `udp:53`."""
    for left, right in (
        word.rpartition("/")[::2],
        word.partition("/")[::2][::-1],
        word.partition(":")[::2][::-1],
    ):
        if right.lower() in PROTOCOLS and left:
            return left, right.lower()
    return word, None


def _numbered(word: str, number: int, protocol: str | None, everyone: Sequence[Process]) -> Subject:
    pids = () if protocol else tuple(process.pid for process in everyone if process.pid == number)
    if number <= HIGHEST_PORT:
        return Subject(word, (number,), protocol, pids)
    if not pids:
        raise BadInput(
            f"{word} is no port (0 to 65535), and no process with that number holds a socket that we can see"
        )
    return Subject(word, (), None, pids)


def _port_only(word: str, text: str, protocol: str | None, everyone: Sequence[Process]) -> Subject:
    """Read what follows the colon of `:8080` and `:ssh`."""
    if text.isdigit():
        return Subject(word, (parse_port(text),), protocol)
    ports = tuple(_service_ports(text, protocol))
    if not ports:
        raise BadInput(_nothing(word, everyone))
    return Subject(word, ports, protocol)


def _looks_like_address(bare: str) -> bool:
    return (
        bare[:1] == "[" or ":" in bare or (bare.count(".") == 3 and bare.replace(".", "").isdigit())
    )


def _addressed(word: str, bare: str, protocol: str | None) -> Subject:
    """Read `10.0.0.5:443`, `[::1]:80`, `10.0.0.5` or `2001:db8::1`."""
    has_port = "]:" in bare if bare[:1] == "[" else bare.count(":") == 1
    if not has_port:
        return Subject(word, (), protocol, (), pack_address(bare))
    host, _, port = bare.rpartition(":")
    if host and host != "*" and host[0] != "[" and not host.replace(".", "").isdigit():
        raise BadInput(_no_address(host, port))
    endpoint = parse_endpoint(bare)
    address = None if endpoint.address in WILDCARDS else endpoint.address
    return Subject(word, (endpoint.port,), protocol, (), address)


def _no_address(host: str, port: str) -> str:
    """Say what to write instead of a host's name: names are not looked up, and may have several addresses."""
    if host.lower() == "localhost":
        instead = f"127.0.0.1:{port} or [::1]:{port}, or {port} for the port of every address"
    else:
        instead = f"its address, as in 10.0.0.5:{port}, or {port} for the port of every address"
    return f"'{host}' is not an IPv4 or IPv6 address, and names are not looked up here; write {instead}"


def _named(name: str, everyone: Sequence[Process]) -> tuple[int, ...]:
    """Find the processes by name, unit (with or without `.service`), container or pod."""
    wanted = name.lower()
    return tuple(process.pid for process in everyone if wanted in _names(process))


def _names(process: Process) -> set[str]:
    """Return what a process may be called, in lower case."""
    names = {process.name.lower()}
    place = process.place
    if place is not None:
        told = (place.unit, place.container, place.container_id, place.pod)
        names.update(text.lower() for text in told if text)
        if place.unit:
            names.add(place.unit.rpartition(".")[0].lower())
    return names


def _of_socket_unit(name: str, snapshot: Snapshot) -> tuple[int, ...]:
    """Find the listeners that systemd holds for a socket unit, or for a service, of that name."""
    wanted = name.lower()
    return tuple(
        inode
        for inode, units in snapshot.socket_units.items()
        if any(wanted in (unit.lower(), unit.rpartition(".")[0].lower()) for unit in units)
    )


def _service_ports(name: str, protocol: str | None) -> list[int]:
    ports: list[int] = []
    for each in (protocol,) if protocol else ("tcp", "udp"):
        ports += [port for port in port_of(name.lower(), each) if port not in ports]
    return sorted(ports)


def _nothing(word: str, everyone: Sequence[Process]) -> str:
    from difflib import get_close_matches

    names = sorted({process.name for process in everyone if process.name})
    near = get_close_matches(word, names, 1, 0.7)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"'{word}' is no command, no port or service, and no process, unit or container of that name holds a socket{hint}"
