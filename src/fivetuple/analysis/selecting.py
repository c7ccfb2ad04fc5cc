"""The sockets that a Subject is about, and what else they tell: holders, clients."""

from __future__ import annotations

from collections import Counter

from fivetuple.analysis.lens import Lens
from fivetuple.model import record
from fivetuple.model.endpoint import AF_INET, AF_INET6, WILDCARDS, address_text, endpoint_text
from fivetuple.model.names import DGRAM, RAW, protocol_name
from fivetuple.model.state import BOUND_INACTIVE, CLOSE, LISTEN, TIME_WAIT, state_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.analysis.listening import Listener
    from fivetuple.analysis.peers import Peer
    from fivetuple.analysis.subject import Subject
    from fivetuple.model.snapshot import Snapshot

ROWS = record.Projection(
    "family", "type", "state", "protocol_number", "local_port", "remote_port", "known", "netns", "inode", "local",
    "remote", "timer_ms",
)  # fmt: skip

Holder = tuple[str, str, str, str, str, int, str]
"""How, protocol, where, owner, unit or container, namespace, remark."""


class Part:
    """The part of a snapshot that a subject is about."""

    def __init__(self, snapshot: Snapshot, subject: Subject) -> None:
        self.subject = subject
        self._lens = Lens(snapshot)
        self._lens.ownership.learn(snapshot.rows)
        self._listening = {
            (netns, port)
            for _, kind, state, _, port, remote_port, _, netns, *_ in ROWS.read(snapshot.rows)
            if state == LISTEN or (state == CLOSE and kind == DGRAM and not remote_port)
        }
        size = record.SIZE
        view = memoryview(snapshot.rows)
        self.pids: set[int] = set()
        kept = []
        for index, row in enumerate(ROWS.read(snapshot.rows)):
            if self._is_about(row):
                kept.append(bytes(view[index * size : index * size + size]))
        self.rows = b"".join(kept)
        """Its sockets, RECORD[n]."""

    def _is_about(self, row: tuple[object, ...]) -> bool:
        """Tell whether the row belongs here, and remember who holds the port."""
        family, kind, state, number, port, remote_port, _, netns, inode, local, remote, _ = row
        if family not in (AF_INET, AF_INET6) or kind == RAW:
            return False
        subject = self.subject
        pids = self._lens.ownership.pids(inode, state, netns, local, port)
        if subject.protocol and protocol_name(family, kind, number) != subject.protocol:
            return False
        if subject.ports or subject.address is not None:
            is_mine = self._fits(port, local)
            if not (is_mine or (remote_port and self._fits(remote_port, remote))):
                return False
            if is_mine:
                self.pids.update(pids)
            return True
        if not set(pids) & set(subject.pids):
            return False
        self.pids.update(pid for pid in pids if pid in subject.pids)
        return True

    def _fits(self, port: int, address: bytes) -> bool:
        """Tell whether an end is the one that the subject names; a wildcard is at every address."""
        subject = self.subject
        if subject.ports and port not in subject.ports:
            return False
        return subject.address is None or address == subject.address or address in WILDCARDS

    def has_listener(self, each: Listener) -> bool:
        """Tell whether a listener belongs here."""
        subject = self.subject
        if subject.protocol and each.protocol != subject.protocol:
            return False
        if subject.ports or subject.address is not None:
            return any(self._fits(each.port, address) for address, _ in each.addresses)
        return bool(each.pids & set(subject.pids))

    def has_peer(self, peer: Peer) -> bool:
        """Tell whether a destination belongs here."""
        subject = self.subject
        if subject.protocol and peer.protocol != subject.protocol:
            return False
        if subject.ports or subject.address is not None:
            return self._fits(peer.remote.port, peer.remote.address)
        return bool(peer.pids & set(subject.pids))

    def clients(self) -> list[tuple[str, int, Counter[str]]]:
        """Return who is connected to its listeners: (address, connections, states), most first."""
        found: dict[str, Counter[str]] = {}
        for family, kind, state, _, port, remote_port, _, netns, _, local, remote, _ in ROWS.read(self.rows):
            if remote_port and (netns, port) in self._listening and (not self.subject.ports or self._fits(port, local)):
                found.setdefault(address_text(remote), Counter())[state_name(state, is_stream=kind == 1)] += 1
        return sorted(
            ((address, states.total(), states) for address, states in found.items()), key=lambda each: (-each[1], each[0])
        )

    def other_holders(self) -> list[Holder]:
        """Return what holds the port without listening: bound, outgoing, in TIME_WAIT."""
        found: list[Holder] = []
        waiting: dict[tuple[int, str, int], list[int]] = {}
        for family, kind, state, number, port, remote_port, known, netns, inode, local, remote, timer_ms in ROWS.read(self.rows):
            if (netns, port) in self._listening or (self.subject.ports and not self._fits(port, local)):
                continue
            protocol = protocol_name(family, kind, number)
            if state == TIME_WAIT:
                waiting.setdefault((netns, protocol, port), []).append(timer_ms if known & record.TIMER else 0)
                continue
            if not self.subject.ports and state != BOUND_INACTIVE:
                continue
            process = self._lens.ownership.process(inode, state, netns, local, port)
            owner = f"{process.name} ({process.pid})" if process.pid else "-"
            where = endpoint_text(local, port, family)
            if state == BOUND_INACTIVE:
                found.append(("bound only", protocol, where, owner, "", netns, "neither listens nor connects; ss hides it"))
            elif remote_port:
                to = endpoint_text(remote, remote_port, family)
                found.append(("outgoing", protocol, f"{where} -> {to}", owner, "", netns, state_name(state, is_stream=kind == 1)))
        for (netns, protocol, port), left_ms in waiting.items():
            longest = f", the last for {-(-max(left_ms) // 1000)} s more" if max(left_ms) else ""
            found.append(("TIME_WAIT", protocol, f"port {port}", "nobody", "", netns, f"{len(left_ms)} of them{longest}"))
        return found


def parts_of(snapshot: Snapshot, subject: Subject) -> Part:
    """Return the part of the snapshot that the subject is about."""
    return Part(snapshot, subject)
