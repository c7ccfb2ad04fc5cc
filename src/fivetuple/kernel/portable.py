"""Sockets by psutil: the road of macOS and Windows; on Linux by `--road psutil`.

psutil tells of a socket its family, type, addresses, TCP state, process and descriptor, and no
inode. So each row gets a number of its own as its inode, to which its holders are joined, and
its `known` says that no inode is known.

What it can't tell apart stays apart: a listener that a fork shares is one row for each process,
as its SO_REUSEPORT siblings would be. Connections have one tuple each, so their holders are joined.
"""

from __future__ import annotations

import os
import sys
from collections import namedtuple

from fivetuple.kernel.portable_processes import import_psutil
from fivetuple.model import facts, record, state
from fivetuple.model.endpoint import AF_INET, AF_INET6, AF_UNIX, ANY_V4, ANY_V6, pack_address
from fivetuple.model.errors import BadInput
from fivetuple.model.names import DGRAM, PROTOCOL_NUMBERS, STREAM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

Sockets = namedtuple("Sockets", "rows unix_names holders shared missing")
"""RECORD[n]; row number -> path; row number -> first holder; -> every holder; fact -> reason."""

# psutil's words (psutil.CONN_*) -> the kernel's numbers. NONE is a socket without TCP's states.
STATES = {
    "ESTABLISHED": state.ESTABLISHED,
    "SYN_SENT": state.SYN_SENT,
    "SYN_RECV": state.SYN_RECV,
    "FIN_WAIT1": state.FIN_WAIT1,
    "FIN_WAIT2": state.FIN_WAIT2,
    "TIME_WAIT": state.TIME_WAIT,
    "CLOSE": state.CLOSE,
    "CLOSE_WAIT": state.CLOSE_WAIT,
    "LAST_ACK": state.LAST_ACK,
    "LISTEN": state.LISTEN,
    "CLOSING": state.CLOSING,
    "DELETE_TCB": state.CLOSE,  # Windows: on its way out
    "BOUND": state.BOUND_INACTIVE,  # Solaris
    "IDLE": state.CLOSE,
}
UNKNOWN_FD = 0xFFFFFFFF
"""Stands for the descriptor where the system has none to tell: Windows."""
NOT_TOLD = (
    facts.TCP_INFO, facts.BACKLOG, facts.BOUND_INACTIVE, facts.TIMERS, facts.NETLINK, facts.PACKET,
    facts.VSOCK, facts.RAW, facts.OTHER_NAMESPACES, facts.NAMESPACES, facts.OPTIONS, facts.COUNTERS,
)  # fmt: skip


def snapshot_rows() -> Sockets:
    """Read all sockets that psutil shows to us.

    Raises:
        NotAvailable: psutil is not installed.
    """
    psutil = import_psutil()
    missing: dict[int, str] = dict.fromkeys(NOT_TOLD, "psutil does not tell")
    missing[facts.UNIX] = "psutil does not tell states and peers of unix sockets"
    table = _Table()
    closed = 0
    try:
        for told in _all_at_once(psutil, missing):
            table.add(told, told.pid)
    except psutil.AccessDenied:  # macOS asks for root to list all at once
        closed = _read_each_process(psutil, table)
    if closed:
        who = "1 process" if closed == 1 else f"{closed} processes"
        missing[facts.SOCKETS] = f"{who} of other users: run as root"
    elif table.has_ownerless and not _is_privileged():
        missing[facts.OWNERS] = "processes of other users are closed to us: run as root"
    return Sockets(
        b"".join(table.rows), table.unix_names, table.holders, table.all_shared(), missing
    )


