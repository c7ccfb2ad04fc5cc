"""libbpf: the instructions of a BPF object, adapted to the running kernel by libbpf.so.1.

Only the adapting (CO-RE, by the kernel's BTF) is libbpf's here: its copy of the programs is closed
again, and `bpf_load` loads the instructions by itself. So one road leads into the kernel, with
or without a cache.

libbpf.so.1 comes with iproute2 on Debian and Fedora, as the package libbpf1 (libbpf elsewhere).
Sources: libbpf.h of libbpf 1.0, LIBBPF_1.0.0 in libbpf.map.
"""

from __future__ import annotations

import ctypes
import errno
import os
import time
from struct import pack

from fivetuple.kernel import bpf_load, support
from fivetuple.kernel.bpf_code import Code
from fivetuple.model.errors import FivetupleError, NotAvailable, NotPermitted

LIBRARY = "libbpf.so.1"
BTF = "/sys/kernel/btf/vmlinux"
BTF_KIND_FUNC = 12  # include/uapi/linux/btf.h
CLOCK_MONOTONIC_COARSE = 6  # its resolution is the kernel's tick
TICK_US_MARK = pack("<I", 0x46547573)  # bpf/socket_row.h

_POINTER, _INT, _TEXT = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
# name -> result, arguments
FUNCTIONS = {
    "libbpf_set_print": (_POINTER, (_POINTER,)),
    "bpf_object__open_file": (_POINTER, (_TEXT, _POINTER)),
    "bpf_object__next_program": (_POINTER, (_POINTER, _POINTER)),
    "bpf_object__load": (_INT, (_POINTER,)),
    "bpf_object__close": (None, (_POINTER,)),
    "bpf_program__name": (_TEXT, (_POINTER,)),
    "bpf_program__section_name": (_TEXT, (_POINTER,)),
    "bpf_program__set_autoload": (_INT, (_POINTER, ctypes.c_bool)),
    "bpf_program__set_log_buf": (_INT, (_POINTER, _POINTER, ctypes.c_size_t)),
    "bpf_program__insns": (_POINTER, (_POINTER,)),
    "bpf_program__insn_cnt": (ctypes.c_size_t, (_POINTER,)),
    "btf__load_vmlinux_btf": (_POINTER, ()),
    "btf__find_by_name_kind": (ctypes.c_int32, (_POINTER, _TEXT, ctypes.c_uint32)),
    "btf__free": (None, (_POINTER,)),
}


def relocate(path: str, names: tuple[str, ...], *, others: bool = False) -> dict[str, Code]:
    """Return the named programs of an object file, and with `others` each other one that this kernel takes.

    Raises:
        NotPermitted: the kernel forbids BPF to this process; the message says what it takes.
        NotAvailable: no libbpf, no BTF, or the kernel refuses a named program.
    """
    reason = support.missing_for("bpf")
    if reason:
        raise NotPermitted(reason)
    if not os.path.exists(BTF):
        raise NotAvailable(
            f"this kernel has no {BTF} (CONFIG_DEBUG_INFO_BTF), which BPF programs are adapted by"
        )
    library = _library()
    btf = library.btf__load_vmlinux_btf()
    try:
        if others:
            try:
                return _adapt(library, btf, path, None)
            except (
                NotAvailable
            ):  # one that this kernel lacks must not stand in the way of the others
                pass
        return _adapt(library, btf, path, names)
    finally:
        library.btf__free(btf)


def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(LIBRARY, use_errno=True)
        for name, (result, arguments) in FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError):
        raise NotAvailable(
            f"{LIBRARY} is not on this machine: install the package libbpf1 (libbpf on Fedora)"
        ) from None
    library.libbpf_set_print(None)  # it would write to our stderr
    return library


def _adapt(
    library: ctypes.CDLL, btf: int, path: str, names: tuple[str, ...] | None
) -> dict[str, Code]:
    """Load the programs (None: all) as libbpf does, and take their instructions from it."""
    object_ = library.bpf_object__open_file(path.encode(), None)
    if not object_:
        raise NotAvailable(f"libbpf can't read {path}: {os.strerror(ctypes.get_errno())}")
    log = ctypes.create_string_buffer(bpf_load.LOG_BYTES)
    try:
        wanted = {}
        program = library.bpf_object__next_program(object_, None)
        while program:
            name = library.bpf_program__name(program).decode()
            is_wanted = names is None or name in names
            library.bpf_program__set_autoload(program, is_wanted)
            if is_wanted:
                library.bpf_program__set_log_buf(program, log, len(log))
                wanted[name] = program
            program = library.bpf_object__next_program(object_, program)
        result = library.bpf_object__load(object_)
        if result < 0:
            raise _refused(-result, log.value, names)
        return {name: _code(library, btf, program) for name, program in wanted.items()}
    finally:
        library.bpf_object__close(object_)


def _refused(number: int, log: bytes, names: tuple[str, ...] | None) -> FivetupleError:
    if number in (errno.EPERM, errno.ENOSYS):
        return bpf_load.refusal(OSError(number, os.strerror(number)))
    said = bpf_load.last_line(log) or os.strerror(number)
    return NotAvailable(
        f"this kernel does not take our BPF programs ({', '.join(names or ('all',))}): {said}"
    )


def _code(library: ctypes.CDLL, btf: int, program: int) -> Code:
    size = library.bpf_program__insn_cnt(program) * 8
    instructions = ctypes.string_at(library.bpf_program__insns(program), size)
    target = library.bpf_program__section_name(program).removeprefix(b"iter/")
    attach_btf_id = library.btf__find_by_name_kind(btf, b"bpf_iter_" + target, BTF_KIND_FUNC)
    return Code(instructions.replace(TICK_US_MARK, pack("<I", _tick_us())), attach_btf_id)


def _tick_us() -> int:
    """Return what the kernel calls USEC_PER_SEC / HZ."""
    return 1_000_000 // round(1 / time.clock_getres(CLOCK_MONOTONIC_COARSE))
