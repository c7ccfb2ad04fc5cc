"""Write docs/columns.md, docs/commands.md and the table of docs/filters.md; --check compares."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from fivetuple.analysis import filter_fields  # noqa: E402  # the path has to be set first
from fivetuple.cli.commands import command_names  # noqa: E402
from fivetuple.cli.help import page  # noqa: E402
from fivetuple.model import facts, record  # noqa: E402
from fivetuple.model.fields import FIELDS  # noqa: E402

FILTERS_MADE = (
    "<!-- From here on made by scripts/gen_docs.py from analysis/filter_fields.py: do not edit. -->"
)
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


def filters() -> str:
    """Return the page of the filter language: the text that is there, and the table anew."""
    before, mark, _ = (ROOT / "docs/filters.md").read_text().partition(FILTERS_MADE)
    lines = [
        before + mark,
        "",
        "| field | other names | operators | value | example | meaning |",
        "|---|---|---|---|---|---|",
    ]
    for field in filter_fields.FIELDS.values():
        kind = filter_fields.KINDS[field.kind]
        names = " ".join(f"`{name}`" for name in field.aliases)
        operators = " ".join(f"`{operator}`" for operator in kind.operators)
        lines.append(
            f"| `{field.name}` | {names} | {operators} | {kind.value} | `{field.example}` | {field.meaning} |"
        )
    return "\n".join(lines) + "\n"


PAGES = {"columns.md": columns, "commands.md": commands, "filters.md": filters}


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
