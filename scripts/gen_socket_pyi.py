"""Write src/fivetuple/model/socket.pyi from model/fields.py; --check compares instead."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from fivetuple.model import record  # noqa: E402  # the path has to be set first
from fivetuple.model.fields import FIELDS  # noqa: E402

TARGET = ROOT / "src/fivetuple/model/socket.pyi"
LISTS = {"pids": "list[int]", "options": "list[str]"}
SURE = {
    "protocol": "str",
    "family": "str",
    "type": "str",
    "state": "str",
    "local": "str",
    "netns": "int",
}
NUMBERS = {"local_port", "remote_port", "inode", "cookie", "pid", "fd", "uid", "timer_ms"}


def type_of(name: str) -> str:
    """Return the type of a field's value."""
    if name in SURE:
        return SURE[name]
    if name in LISTS:
        return f"{LISTS[name]} | None"
    column = record.COLUMN.get(name)
    is_number = name in NUMBERS or (
        column is not None
        and name not in ("timer", "shutdown", "interface")
        and not column.format.endswith("s")
    )
    return "int | None" if is_number else "str | None"


def stub() -> str:
    """Return the text of the stub."""
    lines = [
        "# Made by scripts/gen_socket_pyi.py from model/fields.py: do not edit.",
        "from typing import NamedTuple",
        "",
        "class Socket(NamedTuple):",
    ]
    lines += [f"    {field.name}: {type_of(field.name)}" for field in FIELDS]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write or compare; 1 when the committed stub differs."""
    text = stub()
    if "--check" in sys.argv[1:]:
        if TARGET.read_text() == text:
            return 0
        sys.stderr.write("socket.pyi differs from model/fields.py: run scripts/gen_socket_pyi.py\n")
        return 1
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
