"""Write a file whole or not at all: beside its place first, then renamed, and on the disk before that."""

from __future__ import annotations

import os


def write_whole(target: str, data: bytes, *, force: bool) -> None:
    """Write the file, readable by its owner only.

    Raises:
        FileExistsError: it is there already and `force` is False.
        OSError: the disk's own complaint; what was there before still is, and nothing else.
    """
    from tempfile import mkstemp

    directory = os.path.dirname(target)
    descriptor, name = mkstemp(dir=directory, prefix=".ft-", suffix=".part")  # mode 0600
    try:
        with open(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        _rename(name, target, force=force)
    except BaseException:
        _remove(name)
        raise
    _sync_directory(directory)


def _rename(name: str, target: str, *, force: bool) -> None:
    """Give the file its name; without `force`, fail when somebody else was faster."""
    if force:
        os.replace(name, target)
        return
    try:
        os.link(name, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, such as FAT
        if os.path.lexists(target):
            raise FileExistsError(target) from None
        os.rename(name, target)
        return
    os.unlink(name)


def _remove(name: str) -> None:
    try:
        os.unlink(name)
    except FileNotFoundError:
        return


def _sync_directory(directory: str) -> None:
    """Put the new name on the disk; some file systems have no such call, and the data is safe anyhow."""
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        return
    finally:
        os.close(descriptor)
