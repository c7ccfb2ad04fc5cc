"""Ports and services: IANA's registry, and the names that people use.

Two tables in data/: known.tsv, written by hand, wins; services.tsv is IANA's registry, made by
scripts/build_services.py. `name_of` is on the way of `ft ls`: a table is read once as bytes and
searched by `bytes.find`, nothing is parsed that nobody asked for.
"""

from __future__ import annotations

from collections import namedtuple

from fivetuple.model.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Where a port may be reached from; the words of known.tsv.
SAFE = "safe"  # made for the open
ENCRYPTED = "encrypted only"  # in the open only with TLS and a log-in
PRIVATE = "private network"
NEVER = "never in the open"
EXPOSURES = (SAFE, ENCRYPTED, PRIVATE, NEVER)

PROTOCOLS = ("tcp", "udp", "sctp", "dccp")
HIGHEST_PORT = 65535

# A search costs 0.1 ms a port, the whole index 10 ms: from here on the index is cheaper.
MANY_PORTS = 100

# Protocols that borrow the port numbers of another (RFC 3828 section 4; MPTCP is TCP on the wire).
_REGISTERED_AS = {"udplite": "udp", "mptcp": "tcp", "tcp6": "tcp", "udp6": "udp"}

Service = namedtuple(
    "Service", "port last_port protocol name description exposure reason aliases iana_name"
)
"""What one port of one protocol is for.

last_port: equal to port, or the end of a range; exposure: one of EXPOSURES, None when nobody
judged it; reason: why, for the exposure; aliases: other names; iana_name: None when IANA has none.
"""

_texts: dict[str, bytes] = {}
_names: dict[tuple[int, str], str | None] = {}
_all_names: dict[tuple[int, str], str] = {}


def name_of(port: int, protocol: str = "tcp") -> str | None:
    """Return the short name that people use for a port, IANA's where they have no other."""
    key = port, _registered(protocol)
    if key in _names:
        return _names[key]
    if len(_names) >= MANY_PORTS:
        return _index().get(key)
    known = _known_line(*key)
    _names[key] = known[1] if known else _iana(*key)[0]
    return _names[key]


def service(port: int, protocol: str = "tcp") -> Service | None:
    """Return all that is known of a port, of the range that holds it at last; None: nothing."""
    protocol = _registered(protocol)
    known = _known_line(port, protocol)
    iana_name, description = _iana(port, protocol)
    if known:
        return _from_known(known, protocol, iana_name)
    if iana_name:
        return Service(port, port, protocol, iana_name, description, None, None, (), iana_name)
    for fields in _known_ranges():
        found = _from_known(fields, protocol, None)
        if found.port <= port <= found.last_port and protocol in _protocols(fields):
            return found
    return None


def search(word: str) -> list[Service]:
    """Return the services of a port `N`, of a range `N-M`, or whose name or purpose holds a word.

    `N/PROTO` and `NAME/PROTO`, as in services(5), keep those of that protocol. Exact names come first, then names that begin so, then the others; each group by port.
    Raises BadInput for a port above 65535 and for a range that runs backwards.
    """
    word = word.strip().lower()
    bare, slash, protocol = word.rpartition("/")
    if slash and bare and _registered(protocol) in PROTOCOLS:
        return [one for one in _search(bare) if one.protocol == _registered(protocol)]
    return _search(word)


def _search(word: str) -> list[Service]:
    """Return what fits a word without a protocol."""
    span = _span(word)
    if span is not None:
        return _in_span(*span)
    ranked = [(rank, found) for found in _everything() if (rank := _rank(found, word)) is not None]
    ranked.sort(key=lambda pair: (pair[0], pair[1].port, pair[1].protocol))
    return [found for _, found in ranked]


def port_of(name: str, protocol: str = "tcp") -> list[int]:
    """Return the ports that a service's name stands for, ours, IANA's or an alias, sorted."""
    name, protocol = name.strip().lower(), _registered(protocol)
    if not name:
        return []
    ports = {
        int(fields[0].partition("/")[0])
        for fields in _known_lines()
        if (name == fields[1].lower() or name in fields[2].lower().split(","))
        and protocol in _protocols(fields)
        and "-" not in fields[0]
    }
    ports.update(_iana_ports(name, protocol))
    return sorted(ports)


def known_names() -> list[str]:
    """Return the names of the hand-written table, for suggestions and completion."""
    return [fields[1] for fields in _known_lines()]


def _registered(protocol: str) -> str:
    """Return the protocol whose registrations count: `udplite` -> `udp`."""
    return _REGISTERED_AS.get(protocol, protocol)


def _text(file_name: str) -> bytes:
    """Read a table once; it begins with a newline, so that every line is found by `newline 443/`."""
    if file_name not in _texts:
        path = __file__.removesuffix("services.py") + "data/" + file_name
        with open(path, "rb") as table:  # pathlib costs 10 ms at start-up
            _texts[file_name] = b"\n" + table.read()
    return _texts[file_name]


