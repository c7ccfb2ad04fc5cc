"""Which systemd socket unit opened a listener, and which service will answer on it.

The process that holds such a listener is systemd itself, and nothing in the kernel says for whom.
systemd would tell over D-Bus; reading what it reads needs neither that nor a privilege: the
[Socket] sections of unit files and their drop-ins (systemd.unit(5), systemd.socket(5)). The
caller joins them by address to the sockets that systemd holds, so that a unit that is only
installed claims nothing.

Not known here: rarer specifiers, sockets of netlink and vsock, and drop-ins for all units of a
prefix (`a-.socket.d`).
"""

from __future__ import annotations

import os
from collections import namedtuple

from fivetuple.kernel.cgroups import unescape
from fivetuple.kernel.unit_files import folders_of, real_name, socket_unit_names, texts_of
from fivetuple.model.endpoint import ANY_V4, ANY_V6, pack_address
from fivetuple.model.errors import BadInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    InetKey = tuple[int, bytes, int]  # IPPROTO number, address of 16 bytes, port
    UnixKey = tuple[int, bytes]  # SOCK type, path; an abstract name starts with NUL
    Key = InetKey | UnixKey

SocketUnit = namedtuple("SocketUnit", "name service")
"""`ssh.socket` and `ssh.service`; the service is a template, `ssh@.service`, where each connection gets its own."""

STREAM, DGRAM, SEQPACKET = 1, 2, 5
SOCKET_TYPES = {
    "ListenStream": STREAM,
    "ListenDatagram": DGRAM,
    "ListenSequentialPacket": SEQPACKET,
}
PROTOCOLS = {STREAM: 6, DGRAM: 17, SEQPACKET: 132}
SOCKET_PROTOCOLS = {"udplite": 136, "sctp": 132, "mptcp": 262}  # SocketProtocol=


def read(uid: int | None = None, root: str = "/") -> dict[Key, SocketUnit]:
    """Return listening address -> unit, of systemd's own units or of a user's (`uid`).

    Where two units name the same address, the one that is enabled counts.
    """
    home = "/root" if uid is None else _home(uid)
    folders = folders_of(uid, home, root)
    runtime = "/run" if uid is None else f"/run/user/{uid}"
    found: dict[Key, SocketUnit] = {}
    for name in socket_unit_names(folders):
        settings = parse(texts_of(name, folders))
        specifiers = _specifiers(name, runtime, home, uid or 0)
        service = real_name(service_of(name, settings, specifiers), folders)
        unit = SocketUnit(name, service)
        for key in listening_keys(settings, specifiers):
            found.setdefault(key, unit)
    return found


def parse(texts: Iterable[str]) -> dict[str, list[str]]:
    """Return what the [Socket] sections assign, in order; an empty assignment forgets the former."""
    settings: dict[str, list[str]] = {}
    for text in texts:
        section = ""
        for line in _logical_lines(text):
            name, equals, value = line.partition("=")
            if line.startswith("["):
                section = line
            elif section == "[Socket]" and equals:
                values = settings.setdefault(name.rstrip(), [])
                values.append(value.strip())
                if not values[-1]:
                    values.clear()
    return settings


def service_of(name: str, settings: dict[str, list[str]], specifiers: dict[str, str]) -> str:
    """Return the service that systemd starts for the unit's sockets."""
    stem = name.removesuffix(".socket")
    if _last(settings, "Accept").lower() in ("yes", "true", "on", "1", "y", "t"):
        return stem.partition("@")[0] + "@.service"
    return _expand(_last(settings, "Service"), specifiers) or stem + ".service"


def listening_keys(settings: dict[str, list[str]], specifiers: dict[str, str]) -> Iterator[Key]:
    """Yield the addresses that the unit listens on; what is no socket of ours is left out."""
    protocol = SOCKET_PROTOCOLS.get(_last(settings, "SocketProtocol"))
    for setting, kind in SOCKET_TYPES.items():
        for value in settings.get(setting, ()):
            address = _expand(value, specifiers)
            if address is None:
                continue
            if address.startswith("/"):
                yield kind, os.path.normpath(address).encode()
            elif address.startswith("@"):
                yield kind, b"\0" + address[1:].encode()
            else:
                for packed, port in _inet_addresses(address):
                    yield protocol or PROTOCOLS[kind], packed, port


def _inet_addresses(text: str) -> Iterator[tuple[bytes, int]]:
    """Yield address and port of `8080`, `10.0.0.1:80`, `[::1]:80`, `[fe80::1]:80%eth0`."""
    head, scope, _ = text.rpartition("%")
    host, colon, port = (head if scope and "]:" in head else text).rpartition(":")
    if not (port.isascii() and port.isdigit() and len(port) < 6 and int(port) < 65536):
        return
    if not colon:
        yield ANY_V6, int(port)
        yield ANY_V4, int(port)  # where the host has no IPv6
        return
    try:
        yield pack_address(host), int(port)
    except BadInput:  # vsock, or no address at all
        return


def _last(settings: dict[str, list[str]], name: str) -> str:
    values = settings.get(name)
    return values[-1] if values else ""


def _logical_lines(text: str) -> Iterator[str]:
    """Yield the lines without comments and blanks, those that end in a backslash joined."""
    joined = ""
    for raw in text.split("\n"):
        line = raw.strip()
        if line.startswith(("#", ";")):
            continue
        if line.endswith("\\"):
            joined += line[:-1] + " "
            continue
        if joined or line:
            yield joined + line
        joined = ""
    if joined:
        yield joined


def _specifiers(name: str, runtime: str, home: str, uid: int) -> dict[str, str]:
    """Return what each specifier stands for in the unit (systemd.unit(5), Specifiers)."""
    stem = name.removesuffix(".socket")
    prefix, _, instance = stem.partition("@")
    return {
        "%": "%",
        "t": runtime,
        "i": instance,
        "I": unescape(instance.replace("-", "/")),
        "n": name,
        "N": stem,
        "p": prefix,
        "P": unescape(prefix.replace("-", "/")),
        "h": home,
        "U": str(uid),
    }


def _expand(text: str, specifiers: dict[str, str]) -> str | None:
    """Return the text with its specifiers replaced; None when one is not known here."""
    expanded, at = "", 0
    while (percent := text.find("%", at)) >= 0:
        value = specifiers.get(text[percent + 1 : percent + 2])
        if value is None:
            return None
        expanded += text[at:percent] + value
        at = percent + 2
    return expanded + text[at:]


def _home(uid: int) -> str:
    """Return the user's home folder, empty when it is not known."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_dir
    except KeyError:
        return ""
