"""The tests' own rule: what may skip a kernel test, tried by running pytest on made-up files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


@pytest.fixture
def outcome_of(tmp_path):
    """Run pytest on a file in a project with our conftest; return its closing line."""

    def run(source: str, *, kernel_required: bool) -> str:
        (tmp_path / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
        (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = kernel\n")
        (tmp_path / "test_it.py").write_text("import pytest\n" + source)
        environment = os.environ | {"FT_REQUIRE_KERNEL": "1" if kernel_required else "0"}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        return done.stdout.splitlines()[-1]

    return run


MARKED = "@pytest.mark.kernel\ndef test_it(): pytest.skip({reason!r})\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(MARKED.format(reason="no ss here"), "1 failed", id="a skip fails"),
        pytest.param(MARKED.format(reason="kernel lacks SCTP"), "1 skipped", id="feature absent"),
        pytest.param("def test_it(): pytest.skip('no ss here')", "1 skipped", id="not marked"),
        pytest.param(
            "pytestmark = pytest.mark.kernel\npytest.skip('no', allow_module_level=True)",
            "1 error",
            id="a file that skips itself",
        ),
        pytest.param(
            "@pytest.mark.kernel\n@pytest.mark.xfail\ndef test_it(): assert False",
            "1 xfailed",
            id="xfail is no skip",
        ),
    ],
)
@pytest.mark.kernel
def test_required_kernel_allows_no_other_skip(outcome_of, source, expected):
    assert outcome_of(source, kernel_required=True).startswith(expected)


def test_kernel_tests_may_skip_when_they_are_not_required(outcome_of):
    closing_line = outcome_of(MARKED.format(reason="no ss here"), kernel_required=False)

    assert closing_line.startswith("1 skipped")
