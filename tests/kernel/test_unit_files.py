"""Which unit file wins, and what changes it: systemd.unit(5)."""

from __future__ import annotations

import os

from fivetuple.kernel import unit_files

EARLY, LATE = "etc/systemd/system", "usr/lib/systemd/system"


def folders(root):
    return unit_files.folders_of(None, "/root", str(root))


def write(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def link(root, path, target):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.symlink_to(target)


def test_earlier_folder_hides_the_later(tmp_path):
    write(tmp_path, f"{LATE}/a.socket", "late")
    write(tmp_path, f"{EARLY}/a.socket", "early")

    assert unit_files.texts_of("a.socket", folders(tmp_path)) == ["early"]


def test_masked_and_emptied_units_are_none(tmp_path):
    for name in ("a", "b"):
        write(tmp_path, f"{LATE}/{name}.socket", "late")
    link(tmp_path, f"{EARLY}/a.socket", os.devnull)
    write(tmp_path, f"{EARLY}/b.socket", "")

    assert unit_files.texts_of("a.socket", folders(tmp_path)) == []
    assert unit_files.texts_of("b.socket", folders(tmp_path)) == []


def test_drop_ins_of_all_folders_follow_in_the_order_of_their_names(tmp_path):
    write(tmp_path, f"{LATE}/a.socket", "main")
    write(tmp_path, f"{LATE}/a.socket.d/20.conf", "twenty")
    write(tmp_path, f"{LATE}/a.socket.d/10.conf", "hidden")
    write(tmp_path, f"{EARLY}/a.socket.d/10.conf", "ten")
    write(tmp_path, f"{EARLY}/socket.d/15.conf", "for all sockets")
    write(tmp_path, f"{EARLY}/a.socket.d/readme", "no drop-in")

    assert unit_files.texts_of("a.socket", folders(tmp_path)) == [
        "main",
        "ten",
        "for all sockets",
        "twenty",
    ]


def test_instance_has_the_text_and_drop_ins_of_its_template(tmp_path):
    write(tmp_path, f"{LATE}/a@.socket", "template")
    write(tmp_path, f"{LATE}/a@.socket.d/1.conf", "of the template")
    write(tmp_path, f"{LATE}/a@x.socket.d/2.conf", "of the instance")

    assert unit_files.texts_of("a@x.socket", folders(tmp_path)) == [
        "template",
        "of the template",
        "of the instance",
    ]


def test_names_are_those_that_something_wants_then_the_others(tmp_path):
    for name in ("a.socket", "b.socket", "t@.socket", "c.service"):
        write(tmp_path, f"{LATE}/{name}", "x")
    link(tmp_path, f"{EARLY}/x.target.requires/b.socket", "/usr/lib/systemd/system/b.socket")
    link(tmp_path, f"{EARLY}/sockets.target.wants/t@1.socket", "/usr/lib/systemd/system/t@.socket")

    names = unit_files.socket_unit_names(folders(tmp_path))

    assert set(names[:2]) == {"b.socket", "t@1.socket"}
    assert names[2:] == ["a.socket"]


def test_alias_is_no_unit_of_its_own(tmp_path):
    write(tmp_path, f"{LATE}/ssh.socket", "x")
    link(tmp_path, f"{EARLY}/sshd.socket", "/usr/lib/systemd/system/ssh.socket")
    link(tmp_path, f"{EARLY}/masked.socket", os.devnull)

    assert "sshd.socket" not in unit_files.socket_unit_names(folders(tmp_path))


def test_real_name_is_followed_once_and_kept_where_there_is_none(tmp_path):
    link(tmp_path, f"{EARLY}/syslog.service", "/usr/lib/systemd/system/rsyslog.service")
    link(tmp_path, f"{EARLY}/gone.service", os.devnull)

    assert unit_files.real_name("syslog.service", folders(tmp_path)) == "rsyslog.service"
    assert unit_files.real_name("gone.service", folders(tmp_path)) == "gone.service"
    assert unit_files.real_name("web.service", folders(tmp_path)) == "web.service"


def test_file_that_is_no_file_does_not_stop_us(tmp_path):
    (tmp_path / EARLY / "a.socket").mkdir(parents=True)
    os.mkfifo(tmp_path / EARLY / "b.socket")

    assert unit_files.texts_of("a.socket", folders(tmp_path)) == []
    assert unit_files.texts_of("b.socket", folders(tmp_path)) == []
