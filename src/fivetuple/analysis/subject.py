"""Subject: what `ft 5432`, `ft :8080`, `ft nginx`, `ft 812`, `ft 10.0.0.5:443` are about.

A number up to 65535 is a port, and also a process when one with that pid holds sockets; `:812`
is the port only, a larger number the process only. A word is a process or a unit when one of
that name holds sockets, else a service of the registry.
"""

from __future__ import annotations

from collections import namedtuple

from fivetuple.model.endpoint import WILDCARDS, pack_address, parse_endpoint, parse_port
from fivetuple.model.errors import BadInput
from fivetuple.model.services import port_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from fivetuple.model.process import Process

Subject = namedtuple("Subject", "word ports protocol pids address", defaults=((), None, (), None))
"""ports: numbers it is about; protocol: tcp, udp ... or None for all; pids: processes it is
about; address: of 16 bytes, or None for any."""

HIGHEST_PORT = 65535
PROTOCOLS = ("tcp", "udp", "sctp", "dccp", "udplite", "mptcp")


def subject_of(word: str, processes: Iterable[Process]) -> Subject:
    """Return what a word is about on this host.

    Raises:
        BadInput: it is no port, no service, and no process of that name holds a socket.
    """
    everyone = list(processes)
    bare, protocol = _without_protocol(word)
    if bare.isascii() and bare.isdigit():
        return _numbered(word, int(bare[:12]), protocol, everyone)
    if bare[:1] in (":", "*") and bare.lstrip("*").startswith(":"):
        number = bare.lstrip("*").removeprefix(":")
        ports = (parse_port(number),) if number.isdigit() else tuple(_service_ports(number, protocol))
        return Subject(word, ports or _nothing(word, everyone), protocol)
    if _looks_like_address(bare):
        return _addressed(word, bare, protocol)
    pids = _named(bare, everyone)
    ports = tuple(_service_ports(bare, protocol))
    if not pids and not ports:
        _nothing(word, everyone)
    return Subject(word, () if pids else ports, protocol, pids)


def _without_protocol(word: str) -> tuple[str, str | None]:
    """Split `53/udp` and `udp/53`."""
    for left, right in (word.rpartition("/")[::2], word.partition("/")[::2][::-1]):
        if right.lower() in PROTOCOLS and left:
            return left, right.lower()
    return word, None


def _numbered(word: str, number: int, protocol: str | None, everyone: list[Process]) -> Subject:
    pids = () if protocol else tuple(process.pid for process in everyone if process.pid == number)
    if number <= HIGHEST_PORT:
        return Subject(word, (number,), protocol, pids)
    if not pids:
        raise BadInput(f"{word} is no port (0 to 65535), and no process with that number holds a socket that we can see")
    return Subject(word, (), None, pids)


def _looks_like_address(bare: str) -> bool:
    return bare[:1] == "[" or bare.count(":") > 0 or (bare.count(".") == 3 and bare.replace(".", "").isdigit())


def _addressed(word: str, bare: str, protocol: str | None) -> Subject:
    """Read `10.0.0.5:443`, `[::1]:80`, `10.0.0.5` or `2001:db8::1`."""
    has_port = bare[:1] == "[" and "]:" in bare or (bare.count(":") == 1)
    if not has_port:
        return Subject(word, (), protocol, (), pack_address(bare))
    endpoint = parse_endpoint(bare)
    address = None if endpoint.address in WILDCARDS else endpoint.address
    return Subject(word, (endpoint.port,), protocol, (), address)


def _named(name: str, everyone: list[Process]) -> tuple[int, ...]:
    """Find the processes by name, unit (with or without `.service`) or container."""
    wanted = name.lower()
    found = []
    for process in everyone:
        names = {process.name.lower()}
        place = process.place
        if place is not None:
            names.update(text.lower() for text in (place.unit, place.container, place.container_id) if text)
            names.update(text.rpartition(".")[0].lower() for text in (place.unit,) if text)
        if wanted in names:
            found.append(process.pid)
    return tuple(found)


def _service_ports(name: str, protocol: str | None) -> list[int]:
    ports: list[int] = []
    for each in (protocol,) if protocol else ("tcp", "udp"):
        ports += [port for port in port_of(name.lower(), each) if port not in ports]
    return sorted(ports)


def _nothing(word: str, everyone: list[Process]) -> tuple[int, ...]:
    from difflib import get_close_matches

    near = get_close_matches(word, sorted({process.name for process in everyone if process.name}), 1, 0.7)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise BadInput(
        f"'{word}' is no command, no port or service, and no process, unit or container of that name holds a socket{hint}"
    )
