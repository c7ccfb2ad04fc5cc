"""What this user may ask of the kernel, and the reason and the remedy when not.

Capabilities are read from /proc/self/status (capabilities(7), include/uapi/linux/capability.h).
They count in one user namespace: root of a rootless container has them all and may still not
load a BPF program or look into the host's processes.

The remedy is `sudo ft`, or a service manager that grants the capabilities (systemd's
AmbientCapabilities=). Not setcap: `ft` is a script, and file capabilities of an interpreter
would be every script's.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

USER_NAMESPACE_OF_HOST = 0xEFFFFFFD  # include/uapi/linux/nsfs.h USER_NS_INIT_INO

# By bit number.
CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
    "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
    "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
    "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
    "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
    "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
)  # fmt: skip

# What is asked for -> the capabilities it takes. SYS_ADMIN stands in for BPF and PERFMON
# (include/linux/capability.h bpf_capable(), perfmon_capable()).
NEEDS: Mapping[str, tuple[str, ...]] = {
    "owners of other users": ("SYS_PTRACE", "DAC_READ_SEARCH"),
    "other namespaces": ("SYS_ADMIN", "SYS_PTRACE"),
    "bpf": ("BPF", "PERFMON"),
    "firewall": ("NET_ADMIN",),
    "marks": ("NET_ADMIN",),
    "destroy": ("NET_ADMIN",),
}
# What only the host's own user namespace may grant.
HOST_ONLY = ("bpf",)


def capabilities(status: bytes | None = None) -> frozenset[str]:
    """Return the names of our effective capabilities, without `CAP_`; none when /proc is not there."""
    for line in (_read("/proc/self/status") if status is None else status).splitlines():
        if line.startswith(b"CapEff:"):
            bits = int(line.split()[1], 16)
            return frozenset(name for bit, name in enumerate(CAPABILITIES) if bits >> bit & 1)
    return frozenset()


def missing_for(what: str) -> str | None:
    """Say what we lack for a key of NEEDS and how to get it, None when nothing is missing."""
    held = capabilities()
    lacking = [name for name in NEEDS[what] if name not in held and not _stands_in(held, name)]
    if lacking:
        words = " and ".join(f"CAP_{name}" for name in lacking)
        return f"this takes {words}: run `sudo ft`"
    if what in HOST_ONLY and not is_user_namespace_of_host():
        return "this takes root of the host, and we run in a user namespace (a rootless container)"
    return None


def is_user_namespace_of_host() -> bool:
    """Tell whether our capabilities are worth what they say on the host."""
    try:
        return os.stat("/proc/self/ns/user").st_ino == USER_NAMESPACE_OF_HOST
    except OSError:  # a kernel without user namespaces has no other
        return True


def _stands_in(held: frozenset[str], name: str) -> bool:
    return name in {"BPF", "PERFMON"} and "SYS_ADMIN" in held


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
