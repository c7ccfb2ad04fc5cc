"""Which commands there are: the files of views/ and actions/, and nothing else."""

from __future__ import annotations

import os
import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

PACKAGES = ("views", "actions")
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # pathlib costs 8 ms


def command_names() -> dict[str, str]:
    """Return command -> module, `can-bind` for can_bind.py; without importing any."""
    found = {}
    for package in PACKAGES:
        for name in sorted(os.listdir(os.path.join(ROOT, package))):  # as above
            stem, dot, ending = name.partition(".")
            if dot and ending in ("py", "pyc") and not stem.startswith("_"):
                found[stem.replace("_", "-")] = f"fivetuple.{package}.{stem}"
    return found


def load(module: str) -> ModuleType:
    """Import one command's module."""
    return sys.modules.get(module) or import_module(module)


def is_view(module: ModuleType) -> bool:
    """Tell a question from a deed."""
    return hasattr(module, "answer")


def help_of(module: ModuleType) -> str:
    """Return the command's page: its docstring."""
    return (module.__doc__ or "").strip()
