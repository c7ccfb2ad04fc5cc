"""Names and images of containers, from what their engines keep on disk.

  docker      /var/lib/docker/containers/ID/config.v2.json
  containerd  the bundle's config.json (OCI runtime spec), annotations io.kubernetes.cri.*
  cri-o       the same, annotations io.kubernetes.*
  podman      containers.json of containers/storage

All of it is the word of others: only regular files of a bounded size are read, and what isn't as
expected is not there. `troubles` receives a sentence for each path that we may not read.
"""

from __future__ import annotations

import os
from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

Container = namedtuple("Container", "name image pod")
"""Name, image (None: unknown) and `namespace/name` of the Kubernetes pod (None: in none)."""

FILE_MAX_BYTES = 8 << 20
NAME_MAX = 255

DOCKER_FILE = "var/lib/docker/containers/{id}/config.v2.json"
BUNDLE_FOLDERS = (
    "run/containerd/io.containerd.runtime.v2.task",
    "run/k3s/containerd/io.containerd.runtime.v2.task",
)  # below: a folder for each of containerd's namespaces, below: ID/config.json
CRIO_FILE = "run/containers/storage/overlay-containers/{id}/userdata/config.json"
STORAGE = "containers/storage/overlay-containers"
STORAGE_FILES = ("containers.json", "volatile-containers.json")  # the second: of `run --rm`

# Annotation, the first that is there -> name, image, pod's namespace, pod's name.
ANNOTATIONS = (
    ("io.kubernetes.cri.container-name", "io.kubernetes.container.name", "nerdctl/name"),
    ("io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName"),
    ("io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace"),
    ("io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name"),
)
SANDBOX_KINDS = ("io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType")


def docker_files(
    root: str, container_ids: set[str], troubles: list[str]
) -> Iterator[tuple[str, Container]]:
    """Read what docker keeps about each container."""
    for one in container_ids:
        kept = as_object(_read_json(os.path.join(root, DOCKER_FILE.format(id=one)), troubles))
        image = as_text(as_object(kept.get("Config")).get("Image"))
        name = as_text(kept.get("Name"))
        if name:
            yield one, of_docker(name, image)


def bundles(
    root: str, container_ids: set[str], troubles: list[str]
) -> Iterator[tuple[str, Container]]:
    """Read the annotations in the bundles of containerd's and CRI-O's containers."""
    folders = []
    for parent in BUNDLE_FOLDERS:
        path = os.path.join(root, parent)
        folders += [
            os.path.join(path, name, "{id}", "config.json") for name in _list(path, troubles)
        ]
    folders.append(os.path.join(root, CRIO_FILE))
    for one in container_ids:
        for path in folders:
            bundle = as_object(_read_json(path.replace("{id}", one), troubles))
            told = _of_annotations(as_object(bundle.get("annotations")))
            if told is not None:
                yield one, told
                break


def storages(
    root: str, container_ids: set[str], troubles: list[str]
) -> Iterator[tuple[str, Container]]:
    """Read podman's containers: the host's, then each user's."""
    home = os.path.join(root, "home")
    homes = [os.path.join(home, user) for user in _list(home, troubles)]
    own_home = os.path.expanduser("~")
    if root == "/" and own_home not in homes:
        homes.append(own_home)
    parents = [os.path.join(root, "var/lib")]
    parents += [os.path.join(one, ".local/share") for one in homes]
    for parent in parents:
        for name in STORAGE_FILES:
            yield from _stored(_read_json(os.path.join(parent, STORAGE, name), troubles))


def _stored(table: Json) -> Iterator[tuple[str, Container]]:
    """Read one containers.json; its metadata is JSON in a string."""
    import json

    for row in table if isinstance(table, list) else ():
        one = as_object(row)
        names = one.get("names")
        name = as_text(names[0]) if isinstance(names, list) and names else None
        try:
            metadata = as_object(json.loads(str(one.get("metadata"))))
        except (ValueError, RecursionError):
            metadata = {}
        container_id = as_text(one.get("id"))
        if container_id and name:
            yield container_id, Container(name, as_text(metadata.get("image-name")), None)


def of_docker(name: str, image: str | None) -> Container:
    """Read docker's name; of Kubernetes it is `k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT`."""
    name = name.removeprefix("/")
    parts = name.split("_")
    if parts[0] == "k8s" and len(parts) == 6:
        return Container(parts[1], image, f"{parts[3]}/{parts[2]}")
    return Container(name, image, None)


def _of_annotations(annotations: dict[str, Json]) -> Container | None:
    """Read a bundle's annotations; None when they name nothing."""
    name, image, namespace, pod = (
        next((text for key in keys if (text := as_text(annotations.get(key)))), None)
        for keys in ANNOTATIONS
    )
    if any(annotations.get(key) == "sandbox" for key in SANDBOX_KINDS):
        name = "pause"  # the pod's own container, which keeps its network namespace
    if name is None:
        return None
    return Container(name, image, f"{namespace}/{pod}" if namespace and pod else None)


def _read_json(path: str, troubles: list[str]) -> Json:
    """Return what the file holds; None when it is missing, closed to us, no file or no JSON."""
    import stat

    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a FIFO laid there would never open
    except PermissionError:
        troubles.append(f"{path} is closed to us: run as root")
        return None
    except OSError:
        return None
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_size > FILE_MAX_BYTES:
            return None
        return parse(os.read(fd, FILE_MAX_BYTES))
    except OSError:
        return None
    finally:
        os.close(fd)


def parse(raw: bytes) -> Json:
    """Return the JSON value, None when it is none."""
    import json

    try:
        value: Json = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value


def _list(path: str, troubles: list[str]) -> list[str]:
    """Return the names in a folder, none when it is missing or closed to us."""
    try:
        return os.listdir(path)
    except PermissionError:
        troubles.append(f"{path} is closed to us: run as root")
        return []
    except OSError:
        return []


def as_object(value: Json) -> dict[str, Json]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_text(value: Json) -> str | None:
    """Return the value if it is a text that says something, cut at NAME_MAX."""
    if not isinstance(value, str):
        return None
    # JSON may spell half of a surrogate pair, which could not be written out again.
    return value[:NAME_MAX].encode("utf-8", "backslashreplace").decode() or None
