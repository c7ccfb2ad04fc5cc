"""Saved snapshots and pasted text: `--from FILE`, `--from -`, `ft save FILE`.

What a file is, its content says, never its name. A saved file is written beside its place and
renamed, so that whoever reads sees the old one or the new one, and a full disk costs nothing.
It is readable by its owner only: command lines can hold secrets.
"""

from __future__ import annotations

import os
import stat
import sys

from fivetuple.model import archive
from fivetuple.model.errors import BadInput, NotAvailable, NotPermitted
from fivetuple.model.text import printable
from fivetuple.origins.scope import in_scope
from fivetuple.origins.whole_file import write_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from fivetuple.model.question import Question
    from fivetuple.model.snapshot import Snapshot

STDIN = "-"
# A text has some 600 bytes a socket: more than a million of them.
LIMIT_BYTES = 1 << 30


class Stored:
    """A file, or what comes by stdin: the same Snapshot for every question."""

    provides = (1 << 24) - 1

    def __init__(self, source: str, now_ns: int, stdin: BinaryIO | None = None) -> None:
        self._source = source
        self._now_ns = now_ns
        self._stdin = stdin
        self._read: Snapshot | None = None

    def snapshot(self, question: Question) -> Snapshot:
        """Return the file's Snapshot, with the rows of the namespaces asked for.

        Raises:
            BadInput: the file can't be read, or holds no sockets, or no such namespace.
        """
        if self._read is None:
            self._read = read(self._source, self._stdin, now_ns=self._now_ns)
        return in_scope(self._read, question.netns)


def read(source: str, stdin: BinaryIO | None = None, *, now_ns: int = 0) -> Snapshot:
    """Return the Snapshot in a file, or in stdin when the source is `-`.

    A text was taken when its file was last written; one that comes through a pipe, now.

    Raises:
        BadInput: there is no such file, it can't be read, or it holds nothing that we know.
    """
    name = "stdin" if source == STDIN else printable(source)
    try:
        data, written_ns = _bytes_of(source, stdin)
    except FileNotFoundError:
        raise BadInput(f"there is no file {name}") from None
    except IsADirectoryError:
        raise BadInput(f"{name} is a directory; name the file in it") from None
    except PermissionError:
        raise BadInput(f"{name} may not be read by this user") from None
    except (OSError, ValueError) as err:
        reason = err.strerror if isinstance(err, OSError) else str(err)
        raise BadInput(f"{name} can't be read: {reason}") from err
    if len(data) > LIMIT_BYTES:
        raise BadInput(f"{name} is larger than 1 GiB, which ft does not read into memory")
    if not data:
        raise BadInput(f"{name} is empty")
    from fivetuple.origins.texts.recognise import read_bytes

    try:
        return read_bytes(
            data, now_ns if written_ns is None else written_ns, os.path.basename(source)
        )
    except BadInput as err:
        raise BadInput(f"{name}: {err}") from err


def _bytes_of(source: str, stdin: BinaryIO | None) -> tuple[bytes, int | None]:
    """Return the content, and when it was written (ns since the epoch; None: it comes by a pipe)."""
    if source == STDIN:
        stream = stdin if stdin is not None else sys.stdin.buffer
        try:
            status = os.fstat(stream.fileno())
        except (OSError, AttributeError):  # no file: a stream that a test made
            return stream.read(LIMIT_BYTES + 1), None
        return stream.read(LIMIT_BYTES + 1), _written_ns(status)
    with open(source, "rb") as stream:
        status = os.fstat(stream.fileno())
        if stat.S_ISREG(status.st_mode) and status.st_size > LIMIT_BYTES:
            raise BadInput(
                f"{printable(source)} is larger than 1 GiB, which ft does not read into memory"
            )
        return stream.read(LIMIT_BYTES + 1), _written_ns(status)


def _written_ns(status: os.stat_result) -> int | None:
    """Return when a regular file was written; a pipe's time means nothing."""
    return status.st_mtime_ns if stat.S_ISREG(status.st_mode) else None


def save(snapshot: Snapshot, path: str, *, force: bool = False) -> int:
    """Write the snapshot to a file, or to stdout when the path is `-`; return the size in bytes.

    Raises:
        BadInput: the file is there and `force` is False, or the path can't be a file.
        NotAvailable: the disk is full or broken; what was there before still is.
        BrokenPipeError: nobody reads stdout any more.
    """
    if path == STDIN:
        return _save_to_stdout(snapshot)
    target = os.path.realpath(path)
    shown = printable(path)
    kind = _kind_of(target)
    if kind == stat.S_IFDIR:
        raise BadInput(f"{shown} is a directory; name a file in it")
    if kind == stat.S_IFREG and not force:
        raise _is_there(shown)
    data = archive.dumps(snapshot)
    try:
        if kind in (0, stat.S_IFREG):
            write_whole(target, data, force=force)
        else:  # a device or a pipe must not be replaced by a file
            with open(target, "wb") as stream:
                stream.write(data)
    except FileExistsError:
        raise _is_there(shown) from None
    except FileNotFoundError:
        raise BadInput(
            f"{shown} can't be written: there is no directory {printable(os.path.dirname(target))}"
        ) from None
    except NotADirectoryError:
        raise BadInput(f"{shown} can't be written: a part of the path is no directory") from None
    except PermissionError as err:
        raise NotPermitted(f"{shown} may not be written by this user: {err.strerror}") from None
    except OSError as err:
        raise NotAvailable(f"{shown} was not saved: {err.strerror}") from err
    return len(data)


def _kind_of(path: str) -> int:
    """Return what is at the path (stat.S_IFMT), 0 when there is nothing or we can't tell."""
    try:
        return stat.S_IFMT(os.stat(path).st_mode)
    except (OSError, ValueError):
        return 0


def _is_there(shown: str) -> BadInput:
    return BadInput(f"{shown} is there already; --force overwrites it")


def _save_to_stdout(snapshot: Snapshot) -> int:
    stream = sys.stdout.buffer
    if stream.isatty():
        raise BadInput(
            "a snapshot is binary, and stdout is a terminal: name a file, or write into a pipe"
        )
    data = archive.dumps(snapshot)
    try:
        stream.write(data)
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as err:
        raise NotAvailable(f"stdout took no more: {err.strerror}") from err
    return len(data)
