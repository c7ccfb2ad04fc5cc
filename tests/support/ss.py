"""What `ss` says, as a second opinion: one dict of words a socket, keyed by cookie or inode.

Each word is what ss wrote behind a colon, or behind a blank for the few that it writes so;
`state`, `recv_queue`, `send_queue`, `local`, `remote` are its columns, `algorithm` is the bare word that
names the congestion control. What ss leaves out because it is zero is not there.
"""

from __future__ import annotations

import re
import subprocess

ALGORITHMS = frozenset(("bbr", "cubic", "reno", "dctcp"))
MEMORY = re.compile(r"([a-z]+)(\d+)")
UNIX_SOCKET = re.compile(  # a name may hold blanks and newlines
    r"(?P<kind>u_\w+) +(?P<state>[A-Z]+) +(?P<recv_queue>\d+) +(?P<send_queue>\d+) +"
    r"(?P<name>.*?) (?P<inode>\d+) +(?P<peer_name>.*?) (?P<peer>\d+) +"
    r"skmem:\((?P<memory>[^)]*)\) (?P<shutdown>[<-]-[->])",
    re.DOTALL,
)
WITH_BLANK = re.compile(r"(send|pacing_rate|delivery_rate) (\d+)bps")


def inet(name: str | None, *flags: str) -> dict[int, dict[str, str]]:
    """Ask `ss` with the flags (-t, -u, -M) in the namespace; return words by cookie."""
    return {int(words["sk"], 16): words for words in map(_words, _lines(name, "-anemoiHO", *flags))}


def unix(name: str | None) -> dict[int, dict[str, str]]:
    """Ask `ss -x` in the namespace; return words by inode."""
    sockets = {}
    for match in UNIX_SOCKET.finditer(_output(name, "-xanemHO")):
        words = match.groupdict()
        sockets[int(words["inode"])] = words | dict(MEMORY.findall(words["memory"]))
    return sockets


def lines(name: str | None, *flags: str) -> list[str]:
    """Return the lines that `ss` prints in the namespace."""
    return _lines(name, *flags)


def _lines(name: str | None, *flags: str) -> list[str]:
    return [line for line in _output(name, *flags).splitlines() if line.strip()]


def _output(name: str | None, *flags: str) -> str:
    enter = ["nsenter", f"--net=/run/netns/{name}", "--"] if name else []
    done = subprocess.run([*enter, "ss", *flags], capture_output=True, text=True, check=True)
    return done.stdout


def _words(line: str) -> dict[str, str]:
    state, recv, send, local, remote, *rest = line.split()
    words = {
        "state": state,
        "recv_queue": recv,
        "send_queue": send,
        "local": local,
        "remote": remote,
    }
    text = " ".join(rest)
    words |= WITH_BLANK.findall(text)
    for word in WITH_BLANK.sub("", text).split():
        key, colon, value = word.partition(":")
        if key == "skmem":
            words |= MEMORY.findall(value)
        elif colon:
            words.setdefault(key, value)
        elif word in ALGORITHMS:
            words["algorithm"] = word
        elif set(word) <= set("<->"):
            words["shutdown"] = word
    return words
