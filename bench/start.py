"""How long `ft` takes to start: `ft --version` (budget 40 ms), `ft ls` with few sockets (60 ms)."""

from __future__ import annotations

from pathlib import Path

from bench._rounds import FT, measure, say, table

COMMANDS = {
    "python -c pass": f"{Path(FT).parent}/python -c pass",
    "ft --version": f"{FT} --version",
    "ft ls": f"{FT} ls",
    "ft ls --json": f"{FT} ls --json",
    "ft": FT,
    "ft 22": f"{FT} 22",
    "ft explain TIME_WAIT": f"{FT} explain TIME_WAIT",
    "ss -tuanp": "ss -tuanp",
}


def main() -> None:
    """Measure each."""
    say("\n## Start, on this machine as it is\n\n" + table(measure(COMMANDS, 15), "ss -tuanp"))


if __name__ == "__main__":
    main()
