"""Programs whose business is to forward, and what their command lines tell of it.

How to read READERS: a program's name -> the function that reads its arguments for one port that
it listens on. What a command line does not tell is not guessed: `target` is None then.
"""

from __future__ import annotations

from collections import namedtuple

from fivetuple.model.text import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fivetuple.model.process import Process

Told = namedtuple("Told", "how target is_here", defaults=(None, False))
"""how: a clause; target: `10.0.0.1:80`, a pod ..., None: not told; is_here: the target is an
address as this host sees it."""

SSH_FLAGS_WITH_VALUE = "BbcDEeFIiJLlmOoPpQRSWw"  # ssh(1)
KUBECTL_FLAGS_WITH_VALUE = frozenset((
    "-n", "--namespace", "--address", "--context", "--kubeconfig", "--pod-running-timeout", "-s", "--server", "--cluster",
    "--user", "--token", "--as", "--as-group", "--request-timeout", "-v", "--v", "--cache-dir", "--certificate-authority",
    "--client-certificate", "--client-key", "--tls-server-name",
))  # fmt: skip
X11_PORTS = range(6010, 6100)  # sshd_config(5) X11DisplayOffset 10: display N listens on 6000 + N


def told_by(process: Process, port: int) -> Iterator[Told]:
    """Yield the forwards that a program's command line tells of for a port that it listens on."""
    reader = READERS.get(process.name)
    if reader is not None:
        yield from reader([decode(word) for word in process.argv], port)


def _docker_proxy(words: Sequence[str], port: int) -> Iterator[Told]:
    """Read docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80."""
    options = {
        word.lstrip("-"): words[index + 1]
        for index, word in enumerate(words[:-1])
        if word[:1] == "-"
    }
    address, to = options.get("container-ip"), options.get("container-port")
    if options.get("host-port") == str(port) and address and to:
        yield Told(
            "a port that Docker publishes; NAT rules carry most of it",
            f"{bracketed(address)}:{to}",
            is_here=True,
        )


def bracketed(address: str) -> str:
    """Put brackets around an IPv6 address."""
    return f"[{address}]" if ":" in address else address


def _ssh(words: Sequence[str], port: int) -> Iterator[Told]:
    """Read -L and -D of ssh(1); an ssh that listens without them does so by its configuration."""
    host, options = _ssh_options(words[1:])
    through = f"through {host}" if host else "through its server"
    is_told = False
    for letter, value in options:
        parts = colon_parts(value)
        if letter == "D" and parts[-1] == str(port):
            is_told = True
            yield Told(f"ssh -D: a SOCKS proxy {through}")
        elif letter == "L" and (target := _ssh_target(parts, port)):
            is_told = True
            yield Told(f"ssh -L, {through}: as that host sees it", target)
    if not is_told:
        yield Told(f"ssh, {through}: a forward of its configuration, or asked for in the session")


def _ssh_options(words: Sequence[str]) -> tuple[str | None, list[tuple[str, str]]]:
    """Return the destination and the options with a value; the second word is the remote command."""
    host: str | None = None
    options: list[tuple[str, str]] = []
    index = 0
    while index < len(words):
        word = words[index]
        if word[:1] == "-" and len(word) > 1 and word != "--":
            for place, letter in enumerate(word[1:], 2):
                if letter in SSH_FLAGS_WITH_VALUE:
                    value = word[place:]
                    if not value and index + 1 < len(words):
                        index += 1
                        value = words[index]
                    options += _spelled_out(letter, value)
                    break
        elif word != "--":
            if host is not None:
                break
            host = word
        index += 1
    return host, options


def _spelled_out(letter: str, value: str) -> list[tuple[str, str]]:
    """Read -o 'LocalForward 8080 host:80' as -L 8080:host:80, and -o DynamicForward=1080 as -D 1080."""
    if letter != "o":
        return [(letter, value)]
    key, *rest = value.replace("=", " ", 1).split()
    short = {"localforward": "L", "dynamicforward": "D"}.get(key.lower() if key else "")
    return [(short, ":".join(rest))] if short and rest else []


def _ssh_target(parts: Sequence[str], port: int) -> str | None:
    """Return the target of [BIND:]PORT:HOST:HOSTPORT or [BIND:]PORT:/SOCKET when it is this port's."""
    if parts[-1][:1] == "/":
        return parts[-1] if len(parts) > 1 and parts[-2] == str(port) else None
    if len(parts) >= 3 and parts[-3] == str(port):
        return ":".join(parts[-2:])
    return None


