"""What forwards a port, and to where: NAT rules, and programs whose business it is.

A program is recognised by its name and command line (docker-proxy, ssh -L/-R/-D, kubectl
port-forward, socat, kube-proxy's own rules by their comments); what its command line does not
tell is not guessed.
"""

from __future__ import annotations

from collections import namedtuple

from fivetuple.analysis.firewall import rewrites, ruleset
from fivetuple.model.endpoint import is_loopback
from fivetuple.model.text import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fivetuple.analysis.firewall_form import Rule
    from fivetuple.analysis.listening import Listener
    from fivetuple.model.process import Process
    from fivetuple.model.snapshot import Snapshot

Forward = namedtuple("Forward", "netns by how source target pid")
"""netns: where; by: what does it (`nft`, `docker-proxy`, `ssh` ...); how: a sentence; source:
what is forwarded; target: to what, None where it can't be told; pid: of the program, or None."""

SSH_FLAGS_WITH_VALUE = "BbcDEeFIiJLlmOoPpQRSWw"  # ssh(1)


def forwards(snapshot: Snapshot, port: int, protocol: str | None, listeners: Sequence[Listener]) -> list[Forward]:
    """Return what forwards a port of this host."""
    found = []
    for space in snapshot.namespaces.values():
        if space.firewall is not None:
            for rule in rewrites(ruleset(space.firewall)):  # type: ignore[arg-type]
                if _takes(rule, port, protocol):
                    found.append(_of_rule(space.inode, rule, port))
    for each in listeners:
        if each.port != port or (protocol and each.protocol != protocol):
            continue
        for pid in sorted(each.pids):
            process = snapshot.processes.get(pid)
            if process is not None:
                found += [made._replace(netns=each.netns) for made in by_program(process, port)]
    return found


def _takes(rule: Rule, port: int, protocol: str | None) -> bool:
    """Tell whether a rule rewrites packets to this port: it must name the port, or name none at all."""
    for condition in rule.conditions:
        if condition.field == "protocol" and protocol and (protocol in condition.values) == condition.negated:
            return False
        if condition.field == "destination_port":
            inside = any(low <= port <= high for low, high in condition.values)
            if inside == condition.negated:
                return False
    return any(condition.field in ("destination_port", "destination") for condition in rule.conditions)


def _of_rule(netns: int, rule: Rule, port: int) -> Forward:
    step = rule.step
    to_port = port if step.ports is None else step.ports[0]
    ports = f"{step.ports[0]}-{step.ports[1]}" if step.ports and step.ports[0] != step.ports[1] else str(to_port)
    target = f"{_bracketed(step.address)}:{ports}" if step.address else f"this host:{ports}"
    source = ", ".join(f"{c.field.replace('_', ' ')} {'not ' if c.negated else ''}{_values(c.values)}" for c in rule.conditions)
    certainty = "" if rule.is_understood else " (with conditions that ft does not understand)"
    how = f"{step.verdict} in {rule.base.table}, {rule.base.hook}{certainty}: {step.text or ' > '.join(rule.chains)}"
    return Forward(netns, rule.base.source, how, source, target, None)


def _values(values: Sequence[object]) -> str:
    shown = []
    for value in values:
        if isinstance(value, tuple):
            shown.append(str(value[0]) if value[0] == value[1] else f"{value[0]}-{value[1]}")
        else:
            shown.append(str(value))
    return "/".join(shown)


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def by_program(process: Process, port: int) -> Iterator[Forward]:
    """Yield the forwards that a program's command line tells of for a port it listens on."""
    words = [decode(word) for word in process.argv]
    reader = READERS.get(process.name.partition("-port-forward")[0])
    if reader is not None:
        for how, source, target in reader(words[1:], port):
            yield Forward(0, process.name, how, source, target, process.pid)


def _docker_proxy(words: Sequence[str], port: int) -> Iterator[tuple[str, str, str | None]]:
    """Read docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80."""
    options = dict(zip(words[::2], words[1::2], strict=False))
    if options.get("-host-port") == str(port):
        target = f"{_bracketed(options.get('-container-ip', '?'))}:{options.get('-container-port', '?')}"
        yield "a port that Docker publishes: docker-proxy carries what the NAT rules don't", _ends(options.get("-host-ip"), port), target


