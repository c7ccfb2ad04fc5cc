"""Save this machine's sockets, owners and settings to a file that every question can be asked of.

The file is compressed and checksummed, and only its owner may read it: command lines can hold
secrets. `ft --from FILE ...` answers from it, on any machine.

Examples:
    ft save before.ft                  every socket of this host that we may see
    ft --from before.ft ls -tlnp       any question, asked of it later
    ft save - | ssh desk 'ft --from -' over a pipe
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fivetuple.model import facts
from fivetuple.model.answer import Answer, Line
from fivetuple.model.command import Option
from fivetuple.model.errors import BadInput
from fivetuple.model.question import EVERYTHING, Question

if TYPE_CHECKING:
    from fivetuple.model.command import Request

ARGUMENTS = "FILE"
OPTIONS = (
    Option(("-N", "--netns"), "network namespaces to save: all that we may see, self, a NAME or a PID", "text", "WHICH"),
    Option(("--road",), "how to ask the kernel: bpf, netlink or proc", "choice", "ROAD", ("bpf", "netlink", "proc", "psutil")),
    Option(("--force",), "overwrite the file if it is there"),
)  # fmt: skip
NEEDS = (
    facts.SOCKETS | facts.OWNERS | facts.PROCESS_NAMES | facts.PROCESSES | facts.CONTAINERS | facts.TCP_INFO
    | facts.BACKLOG | facts.BOUND_INACTIVE | facts.TIMERS | facts.UNIX | facts.NETLINK | facts.PACKET | facts.VSOCK
    | facts.RAW | facts.NAMESPACES | facts.FIREWALL | facts.ROUTES | facts.USERS | facts.OPTIONS
)  # fmt: skip


def run(request: Request) -> Answer:
    """Read everything and write it to the file.

    Raises:
        BadInput: no file or several are named, or it is there already and --force was not given.
    """
    if len(request.words) != 1:
        raise BadInput("ft save takes one file name, or - for stdout: ft save before.ft")
    from fivetuple.origins import open_origin
    from fivetuple.origins.file import save

    origin = open_origin(None, request.get("road"), request.now_ns)
    snapshot = origin.snapshot(Question(NEEDS, EVERYTHING, request.get("netns") or "auto"))
    path = request.words[0]
    size_bytes = save(snapshot, path, force=request.flag("force"))
    notes = [
        f"not saved: {', '.join(facts.names(fact))}: {reason}"
        for fact, reason in snapshot.missing.items()
        if fact != facts.BPF
    ]
    if path == "-":
        return Answer(notes=notes)
    said = f"{len(snapshot)} sockets, {len(snapshot.processes)} processes: {size_bytes:,} bytes in {path}"
    return Answer(
        [Line(said)], {"file": path, "sockets": len(snapshot), "bytes": size_bytes}, notes=notes
    )
