"""Names of containers: from a small engine of the test's own, and from files as engines write them."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest
from tests.support.namespaces import NOBODY, in_namespace, require_root

from fivetuple.kernel import engines
from fivetuple.kernel.engines import describe

ID = "9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d"
OTHER_ID = "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970"

if not hasattr(socketserver, "UnixStreamServer"):
    pytest.skip("unix sockets", allow_module_level=True)


class Engine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Docker's and podman's way to tell their containers."""

    daemon_threads = True
    body = b"[]"
    status = 200
    asked: list[str]


class Handler(BaseHTTPRequestHandler):
    server: Engine  # type: ignore[mutable-override]  # it is one of ours

    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        """Stay silent."""


@contextmanager
def engine(root, containers, name="run/docker.sock", status=200):
    """Run an engine that tells of these containers (or says these bytes)."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with Engine(str(path), Handler) as server:
        server.asked, server.status = [], status
        server.body = (
            containers if isinstance(containers, bytes) else json.dumps(containers).encode()
        )
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def listener(root):
    """Listen where docker does; what is said there is the test's business."""
    path = root / "run/docker.sock"
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()
        yield door


def row(container_id, name, image="nginx:1.25"):
    return {"Id": container_id, "Names": [f"/{name}"], "Image": image, "State": "running"}


def write(root, path, content):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))


def test_engine_tells_name_and_image(tmp_path):
    with engine(tmp_path, [row(OTHER_ID, "db"), row(ID, "web")]) as server:
        found, reason = describe([ID], str(tmp_path))

    assert found == {ID: ("web", "nginx:1.25", None)}
    assert reason is None
    assert server.asked == ["/containers/json?all=1"]


def test_podman_is_asked_only_for_what_docker_did_not_tell(tmp_path):
    with (
        engine(tmp_path, [row(ID, "web")]),
        engine(
            tmp_path, [row(OTHER_ID, "db"), row(ID, "liar")], "run/podman/podman.sock"
        ) as podman,
    ):
        found, _ = describe([ID, OTHER_ID], str(tmp_path))
        describe([ID], str(tmp_path))

    assert {one: told.name for one, told in found.items()} == {ID: "web", OTHER_ID: "db"}
    assert len(podman.asked) == 1


def test_kubernetes_container_under_docker_names_its_pod(tmp_path):
    with engine(tmp_path, [row(ID, "k8s_app_web-0_shop_12345678-1234-1234-1234-123456789abc_0")]):
        found, _ = describe([ID], str(tmp_path))

    assert found[ID] == ("app", "nginx:1.25", "shop/web-0")


def test_docker_file_is_read_before_any_socket_is_asked(tmp_path):
    write(
        tmp_path,
        f"var/lib/docker/containers/{ID}/config.v2.json",
        {"Name": "/web", "Config": {"Image": "nginx"}},
    )
    with engine(tmp_path, [row(ID, "other")]) as server:
        found, reason = describe([ID], str(tmp_path))

    assert found == {ID: ("web", "nginx", None)}
    assert (reason, server.asked) == (None, [])


JUNK = [
    b"", b"null", b"7", b'"x"', b"{}", b"[null, 1, [], {}]", b'[{"Id": 7, "Names": "x"}]', b'[{"Id": "a", "Names": []}]',
    b'[{"Id": "' + ID.encode() + b'", "Names": [null]}]', b"[" * 100_000, b"\xff\xfe", b'{"annotations": [], "Config": 1, "Name": 2}',
]  # fmt: skip


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_junk_is_ignored_wherever_it_stands(tmp_path, junk):
    for path in (
        f"var/lib/docker/containers/{ID}/config.v2.json",
        f"run/containerd/io.containerd.runtime.v2.task/k8s.io/{ID}/config.json",
        "var/lib/containers/storage/overlay-containers/containers.json",
    ):
        file = tmp_path / path
        file.parent.mkdir(parents=True)
        file.write_bytes(junk)
    with engine(tmp_path, junk):
        found, reason = describe([ID], str(tmp_path))

    assert found == {}
    assert reason is not None


def test_names_are_cut_and_can_be_written_out(tmp_path):
    with engine(tmp_path, [row(ID, "\ud800" + "x" * 1000, image=7)]):
        found, _ = describe([ID], str(tmp_path))

    assert found[ID].name.encode().startswith(b"\\ud800xxx")
    assert len(found[ID].name) <= 300
    assert found[ID].image is None


def test_refusal_is_no_answer(tmp_path):
    with engine(tmp_path, [row(ID, "web")], status=500):
        assert describe([ID], str(tmp_path))[0] == {}


def test_engine_that_says_nothing_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "ANSWER_TIMEOUT_S", 0.05)
    with listener(tmp_path):
        found, reason = describe([ID], str(tmp_path))

    assert found == {}
    assert (
        reason
        == f"1 container has no name: {tmp_path}/run/docker.sock did not answer within 0.05 s"
    )


def test_engine_that_says_one_byte_at_a_time_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "ANSWER_TIMEOUT_S", 0.1)
    stop = threading.Event()

    def drip(door):
        end, _ = door.accept()
        with end:
            while not stop.wait(0.01):
                try:
                    end.send(b"H")
                except OSError:
                    return

    with listener(tmp_path) as door:
        thread = threading.Thread(target=drip, args=(door,))
        thread.start()
        _, reason = describe([ID], str(tmp_path))
        stop.set()
        thread.join()

    assert "did not answer within 0.1 s" in (reason or "")


def test_engine_that_never_ends_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "ANSWER_MAX_BYTES", 1 << 20)

    def flood(door):
        end, _ = door.accept()
        with end:
            try:
                while True:
                    end.send(b" " * 65536)
            except OSError:
                return

    with listener(tmp_path) as door:
        thread = threading.Thread(target=flood, args=(door,))
        thread.start()
        found, reason = describe([ID], str(tmp_path))
        thread.join()

    assert found == {}
    assert reason == "1 container has no name: no engine on this host tells one"


def test_socket_that_nobody_serves_is_no_answer(tmp_path):
    path = tmp_path / "run/docker.sock"
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))

    assert describe([ID], str(tmp_path)) == (
        {},
        "1 container has no name: no engine on this host tells one",
    )


@pytest.mark.kernel
def test_user_who_may_not_use_the_socket_learns_what_would_help(tmp_path):
    require_root("another user")
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)
    with engine(tmp_path, [row(ID, "web")]):
        (tmp_path / "run/docker.sock").chmod(0o660)
        found, reason = in_namespace(None, describe, [ID, OTHER_ID], str(tmp_path), uid=NOBODY)

    assert found == {}
    assert (
        reason
        == f"2 containers have no name: {tmp_path}/run/docker.sock is closed to us: run as root, or join its group"
    )


def test_without_containers_nothing_is_asked(tmp_path):
    with engine(tmp_path, []) as server:
        assert describe([], str(tmp_path)) == ({}, None)
        assert describe(["../../etc/passwd"], str(tmp_path)) == ({}, None)

    assert server.asked == []
