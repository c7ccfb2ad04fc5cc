"""Why a process runs: who started it, since when, as what."""

from __future__ import annotations

from fivetuple.model.process import Process, ancestors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.model.snapshot import Snapshot

SHELLS = frozenset(("bash", "sh", "dash", "zsh", "fish", "ksh", "csh", "tcsh", "ash"))
SECONDS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def why_it_runs(snapshot: Snapshot, process: Process) -> str:
    """Say in one sentence why a process runs: unit, container, or the shell that started it."""
    place = process.place
    if place is not None and place.container:
        pod = f" of pod {place.pod}" if place.pod else ""
        image = f" (image {place.container_image})" if place.container_image else ""
        return f"it runs in {place.engine or 'a'} container {place.container}{image}{pod}"
    if place is not None and place.unit and place.unit.endswith(".service"):
        whose = "a user's systemd" if place.user_unit else "systemd"
        return f"{whose} runs it as {place.unit}"
    line = ancestors(snapshot.processes, process.pid)
    shell = next((parent for parent in line if parent.name in SHELLS), None)
    if shell is not None:
        return f"someone started it from a shell, {shell.name} ({shell.pid})"
    if process.pid == 1:
        return "it is the first process, which the kernel started"
    if line and line[0].pid == 1:
        return f"its parent is {line[0].name} (1): it was started by it, or whoever started it has ended"
    if line:
        return f"{line[0].name} ({line[0].pid}) started it"
    return "its parent is not known"


def parent_line(snapshot: Snapshot, process: Process) -> str:
    """Write the parents, oldest first: `systemd (1) > sshd (400) > bash (812)`."""
    line = [*reversed(ancestors(snapshot.processes, process.pid)), process]
    return " > ".join(f"{each.name} ({each.pid})" for each in line)


def age_words(age_ns: int) -> str:
    """Write a duration with its two largest units: `3 d 4 h`, `12 s`."""
    left = max(age_ns // 10**9, 0)
    words = []
    for unit, name in SECONDS:
        count, left = divmod(left, unit)
        if count or (words and len(words) < 2) or unit == 1:
            words.append(f"{count} {name}")
        if len(words) == 2:
            break
    return " ".join(words)
