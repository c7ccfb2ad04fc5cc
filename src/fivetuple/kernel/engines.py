"""Names and images of containers, from what their engines keep on disk, then from their sockets.

Files first: they cost no connection, and asking podman's socket would start podman (socket
activation), where reading should change nothing. What a socket answers is a stranger's word:
its size and time are bounded, and what isn't as expected is not there.
"""

from __future__ import annotations

import os

from fivetuple.kernel.engine_files import (
    Container,
    as_object,
    as_text,
    bundles,
    docker_files,
    of_docker,
    parse,
    storages,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Iterator

    from fivetuple.kernel.engine_files import Json

ANSWER_MAX_BYTES = 32 << 20  # docker tells some 2 KB a container
ANSWER_TIMEOUT_S = 1.0
SOCKETS = ("run/docker.sock", "run/podman/podman.sock")
USER_SOCKETS = ("docker.sock", "podman/podman.sock")  # below $XDG_RUNTIME_DIR
REQUEST = b"GET /containers/json?all=1 HTTP/1.0\r\nHost: localhost\r\n\r\n"


def describe(
    container_ids: Iterable[str], root: str = "/"
) -> tuple[dict[str, Container], str | None]:
    """Return id -> Container of those that can be found out, and why the others can't.

    `root`: where the host's file system is mounted.
    """
    wanted = {one for one in container_ids if one.replace("-", "").isalnum()}  # no path
    found: dict[str, Container] = {}
    troubles: list[str] = []
    for source in (docker_files, bundles, storages, _sockets):
        left = wanted - found.keys()
        if not left:
            return found, None
        for one, told in source(root, left, troubles):
            if one in left:
                found.setdefault(one, told)  # the engine that is asked first is believed
    return found, _reason(len(wanted - found.keys()), troubles)


def _sockets(
    root: str, container_ids: set[str], troubles: list[str]
) -> Iterator[tuple[str, Container]]:
    """Ask docker and podman for all their containers, until every wanted one is told."""
    paths = [os.path.join(root, path) for path in SOCKETS]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if root == "/" and runtime:
        paths += [os.path.join(runtime, path) for path in USER_SOCKETS]
    left = set(container_ids)
    for path in paths:
        if not left:
            return
        answer = _ask(path, troubles)
        for row in answer if isinstance(answer, list) else ():
            one = as_object(row)
            names = one.get("Names")
            name = as_text(names[0]) if isinstance(names, list) and names else None
            container_id = as_text(one.get("Id"))
            if container_id and name:
                left.discard(container_id)
                yield container_id, of_docker(name, as_text(one.get("Image")))


def _ask(path: str, troubles: list[str]) -> Json:
    """Return the engine's list of containers; None without a proper answer in time."""
    import socket

    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_TIMEOUT_S)
            connection.connect(path)
            connection.sendall(REQUEST)
            answer = _receive(connection)
    except PermissionError:
        troubles.append(f"{path} is closed to us: run as root, or join its group")
        return None
    except TimeoutError:
        troubles.append(f"{path} did not answer within {ANSWER_TIMEOUT_S:g} s")
        return None
    except OSError:
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    if head.split(None, 2)[1:2] != [b"200"]:
        return None
    return parse(body)


def _receive(connection: socket.socket) -> bytes:
    """Return the answer up to its end; HTTP/1.0 closes there. Raise TimeoutError when it is late.

    http.client would wait anew for each of the bytes that a slow server sends.
    """
    from time import monotonic

    deadline_s = monotonic() + ANSWER_TIMEOUT_S
    parts: list[bytes] = []
    size = 0
    while size < ANSWER_MAX_BYTES:
        left_s = deadline_s - monotonic()
        if left_s <= 0:
            raise TimeoutError
        connection.settimeout(left_s)
        part = connection.recv(1 << 18)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
    return b""


def _reason(count: int, troubles: list[str]) -> str | None:
    """Say why containers stayed without a name; sockets are asked last, and count most."""
    if not count:
        return None
    which = "1 container has no name" if count == 1 else f"{count} containers have no name"
    return f"{which}: {troubles[-1] if troubles else 'no engine on this host tells one'}"
