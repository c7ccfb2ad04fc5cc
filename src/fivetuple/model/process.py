"""Process and Place: who holds a socket, and which unit, container or pod that is part of.

A process keeps what strangers chose (comm, exe, argv) as bytes. `name` is what a person would
call it: the program, or the script that an interpreter runs; never a thread's name.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Place:
    """Where a process stands in the host's order, read off its cgroup."""

    __slots__ = (
        "container_id",
        "container_image",
        "container_name",
        "engine",
        "pod",
        "slice",
        "unit",
        "user_unit",
    )

    def __init__(
        self,
        unit: str | None = None,
        *,
        container_id: str | None = None,
        engine: str | None = None,
        pod: str | None = None,
        user_unit: bool = False,
    ) -> None:
        self.unit = unit
        """systemd unit: `nginx.service`, `session-3.scope`."""
        self.user_unit = user_unit
        """True when the unit belongs to a user's own systemd."""
        self.container_id = container_id
        """64 hexadecimal digits."""
        self.engine = engine
        """`docker`, `podman`, `containerd`, `cri-o`, `lxc`, `nspawn`."""
        self.pod = pod
        """Kubernetes pod UID, or `namespace/name` where the engine told it."""
        self.container_name: str | None = None
        self.container_image: str | None = None
        self.slice: str | None = None

    @property
    def container(self) -> str | None:
        """The container's name where it is known, else the first 12 digits of its id."""
        return self.container_name or (self.container_id[:12] if self.container_id else None)


NO_PLACE = Place()


class Process:
    """One process (thread group) as it was when it was read."""

    __slots__ = (
        "argv",
        "cgroup",
        "comm",
        "exe",
        "name",
        "netns",
        "parent_pid",
        "pid",
        "place",
        "started_ns",
        "state",
        "uid",
    )

    def __init__(  # noqa: PLR0913  # one value a slot
        self,
        pid: int,
        name: str,
        *,
        comm: bytes = b"",
        exe: bytes = b"",
        argv: tuple[bytes, ...] = (),
        parent_pid: int | None = None,
        uid: int | None = None,
        started_ns: int | None = None,
        cgroup: str | None = None,
        netns: int | None = None,
        place: Place | None = None,
        state: str | None = None,
    ) -> None:
        self.pid = pid
        self.name = name
        self.comm = comm
        self.exe = exe
        self.argv = argv
        self.parent_pid = parent_pid
        """None when not read; 0 for init and kernel threads."""
        self.uid = uid
        """Effective user id."""
        self.started_ns = started_ns
        """Start, ns since the epoch (RFC 3339 when shown)."""
        self.cgroup = cgroup
        """Path in the cgroup tree: `/system.slice/nginx.service`."""
        self.netns = netns
        self.place = place
        self.state = state
        """One letter of /proc/PID/stat: R, S, D, T, Z."""

    @property
    def command(self) -> str | None:
        """The command line, quoted so that a shell would read it back; None when not read.

        One word with blanks is a title that the program gave itself, and stands as it is.
        """
        if not self.argv:
            return None
        from shlex import join

        from fivetuple.model.text import decode

        if len(self.argv) == 1:
            return decode(self.argv[0])
        return join(decode(word) for word in self.argv)


def ancestors(processes: Mapping[int, Process], pid: int) -> list[Process]:
    """Return the parents of a process, nearest first, up to init. Stops where one is unknown."""
    line: list[Process] = []
    seen = {pid}
    process = processes.get(pid)
    while process is not None and process.parent_pid and process.parent_pid not in seen:
        seen.add(process.parent_pid)
        process = processes.get(process.parent_pid)
        if process is not None:
            line.append(process)
    return line
