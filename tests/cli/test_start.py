"""What a small `ft ls` imports: nothing that costs more than the question itself."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.support.ft import CLEAN

HEAVY = frozenset(
    (
        "click",
        "enum",
        "dataclasses",
        "typing",
        "re",
        "json",
        "socket",
        "subprocess",
        "ipaddress",
        "pathlib",
        "inspect",
        "asyncio",
    )
)
CODE = """
import sys
before = set(sys.modules)
sys.argv = ["ft", *sys.argv[1:]]
from fivetuple.cli.main import main
main()
print(*sorted(set(sys.modules) - before), file=sys.stderr)
"""


def _imported(*arguments: str) -> set[str]:
    # -S: what the environment's own .pth files import is not ours
    path = [folder for folder in sys.path if folder]
    code = f"import sys; sys.path[:] = {path!r}\n{CODE}"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=CLEAN,
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "line",
    [
        "ls -tan --road netlink -q",
        "ls -tulpn --road netlink -q",
        "ls -t --fields local,remote --road netlink -q",
        "--version",
    ],
)
def test_the_way_of_ls_imports_nothing_heavy(line):
    assert _imported(*line.split()) & HEAVY == set()


def test_a_command_imports_no_other_command():
    imported = _imported("ls", "-tn", "--road", "netlink", "-q")

    assert {
        name for name in imported if name.startswith(("fivetuple.views.", "fivetuple.actions."))
    } == {"fivetuple.views.ls"}
