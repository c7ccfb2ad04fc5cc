import io
import os
import pathlib
import resource
import signal
import subprocess
import sys

import pytest
from tests.strategies import contents
from tests.support.namespaces import in_namespace

from fivetuple.model import record
from fivetuple.model.errors import BadInput, NotAvailable
from fivetuple.model.question import Question
from fivetuple.model.snapshot import Host, Snapshot
from fivetuple.origins.file import Stored, read, save

SS = b"tcp LISTEN 0 128 127.0.0.1:22 0.0.0.0:*\n"


def made(port=80):
    return Snapshot(
        Host("web1"),
        7,
        road="bpf",
        facts=3,
        chunks=(record.pack({"family": 2, "local_port": port}),),
    )


def test_what_was_saved_is_read(tmp_path):
    path = str(tmp_path / "a.ft")
    snapshot = made()

    size_bytes = save(snapshot, path)

    assert size_bytes == pathlib.Path(path).stat().st_size
    assert contents(read(path)) == contents(snapshot)


def test_a_saved_file_is_for_its_owner_only_and_nothing_lies_beside_it(tmp_path):
    save(made(), str(tmp_path / "a.ft"))

    assert [(entry.name, entry.stat().st_mode & 0o777) for entry in tmp_path.iterdir()] == [
        ("a.ft", 0o600)
    ]


def test_a_file_that_is_there_is_kept_unless_forced(tmp_path):
    path = tmp_path / "a.ft"
    save(made(80), str(path))

    with pytest.raises(BadInput, match="is there already; --force overwrites it"):
        save(made(81), str(path))
    assert read(str(path)).rows == made(80).rows

    save(made(81), str(path), force=True)
    assert read(str(path)).rows == made(81).rows


def test_a_link_leads_to_the_file_that_is_replaced(tmp_path):
    target, link = tmp_path / "a.ft", tmp_path / "link"
    save(made(80), str(target))
    link.symlink_to(target)

    save(made(81), str(link), force=True)

    assert link.is_symlink()
    assert read(str(target)).rows == made(81).rows


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "is a directory; name a file in it"),
        ("no/such/a.ft", "there is no directory"),
        ("f/a.ft", "no directory"),
    ],
)
def test_a_path_that_can_be_no_file_is_refused(tmp_path, path, words):
    (tmp_path / "f").write_bytes(b"x")

    with pytest.raises(BadInput, match=words):
        save(made(), str(tmp_path / path))


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.ft"
    save(made(80), str(path))

    def on_a_disk_with_room_for_100_bytes():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        save(made(81), str(path), force=True)

    with pytest.raises(NotAvailable, match=r"a.ft was not saved: File too large"):
        in_namespace(None, on_a_disk_with_room_for_100_bytes)
    assert read(str(path)).rows == made(80).rows
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.ft"]


@pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_device_is_written_to_and_not_replaced():
    with pytest.raises(NotAvailable, match="/dev/full was not saved: No space left on device"):
        save(made(), "/dev/full", force=True)

    save(made(), "/dev/null")
    assert pathlib.Path("/dev/null").is_char_device()


def test_stdout_takes_the_same_bytes(tmp_path):
    code = (
        "from fivetuple.origins.file import read, save\n"
        f"save(read({str(tmp_path / 'a.ft')!r}), '-')"
    )
    save(made(), str(tmp_path / "a.ft"))

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert done.stdout == (tmp_path / "a.ft").read_bytes()


def test_a_text_was_taken_when_it_was_written(tmp_path):
    path = tmp_path / "ss.txt"
    path.write_bytes(SS)
    os.utime(path, ns=(5_000_000_000, 5_000_000_000))

    assert read(str(path), now_ns=99).taken_ns == 5_000_000_000


def test_a_text_from_a_pipe_was_taken_now():
    assert read("-", io.BytesIO(SS), now_ns=99).taken_ns == 99


def test_a_pipe_that_has_a_name_is_read(tmp_path):
    reading, writing = os.pipe()
    os.write(writing, SS)
    os.close(writing)

    assert len(read(f"/dev/fd/{reading}", now_ns=99)) == 1
    os.close(reading)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("absent", "there is no file .*absent"),
        ("", "is a directory; name the file in it"),
        ("empty", "empty is empty"),
        ("blank", "blank: it is empty; what can be read is"),
        ("letter", "letter: it begins with 'Dear all,'"),
        ("empty/x", "can't be read: Not a directory"),
        ("a\0b", "can't be read: embedded null byte"),
        ("x" * 300, "can't be read: File name too long"),
    ],
)
def test_what_can_not_be_read_says_why_in_one_sentence(tmp_path, name, words):
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "blank").write_bytes(b"\n \n")
    (tmp_path / "letter").write_bytes(b"Dear all,\n")

    with pytest.raises(BadInput, match=words) as caught:
        read(str(tmp_path / name))

    assert "\n" not in str(caught.value)


@pytest.mark.kernel
def test_a_file_that_may_not_be_read_says_so(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(SS)
    path.chmod(0o600)
    for directory in (tmp_path, *tmp_path.parents[:3]):
        directory.chmod(directory.stat().st_mode | 0o711)

    with pytest.raises(BadInput, match="secret may not be read by this user"):
        in_namespace(None, read, str(path), uid=65534)


def test_a_stored_snapshot_is_read_once(tmp_path):
    path = tmp_path / "ss.txt"
    path.write_bytes(SS)
    origin = Stored(str(path), 99)

    first = origin.snapshot(Question(1))
    path.unlink()

    assert origin.snapshot(Question(1)).rows == first.rows
