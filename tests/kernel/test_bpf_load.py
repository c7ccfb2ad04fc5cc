import ctypes
import errno
import os
import struct

import pytest
from tests.support.namespaces import in_namespace

from fivetuple.kernel import bpf_cache, bpf_load, libbpf, support  # noqa: F401  # under seccomp all must be loaded
from fivetuple.kernel.bpf_code import Code
from fivetuple.kernel.bpf_iter import BpfRoad
from fivetuple.model.errors import NotAvailable, NotPermitted

LOAD_OUT_OF_BOUNDS = struct.pack("<BBhi", 0x79, 0x10, 4096, 0) + struct.pack(
    "<BBhi", 0x95, 0, 0, 0
)  # r0 = ctx[512]; exit

LOG = b"""0: R1=ctx() R10=fp0
0: (79) r0 = *(u64 *)(r1 +4096)
func 'bpf_iter_tcp' doesn't have 513-th argument
invalid bpf_context access off=4096 size=8
processed 1 insns (limit 1000000) max_states_per_insn 0
"""


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (LOG, "invalid bpf_context access off=4096 size=8"),
        (LOG + bytes(100) + b"rubbish", "invalid bpf_context access off=4096 size=8"),
        (bytes(64), ""),
        (b"\xff\xfe bad\n", "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} bad"),
    ],
)
def test_last_line_of_a_log(log, expected):
    assert bpf_load.last_line(log) == expected


@pytest.mark.kernel
def test_the_verifier_s_words_are_in_the_reason():
    attach = bpf_cache.programs(("tcp",))["tcp"].attach_btf_id

    with pytest.raises(
        NotAvailable, match=r"BPF program tcp: invalid bpf_context access off=4096 size=8$"
    ):
        bpf_load.load("tcp", Code(LOAD_OUT_OF_BOUNDS, attach))


@pytest.mark.kernel
def test_a_program_that_is_none_does_not_start():
    with (
        open("/dev/null", "rb") as file,
        pytest.raises(NotAvailable, match="does not start a BPF iterator: Invalid argument"),
    ):
        bpf_load.open_iterator(file.fileno())


def forbid_bpf(number):
    """Make bpf(2) fail with this error from now on: seccomp(2), linux/filter.h."""
    bpf = bpf_load.NUMBERS[os.uname().machine]
    lines = (
        (0x20, 0, 0, 0),
        (0x15, 0, 1, bpf),
        (0x06, 0, 0, 0x50000 | number),
        (0x06, 0, 0, 0x7FFF0000),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in lines))
    program = struct.pack("=H6xQ", len(lines), ctypes.addressof(code))  # struct sock_fprog
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
    assert libc.prctl(22, 2, program) == 0  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER


@pytest.mark.kernel
@pytest.mark.parametrize("is_cached", [True, False])
@pytest.mark.parametrize(
    ("number", "error", "reason"),
    [
        (
            errno.EPERM,
            NotPermitted,
            "refused though we have CAP_BPF and CAP_PERFMON: by a seccomp filter",
        ),
        (errno.ENOSYS, NotAvailable, "no bpf"),
    ],
)
def test_a_seccomp_filter_is_named(number, error, reason, is_cached, tmp_path, monkeypatch):
    monkeypatch.setattr(bpf_cache, "CACHE", str(tmp_path / "cache"))
    if is_cached:
        BpfRoad(("tcp",)).close()

    def try_it():
        forbid_bpf(number)
        BpfRoad(("tcp",))

    with pytest.raises(error, match=reason):
        in_namespace(None, try_it)


@pytest.mark.kernel
def test_other_machines_are_told(monkeypatch):
    monkeypatch.setattr(bpf_load, "NUMBERS", {})

    with pytest.raises(NotAvailable, match=f"not made for {os.uname().machine}"):
        BpfRoad(("tcp",))
