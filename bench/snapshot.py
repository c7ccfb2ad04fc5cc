"""`fivetuple.snapshot()` with owners beside `psutil.net_connections`, in one process (budget: 10 times faster)."""

from __future__ import annotations

import os
import statistics
import time
from typing import TYPE_CHECKING

import psutil  # noqa: TID253  # the peer
from bench._rounds import say
from bench._sockets import held

import fivetuple

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = [int(size) for size in os.environ.get("SIZES", "1000,10000,100000").split(",")]
WAYS: dict[str, Callable[[], object]] = {
    "psutil.net_connections": lambda: psutil.net_connections("inet"),
    "fivetuple.snapshot": fivetuple.snapshot,
    "fivetuple.snapshot, no details": lambda: fivetuple.snapshot(details=False),
    "fivetuple.snapshot, netlink": lambda: fivetuple.snapshot(road="netlink", details=False),
    "fivetuple.snapshot, proc": lambda: fivetuple.snapshot(road="proc", details=False),
    "list of Socket": lambda: list(fivetuple.snapshot(details=False)),
}


def main() -> None:
    """Measure every size."""
    for size in SIZES:
        with held(size):
            times: dict[str, list[float]] = {name: [] for name in WAYS}
            for _ in range(5):
                for name, way in WAYS.items():
                    started = time.perf_counter()
                    way()
                    times[name].append(time.perf_counter() - started)
        base = statistics.median(times["psutil.net_connections"])
        rows = ["| way | median ms | psutil / this |", "|---|---|---|"]
        for name, spent in times.items():
            median = statistics.median(spent)
            rows.append(f"| {name} | {median * 1e3:.1f} | {base / median:.1f} |")
        say(f"\n## {size:,} TCP sockets, in process\n\n" + "\n".join(rows))


if __name__ == "__main__":
    main()
