"""Names of containers from files as the engines write them."""

from __future__ import annotations

import json
import os

import pytest
from tests.support.namespaces import NOBODY, in_namespace, require_root

from fivetuple.kernel.engine_files import docker_files
from fivetuple.kernel.engines import describe

ID = "9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d"
OTHER_ID = "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970"


def write(root, path, content):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.mark.parametrize("folder", ["run/containerd", "run/k3s/containerd"])
def test_bundle_of_containerd_names_container_image_and_pod(tmp_path, folder):
    annotations = {
        "io.kubernetes.cri.container-type": "container",
        "io.kubernetes.cri.container-name": "app",
        "io.kubernetes.cri.image-name": "docker.io/library/nginx:1.25",
        "io.kubernetes.cri.sandbox-name": "web-0",
        "io.kubernetes.cri.sandbox-namespace": "shop",
    }
    sandbox = {
        "io.kubernetes.cri.container-type": "sandbox",
        "io.kubernetes.cri.sandbox-name": "web-0",
        "io.kubernetes.cri.sandbox-namespace": "shop",
    }
    parent = f"{folder}/io.containerd.runtime.v2.task/k8s.io"
    write(
        tmp_path, f"{parent}/{ID}/config.json", {"ociVersion": "1.1.0", "annotations": annotations}
    )
    write(tmp_path, f"{parent}/{OTHER_ID}/config.json", {"annotations": sandbox})

    found, reason = describe([ID, OTHER_ID], str(tmp_path))

    assert found == {
        ID: ("app", "docker.io/library/nginx:1.25", "shop/web-0"),
        OTHER_ID: ("pause", None, "shop/web-0"),
    }
    assert reason is None


def test_bundle_of_crio_names_container_image_and_pod(tmp_path):
    annotations = {
        "io.kubernetes.container.name": "app",
        "io.kubernetes.cri-o.ContainerType": "container",
        "io.kubernetes.cri-o.ImageName": "quay.io/x/app:2",
        "io.kubernetes.pod.name": "web-0",
        "io.kubernetes.pod.namespace": "shop",
    }
    write(
        tmp_path,
        f"run/containers/storage/overlay-containers/{ID}/userdata/config.json",
        {"annotations": annotations},
    )

    found, _ = describe([ID], str(tmp_path))

    assert found == {ID: ("app", "quay.io/x/app:2", "shop/web-0")}


@pytest.mark.parametrize(
    "path",
    [
        "var/lib/containers/storage/overlay-containers/containers.json",
        "var/lib/containers/storage/overlay-containers/volatile-containers.json",
        "home/ann/.local/share/containers/storage/overlay-containers/containers.json",
    ],
)
def test_storage_of_podman_names_container_and_image(tmp_path, path):
    metadata = json.dumps(
        {
            "image-name": "docker.io/library/redis:7",
            "image-id": "0" * 64,
            "name": "cache",
            "x": "y" * 300,
        }
    )
    write(
        tmp_path,
        path,
        [{"id": ID, "names": ["cache"], "image": "0" * 64, "metadata": metadata}, {"id": OTHER_ID}],
    )

    found, reason = describe([ID, OTHER_ID], str(tmp_path))

    assert found == {ID: ("cache", "docker.io/library/redis:7", None)}
    assert reason == "1 container has no name: no engine on this host tells one"


@pytest.mark.parametrize("metadata", ["[[", "[]", None, 7, ""])
def test_storage_with_broken_metadata_still_tells_the_name(tmp_path, metadata):
    path = "var/lib/containers/storage/overlay-containers/containers.json"
    write(tmp_path, path, [{"id": ID, "names": ["web"], "metadata": metadata}])

    assert describe([ID], str(tmp_path))[0] == {ID: ("web", None, None)}


def test_file_that_is_no_file_does_not_stop_us(tmp_path):
    folder = tmp_path / f"var/lib/docker/containers/{ID}"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "config.v2.json")
    storage = (
        tmp_path / "home/ann/.local/share/containers/storage/overlay-containers/containers.json"
    )
    storage.mkdir(parents=True)

    assert describe([ID], str(tmp_path))[0] == {}


def test_file_of_great_size_is_not_read(tmp_path):
    file = tmp_path / f"var/lib/docker/containers/{ID}/config.v2.json"
    file.parent.mkdir(parents=True)
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)

    assert describe([ID], str(tmp_path))[0] == {}


@pytest.mark.kernel
def test_file_that_we_may_not_read_is_named(tmp_path):
    require_root("another user")
    path = f"var/lib/docker/containers/{ID}/config.v2.json"
    write(tmp_path, path, {"Name": "/web"})
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)
    (tmp_path / "var/lib/docker").chmod(0o710)

    troubles = in_namespace(None, read_docker_files, str(tmp_path), uid=NOBODY)

    assert troubles == [f"{tmp_path}/{path} is closed to us: run as root"]


def read_docker_files(root):
    troubles: list[str] = []
    assert list(docker_files(root, {ID}, troubles)) == []
    return troubles
