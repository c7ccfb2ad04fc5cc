"""Write docs/columns.md and docs/commands.md from the tables and docstrings; --check compares."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from fivetuple.cli.commands import command_names  # noqa: E402  # the path has to be set first
from fivetuple.cli.help import page  # noqa: E402
from fivetuple.model import facts, record  # noqa: E402
from fivetuple.model.fields import FIELDS  # noqa: E402

MADE = "<!-- Made by scripts/gen_docs.py: do not edit. -->"


def columns() -> str:
    """Return the page of the fields of a socket."""
    lines = [
        MADE,
        "# The fields of a socket",
        "",
        "The same names in JSON, CSV, `--fields`, `--sort`, filters and Python. Unknown is null. A field that needs",
        "something is read only when it is shown, or when the filter is about it.",
        "",
        "| field | unit | meaning | from the kernel | needs |",
        "|---|---|---|---|---|",
    ]
    for field in FIELDS:
        column = record.COLUMN.get(field.name)
        source = f"`{column.source}`" if column is not None else ""
        lines.append(
            f"| `{field.name}` | {field.unit} | {field.meaning} | {source} | {', '.join(facts.names(field.needs))} |"
        )
    return "\n".join(lines) + "\n"


def commands() -> str:
    """Return the page of every command: its help, as the program prints it."""
    names = command_names()
    parts = [MADE, "# Commands", "", "```", page("", names).rstrip(), "```"]
    for name in names:
        parts += ["", f"## ft {name}", "", "```", page(name, names).rstrip(), "```"]
    return "\n".join(parts) + "\n"


PAGES = {"columns.md": columns, "commands.md": commands}


def main() -> int:
    """Write or compare; 1 when a committed page differs."""
    stale = []
    for name, make in PAGES.items():
        target = ROOT / "docs" / name
        if "--check" not in sys.argv[1:]:
            target.write_text(make())
        elif not target.is_file() or target.read_text() != make():
            stale.append(f"docs/{name}")
    if stale:
        sys.stderr.write(f"{', '.join(stale)} differ from the tables: run scripts/gen_docs.py\n")
    return len(stale)


if __name__ == "__main__":
    raise SystemExit(main())
