"""What the paths of cgroups tell, and the paths of this machine's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.namespaces import require_root

from fivetuple.kernel import cgroups

ID = "9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d"
OTHER_ID = "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970"
UID = "12345678-1234-1234-1234-123456789abc"
POD = UID.replace("-", "_")
TASK = "0123456789abcdef0123456789abcdef"
USER = "/user.slice/user-1000.slice/user@1000.service"
FIELDS = ("unit", "user_unit", "container_id", "container_name", "engine", "pod")

# path; what it tells, everything else being None
CASES = [
    ("/", {}),
    ("/../..", {}),
    ("/init.scope", {"unit": "init.scope"}),
    ("/system.slice/nginx.service", {"unit": "nginx.service"}),
    ("/system.slice/nginx.service (deleted)", {"unit": "nginx.service"}),
    ("/../../system.slice/nginx.service", {"unit": "nginx.service"}),
    ("/system.slice/_cpu.service", {"unit": "cpu.service"}),
    ("/system.slice/nginx.service/workers", {"unit": "nginx.service"}),
    ("/system.slice/system-getty.slice/getty@tty1.service", {"unit": "getty@tty1.service"}),
    (r"/system.slice/system-a\x2db.slice/a\x2db@1.service", {"unit": r"a\x2db@1.service"}),
    ("/user.slice/user-1000.slice/session-3.scope", {"unit": "session-3.scope"}),
    (f"{USER}/init.scope", {"unit": "user@1000.service"}),
    (f"{USER}/app.slice/web.service", {"unit": "web.service", "user_unit": True}),
    (f"{USER}/app.slice/app-gnome-x.slice/vte-1.scope", {"unit": "vte-1.scope", "user_unit": True}),
    # Engines.
    (f"/docker/{ID}", {"container_id": ID, "engine": "docker"}),
    (f"/docker/{OTHER_ID}/docker/{ID}", {"container_id": ID, "engine": "docker"}),
    (f"/docker/{ID}/system.slice/cron.service", {"container_id": ID, "engine": "docker", "unit": "cron.service"}),
    (f"/system.slice/docker-{ID}.scope", {"container_id": ID, "engine": "docker"}),
    (f"/system.slice/docker-{ID}.scope/init.scope", {"container_id": ID, "engine": "docker", "unit": "init.scope"}),
    (f"/actions_job/{ID}", {"container_id": ID, "engine": "docker"}),
    (f"/machine.slice/libpod-{ID}.scope/container", {"container_id": ID, "engine": "podman"}),
    (f"/machine.slice/libpod-conmon-{ID}.scope", {"unit": f"libpod-conmon-{ID}.scope"}),
    (f"/libpod_parent/libpod-{ID}", {"container_id": ID, "engine": "podman"}),
    (f"{USER}/user.slice/libpod-{ID}.scope", {"container_id": ID, "engine": "podman"}),
    (f"/system.slice/web.service/libpod-payload-{ID}", {"container_id": ID, "engine": "podman", "unit": "web.service"}),
    (f"/machine.slice/machine-libpod_pod_{OTHER_ID}.slice/libpod-{ID}.scope", {"container_id": ID, "engine": "podman"}),
    (f"/system.slice/nerdctl-{ID}.scope", {"container_id": ID, "engine": "containerd"}),
    (f"/default/{ID}", {"container_id": ID, "engine": "containerd"}),
    (f"/{ID}", {"container_id": ID}),
    # Kubernetes.
    (
        f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{POD}.slice/cri-containerd-{ID}.scope",
        {"container_id": ID, "engine": "containerd", "pod": UID},
    ),
    (f"/kubepods.slice/kubepods-pod{POD}.slice/crio-{ID}.scope", {"container_id": ID, "engine": "cri-o", "pod": UID}),
    (f"/kubepods.slice/kubepods-pod{POD}.slice/docker-{ID}.scope", {"container_id": ID, "engine": "docker", "pod": UID}),
    (f"/kubepods/burstable/pod{UID}/{ID}", {"container_id": ID, "pod": UID}),
    (f"/kubepods/pod{UID}/{ID}/worker", {"container_id": ID, "pod": UID}),
    (f"/kubepods/besteffort/pod{TASK}/crio-{ID}", {"container_id": ID, "engine": "cri-o", "pod": TASK}),
    (f"/kubepods/besteffort/pod{UID}", {"pod": UID}),
    (f"/docker/{OTHER_ID}/kubelet/kubepods/pod{UID}/{ID}", {"container_id": ID, "engine": "docker", "pod": UID}),
    (
        f"/system.slice/containerd.service/kubepods-burstable-pod{POD}.slice:cri-containerd:{ID}",
        {"container_id": ID, "engine": "containerd", "pod": UID, "unit": "containerd.service"},
    ),
    # Machines by name.
    ("/lxc/web", {"container_name": "web", "engine": "lxc"}),
    ("/lxc.payload.web-1/system.slice/nginx.service", {"container_name": "web-1", "engine": "lxc", "unit": "nginx.service"}),
    ("/lxc.monitor.web", {}),
    (r"/machine.slice/systemd-nspawn@web\x2d1.service/payload", {"container_name": "web-1", "engine": "nspawn"}),
    ("/machine.slice/systemd-nspawn@web.service/supervisor", {"unit": "systemd-nspawn@web.service"}),
    (r"/machine.slice/machine-web\x2d1.scope", {"container_name": "web-1", "engine": "nspawn"}),
    (r"/machine.slice/machine-qemu\x2d1\x2dvm.scope/libvirt", {"unit": r"machine-qemu\x2d1\x2dvm.scope"}),
    # Clouds.
    (f"/ecs/{TASK}/{ID}", {"container_id": ID, "engine": "docker"}),
    (f"/ecs/{TASK}/{TASK}-1234567890", {"container_id": f"{TASK}-1234567890", "engine": "docker"}),
    (f"/ecstasks.slice/ecstasks-{TASK}.slice/docker-{ID}.scope", {"container_id": ID, "engine": "docker"}),
    ("/garden/70eb4ce0-a065-4401-6990-88ed", {"container_id": "70eb4ce0-a065-4401-6990-88ed", "engine": "garden"}),
    # What only looks so.
    ("/docker/not-an-id", {}),
    (f"/x/{TASK}", {}),
    ("/kubepods-podx.slice", {}),
    (f"/system.slice/docker-{ID[:-1]}.scope", {"unit": f"docker-{ID[:-1]}.scope"}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "told"), CASES, ids=str)
def test_path_tells(path, told):
    place = cgroups.place_of(path)

    assert {name: getattr(place, name) for name in FIELDS} == dict.fromkeys(FIELDS) | {
        "user_unit": False
    } | told


def test_slice_is_the_one_around_the_unit():
    assert (
        cgroups.place_of("/system.slice/system-getty.slice/getty@tty1.service").slice
        == "system-getty.slice"
    )
    assert cgroups.place_of("/system.slice/a.service/b.slice").slice == "system.slice"


def test_of_a_hybrid_hosts_lines_the_one_that_tells_is_taken():
    text = f"12:memory:/docker/{ID}\n2:cpu,cpuacct:/docker/{ID}\n1:name=systemd:/\n0::/\n"

    path, place = cgroups.read(text)

    assert path == f"/docker/{ID}"
    assert (place.container_id, place.engine) == (ID, "docker")


def test_systemds_line_is_taken_where_v2s_says_nothing():
    text = "4:memory:/x\n1:name=systemd:/system.slice/ssh.service\n0::/\n"

    assert cgroups.read(text)[1].unit == "ssh.service"


def test_v2s_line_is_taken_where_all_tell_the_same():
    text = "4:memory:/system.slice/a.service\n1:name=systemd:/system.slice/b.service\n0::/system.slice/c.service\n"

    assert cgroups.read(text)[0] == "/system.slice/c.service"


def test_path_that_tells_nothing_is_still_the_path():
    assert cgroups.read("4:memory:/job/7\n0::/\n")[0] == "/job/7"
    assert cgroups.read("0::/\n")[0] == "/"
    assert cgroups.read("")[0] == "/"


def test_colons_in_a_path_belong_to_it():
    assert cgroups.read("0::/a:b:c\n")[0] == "/a:b:c"


PARTS = st.one_of(
    st.text(max_size=8),
    st.sampled_from([ID, TASK, "docker", "lxc", "lxc.payload.", "machine.slice", "machine-", f"pod{UID}", "a.scope", "user@1.service", r"\x", r"machine-\x2.scope", ":", "..", "garden", "ecs"]),
)  # fmt: skip


@given(st.lists(PARTS, max_size=8))
def test_every_path_is_read(parts):
    cgroups.place_of("/" + "/".join(parts))


@given(st.text())
def test_every_text_is_read(text):
    path, _ = cgroups.read(text)

    assert path in text or path == "/"


@pytest.mark.kernel
def test_paths_are_found_by_id():
    require_root("making a cgroup")
    mount = cgroups._mount_point()
    if mount is None:
        pytest.skip("cgroup v2 is not mounted")
    outer = Path(mount, f"ft-test-{os.getpid()} x")
    inner = outer / "inner"
    inner.mkdir(parents=True)
    try:
        found = cgroups.paths_by_id()
        ids = outer.stat().st_ino, inner.stat().st_ino
    finally:
        inner.rmdir()
        outer.rmdir()

    assert [found[one] for one in ids] == [f"/{outer.name}", f"/{outer.name}/inner"]
    assert found[1] == "/"
    assert ids[0] not in cgroups.paths_by_id()
