"""Finding, naming and entering network namespaces, with and without privileges."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.support.namespaces import (
    NOBODY,
    child_in,
    in_namespace,
    ip,
    namespace,
    require_root,
    wait_for,
)

from fivetuple.kernel import netns
from fivetuple.model.errors import BadInput, FivetupleError, NotAvailable, NotPermitted
from fivetuple.model.namespace import Namespace


def _inode(name: str) -> int:
    return Path("/run/netns", name).stat().st_ino


def _found(name: str) -> Namespace:
    return next(each for each in netns.find() if each.inode == _inode(name))


def _interfaces() -> list[str]:
    return [
        line.split(":")[0].strip()
        for line in Path("/proc/thread-self/net/dev").read_text().splitlines()[2:]
    ]


def _names() -> dict[str, tuple[int, bool]]:
    return {each.name: (each.inode, each.is_own) for each in netns.find()}


@pytest.mark.kernel
def test_namespace_without_a_process_is_found_by_its_name():
    with namespace() as name:
        there = _found(name)

        assert (there.name, there.pid, there.path) == (name, None, f"/run/netns/{name}")
        assert there.nsid_names == (name,)
        assert not there.is_own


@pytest.mark.kernel
def test_namespace_that_only_a_process_keeps_is_named_after_it():
    require_root()
    process = subprocess.Popen(["unshare", "--net", "sleep", "60"])
    try:
        link = f"/proc/{process.pid}/ns/net"
        wait_for(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "sleep\n")
        there = next(each for each in netns.find() if each.inode == Path(link).stat().st_ino)

        assert there.name == f"sleep {process.pid}"
        assert (there.pid, there.path) == (process.pid, None)
        assert netns.run_in(there, _interfaces) == ["lo"]
        assert netns.resolve(str(process.pid), netns.find()) == [there.inode]
        assert netns.resolve(f"sleep {process.pid}", netns.find()) == [there.inode]
    finally:
        process.kill()
        process.wait()


@pytest.mark.kernel
def test_our_own_namespace_is_marked_and_the_hosts_comes_first():
    with namespace() as name:
        seen_inside = in_namespace(name, _names)

    assert seen_inside[name] == (seen_inside[name][0], True)
    assert list(seen_inside)[:2] == ["host", name]
    assert seen_inside["host"] == (netns.host(), False)


@pytest.mark.kernel
def test_two_names_of_one_namespace_are_one_namespace():
    with namespace() as name:
        ip("netns", "attach", f"{name}-alias", str(os.getpid()))
        try:
            ours = next(each for each in netns.find() if each.is_own)

            assert ours.nsid_names == (f"{name}-alias",)
            assert netns.resolve(f"{name}-alias", netns.find()) == [netns.own()]
        finally:
            ip("netns", "delete", f"{name}-alias")


@pytest.mark.kernel
def test_function_runs_inside_and_we_stay_outside():
    with namespace() as name:
        ip("-n", name, "link", "add", "inside0", "type", "veth", "peer", "name", "inside1")
        before = netns.own()

        result = netns.run_in(_found(name), lambda: (netns.own(), sorted(_interfaces())))

        assert result == (_inode(name), ["inside0", "inside1", "lo"])
        assert netns.own() == before
        assert "inside0" not in _interfaces()
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("netns ")]


@pytest.mark.kernel
def test_error_of_the_function_reaches_the_caller():
    with namespace() as name, pytest.raises(ZeroDivisionError):
        netns.run_in(_found(name), lambda: 1 // 0)


def test_main_thread_never_leaves():
    with pytest.raises(FivetupleError, match="main thread"):
        netns.enter_thread(Namespace(netns.own(), "host", pid=os.getpid()))


@pytest.mark.kernel
def test_namespace_that_went_away_is_not_available():
    with namespace() as name:
        there = _found(name)

    with pytest.raises(NotAvailable, match=f"'{name}' is gone"):
        netns.run_in(there, _interfaces)


@pytest.mark.kernel
def test_pid_that_now_lives_elsewhere_does_not_mislead():
    with namespace() as name:
        there = Namespace(_inode(name), name, pid=os.getpid())

        with pytest.raises(NotAvailable, match="is gone"):
            netns.run_in(there, _interfaces)


@pytest.mark.kernel
def test_namespace_is_entered_by_another_process_when_the_known_one_ended():
    with (
        namespace() as name,
        child_in(name, "ready(); wait()") as first,
        child_in(name, "ready(); wait()"),
    ):
        there = Namespace(_inode(name), name, pid=first.pid)
        first.end()

        assert netns.run_in(there, _interfaces) == ["lo"]


@pytest.mark.kernel
def test_words_of_the_option_name_namespaces():
    with namespace() as name, child_in(name, "ready(); wait()") as child:
        everywhere = netns.find()

        assert netns.resolve("self", everywhere) == [netns.own()]
        assert set(netns.resolve("all", everywhere)) >= {netns.own(), _inode(name)}
        assert netns.resolve(name, everywhere) == [_inode(name)]
        assert netns.resolve(str(child.pid), everywhere) == [_inode(name)]
        assert netns.resolve(str(_inode(name)), everywhere) == [_inode(name)]


def test_unknown_word_lists_the_known_names():
    known = [Namespace(1, "host"), Namespace(2, "blue")]

    with pytest.raises(
        BadInput, match=r"no network namespace 'bleu'; there are self, all, host, blue, or a pid"
    ):
        netns.resolve("bleu", known)
    with pytest.raises(BadInput, match="no network namespace and no process 4194999"):
        netns.resolve("4194999", known)


@pytest.mark.kernel
def test_settings_are_read_inside_each_namespace():
    with namespace() as name:
        ip("-n", name, "link", "add", "blue0", "type", "veth", "peer", "name", "blue1")
        ip("-n", name, "address", "add", "10.9.8.7/16", "dev", "blue0")
        in_namespace(name, Path("/proc/sys/net/ipv4/ip_local_port_range").write_text, "20000 20009")
        there, ours = _found(name), next(each for each in netns.find() if each.is_own)

        reasons = netns.describe([there, ours], routes=True)

        assert reasons == {}
        assert there.sysctls["net.ipv4.ip_local_port_range"] == "20000\t20009"
        assert ours.sysctls["net.ipv4.ip_local_port_range"] != "20000\t20009"
        assert "blue0" in there.interfaces.values()
        assert (bytes(10) + b"\xff\xff\x0a\x09\x08\x07", 112) in [
            each[1:] for each in there.addresses
        ]
        assert "blue0" not in ours.interfaces.values()


@pytest.mark.kernel
def test_what_could_not_be_entered_has_its_reason():
    with namespace() as name:
        there = _found(name)

    assert netns.describe([there]) == {there.inode: f"network namespace '{name}' is gone"}


def _look_without_privileges(name: str) -> tuple[list[str], list[str], str]:
    unread: list[str] = []
    found = netns.find(unread=unread)
    try:
        netns.run_in(_found(name), _interfaces)
        refusal = "entered"
    except NotPermitted as err:
        refusal = str(err)
    return [each.name for each in found], unread, refusal


@pytest.mark.kernel
def test_unprivileged_user_gets_what_there_is_and_reasons():
    with namespace() as name:
        names, unread, refusal = in_namespace(None, _look_without_privileges, name, uid=NOBODY)

    assert name in names
    assert unread == [
        "processes of other users may live in more namespaces: this takes CAP_SYS_ADMIN and CAP_SYS_PTRACE: run `sudo ft`"
    ]
    assert (
        refusal
        == f"network namespace '{name}' can't be entered: this takes CAP_SYS_ADMIN and CAP_SYS_PTRACE: run `sudo ft`"
    )


@pytest.mark.kernel
def test_process_of_another_user_keeps_its_namespace_to_itself():
    with namespace() as name, child_in(name, "ready(); wait()") as child:

        def ask() -> list[int]:
            return netns.resolve(str(child.pid), [])

        with pytest.raises(
            NotPermitted, match=f"the network namespace of process {child.pid} is hidden"
        ):
            in_namespace(None, ask, uid=NOBODY)


def test_processes_closed_even_to_root_are_named():
    assert netns._shown([1]) == "process 1 doesn't show its"
    assert netns._shown([4, 5, 6, 7]) == "4 processes (4, 5, 6 ...) don't show their"


# The checkout and the interpreter may be readable by root alone: imports come first.
BECOME_NOBODY = f"""
import ctypes, encodings.ascii, os, importlib, pkgutil
import fivetuple.kernel
for module in pkgutil.iter_modules(fivetuple.kernel.__path__):
    importlib.import_module("fivetuple.kernel." + module.name)
