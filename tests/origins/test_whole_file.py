import errno
import os

import pytest

from fivetuple.origins.whole_file import write_whole


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path):
    target = tmp_path / "a"
    target.write_bytes(b"old")

    with pytest.raises(FileExistsError):
        write_whole(str(target), b"new", force=False)

    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("a", b"old")]


def test_without_hard_links_it_is_renamed(tmp_path, monkeypatch):
    def no_links(*_):
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", no_links)

    write_whole(str(tmp_path / "a"), b"new", force=False)
    with pytest.raises(FileExistsError):
        write_whole(str(tmp_path / "a"), b"newer", force=False)

    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("a", b"new")]


def test_ctrl_c_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)

    with pytest.raises(KeyboardInterrupt):
        write_whole(str(tmp_path / "a"), b"new", force=True)

    assert list(tmp_path.iterdir()) == []