def colon_parts(value: str) -> list[str]:
    """Split at colons outside of brackets; `bind/port/host/port`, the older spelling, at slashes."""
    if ":" not in value and value.count("/") > 1:
        return value.split("/")
    parts, depth = [""], 0
    for character in value:
        depth += (character == "[") - (character == "]")
        if character == ":" and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _sshd(words: Sequence[str], port: int) -> Iterator[Told]:
    """Tell the sshd of one session, which listens for its client, from the server by its title.

    sshd.c setproctitle(): `sshd: USER@pts/0`, since 9.8 `sshd-session: USER@pts/0`; the server's is
    `sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups`, or its command line.
    """
    title = " ".join(words)
    who, colon, rest = title.partition(": ")
    if not colon or who.rpartition("/")[2] not in ("sshd", "sshd-session") or "[listener]" in title:
        return
    user = rest.split("@")[0].split(" ")[0]
    if port in X11_PORTS:
        yield Told(f"the ssh session of {user}: X11 forwarding, or -R; it goes to that client")
    else:
        yield Told(f"the ssh session of {user}: its client asked for it with -R and knows to where")


def _kubectl(words: Sequence[str], port: int) -> Iterator[Told]:
    """Read kubectl port-forward [-n NAMESPACE] TYPE/NAME [LOCAL:]REMOTE ..."""
    if "port-forward" not in words:
        return
    plain, namespace = _kubectl_words(words[words.index("port-forward") + 1 :])
    plain_before, namespace_before = _kubectl_words(words[1 : words.index("port-forward")])
    del plain_before
    name = plain[0] if plain else "a pod"
    where = namespace or namespace_before
    for word in plain[1:]:
        local, colon, remote = word.partition(":")
        if local == str(port) or (colon and not local):
            yield Told(
                "kubectl port-forward, through the API server"
                + (f", namespace {where}" if where else ""),
                f"{name}:{remote or local}",
            )


def _kubectl_words(words: Sequence[str]) -> tuple[list[str], str | None]:
    """Return the words that are no options and belong to none, and the namespace that was named."""
    plain: list[str] = []
    namespace: str | None = None
    index = 0
    while index < len(words):
        word = words[index]
        name, equals, value = word.partition("=")
        if word in KUBECTL_FLAGS_WITH_VALUE and index + 1 < len(words):
            index += 1
            value = words[index]
        if name in ("-n", "--namespace"):
            namespace = value
        elif word[:1] != "-" and not (equals and name[:1] == "-"):
            plain.append(word)
        index += 1
    return plain, namespace


def _socat(words: Sequence[str], port: int) -> Iterator[Told]:
    """Read socat [OPTIONS] TCP-LISTEN:8080,fork TCP:10.0.0.1:80, either way round: the last two words."""
    pair = words[-2:]
    for index, word in enumerate(pair if len(words) > 2 else ()):
        kind, _, rest = word.partition(":")
        is_listening = "-L" in kind.upper() or "RECV" in kind.upper()
        if is_listening and rest.partition(",")[0].rpartition(":")[2] == str(port):
            yield _socat_target(pair[1 - index])


def _socat_target(word: str) -> Told:
    """Read the other address; HOST:PORT where it is one of this host's view."""
    kind, _, rest = word.partition(":")
    end = rest.partition(",")[0]
    if (
        kind.upper().rstrip("46")
        in ("TCP", "UDP", "SCTP", "TCP-CONNECT", "UDP-CONNECT", "OPENSSL", "SSL")
        and end
    ):
        return Told(f"socat, by {kind}", end, is_here=True)
    return Told("socat", word)


def _socket_proxy(words: Sequence[str], _port: int) -> Iterator[Told]:
    """Read systemd-socket-proxyd [OPTIONS] HOST:PORT, or the path of a unix socket."""
    if len(words) > 1 and words[-1][:1] != "-":
        yield Told(
            "systemd-socket-proxyd carries what systemd's socket unit takes",
            words[-1],
            is_here=True,
        )


def _proxy(_words: Sequence[str], _port: int) -> Iterator[Told]:
    yield Told("a proxy: its configuration says to where")


def _rootless(_words: Sequence[str], _port: int) -> Iterator[Told]:
    yield Told("it carries ports of containers that run without root, or of a virtual machine")


READERS: dict[str, Callable[[Sequence[str], int], Iterator[Told]]] = {
    "docker-proxy": _docker_proxy,
    "ssh": _ssh,
    "autossh": _ssh,
    "sshd": _sshd,
    "sshd-session": _sshd,
    "kubectl": _kubectl,
    "socat": _socat,
    "systemd-socket-proxyd": _socket_proxy,
    "systemd-socket-": _socket_proxy,  # its comm is cut there where exe can't be read
    "rootlessport": _rootless,
    "slirp4netns": _rootless,
    "pasta": _rootless,
    "pasta.avx2": _rootless,
    "gvproxy": _rootless,
    "haproxy": _proxy,
    "rinetd": _proxy,
    "redir": _proxy,
}
