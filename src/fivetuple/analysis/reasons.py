"""Why a process runs: who started it, since when, as what."""

from __future__ import annotations

from datetime import UTC, datetime

from fivetuple.model.process import Process, ancestors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fivetuple.model.process import Place

SHELLS = frozenset(("bash", "sh", "dash", "zsh", "fish", "ksh", "csh", "tcsh", "ash"))
SECONDS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def why_it_runs(processes: Mapping[int, Process], process: Process) -> str:
    """Say in one clause why a process runs: container, unit, shell, or its parent."""
    if process.place is not None and (reason := _by_place(process.place)):
        return reason
    if process.pid == 1:
        return "the first process, which the kernel started"
    return _by_parents(ancestors(processes, process.pid))


def _by_parents(line: Sequence[Process]) -> str:
    """Name the shell or the parent that started it; line: its parents, nearest first."""
    if not line:
        return "its parent is not known"
    shell = next((parent for parent in line if parent.name in SHELLS), None)
    if shell is not None and shell is line[0]:
        return f"a shell started it, {shell.name} ({shell.pid})"
    if shell is not None:
        return (
            f"{line[0].name} ({line[0].pid}) started it, below the shell {shell.name} ({shell.pid})"
        )
    if line[0].pid == 1:
        return f"{line[0].name} (1) started it, or took it over when its parent ended"
    return f"{line[0].name} ({line[0].pid}) started it"


def _by_place(place: Place) -> str | None:
    """Name the container, unit or session that it is part of."""
    if place.container:
        pod = f", pod {place.pod}" if place.pod else ""
        image = f", image {place.container_image}" if place.container_image else ""
        return f"{place.engine or 'a'} container {place.container}{image}{pod}"
    if not place.unit:
        return None
    whose = "a user's systemd" if place.user_unit else "systemd"
    if place.unit.endswith(".service"):
        return f"{whose} runs it as {place.unit}"
    if place.unit.startswith("session-"):
        return None  # a log-in: the shell in it tells more
    return f"it is part of {place.unit} of {whose}"


def parent_line(processes: Mapping[int, Process], process: Process) -> str:
    """Write the parents, oldest first: `systemd (1) > sshd (400) > bash (812)`."""
    line = [*reversed(ancestors(processes, process.pid)), process]
    return " > ".join(f"{each.name} ({each.pid})" for each in line)


def since_words(started_ns: int, now_ns: int) -> str:
    """Write when something started in local time, and how long ago: `2026-11-21 06:10:04, 3 d 4 h ago`."""
    local = datetime.fromtimestamp(started_ns / 1e9, UTC).astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S}, {age_words(now_ns - started_ns)} ago"


def age_words(age_ns: int) -> str:
    """Write a duration with its two largest units: `3 d 4 h`, `12 s`."""
    left = max(age_ns // 10**9, 0)
    words: list[str] = []
    for unit, name in SECONDS:
        count, left = divmod(left, unit)
        if words or count:
            words.append(f"{count} {name}" if count else "")
        if len(words) == 2:
            break
    return " ".join(filter(None, words)) or "0 s"