os.setgroups([])
os.setresgid({NOBODY}, {NOBODY}, {NOBODY})
os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE, as after exec: /proc/self stays ours
"""


def _python_with_proc(mount: str, code: str) -> str:
    """Run Python as nobody where /proc is mounted as told; return what it printed."""
    require_root()
    shell = f'{mount} && exec "$@"'
    done = subprocess.run(
        [
            "unshare",
            "--mount",
            "--propagation=private",
            "sh",
            "-c",
            shell,
            "sh",
            sys.executable,
            "-c",
            BECOME_NOBODY + code,
        ],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(Path(netns.__file__).parents[2]), "PATH": os.environ["PATH"]},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


FIND = """
from fivetuple.kernel import netns
unread = []
print([each.is_own for each in netns.find(unread=unread)], unread, netns.own() > 0)
"""


@pytest.mark.kernel
def test_hidden_processes_are_reported_and_not_taken_for_none():
    said = _python_with_proc("mount -t proc -o hidepid=invisible proc /proc", FIND)

    assert "True" in said.partition("]")[0], "our own namespace is there"
    assert "processes of other users may live in more namespaces" in said
    assert said.endswith("True\n")


@pytest.mark.kernel
def test_absent_proc_gives_nothing_and_says_why():
    said = _python_with_proc("mount -t tmpfs none /proc", FIND)

    assert said.startswith("[] ['/proc is not mounted']")
    assert said.endswith("False\n")
