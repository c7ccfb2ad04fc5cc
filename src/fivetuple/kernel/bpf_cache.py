"""bpf_cache: the instructions of our BPF programs, made fit for the running kernel once and kept.

libbpf reads 5 MB of type information to adapt a program to a kernel (CO-RE), 11-27 ms each time.
The outcome depends on the kernel's build and our object only, so root keeps it in CACHE: 20 kB,
read in 0.1 ms. The cache is an aid and never a condition: a file that is missing, foreign,
damaged or not writable is passed over without a word.

Whoever can write the cache decides what root loads. So it is read and written by root only, in
a directory that belongs to root and that nobody else may write; it holds no code of Python's
(no pickle), and the kernel's verifier judges the instructions each time.

The file, little endian: MAGIC, crc32 of the rest, key (KEY_BYTES), and for each program: name,
attach_btf_id, size of the instructions, the instructions. Checksums are crc32, for they guard
against accidents; against root nothing can, and `hashlib` takes 2 ms to import.
"""

from __future__ import annotations

import os
import stat
from struct import Struct, error, pack, unpack_from
from zlib import crc32

from fivetuple.kernel.bpf_code import Code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CACHE = "/var/cache/fivetuple"
OBJECT = os.path.join(os.path.dirname(__file__), "bpf", "sockets.bpf.o")  # pathlib takes 8 ms
NOTES = "/sys/kernel/notes"
MODULES = ("vsock",)  # whose structs the programs read, when the module is there

MAGIC = b"ftbpf 1\n"
KEY_BYTES = 32
NT_GNU_BUILD_ID = 3  # include/uapi/linux/elf.h
_ENTRY = Struct("<16sII")
_HEADER_BYTES = len(MAGIC) + 4 + KEY_BYTES


def programs(names: Iterable[str]) -> dict[str, Code]:
    """Return the programs of the given names, from the cache or by libbpf.

    Raises:
        NotPermitted, NotAvailable: as `libbpf.relocate`.
    """
    wanted = tuple(names)
    key = _key() if os.geteuid() == 0 else b""
    found = read(CACHE, key) if key else {}
    if not found.keys() >= set(wanted):
        from fivetuple.kernel import libbpf

        found |= libbpf.relocate(OBJECT, wanted, others=bool(key))
        if key:
            write(CACHE, key, found)
    return {name: found[name] for name in wanted}


def read(folder: str, key: bytes) -> dict[str, Code]:
    """Return what the cache holds for this key; {} when nothing can be trusted or used."""
    try:
        octets = _read_guarded(folder)
    except OSError:
        return {}
    if octets[: len(MAGIC)] != MAGIC or octets[len(MAGIC) + 4 : _HEADER_BYTES] != key:
        return {}
    if octets[len(MAGIC) : len(MAGIC) + 4] != pack("<I", crc32(octets[len(MAGIC) + 4 :])):
        return {}
    try:
        return dict(_entries(octets))
    except error:
        return {}


def write(folder: str, key: bytes, found: Mapping[str, Code]) -> None:
    """Keep the programs; the file appears whole or not at all."""
    body = bytearray(key)
    for name, code in found.items():
        body += (
            _ENTRY.pack(name.encode(), code.attach_btf_id, len(code.instructions))
            + code.instructions
        )
    path = _path(folder)
    fresh = f"{path}.{os.getpid()}"
    try:
        if not _is_ours(os.lstat(folder) if os.path.lexists(folder) else _made(folder)):
            return
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as file:
            file.write(MAGIC + pack("<I", crc32(body)) + body)
        os.replace(fresh, path)
    except OSError:  # a read-only or full disk: the next run asks libbpf again
        if os.path.lexists(fresh):
            os.unlink(fresh)


def _entries(octets: bytes) -> Iterable[tuple[str, Code]]:
    at = _HEADER_BYTES
    while at < len(octets):
        name, attach_btf_id, size = _ENTRY.unpack_from(octets, at)
        at += _ENTRY.size
        if at + size > len(octets):
            raise error
        yield name.rstrip(b"\0").decode("latin-1"), Code(octets[at : at + size], attach_btf_id)
        at += size


def _made(folder: str) -> os.stat_result:
    os.mkdir(folder, 0o700)
    return os.lstat(folder)


def _read_guarded(folder: str) -> bytes:
    """Read the file if folder and file are root's alone; OSError otherwise."""
    if not _is_ours(os.lstat(folder)):
        raise PermissionError
    fd = os.open(_path(folder), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(fd, "rb") as file:
        status = os.fstat(fd)
        if not _is_ours(status) or not stat.S_ISREG(status.st_mode):
            raise PermissionError
        return file.read()


def _is_ours(status: os.stat_result) -> bool:
    """Tell whether it belongs to us (root) and nobody else may write it."""
    return (
        status.st_uid == os.geteuid()
        and not status.st_mode & 0o022
        and not stat.S_ISLNK(status.st_mode)
    )


def _path(folder: str) -> str:
    return f"{folder}/sockets.bpf"


def _key() -> bytes:
    """Name this kernel's build, the modules it has loaded, and our object; b'' when it can't be told."""
    try:
        with open(NOTES, "rb") as notes, open(OBJECT, "rb") as object_:
            build_id = gnu_build_id(notes.read())
            code = object_.read()
    except OSError:
        return b""
    if not build_id:
        return b""
    modules = sum(
        os.path.exists(f"/sys/kernel/btf/{name}") << bit for bit, name in enumerate(MODULES)
    )
    return pack(f"<{KEY_BYTES - 12}sIII", build_id, modules, len(code), crc32(code))


def gnu_build_id(notes: bytes) -> bytes:
    """Return the build id among ELF notes (elf(5), Nhdr), b'' when there is none."""
    at = 0
    while at + 12 <= len(notes):
        name_size, size, kind = unpack_from("=III", notes, at)
        content = at + 12 + (name_size + 3 & ~3)
        if kind == NT_GNU_BUILD_ID and notes[at + 12 : at + 16] == b"GNU\0":
            return notes[content : content + size]
        at = content + (size + 3 & ~3)
    return b""
