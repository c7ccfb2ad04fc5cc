"""Whole processes, timed in turn: every command once a round, medians over the rounds, as ratios."""

from __future__ import annotations

import os
import shlex
import statistics
import subprocess
import sys
import time
from typing import NamedTuple

ROUNDS = int(os.environ.get("ROUNDS", "7"))
FT = os.environ.get("FT", "ft")


class Figure(NamedTuple):
    """What one command took."""

    median_s: float
    least_s: float
    most_s: float
    peak_mb: float
    lines: int


def measure(commands: dict[str, str], rounds: int = ROUNDS) -> dict[str, Figure]:
    """Time the commands (run without a shell, stdout to /dev/null) round by round.

    The first run of each is not counted: it warms caches and gives peak memory and lines.
    """
    peaks = {name: _peak(command) for name, command in commands.items()}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(
                shlex.split(command),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
            times[name].append(time.perf_counter() - started)
    return {
        name: Figure(statistics.median(spent), min(spent), max(spent), *peaks[name])
        for name, spent in times.items()
    }


def _peak(command: str) -> tuple[float, int]:
    """Return (peak memory in MB, lines printed) of one run."""
    with subprocess.Popen(
        shlex.split(command), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        lines = 0
        while process.stdout and (block := process.stdout.read(1 << 20)):
            lines += block.count(b"\n")
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    return usage.ru_maxrss / 1024, lines


def table(figures: dict[str, Figure], base: str) -> str:
    """Return the figures as a Markdown table, each with base's time divided by its own."""
    rows = [
        f"| command | median ms | min..max | {base} / this | peak MB | lines |",
        "|---|---|---|---|---|---|",
    ]
    for name, figure in sorted(figures.items(), key=lambda item: item[1].median_s):
        ratio = figures[base].median_s / figure.median_s
        spread = f"{figure.least_s * 1e3:.1f}..{figure.most_s * 1e3:.1f}"
        rows.append(
            f"| {name} | {figure.median_s * 1e3:.1f} | {spread} | {ratio:.2f} | {figure.peak_mb:.0f} | {figure.lines} |"
        )
    return "\n".join(rows)


def say(text: str) -> None:
    """Print at once: a benchmark takes minutes."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
