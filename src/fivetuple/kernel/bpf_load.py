"""bpf_load: BPF programs into the kernel and iterators out of it, by bpf(2) alone.

The instructions come from `bpf_cache`, or on the first run on a kernel from `libbpf`. Loading
them takes three calls a program and 0.2-2 ms; nothing is pinned, and whatever is loaded ends
with its descriptor.

`_ctypes` is used bare, for `import ctypes` takes 2 ms of a listing that takes 10.

Sources: bpf(2); include/uapi/linux/bpf.h union bpf_attr (BPF_PROG_LOAD, BPF_LINK_CREATE,
BPF_ITER_CREATE); Documentation/bpf/bpf_iterators.rst.
"""

from __future__ import annotations

import _ctypes
import errno
import os
from struct import pack

from fivetuple.model.errors import FivetupleError, NotAvailable, NotPermitted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.kernel.bpf_code import Code

# __NR_bpf of the little-endian machines: the object is little-endian
NUMBERS = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "loongarch64": 280, "ppc64le": 361}
PROG_LOAD, LINK_CREATE, ITER_CREATE = 5, 28, 33  # enum bpf_cmd
TYPE_TRACING, ATTACH_ITER = 26, 28  # enum bpf_prog_type, enum bpf_attach_type

# Up to attach_btf_id: type, count, instructions, licence, log_level, log_size, log, kern_version,
# flags, name, ifindex, expected_attach_type, btf: fd, and size, pointer, count of func_info and line_info.
_LOAD = "=IIQQIIQII16sIIIIQIIQII"
_LINK = "=IIIIQI"
_LICENCE = b"Dual BSD/GPL\0"  # as in bpf/sockets.bpf.c
LOG_BYTES = 1 << 20
TRIES = 5  # the verifier gives up with EAGAIN when a signal waits; libbpf tries as often


class _Long(_ctypes._SimpleCData):  # type: ignore[type-arg]  # noqa: SLF001  # generic for type checkers only
    _type_ = "l"


class _Char(_ctypes._SimpleCData):  # type: ignore[type-arg]  # noqa: SLF001
    _type_ = "c"


class _Syscall(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = _Long


_libc = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]  # None: what the interpreter is linked with
_syscall = _Syscall(_ctypes.dlsym(_libc, "syscall"))


def load(name: str, code: Code) -> int:
    """Load one iterator program; return its descriptor.

    Raises:
        NotPermitted: the kernel forbids BPF to this process.
        NotAvailable: this kernel does not take the program; the verifier's words are in it.
    """
    try:
        return _load(name, code)
    except OSError as error:
        if error.errno in (errno.EPERM, errno.ENOSYS):
            raise refusal(error) from None
        complaint = _complaint(name, code) or error.strerror
        raise NotAvailable(
            f"this kernel does not take our BPF program {name}: {complaint}"
        ) from None


def open_iterator(program: int) -> int:
    """Attach a loaded program and start it in the calling thread's namespaces; return the descriptor to read.

    Raises:
        NotAvailable: the kernel does not start it.
    """
    try:
        link = _bpf(LINK_CREATE, pack(_LINK, program, 0, ATTACH_ITER, 0, 0, 0))
        try:
            return _bpf(ITER_CREATE, pack("=II", link, 0))
        finally:
            os.close(link)  # the iterator holds what it needs
    except OSError as error:
        raise NotAvailable(f"this kernel does not start a BPF iterator: {error.strerror}") from None


def refusal(error: OSError) -> FivetupleError:
    """Say why bpf(2) is refused to this process as a whole."""
    from fivetuple.kernel import support

    if error.errno == errno.ENOSYS:
        return NotAvailable("this kernel has no bpf(2), or a seccomp filter hides it")
    reason = support.missing_for("bpf")
    if reason:
        return NotPermitted(reason)
    return NotPermitted(
        "bpf(2) is refused though we have CAP_BPF and CAP_PERFMON: by a seccomp filter, an LSM or kernel lockdown"
    )


def _load(name: str, code: Code, log: int = 0) -> int:
    """Load; with `log`, the address of LOG_BYTES, the verifier writes there."""
    instructions = _address(code.instructions)
    licence = _address(_LICENCE)
    attributes = pack(
        _LOAD,
        TYPE_TRACING, len(code.instructions) // 8, _ctypes.addressof(instructions), _ctypes.addressof(licence),
        1 if log else 0, LOG_BYTES if log else 0, log, 0, 0, name.encode()[:15], 0, ATTACH_ITER,
        0, 0, 0, 0, 0, 0, 0, code.attach_btf_id,
    )  # fmt: skip
    return _bpf(PROG_LOAD, attributes)


def _complaint(name: str, code: Code) -> str:
    """Load again, and return the last thing that the verifier says."""
    log = bytearray(LOG_BYTES)
    try:
        os.close(_load(name, code, _ctypes.addressof((_Char * LOG_BYTES).from_buffer(log))))
    except OSError:
        return last_line(bytes(log))
    return "it was refused once and then taken"


def last_line(log: bytes) -> str:
    """Return the last line of a verifier's log that is not its statistics, '' when there is none."""
    lines = log.split(b"\0", 1)[0].decode(errors="replace").splitlines()
    said = [line.strip() for line in lines if line.strip() and not line.startswith("processed ")]
    return said[-1] if said else ""


def _address(octets: bytes) -> _ctypes.Array[_Char]:
    """Return a C copy of the bytes, whose address can be taken."""
    return (_Char * len(octets)).from_buffer_copy(octets)


def _bpf(command: int, attributes: bytes) -> int:
    """Call bpf(2); return the new descriptor, raise OSError."""
    number = NUMBERS.get(os.uname().machine)
    if number is None:
        raise NotAvailable(f"our BPF programs are not made for {os.uname().machine}")
    for _ in range(TRIES):
        result: int = _syscall(number, command, attributes, len(attributes))
        if result >= 0:
            return result
        if _ctypes.get_errno() != errno.EAGAIN:
            break
    raise OSError(_ctypes.get_errno(), os.strerror(_ctypes.get_errno()))
