"""Sockets to measure with: N loopback TCP sockets and N/20 UDP ones, held by a few or by many processes.

The process limit is 20,000 files, so many sockets are spread over processes; addresses of
127.77.0.0/16 keep ports from running out. Everything ends with the `with` block.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
from contextlib import contextmanager
from struct import pack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PER_PROCESS = 9000


@contextmanager
def held(count: int, processes: int | None = None) -> Iterator[list[int]]:
    """Hold `count` TCP sockets in so many processes; yield their pids."""
    if not count:
        yield []
        return
    holders = processes or max(1, -(-count // PER_PROCESS))
    reader, writer = os.pipe()
    pids = []
    try:
        for number in range(holders):
            pid = os.fork()
            if not pid:
                _hold(number, count // 2 // holders, count // 20 // holders, writer)
            pids.append(pid)
        os.close(writer)
        ready = 0
        while ready < holders:
            got = len(os.read(reader, 4096))
            if not got:
                raise RuntimeError("a process that should hold sockets ended")
            ready += got
        yield pids
    finally:
        os.close(reader)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            os.waitpid(pid, 0)


def _hold(number: int, pairs: int, datagrams: int, ready: int) -> None:
    """Open the sockets of one process and wait to be killed; never returns."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        address = f"127.77.{number // 200}.{number % 200 + 1}"
        listener = socket.create_server((address, 0), backlog=1024)
        kept = [listener]
        for _ in range(pairs):
            client = socket.create_connection(listener.getsockname())
            server, _ = listener.accept()
            for end in (
                client,
                server,
            ):  # reset when killed: TIME_WAIT would stay for the next size
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, pack("ii", 1, 0))
            kept += (client, server)
        for _ in range(datagrams):
            datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            datagram.bind((address, 0))
            kept.append(datagram)
        os.write(ready, b"x")
        while True:
            signal.pause()
    finally:
        os._exit(1)
