"""A hand-made Snapshot: sockets, owners and namespaces in a few words, without a machine."""

from __future__ import annotations

from typing import Any

from fivetuple.model import record
from fivetuple.model.endpoint import AF_INET, AF_INET6, ANY_V4, ANY_V6, pack_address, parse_endpoint
from fivetuple.model.names import PROTOCOL_NUMBERS
from fivetuple.model.namespace import Namespace
from fivetuple.model.process import Place, Process
from fivetuple.model.snapshot import Host, Snapshot
from fivetuple.model.state import STATES

HOST = 4026531840
NOW_NS = 1_800_000_000 * 10**9
ALL_KNOWN = 0xFFFF & ~record.TIMER
STATE_NUMBERS = {state.name: number for number, state in STATES.items()}


class Made:
    """Collects sockets and owners; `snapshot()` gives what a road would have read."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self.processes: dict[int, Process] = {}
        self.holders: dict[int, int] = {}
        self.shared: dict[int, tuple[int, ...]] = {}
        self.spaces: dict[int, Namespace] = {}
        self.space(HOST, "host", "192.0.2.10/24")

    def space(self, inode: int, name: str, *addresses: str, firewall=None) -> int:
        """Add a namespace with loopback and these addresses."""
        made = self.spaces[inode] = Namespace(inode, name, is_own=inode == HOST)
        made.sysctls = {"net.ipv4.ip_local_port_range": "32768\t60999"}
        made.interfaces = {1: "lo", 2: "eth0"}
        texts = ["127.0.0.1", *(each.partition("/")[0] for each in addresses)]
        made.addresses = tuple(
            (1 if n == 0 else 2, pack_address(text), 128) for n, text in enumerate(texts)
        )
        made.firewall = firewall
        return inode

    def process(
        self,
        pid: int,
        name: str,
        *argv: str,
        parent: int = 1,
        unit: str | None = None,
        age_s: int = 60,
        container: str | None = None,
    ) -> int:
        """Add a process that started so many seconds ago."""
        place = Place(
            unit,
            container_id=container * 8 if container else None,
            engine="docker" if container else None,
        )
        place.container_name = container
        self.processes[pid] = Process(
            pid, name, argv=tuple(word.encode() for word in argv or (name,)), parent_pid=parent, uid=0,
            started_ns=NOW_NS - age_s * 10**9, place=place,
        )  # fmt: skip
        return pid

    def socket(
        self,
        local: str,
        remote: str = "",
        state: str = "ESTABLISHED",
        *pids: int,
        protocol: str = "tcp",
        netns: int = HOST,
        **columns: Any,
    ) -> int:
        """Add one socket, held by these pids; return its inode."""
        inode: int = columns.pop("inode", 1000 + len(self.rows))
        own = parse_endpoint(local)
        other = parse_endpoint(remote) if remote else None
        is_v6 = local.startswith("[")
        values = {
            "family": AF_INET6 if is_v6 else AF_INET, "type": 1 if protocol in ("tcp", "mptcp") else 2,
            "protocol_number": PROTOCOL_NUMBERS[protocol], "state": STATE_NUMBERS[state], "local": own.address,
            "local_port": own.port, "remote": other.address if other else ANY_V6 if is_v6 else ANY_V4,
            "remote_port": other.port if other else 0, "netns": netns, "inode": inode, "known": ALL_KNOWN,
        }  # fmt: skip
        self.rows.append(record.pack(values | columns))
        if pids and inode:
            held = tuple(pid << 32 | 3 for pid in pids)
            self.holders[inode] = held[0]
            if len(held) > 1:
                self.shared[inode] = held
        return inode

    def listen(self, local: str, *pids: int, **columns: Any) -> int:
        """Add a TCP listener."""
        columns.setdefault("backlog", 128)
        return self.socket(local, "", "LISTEN", *pids, **columns)

    def snapshot(self) -> Snapshot:
        """Return the snapshot."""
        made = Snapshot(
            Host("made", "Linux", "6.1"),
            NOW_NS,
            road="test",
            facts=0,
            chunks=(b"".join(self.rows),),
            own_netns=HOST,
        )
        made.holders, made.shared, made.processes, made.namespaces = (
            self.holders,
            self.shared,
            self.processes,
            self.spaces,
        )
        made.interfaces = {inode: space.interfaces for inode, space in self.spaces.items()}
        made.users = {0: "root", 33: "www-data"}
        return made
