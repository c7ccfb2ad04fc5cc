"""What a cgroup's path tells: systemd unit, container and its engine, Kubernetes pod.

Nothing but the habits of those who make the paths. They nest (a unit in a container in a pod),
so a path is read part by part from the root, and parts that nobody is known to make tell nothing.

Paths come from /proc/PID/cgroup (cgroups(7)): one line `0::PATH` for cgroup v2, and a line a
hierarchy for v1; a hybrid host has both, and either may be the one that tells. From inside a
container with its own cgroup namespace the path is `/`, or `/../..` for what is outside.
"""

from __future__ import annotations

import os

from fivetuple.model.process import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# What stands before a container's id -> engine: `docker-ID.scope` under systemd's driver.
PREFIXES = {
    "docker-": "docker",
    "libpod-": "podman",
    "libpod-payload-": "podman",
    "cri-containerd-": "containerd",
    "nerdctl-": "containerd",
    "crio-": "cri-o",
}
# The directory that holds containers by their bare id -> engine: the cgroupfs driver's way.
# Under kubepods the path doesn't tell the engine.
PARENTS = {
    "docker": "docker",
    "libpod_parent": "podman",
    "default": "containerd",
    "k8s.io": "containerd",
    "actions_job": "docker",
    "garden": "garden",
    "good": "garden",
    "ecs": "docker",
}
# Directories that are containers by their name, what stands before it -> engine.
NAME_PREFIXES = {"lxc.payload.": "lxc", "systemd-nspawn@": "nspawn", "machine-": "nspawn"}
NAME_PARENTS = {"lxc": "lxc", "lxc.payload": "lxc"}
NOT_CONTAINERS = ("machine-qemu", "machine-lxc", "machine-libpod")  # libvirt's, podman's pods
UNIT_TYPES = (".service", ".scope", ".socket", ".mount", ".swap")

HEX = frozenset("0123456789abcdef")
ID_LENGTHS = (64, 32)  # engines; Amazon ECS on Fargate
CGROUP_ROOT_ID = 1


def place_of(text: str) -> Place:
    """Return what the text of /proc/PID/cgroup, or one path of a cgroup, tells."""
    return read(text)[1]


def read(text: str) -> tuple[str, Place]:
    """Return of the text of /proc/PID/cgroup the path that tells most, and what it tells."""
    best, place, most = "/", Place(), 0
    for path in _paths(text):
        candidate = _place_of_path(path)
        told = _weight(candidate) or int(path != "/")
        if told > most:
            best, place, most = path, candidate, told
    return best, place


def paths_by_id() -> dict[int, str]:
    """Return cgroup v2 id -> path, of every cgroup that we can see; none without cgroup v2.

    The id that comes with a socket (INET_DIAG_CGROUP_ID) is the inode number of the cgroup's
    directory (fs/kernfs).
    """
    mount = _mount_point()
    if mount is None:
        return {}
    found = {CGROUP_ROOT_ID: "/"}
    waiting = [""]
    while waiting:
        parent = waiting.pop()
        for name, inode, has_children in _children(mount + parent):
            path = f"{parent}/{name}"
            found[inode] = path
            if has_children:
                waiting.append(path)
    return found


def _paths(text: str) -> list[str]:
    """Return the different paths of the text, cgroup v2's first, then systemd's, then the rest."""
    if text.startswith("/"):
        return [text.rstrip("\n")]
    ranked = []
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        controllers, colon, path = rest.partition(":")
        if colon:
            rank = 0 if not controllers else 1 if controllers == "name=systemd" else 2
            ranked.append((rank, path))
    ranked.sort(key=lambda pair: pair[0])
    return list(dict.fromkeys(path for _, path in ranked))


def _weight(place: Place) -> int:
    """Say how much a place tells: a container more than a pod, a pod more than a unit."""
    return 8 * bool(place.container) + 4 * bool(place.pod) + 2 * bool(place.unit)


def _place_of_path(path: str) -> Place:
    """Read one path part by part."""
    place = Place()
    parts = [part for part in path.removesuffix(" (deleted)").split("/") if part not in ("", "..")]
    inside = (
        True  # the next unit counts: nothing yet, or we entered a container or a user's manager
    )
    for at, part in enumerate(parts):
        pod = _pod(part)
        if pod is not None:
            place.pod = pod
        if _add_container(place, part, parts[:at], parts[at + 1 :]):
            inside = True
        elif part.endswith(".slice"):
            place.slice = part if inside else place.slice
        elif inside and part.endswith(UNIT_TYPES) and pod is None:
            inside = _add_unit(place, part.removeprefix("_"))
    return place


