"""bpf_iter: sockets and their holders, streamed out of the kernel by BPF iterators.

A program (bpf/sockets.bpf.c) writes one row of RECORD for each socket; `owners` writes one of
OWNER_BYTES for each descriptor that is a socket. What reading them takes from the kernel is one
descriptor an iterator; nothing is pinned or stays.

An iterator gives at most READ_BYTES a read(2), and whole rows when the reader has room for that.
It is no snapshot: sockets that come or go meanwhile may be seen or missed, as with any other road.
"""

from __future__ import annotations

import os

from fivetuple.kernel import bpf_cache, bpf_load
from fivetuple.model.record import OFFSET, SIZE, TRAILER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Self

OWNER_BYTES = 16  # struct owner in bpf/sockets.bpf.c: inode, pid << 32 | fd
READ_BYTES = 8 * os.sysconf("SC_PAGE_SIZE")  # kernel/bpf/bpf_iter.c bpf_seq_read(): PAGE_SIZE << 3
PID_NAMESPACE_OF_HOST = 0xEFFFFFFC  # include/uapi/linux/nsfs.h PID_NS_INIT_INO
INODE = slice(OFFSET["inode"], OFFSET["inode"] + 8)


class BpfRoad:
    """Loaded iterator programs; each can be read as often as wanted, also in several threads."""

    def __init__(self, programs: tuple[str, ...]) -> None:
        """Load the named programs: `owners`, `tcp` or `tcp_full`, `udp`, `files`.

        Raises:
            NotPermitted: the kernel forbids BPF to this process; the message says what it takes.
            NotAvailable: this kernel or machine cannot do it; the message says what it lacks.
        """
        self.walked: dict[str, int] = {}
        """Program -> how many sockets its iterator had walked when it was last read to the end."""
        self._programs: dict[str, int] = {}
        try:
            names = {_variant(name): name for name in programs}
            for variant, code in bpf_cache.programs(names).items():
                self._programs[names[variant]] = bpf_load.load(variant, code)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the programs back; iterators being read live on until they are read or dropped."""
        while self._programs:
            os.close(self._programs.popitem()[1])

    def owners(self) -> memoryview:
        """Return who holds which socket: rows of inode, pid << 32 | fd.

        Of every network namespace; of the processes and with the pids of our pid namespace.
        """
        fd = bpf_load.open_iterator(self._programs["owners"])
        buffer = bytearray(8 * READ_BYTES)
        filled = 0
        try:
            while True:
                if len(buffer) - filled < READ_BYTES:
                    buffer += bytes(len(buffer))
                with memoryview(buffer) as whole:
                    got = _read(fd, whole[filled:])
                if not got:
                    return memoryview(buffer)[:filled]
                filled += got
        finally:
            os.close(fd)

    def stream(self, program: str, chunk_bytes: int = 1 << 18) -> Generator[memoryview]:
        """Yield the rows of one program, RECORD[n], in buffers of their own.

        `tcp`, `tcp_full` and `udp` show the network namespace of the thread that asks for the
        first chunk; `files` shows all. `walked[program]` is set when the last chunk has come.
        """
        fd = bpf_load.open_iterator(self._programs[program])
        try:
            rows = self._rows(fd, program, max(chunk_bytes, 2 * READ_BYTES))
            yield from _distinct(rows) if program == "files" else rows
        finally:
            os.close(fd)

    def _rows(self, fd: int, program: str, chunk_bytes: int) -> Iterator[memoryview]:
        chunk = memoryview(bytearray(chunk_bytes))
        filled = rows = 0
        got = 1
        while got:
            got = _read(fd, chunk[filled:])
            filled += got
            if got and filled + READ_BYTES <= chunk_bytes:
                continue
            if filled and chunk[filled - SIZE] == TRAILER:
                filled -= SIZE
                last = int.from_bytes(chunk[filled:][INODE], "little")
                self.walked[program] = last + 1 if rows or filled else 0
            if filled:
                rows += filled // SIZE
                yield chunk[:filled]
                chunk = memoryview(bytearray(chunk_bytes))
                filled = 0


def _variant(name: str) -> str:
    """Return the program to load for this name: which `owners` is right depends on our pid namespace."""
    if name != "owners":
        return name
    try:
        is_host = os.stat("/proc/self/ns/pid").st_ino == PID_NAMESPACE_OF_HOST
    except OSError:
        is_host = False
    return "owners" if is_host else "owners_nested"


def _read(fd: int, room: memoryview) -> int:
    """Read what the iterator has next; 0 at the end."""
    while True:
        try:
            return os.readv(fd, [room])
        except BlockingIOError:  # it walked a million descriptors and none was a socket: it goes on
            continue


def _distinct(chunks: Iterator[memoryview]) -> Iterator[memoryview]:
    """Leave out sockets that came before: `files` shows one once for each descriptor."""
    seen = set()
    for chunk in chunks:
        inodes = [bytes(chunk[at:][INODE]) for at in range(0, len(chunk), SIZE)]
        fresh = bytearray()
        for number, inode in enumerate(inodes):
            if inode not in seen:
                seen.add(inode)
                fresh += chunk[number * SIZE : (number + 1) * SIZE]
        if fresh:
            yield memoryview(fresh)
