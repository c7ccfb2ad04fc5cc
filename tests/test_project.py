"""The project's own files agree with each other: versions, locks, the wheel, the two commands."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import fivetuple

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/fivetuple"
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
BUILDER = ROOT / ".tools/build/bin/python"  # made by `make test`

by_name = pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel as `make run` does; return it opened."""
    if not BUILDER.exists():
        pytest.skip("hatchling is not set up here; `make test` does it")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [BUILDER, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as opened:
        yield opened


def test_version_is_the_same_in_package_and_project(project):
    assert project["project"]["version"] == fivetuple.__version__


def test_every_group_of_dependencies_has_its_lock(project):
    assert {lock.stem for lock in LOCKS} == {"run", *project["dependency-groups"]}


@by_name
def test_lock_names_no_registry_and_no_path(lock):
    assert not re.search(r"://|@ |^-|(^|\s)[./]", lock.read_text(), re.MULTILINE)


@by_name
def test_lock_pins_every_package_by_hash(lock):
    entries = re.sub(r"\\\n", "", lock.read_text()).splitlines()

    assert entries
    for entry in entries:
        assert re.match(
            r"[\w.-]+(\[\w+\])?==\S+( ; [^#]+?)?\s+(--hash=sha256:[0-9a-f]{64}\s*)+$", entry
        )


def test_locks_agree_on_every_version():
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, version in re.findall(r"^([\w.-]+)==(\S+)", lock.read_text(), re.MULTILINE):
            versions.setdefault(name, set()).add(version)

    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_wheel_holds_everything_of_the_package(wheel):
    expected = {
        f"fivetuple/{path.relative_to(PACKAGE).as_posix()}"
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert expected - set(wheel.namelist()) == set()


@pytest.mark.parametrize(
    "pattern", ["kernel/bpf/*.bpf.o", "kernel/bpf/*.bpf.c", "kernel/bpf/*.h", "model/data/*"]
)
def test_data_of_the_package_is_in_the_wheel(wheel, pattern):
    found = [path for path in PACKAGE.glob(pattern) if path.is_file()]

    assert found
    for path in found:
        name = f"fivetuple/{path.relative_to(PACKAGE).as_posix()}"
        assert wheel.read(name) == path.read_bytes()


def test_every_bpf_object_has_its_source():
    objects = {path.name.removesuffix(".bpf.o") for path in PACKAGE.glob("kernel/bpf/*.bpf.o")}
    sources = {path.name.removesuffix(".bpf.c") for path in PACKAGE.glob("kernel/bpf/*.bpf.c")}

    assert objects == sources


def test_bpf_objects_hold_no_path_of_a_machine():
    for path in PACKAGE.glob("kernel/bpf/*.bpf.o"):
        assert not re.search(rb"/(home|root|tmp|work|src)/", path.read_bytes())


def test_readme_names_the_commands_that_the_makefile_has():
    readme = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^\s*(?:\$ )?|`)make ([a-z]+)", readme, re.MULTILINE))

    assert {"run", "test"} <= named <= targets


def test_help_names_every_target():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE)) - {"help", "moved"}

    assert targets == set(re.findall(r"'make ([a-z]+)", makefile))


def test_module_runs_as_the_command_does():
    done = subprocess.run(
        [sys.executable, "-m", "fivetuple", "--version"], capture_output=True, text=True, check=True
    )

    assert fivetuple.__version__ in done.stdout
