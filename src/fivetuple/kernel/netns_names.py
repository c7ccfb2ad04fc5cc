"""What network namespaces are called: by who made them, by what runs in them.

In this order: `host`; the name somebody gave it (`ip netns add blue`); the pod, container or
service in it; the name its maker's program gave its mount (`cni-...`); its oldest process.
"""

from __future__ import annotations

from fivetuple.model.text import decode, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from fivetuple.model.namespace import Namespace

NAMED_HERE = "/run/netns/"
# What programs put there: CNI and cri-o (`cni-UUID`, a bare UUID), podman (`netns-UUID`).
MACHINE_MADE = ("cni-", "netns-")
UUID_LENGTH = 36


def mounted(mountinfo: bytes | None = None) -> dict[int, list[str]]:
    """Return namespace -> the paths where it is mounted (proc_pid_mountinfo(5)), shortest first."""
    if mountinfo is None:
        try:
            with open("/proc/self/mountinfo", "rb") as file:
                mountinfo = file.read()
        except OSError:
            return {}
    found: dict[int, list[str]] = {}
    for line in mountinfo.splitlines():
        if b" - nsfs " not in line:
            continue
        fields = line.split(b" ")
        root, place = fields[3], fields[4]
        if root.startswith(b"net:[") and root[5:-1].isdigit():
            found.setdefault(int(root[5:-1]), []).append(_unescaped(place))
    return {
        inode: sorted(set(paths), key=lambda path: (len(path), path))
        for inode, paths in found.items()
    }


def given(paths: Sequence[str]) -> tuple[str, ...]:
    """Return the names that a namespace has in /run/netns."""
    return tuple(path.removeprefix(NAMED_HERE) for path in paths if path.startswith(NAMED_HERE))


def name_of(namespace: Namespace, paths: Sequence[str]) -> str:
    """Return the best name of a namespace that isn't the host's; never empty, harmless to show."""
    for name in namespace.nsid_names:
        if not name.startswith(MACHINE_MADE) and not _is_uuid(name):
            return printable(name)
    if namespace.pid and (place := _place_name(namespace.pid)):
        return printable(place)
    if paths:
        return printable(paths[0].rpartition("/")[2])
    if namespace.pid:
        return printable(f"{_comm(namespace.pid)} {namespace.pid}")
    return f"net:[{namespace.inode}]"


def tell_apart(namespaces: Sequence[Namespace]) -> None:
    """Add the pid (else the inode) to names that more than one namespace has."""
    bearers: dict[str, int] = {}
    for each in namespaces:
        bearers[each.name] = bearers.get(each.name, 0) + 1
    for each in namespaces:
        if bearers[each.name] > 1 and each.name != "host":
            each.name += f" {each.pid or each.inode}"


def _place_name(pid: int) -> str | None:
    """Return the pod, container or system service that a process is part of.

    A user's own units and sessions say less than the program's name, so they don't count.
    """
    from fivetuple.kernel.cgroups import place_of

    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="backslashreplace") as file:
            place = place_of(file.read())
    except OSError:
        return None
    is_service = place.unit is not None and place.unit.endswith(".service") and not place.user_unit
    return place.pod or place.container or (place.unit if is_service else None)


def _comm(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", "rb") as file:
            return decode(file.read().rstrip(b"\n"))
    except OSError:
        return "process"


def _is_uuid(name: str) -> bool:
    return len(name) == UUID_LENGTH and name.count("-") == 4


def _unescaped(path: bytes) -> str:
    """Undo the octal escapes of mountinfo: blank, tab, newline and backslash."""
    for raw in b" \t\n\\":
        path = path.replace(b"\\%03o" % raw, bytes([raw]))
    return path.decode("utf-8", "surrogateescape")