class _Table:
    """Rows and holders gathered so far."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self.unix_names: dict[int, bytes] = {}
        self.holders: dict[int, int] = {}
        self.shared: dict[int, set[int]] = {}
        self.has_ownerless = False
        self._numbers: dict[tuple[object, ...], int] = {}  # connection of TCP -> row number
        self._netns = _own_netns()

    def add(self, told: Any, pid: int | None) -> None:  # noqa: ANN401  # a named tuple of psutil's
        """Add a socket, or one more holder of a connection that is here already."""
        values = _values(told)
        if values is None:
            return
        key = (values["local"], values["local_port"], values["remote"], values["remote_port"])
        is_connection = values["type"] == STREAM and values["remote_port"]
        number = self._numbers.get(key) if is_connection else None
        if number is None:
            number = len(self.rows) + 1
            if is_connection:
                self._numbers[key] = number
            if values["family"] == AF_UNIX and told.laddr:
                self.unix_names[number] = _unix_name(told.laddr)
            self.rows.append(record.pack(values | {"inode": number, "netns": self._netns}))
        self._add_holder(number, pid, told.fd)

    def _add_holder(self, number: int, pid: int | None, fd: int) -> None:
        if pid is None:
            self.has_ownerless = True
            return
        held = pid << 32 | (fd if fd >= 0 else UNKNOWN_FD)
        first = self.holders.setdefault(number, held)
        if first != held:
            self.shared.setdefault(number, {first}).add(held)
            self.holders[number] = min(first, held)

    def all_shared(self) -> dict[int, tuple[int, ...]]:
        return {number: tuple(sorted(every)) for number, every in self.shared.items()}


def _values(told: Any) -> dict[str, Any] | None:  # noqa: ANN401
    """Return the columns of one socket; None for a family that we have no name for."""
    family = _families().get(int(told.family))
    if family is None:
        return None
    kind = int(told.type)
    values: dict[str, Any] = {"family": family, "type": kind}
    if family == AF_UNIX:
        nothing = {"local": bytes(16), "local_port": 0, "remote": bytes(16), "remote_port": 0}
        return values | {"state": state.CLOSE} | nothing
    local, local_port = _address(told.laddr, family)
    remote, remote_port = _address(told.raddr, family)
    protocol = {STREAM: "tcp", DGRAM: "udp"}.get(kind)
    return values | {
        "protocol_number": PROTOCOL_NUMBERS[protocol] if protocol else 0,
        "state": STATES.get(told.status, state.ESTABLISHED if remote_port else state.CLOSE),
        "local": local,
        "local_port": local_port,
        "remote": remote,
        "remote_port": remote_port,
    }


def _address(told: Any, family: int) -> tuple[bytes, int]:  # noqa: ANN401
    """Return 16 bytes and port of psutil's address; it leaves out what is not set."""
    if not told:
        return (ANY_V4 if family == AF_INET else ANY_V6), 0
    try:
        return pack_address(told.ip), told.port
    except BadInput:
        return ANY_V6, told.port


def _unix_name(path: str) -> bytes:
    """Return the path; `@` at its start is an abstract name's NUL, as /proc/net/unix writes it."""
    raw = os.fsencode(path)
    return b"\0" + raw[1:] if raw[:1] == b"@" else raw


def _families() -> dict[int, int]:
    """Return this system's numbers of address families -> Linux's, which rows use."""
    import _socket

    own = {"AF_INET": AF_INET, "AF_INET6": AF_INET6, "AF_UNIX": AF_UNIX}
    return {
        getattr(_socket, name): number for name, number in own.items() if hasattr(_socket, name)
    }


def _all_at_once(psutil: ModuleType, missing: dict[int, str]) -> list[Any]:
    """Return every socket as psutil tells it; without unix sockets where it stumbles over them."""
    try:
        told: list[Any] = psutil.net_connections("all")
    except RuntimeError as error:  # a newline in a path, which anybody may bind
        missing[facts.UNIX] = f"psutil can't read the list of unix sockets: {error}"
        told = psutil.net_connections("inet")
    return told


def _read_each_process(psutil: ModuleType, table: _Table) -> int:
    """Read the sockets of each process that lets us; return how many did not."""
    closed = 0
    for process in psutil.process_iter():
        try:
            for told in process.net_connections("all"):
                table.add(told, process.pid)
        except psutil.NoSuchProcess:
            continue
        except psutil.AccessDenied:
            closed += 1
    return closed


def _own_netns() -> int:
    """Return the inode of our network namespace, 0 where there are none."""
    try:
        return os.stat("/proc/self/ns/net").st_ino
    except OSError:
        return 0


def _is_privileged() -> bool:
    return sys.platform == "win32" or os.geteuid() == 0
