import struct

import pytest
from tests.support.namespaces import NOBODY, in_namespace

from fivetuple.kernel import bpf_cache, libbpf
from fivetuple.model.errors import NotAvailable, NotPermitted

pytestmark = pytest.mark.kernel

PROGRAMS = {"owners", "owners_nested", "tcp", "tcp_full", "udp", "files"}


def test_only_the_named_programs_come():
    assert set(libbpf.relocate(bpf_cache.OBJECT, ("udp", "owners"))) == {"udp", "owners"}


def test_with_others_all_programs_of_the_object_come():
    assert set(libbpf.relocate(bpf_cache.OBJECT, ("udp",), others=True)) == PROGRAMS


def test_programs_of_one_iterator_stand_for_the_same_kernel_function():
    found = libbpf.relocate(bpf_cache.OBJECT, tuple(PROGRAMS))

    ids = {name: code.attach_btf_id for name, code in found.items()}
    assert ids["tcp"] == ids["tcp_full"]
    assert ids["owners"] == ids["owners_nested"] == ids["files"]
    assert len(set(ids.values())) == 3


def test_the_kernel_s_tick_is_put_into_the_instructions():
    (code,) = libbpf.relocate(bpf_cache.OBJECT, ("tcp_full",)).values()

    assert libbpf.TICK_US_MARK not in code.instructions
    immediates = {
        struct.unpack("<i", code.instructions[at + 4 : at + 8])[0]
        for at in range(0, len(code.instructions), 8)
        if code.instructions[at] == 0xB7  # mov
    }
    assert immediates & {10_000, 4_000, 3_333, 1_000}


def test_a_missing_library_is_named_with_its_package(monkeypatch):
    monkeypatch.setattr(libbpf, "LIBRARY", "libbpf.so.none")

    with pytest.raises(NotAvailable, match="install the package libbpf1"):
        libbpf.relocate(bpf_cache.OBJECT, ("tcp",))


def test_a_kernel_without_type_information_is_told(monkeypatch):
    monkeypatch.setattr(libbpf, "BTF", "/sys/kernel/btf/none")

    with pytest.raises(NotAvailable, match="CONFIG_DEBUG_INFO_BTF"):
        libbpf.relocate(bpf_cache.OBJECT, ("tcp",))


def test_a_foreign_file_is_no_object(tmp_path):
    (tmp_path / "x.bpf.o").write_bytes(b"\x7fELF" + bytes(100))

    with pytest.raises(NotAvailable, match="libbpf can't read"):
        libbpf.relocate(str(tmp_path / "x.bpf.o"), ("tcp",))


def test_capabilities_are_asked_for_before_libbpf_works():
    with pytest.raises(NotPermitted, match="CAP_BPF and CAP_PERFMON"):
        in_namespace(None, libbpf.relocate, "/nowhere", ("tcp",), uid=NOBODY)