def _index() -> dict[tuple[int, str], str]:
    """Return the name of every single port that has one, read once."""
    if not _all_names:
        for line in _text("services.tsv").decode().splitlines():
            if line and not line.startswith("#"):
                key, name, _ = line.split("\t")
                port, _, protocol = key.partition("/")
                _all_names[int(port), protocol] = name
        for fields in _known_lines():
            if "-" not in fields[0]:
                for protocol in _protocols(fields):
                    _all_names[int(fields[0].partition("/")[0]), protocol] = fields[1]
    return _all_names


def _iana(port: int, protocol: str) -> tuple[str | None, str]:
    """Return IANA's name and description; (None, "") when it has none."""
    text = _text("services.tsv")
    key = b"\n%d/%s\t" % (port, protocol.encode())
    start = text.find(key)
    if start < 0:
        return None, ""
    start += len(key)
    name, _, description = text[start : text.index(b"\n", start)].decode().partition("\t")
    return name, description


def _iana_ports(name: str, protocol: str) -> Iterator[int]:
    """Iterate over the ports that IANA registered under a name, in any case."""
    text = _text("services.tsv").lower()
    key = f"/{protocol}\t{name}\t".encode("utf-8", "surrogateescape")
    at = text.find(key)
    while at >= 0:
        yield int(text[text.rindex(b"\n", 0, at) + 1 : at])
        at = text.find(key, at + 1)


def _known_line(port: int, protocol: str) -> list[str] | None:
    """Return the fields of known.tsv for a single port."""
    text = _text("known.tsv")
    key = b"\n%d/" % port
    at = text.find(key)
    while at >= 0:
        fields = text[at + 1 : text.index(b"\n", at + 1)].decode().split("\t")
        if protocol in _protocols(fields):
            return fields
        at = text.find(key, at + 1)
    return None


def _known_lines() -> Iterator[list[str]]:
    """Iterate over the fields of every line of known.tsv."""
    for line in _text("known.tsv").decode().splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def _known_ranges() -> Iterator[list[str]]:
    """Iterate over the lines of known.tsv that are about a range of ports."""
    return (fields for fields in _known_lines() if "-" in fields[0])


def _protocols(fields: list[str]) -> list[str]:
    """Return the protocols of a line of known.tsv."""
    return fields[0].partition("/")[2].split(",")


def _from_known(fields: list[str], protocol: str, iana_name: str | None) -> Service:
    """Make the Service of a line of known.tsv, for one of its protocols."""
    first, _, last = fields[0].partition("/")[0].partition("-")
    _, name, aliases, exposure, purpose, reason = fields
    others = tuple(alias for alias in aliases.split(",") if alias)
    return Service(
        int(first), int(last or first), protocol, name, purpose, exposure, reason, others, iana_name
    )


def _everything() -> Iterable[Service]:
    """Return every service once: the known ones, then what only IANA has."""
    iana: dict[tuple[int, str], tuple[str, str]] = {}
    for line in _text("services.tsv").decode().splitlines():
        if line and not line.startswith("#"):
            key, name, description = line.split("\t")
            port, _, protocol = key.partition("/")
            iana[int(port), protocol] = name, description
    services = []
    for fields in _known_lines():
        first = int(fields[0].partition("/")[0].partition("-")[0])
        for protocol in _protocols(fields):
            registered = iana.pop((first, protocol), None) if "-" not in fields[0] else None
            services.append(_from_known(fields, protocol, registered and registered[0]))
    services.extend(
        Service(port, port, protocol, name, description, None, None, (), name)
        for (port, protocol), (name, description) in iana.items()
    )
    return services


def _in_span(first: int, last: int) -> list[Service]:
    """Return the services of the ports from first to last, by port."""
    found = [one for one in _everything() if one.port <= last and one.last_port >= first]
    return sorted(found, key=lambda one: (one.port, one.last_port, one.protocol))


def _rank(found: Service, word: str) -> int | None:
    """Return how well a service answers a word, 0 best; None: not at all."""
    names = [name.lower() for name in (found.name, *found.aliases, found.iana_name or "")]
    if word in names:
        return 0
    if any(name.startswith(word) for name in names):
        return 1
    if any(word in name for name in names):
        return 2
    return 3 if word in found.description.lower() else None


def _span(word: str) -> tuple[int, int] | None:
    """Return the ports of `N` or `N-M`; None when the word is no number. Raises BadInput."""
    first, dash, last = word.removeprefix(":").partition("-")
    if not (first.isascii() and first.isdigit()) or (
        dash and not (last.isascii() and last.isdigit())
    ):
        return None
    # A number of 4,300 digits would make int() itself fail.
    low, high = (
        int(text) if len(text) <= 9 else HIGHEST_PORT + 1 for text in (first, last or first)
    )
    if high > HIGHEST_PORT or low > HIGHEST_PORT:
        raise BadInput(f"{word[:40]} is no port: ports are 0-{HIGHEST_PORT}.")
    if low > high:
        raise BadInput(f"{word} runs backwards: write {high}-{low}.")
    return low, high
