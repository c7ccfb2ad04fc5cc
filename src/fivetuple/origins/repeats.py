"""Rows of /proc/net that come twice, or not at all, because sockets came or went meanwhile.

The kernel writes a page of text at a time. Of its place in TCP it keeps the hash bucket and a
count within it (net/ipv4/tcp_ipv4.c tcp_seek_last_pos()): what comes in that bucket meanwhile makes
it repeat a socket, soon. In UDP it keeps the count of all sockets so far (net/ipv4/udp.c
udp_get_idx()): each one that goes makes it pass over another. So a table of UDP that is
longer than a page is read twice, and what either showed is shown.
A row has its inode, or is of TIME_WAIT and the like: no two of these have one 5-tuple.
"""

from __future__ import annotations

from fivetuple.model import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from fivetuple.model.snapshot import Rows

REMEMBERED = 4096
ROWS_OF_A_PAGE = 25  # a line of /proc/net/udp has 128 characters
ENDS = record.Projection("local_port", "remote_port", "inode", "local", "remote")


def read_twice(read: Callable[[], Iterable[Rows]]) -> Iterator[Rows]:
    """Give the sockets that two readings of one table show, each once."""
    seen: set[object] = set()
    for _ in range(2):
        for chunk in read():
            yield _kept(chunk, [inode or None for _, _, inode, _, _ in ENDS.read(chunk)], seen)
        if len(seen) < ROWS_OF_A_PAGE:
            return


def without_repeats(chunks: Iterable[Rows], *, is_tcp: bool) -> Iterator[Rows]:
    """Give the rows of one table, each socket once; of TCP also those that have no inode."""
    before: set[object] = set()
    lately: set[object] = set()
    for chunk in chunks:
        keys = [ends[2] or (ends if is_tcp else None) for ends in ENDS.read(chunk)]
        fresh = set(keys)
        if len(fresh) == len(keys) and fresh.isdisjoint(lately) and fresh.isdisjoint(before):
            yield chunk
        else:
            yield _kept(chunk, keys, before | lately)
        if len(lately) > REMEMBERED:
            before, lately = lately, set()
        lately |= fresh


def without_sockets(chunks: Iterable[Rows], inodes: set[int]) -> Iterator[Rows]:
    """Leave out the sockets that have come already."""
    for chunk in chunks:
        found = [ends[2] or None for ends in ENDS.read(chunk)] if inodes else ()
        yield chunk if inodes.isdisjoint(found) else _kept(chunk, found, set(inodes))


def _kept(chunk: Rows, keys: Sequence[object], seen: set[object]) -> Rows:
    """Return the rows whose key is None or was not seen; add the keys to what was seen."""
    view, size = memoryview(chunk), record.SIZE
    kept = []
    for at, key in enumerate(keys):
        if key is None or key not in seen:
            seen.add(key)
            kept.append(view[at * size : at * size + size])
    return b"".join(kept)
