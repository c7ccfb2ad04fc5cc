"""`ft ls` beside ss, lsof, netstat and psutil at 0, 1,000, 10,000 and 100,000 sockets.

Budgets (docs/benchmarks.md): `ft ls -tanp` within 4 times of `ss -tanp` at 1,000 sockets, 1.5
times faster at 10,000, 8 times at 100,000; peak memory 40 MB streamed, 120 MB sorted or grouped.
SIZES=0,1000 chooses other sizes.
"""

from __future__ import annotations

import os
import sys

from bench._rounds import FT, ROUNDS, measure, say, table
from bench._sockets import held

SIZES = [int(size) for size in os.environ.get("SIZES", "0,1000,10000,100000").split(",")]
PSUTIL = (
    f"{sys.executable} -c 'import psutil; [print(*c) for c in psutil.net_connections(\"inet\")]'"
)
PEERS = {
    "ss -tanp": "ss -tanp",
    "ss -tan": "ss -tan",
    "ss -tuanp": "ss -tuanp",
    "netstat -tanp": "netstat -tanp",
    "lsof -nPi": "lsof -nP -iTCP -iUDP",
    "psutil": PSUTIL,
}
OURS = {
    "ft ls -tanp": f"{FT} ls -tanp",
    "ft ls -tan": f"{FT} ls -tan --fields protocol,state,recv_queue_bytes,send_queue_bytes,local,remote",
    "ft ls -tuanp": f"{FT} ls -tuanp",
    "ft ls -tanp (netlink)": f"{FT} ls -tanp --road netlink",
    "ft ls -tanp --sort": f"{FT} ls -tanp --sort remote_address",
    "ft ls --by process": f"{FT} ls --by process",
    "ft ls -tan filter": f"{FT} ls state established dport = :443",
    "ft ls --json": f"{FT} ls -tanp --json",
}


def main() -> None:
    """Measure every size."""
    for size in SIZES:
        with held(size):
            rounds = min(ROUNDS, 5) if size >= 100_000 else ROUNDS
            figures = measure(OURS | PEERS, rounds)
            say(
                f"\n## {size:,} TCP sockets, {size // 20:,} UDP; {rounds} rounds\n\n{table(figures, 'ss -tanp')}"
            )
    with held(16_000, processes=2000):
        figures = measure(
            {
                name: command
                for name, command in (OURS | PEERS).items()
                if name in ("ft ls -tanp", "ft ls -tanp (netlink)", "ss -tanp", "lsof -nPi")
            }
        )
        say(f"\n## 2,000 processes that hold 8 sockets each\n\n{table(figures, 'ss -tanp')}")


if __name__ == "__main__":
    main()
