"""Where systemd's unit files lie: which one wins, what changes it, what it is another name for.

systemd.unit(5): an earlier folder hides a file of the same name in a later one; `NAME.d/*.conf`
of all folders are added; a link to /dev/null masks; a link to another name is an alias. Read
here are the files themselves, so also what systemd has not been told to reload.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# Folders that systemd reads, those that win first (systemd.unit(5), table 1 and 2).
SYSTEM_FOLDERS = (
    "etc/systemd/system.control",
    "run/systemd/system.control",
    "run/systemd/transient",
    "run/systemd/generator.early",
    "etc/systemd/system",
    "etc/systemd/system.attached",
    "run/systemd/system",
    "run/systemd/system.attached",
    "run/systemd/generator",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
    "run/systemd/generator.late",
)
USER_FOLDERS = (
    "{home}/.config/systemd/user.control",
    "run/user/{uid}/systemd/user.control",
    "run/user/{uid}/systemd/transient",
    "run/user/{uid}/systemd/generator.early",
    "{home}/.config/systemd/user",
    "etc/systemd/user",
    "run/user/{uid}/systemd/user",
    "run/systemd/user",
    "run/user/{uid}/systemd/generator",
    "{home}/.local/share/systemd/user",
    "usr/local/lib/systemd/user",
    "usr/lib/systemd/user",
    "run/user/{uid}/systemd/generator.late",
)
FILE_MAX_BYTES = 1 << 20


def folders_of(uid: int | None, home: str, root: str) -> list[str]:
    """Return the folders of systemd's own units, or of a user's, those that win first."""
    templates = SYSTEM_FOLDERS if uid is None else USER_FOLDERS
    return [os.path.join(root, one.format(uid=uid, home=home).lstrip("/")) for one in templates]


def socket_unit_names(folders: list[str]) -> list[str]:
    """Return the socket units that can be, those that something wants first."""
    wanted: dict[str, None] = {}
    present: dict[str, None] = {}
    for folder in folders:
        for entry in _entries(folder):
            if entry.name.endswith(".socket") and not _is_alias(entry):
                present[entry.name] = None
            elif entry.name.endswith((".wants", ".requires")):
                wanted.update((one.name, None) for one in _entries(entry.path))
    names = wanted | present
    return [one for one in names if one.endswith(".socket") and not one.endswith("@.socket")]


def texts_of(name: str, folders: list[str]) -> list[str]:
    """Return the text of the unit's file, none if it is masked or missing, and of its drop-ins."""
    names = [name]
    if "@" in name:
        names.append(name.partition("@")[0] + "@.socket")
    text = next((text for one in names for text in _existing(one, folders)), "")
    if not text:
        return []
    drop_ins: dict[str, str] = {}
    for one in (*names, "socket"):
        for folder in folders:
            for entry in _entries(os.path.join(folder, one + ".d")):
                if entry.name.endswith(".conf"):
                    drop_ins.setdefault(entry.name, entry.path)
    return [text, *(_read_text(path) or "" for _, path in sorted(drop_ins.items()))]


def real_name(name: str, folders: list[str]) -> str:
    """Return the name that the unit is an alias of, else its own: `syslog.service` -> `rsyslog.service`."""
    for folder in folders:
        try:
            target = os.path.basename(os.readlink(os.path.join(folder, name)))
        except OSError:
            continue
        return target if target.endswith(".service") else name
    return name


def _existing(name: str, folders: list[str]) -> Iterator[str]:
    """Yield the texts of the files of that name, the one that wins first."""
    for folder in folders:
        text = _read_text(os.path.join(folder, name))
        if text is not None:
            yield text


def _is_alias(entry: os.DirEntry[str]) -> bool:
    """Tell whether it is a link to a unit of another name: `dbus-x.socket` -> `x.socket`."""
    if not entry.is_symlink():
        return False
    target = os.path.basename(os.readlink(entry.path))
    instance_of = entry.name.partition("@")[0] + "@.socket"
    return target.endswith(".socket") and target not in (entry.name, instance_of)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """Return what is in a folder, in order; nothing when it is missing or closed to us."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _read_text(path: str) -> str | None:
    """Return a file's text, empty for a masked unit (a link to /dev/null); None without a file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a FIFO laid there would never open
    except OSError:
        return None
    try:
        return os.read(fd, FILE_MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(fd)