def _ends(address: str | None, port: int) -> str:
    return f"{_bracketed(address or '*')}:{port}"


def _ssh(words: Sequence[str], port: int) -> Iterator[tuple[str, str, str | None]]:
    """Read -L, -R and -D of ssh(1); the destination host is the first word that is no option."""
    host = None
    asked: list[tuple[str, str]] = []
    index = 0
    while index < len(words):
        word = words[index]
        if word[:1] == "-" and len(word) > 1:
            for place, letter in enumerate(word[1:], 1):
                if letter in SSH_FLAGS_WITH_VALUE:
                    value = word[place + 1 :]
                    if not value and index + 1 < len(words):
                        index += 1
                        value = words[index]
                    asked.append((letter, value))
                    break
        elif host is None:
            host = word
        index += 1
    for letter, value in asked:
        parts = value.split("/") if "/" in value else _colons(value)
        if letter == "L" and _listens(parts, port, 3):
            yield f"ssh -L through {host or 'a host'}", _ends(None, port), ":".join(parts[-2:])
        elif letter == "D" and parts[-1] == str(port):
            yield f"ssh -D, a SOCKS proxy through {host or 'a host'}", _ends(None, port), None


def _colons(value: str) -> list[str]:
    """Split at colons outside of brackets."""
    parts, depth = [""], 0
    for character in value:
        depth += (character == "[") - (character == "]")
        if character == ":" and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _listens(parts: Sequence[str], port: int, least: int) -> bool:
    """Tell whether [BIND:]PORT:HOST:HOSTPORT listens on the port."""
    return len(parts) >= least and parts[-3] == str(port)


def _sshd(_words: Sequence[str], port: int) -> Iterator[tuple[str, str, str | None]]:
    """An sshd of one session that listens does so for its client's -R (or for X11, from 6010 on)."""
    if port != 22 and not 6010 <= port < 6100:
        yield "the ssh session's client asked for it with -R: it goes to where that client says", _ends(None, port), None


def _kubectl(words: Sequence[str], port: int) -> Iterator[tuple[str, str, str | None]]:
    """Read kubectl port-forward [-n NAMESPACE] TYPE/NAME [LOCAL:]REMOTE."""
    if "port-forward" not in words:
        return
    after = [word for word in words[words.index("port-forward") + 1 :] if word[:1] != "-"]
    name = next((word for word in after if not word.replace(":", "").isdigit()), "a pod")
    for word in after:
        local, _, remote = word.partition(":")
        if local == str(port) or (not local and remote):
            yield "kubectl port-forward, through the API server", _ends(None, port), f"{name}:{remote or local}"


def _socat(words: Sequence[str], port: int) -> Iterator[tuple[str, str, str | None]]:
    """Read socat TCP-LISTEN:8080,fork TCP:10.0.0.1:80, either way round."""
    addresses = [word for word in words if word[:1] != "-"]
    for index, word in enumerate(addresses[:2]):
        kind, _, rest = word.partition(":")
        if "LISTEN" in kind.upper() and rest.split(",")[0] == str(port) and len(addresses) > 1:
            yield "socat", word, addresses[1 - index]


def _rinetd_like(_words: Sequence[str], port: int) -> Iterator[tuple[str, str, str | None]]:
    yield "a proxy: its own configuration says to where", _ends(None, port), None


READERS = {
    "docker-proxy": _docker_proxy,
    "rootlessport": _rinetd_like,
    "slirp4netns": _rinetd_like,
    "pasta": _rinetd_like,
    "gvproxy": _rinetd_like,
    "ssh": _ssh,
    "autossh": _ssh,
    "sshd": _sshd,
    "sshd-session": _sshd,
    "kubectl": _kubectl,
    "socat": _socat,
    "haproxy": _rinetd_like,
    "envoy": _rinetd_like,
    "traefik": _rinetd_like,
    "rinetd": _rinetd_like,
}


def is_local_only(listeners: Sequence[Listener]) -> bool:
    """Tell whether every listener is on loopback."""
    return all(is_loopback(address) for each in listeners for address, _ in each.addresses)
