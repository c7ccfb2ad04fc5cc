import os
import struct
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fivetuple.kernel import bpf_cache
from fivetuple.kernel.bpf_cache import KEY_BYTES, MAGIC, gnu_build_id, read, write
from fivetuple.kernel.bpf_code import Code

KEY = bytes(range(KEY_BYTES))
FOUND = {"tcp": Code(bytes(range(64)), 1234), "owners": Code(b"12345678", 77)}

of_one_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60
)


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / "cache")


@pytest.fixture
def path(folder):
    write(folder, KEY, FOUND)
    return Path(folder, "sockets.bpf")


def names_in(folder):
    return [entry.name for entry in Path(folder).iterdir()]


def note(kind, content, name=b"GNU\0"):
    padded = content + bytes(-len(content) % 4)
    return (
        struct.pack("=III", len(name), len(content), kind) + name + bytes(-len(name) % 4) + padded
    )


def test_what_is_written_is_read_again(folder):
    write(folder, KEY, FOUND)

    assert read(folder, KEY) == FOUND


def test_folder_and_file_are_their_owner_s_alone(folder, path):
    assert Path(folder).stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600
    assert names_in(folder) == ["sockets.bpf"]


def test_another_kernel_finds_nothing(folder, path):
    assert read(folder, bytes(KEY_BYTES)) == {}


def test_a_later_outcome_replaces_the_earlier_one(folder, path):
    other = {"udp": Code(b"abcdefgh", 5)}

    write(folder, bytes(KEY_BYTES), other)

    assert read(folder, bytes(KEY_BYTES)) == other
    assert read(folder, KEY) == {}


@of_one_folder
@given(st.data())
def test_a_damaged_file_is_passed_over(folder, path, data):
    whole = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(damaged)

    found = read(folder, KEY)

    path.write_bytes(whole)
    assert found == {}


@of_one_folder
@given(st.integers(0, 199))
def test_a_truncated_file_is_passed_over(folder, path, length):
    whole = path.read_bytes()
    path.write_bytes(whole[: min(length, len(whole) - 1)])

    found = read(folder, KEY)

    path.write_bytes(whole)
    assert found == {}


@of_one_folder
@given(st.binary(max_size=200))
def test_any_body_with_a_good_checksum_is_read_or_passed_over(folder, path, body):
    body = KEY + body
    path.write_bytes(MAGIC + struct.pack("<I", crc32(body)) + body)

    for code in read(folder, KEY).values():
        assert isinstance(code.instructions, bytes)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(folder, path, mode):
    path.chmod(mode)

    assert read(folder, KEY) == {}


def test_a_folder_that_others_may_write_is_refused_and_not_written(folder, path):
    Path(folder).chmod(0o777)

    write(folder, bytes(KEY_BYTES), FOUND)

    assert read(folder, KEY) == read(folder, bytes(KEY_BYTES)) == {}


def test_a_symbolic_link_is_not_followed(folder, path, tmp_path):
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")

    assert read(folder, KEY) == {}


def test_a_link_for_the_folder_is_not_followed(folder, path, tmp_path):
    (tmp_path / "link").symlink_to(folder)

    write(str(tmp_path / "link"), bytes(KEY_BYTES), FOUND)

    assert read(str(tmp_path / "link"), KEY) == {}
    assert read(folder, KEY) == FOUND


def test_a_pipe_in_its_place_does_not_block(folder, path):
    path.unlink()
    os.mkfifo(path, 0o600)

    assert read(folder, KEY) == {}


def test_another_user_s_file_is_refused(folder, path):
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, 65534, 65534)

    assert read(folder, KEY) == {}


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path):
    write(str(tmp_path / "no" / "such"), KEY, FOUND)
    (tmp_path / "file").write_text("")
    write(str(tmp_path / "file"), KEY, FOUND)

    assert names_in(tmp_path) == ["file"]


def test_what_a_killed_run_left_does_not_stay(folder, path):
    Path(f"{path}.{os.getpid()}").touch()

    write(folder, bytes(KEY_BYTES), FOUND)
    write(folder, bytes(KEY_BYTES), FOUND)

    assert names_in(folder) == ["sockets.bpf"]
    assert read(folder, bytes(KEY_BYTES)) == FOUND


def test_build_id_is_found_among_other_notes():
    notes = note(1, b"ab", b"Xen\0") + note(6, b"x" * 20, b"Linux\0") + note(3, b"\xab" * 20)

    assert gnu_build_id(notes) == b"\xab" * 20


def test_notes_without_build_id():
    assert gnu_build_id(note(3, b"x" * 20, b"Xen\0")) == b""


@given(st.binary(max_size=120))
def test_any_notes_are_read(notes):
    assert isinstance(gnu_build_id(notes), bytes)


@pytest.mark.kernel
def test_libbpf_is_asked_once_for_a_kernel(folder, monkeypatch):
    from fivetuple.kernel import libbpf

    asked = []

    def relocate(*arguments, **options):
        asked.append(arguments)
        return really(*arguments, **options)

    really = libbpf.relocate
    monkeypatch.setattr(bpf_cache, "CACHE", folder)
    monkeypatch.setattr(libbpf, "relocate", relocate)

    first = bpf_cache.programs(("tcp",))
    second = bpf_cache.programs(("tcp", "udp", "owners", "owners_nested", "files", "tcp_full"))

    assert len(asked) == 1
    assert second["tcp"] == first["tcp"]
    assert all(code.attach_btf_id > 0 for code in second.values())


@pytest.mark.kernel
def test_a_user_who_is_not_root_uses_no_cache(folder, monkeypatch):
    monkeypatch.setattr(bpf_cache, "CACHE", folder)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    bpf_cache.programs(("udp",))

    assert not Path(folder).exists()
