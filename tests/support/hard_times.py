"""Ways to run `ft` where something is forbidden or absent: argv for a process of its own.

    subprocess.run(HARD_TIMES["no /proc"](name, "ls", "-tl"))

Mounts are made in a mount namespace of that process, filters and capabilities are its own: all
ends with it.
"""

from __future__ import annotations

import shlex
import sys
from functools import partial
from typing import TYPE_CHECKING

from tests.support.ft import BECOME

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NOBODY = 65534
AF_NETLINK = 16

# seccomp(2): the listed system calls give EPERM; (number, value of the first argument or None)
FORBID = """
import ctypes, errno, os, struct, sys
NUMBERS = {"x86_64": (321, 41), "aarch64": (280, 198)}[os.uname().machine]
BPF, SOCKET = NUMBERS
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
lines = []
for number, argument in RULES:
    lines.append((LOAD, 0, 0, 0))
    if argument is None:
        lines += [(EQUAL, 0, 1, number)]
    else:
        lines += [(EQUAL, 0, 3, number), (LOAD, 0, 0, 16), (EQUAL, 0, 1, argument)]
    lines.append((RETURN, 0, 0, 0x00050000 | errno.EPERM))
lines.append((RETURN, 0, 0, 0x7FFF0000))
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(lines), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0):  # NO_NEW_PRIVS, SECCOMP filter
    raise OSError(ctypes.get_errno(), "prctl")
"""
MAIN = "from fivetuple.cli.main import main\nsys.exit(main())\n"
AS_NOBODY = BECOME.format(uid=NOBODY)
LIBBPF = "ldconfig -p | sed -n 's/.*libbpf.so.1 .*=> //p'"
NO_CACHE = "mkdir -p /var/cache/fivetuple; mount -t tmpfs none /var/cache/fivetuple; "


def _inside(name: str) -> list[str]:
    return ["nsenter", f"--net=/run/netns/{name}", "--"]


def _without_capabilities(which: str, name: str, *arguments: str) -> list[str]:
    return [*_inside(name), "setpriv", f"--bounding-set={which}", "--inh-caps=-all",
            sys.executable, "-m", "fivetuple", *arguments]  # fmt: skip


def _with_filter(rules: str, name: str, *arguments: str) -> list[str]:
    code = FORBID.replace("RULES", rules) + MAIN
    return [*_inside(name), sys.executable, "-c", code, *arguments]


def _with_mounts(mounts: str, name: str, *arguments: str) -> list[str]:
    command = shlex.join([sys.executable, "-m", "fivetuple", *arguments])
    return [*_inside(name), "unshare", "--mount", "sh", "-ec", f"{mounts}; exec {command}"]


def _as_nobody(mounts: str, name: str, *arguments: str) -> list[str]:
    command = shlex.join([sys.executable, "-c", AS_NOBODY + MAIN, *arguments])
    return [*_inside(name), "unshare", "--mount", "sh", "-ec", f"{mounts}; exec {command}"]


NETLINK_RULE = f"[(SOCKET, {AF_NETLINK})]"

HARD_TIMES: dict[str, Callable[..., Sequence[str]]] = {
    "nothing": partial(_with_mounts, "true"),
    "no CAP_BPF": partial(_without_capabilities, "-bpf,-perfmon,-sys_admin"),
    "no capabilities": partial(_without_capabilities, "-all"),
    "bpf forbidden": partial(_with_filter, "[(BPF, None)]"),
    "netlink forbidden": partial(_with_filter, NETLINK_RULE),
    "bpf and netlink forbidden": partial(_with_filter, f"[(BPF, None), *{NETLINK_RULE}]"),
    "no BTF": partial(_with_mounts, NO_CACHE + "mount -t tmpfs none /sys/kernel/btf"),
    "no libbpf": partial(
        _with_mounts, NO_CACHE + f"for file in $({LIBBPF}); do mount --bind /dev/null $file; done"
    ),
    "no /proc": partial(_with_mounts, "mount -t tmpfs none /proc"),
    "nobody": partial(_as_nobody, "true"),
    "nobody, hidepid": partial(_as_nobody, "mount -t proc -o hidepid=2 proc /proc"),
}
