"""Help pages: of the whole and of one command, drawn from docstrings and declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fivetuple.cli.commands import help_of, is_view, load
from fivetuple.cli.options import OUTPUT, SOURCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fivetuple.model.command import Option

INTRODUCTION = """\
ft shows every port and socket of this machine: who owns it, what state it is in, and why.

  ft                 one screen for this machine
  ft 5432            the whole story of a port (also: ft :5432, ft nginx, ft 812, ft 10.0.0.5:443)
  ft ls -tulpn       the list; ss's flags and filters work
"""


def page(name: str, commands: Mapping[str, str]) -> str:
    """Return the help of a command, of the whole when no command is named."""
    if name not in commands:
        return _overview(commands)
    module = load(commands[name])
    usage = " ".join(word for word in ("ft", name, "[OPTION...]", module.ARGUMENTS) if word)
    parts = [f"Usage: {usage}", help_of(module)]
    if module.OPTIONS:
        parts.append("Options:\n" + _listed(module.OPTIONS))
    if is_view(module):
        parts.append("Where from:\n" + _listed(SOURCE))
    parts.append("Output:\n" + _listed(OUTPUT))
    return "\n\n".join(parts) + "\n"


def _overview(commands: Mapping[str, str]) -> str:
    rows = []
    for name, module_name in commands.items():
        first_line = help_of(load(module_name)).partition("\n")[0]
        rows.append(f"  {name:<14} {first_line}")
    return (
        INTRODUCTION
        + "\nCommands:\n"
        + "\n".join(rows)
        + "\n\nOptions of every question:\n"
        + _listed(SOURCE + OUTPUT)
        + "\n\n`ft COMMAND --help` tells more; `ft explain WORD` explains a term. ft --version tells the version.\n"
    )


def _listed(options: Sequence[Option]) -> str:
    """List options and what they do, two columns."""
    rows = []
    for option in options:
        flags = ", ".join(option.flags) + (f" {option.metavar}" if option.metavar else "")
        gap = "\n" + " " * 27 if len(flags) > 22 else " " * (24 - len(flags))
        rows.append(f"  {flags}{gap} {option.help}")
    return "\n".join(rows)