def _add_unit(place: Place, unit: str) -> bool:
    """Set the unit; tell whether a unit inside of it would say more, as in a user's manager."""
    in_manager = place.unit is not None and place.unit.startswith("user@")
    if in_manager and unit == "init.scope":
        return False  # the manager itself, which `user@1000.service` names better
    place.unit = unit
    place.user_unit = in_manager
    return unit.startswith("user@")


def _add_container(place: Place, part: str, before: list[str], after: list[str]) -> bool:
    """Set the container if the part is one; tell whether it was."""
    parent = before[-1] if before else ""
    named = _named_container(part, parent, after)
    if named is not None:
        place.engine, place.container_name = named
        place.container_id = None
        _forget_unit(place)
        return True
    engine, container_id = _container(part, parent, before)
    if container_id is None:
        return False
    place.engine, place.container_id, place.container_name = engine, container_id, None
    if part.endswith(".scope"):
        _forget_unit(place)
    return True


def _forget_unit(place: Place) -> None:
    """Drop the unit around a container's own: `docker-ID.scope` says nothing more than its id."""
    place.unit, place.user_unit = None, False


def _container(part: str, parent: str, before: list[str]) -> tuple[str | None, str | None]:
    """Return engine and id of a part that is a container, (None, None) of another."""
    # containerd without systemd's driver writes `SLICE:cri-containerd:ID`.
    bare = part.removesuffix(".scope").replace(":", "-")
    for prefix, engine in PREFIXES.items():
        _, found, container_id = bare.rpartition(prefix)
        if found and _is_id(container_id) and (bare.startswith(prefix) or ":" in part):
            return engine, container_id
    if _is_id(bare) and (len(bare) == ID_LENGTHS[0] or _pod(parent)):
        return PARENTS.get(parent, PARENTS.get(before[0]) if before else None), bare
    if before and before[0] == "ecs" and _is_fargate_id(bare):
        return PARENTS["ecs"], bare
    if PARENTS.get(parent) == "garden" and bare.count("-") >= 3:
        return "garden", bare
    return None, None


def _named_container(part: str, parent: str, after: list[str]) -> tuple[str, str] | None:
    """Return engine and name of a part that is a container by its name."""
    if after[:1] == ["supervisor"] or part.startswith(NOT_CONTAINERS):
        return None
    if parent in NAME_PARENTS:
        return NAME_PARENTS[parent], part
    for prefix, engine in NAME_PREFIXES.items():
        if part.startswith(prefix) and (engine == "lxc" or parent == "machine.slice"):
            name = part.removeprefix(prefix).removesuffix(".service").removesuffix(".scope")
            if not part.endswith(".slice"):
                return engine, unescape(name)
    return None


def _pod(part: str) -> str | None:
    """Return the pod's UID of `podUID`, `kubepods-burstable-podUID.slice` and the like."""
    if part.startswith("pod"):
        uid = part[3:]
    elif "kubepods" in part and "-pod" in part:
        uid = part.rpartition("-pod")[2].partition(".slice")[0]
    else:
        return None
    uid = uid.replace("_", "-")
    digits = uid.replace("-", "")
    return uid if len(digits) == 32 and HEX.issuperset(digits) else None


def _is_id(text: str) -> bool:
    """Tell whether it is made like a container's id."""
    return len(text) in ID_LENGTHS and HEX.issuperset(text)


def _is_fargate_id(text: str) -> bool:
    """Tell whether it is a task's id and a number: `32 digits-0123456789`."""
    task, _, number = text.partition("-")
    return _is_id(task) and number.isdigit()


def unescape(name: str) -> str:
    r"""Return `web-1` of systemd's `web\x2d1` (systemd-escape(1))."""
    first, *others = name.split("\\x")
    for other in others:
        code, rest = other[:2], other[2:]
        if len(code) == 2 and HEX.issuperset(code.lower()):
            first += chr(int(code, 16)) + rest
        else:
            first += "\\x" + other
    return first


def _mount_point() -> str | None:
    """Return where cgroup v2 is mounted (proc_pid_mountinfo(5)), None when it is not."""
    try:
        with open("/proc/self/mountinfo", "rb") as mounts:
            for line in mounts:
                fields, _, kind = line.partition(b" - ")
                if kind.startswith(b"cgroup2 "):
                    raw = fields.split()[4]
                    return os.fsdecode(raw.decode("unicode_escape").encode("latin-1"))
    except OSError:
        return None
    return None


def _children(path: str) -> Iterator[tuple[str, int, bool]]:
    """Yield name, inode and whether it has children, of each cgroup below; none if it vanished."""
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    # A directory of the kernel's has two links and one for each directory in it.
                    yield entry.name, status.st_ino, status.st_nlink > 2
    except OSError:
        return
