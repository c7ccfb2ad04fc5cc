"""The part of a snapshot that a Subject is about: its sockets, listeners, destinations and holders."""

from __future__ import annotations

from fivetuple.analysis.ownership import Ownership
from fivetuple.analysis.ports_used import port_spaces
from fivetuple.model import record
from fivetuple.model.endpoint import (
    AF_INET,
    AF_INET6,
    ANY_V4,
    ANY_V6,
    V4_PREFIX,
    WILDCARDS,
    is_loopback,
)
from fivetuple.model.names import RAW, protocol_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fivetuple.analysis.listening import Listener
    from fivetuple.analysis.peers import Peer
    from fivetuple.analysis.subject import Subject
    from fivetuple.model.snapshot import Snapshot

ROWS = record.Projection(
    "family", "type", "state", "protocol_number", "local_port", "remote_port", "netns", "inode", "local", "remote",
)  # fmt: skip
SELECTED = record.Projection(
    "family", "type", "state", "protocol_number", "local_port", "remote_port", "netns", "inode", "local", "remote",
    "options",
)  # fmt: skip


class Part:
    """The part of a snapshot that a subject is about."""

    __slots__ = ("own", "pids", "rows", "snapshot", "spaces", "subject")

    def __init__(self, snapshot: Snapshot, subject: Subject) -> None:
        self.snapshot = snapshot
        self.subject = subject
        self.own = Ownership(snapshot)
        self.own.learn(snapshot.rows)
        self.spaces = port_spaces(snapshot)
        """The port space of each namespace whose settings are known."""
        self.pids: set[int] = set()
        """Who holds the port, or which of the subject's processes hold sockets."""
        self.rows = self._select()
        """Its sockets, RECORD[n]."""

    @property
    def is_of_ends(self) -> bool:
        """Tell whether it is about ports and addresses, not about processes."""
        return bool(self.subject.ports) or self.subject.address is not None

    def _select(self) -> bytes:
        size = record.SIZE
        view = memoryview(self.snapshot.rows)
        is_about = self._has_end if self.is_of_ends else self._is_held
        protocol = self.subject.protocol
        kept = []
        for index, row in enumerate(SELECTED.read(self.snapshot.rows)):
            family, kind, _, number = row[:4]
            if kind == RAW or (family != AF_INET and family != AF_INET6):  # noqa: PLR1714  # fast
                continue
            if protocol and protocol != protocol_name(family, kind, number):
                continue
            if is_about(*row[2:]):
                kept.append(view[index * size : index * size + size])
        return b"".join(kept)

    def _has_end(  # noqa: PLR0913, PLR0917  # one row's columns
        self, state: int, _number: int, port: int, remote_port: int, netns: int, inode: int, local: bytes, remote: bytes,
        options: int,
    ) -> bool:  # fmt: skip
        """Tell whether one of the socket's ends is meant, and remember who holds the own one."""
        if self.fits(port, local, netns, is_v6_only=bool(options & record.V6ONLY)):
            self.pids.update(self.own.pids(inode, state, netns, local, port))
            return True
        return bool(remote_port) and self.fits(remote_port, remote, netns)

    def _is_held(  # one row's columns
        self, state: int, _number: int, port: int, _remote_port: int, netns: int, inode: int, local: bytes, _remote: bytes,
        _options: int,
    ) -> bool:  # fmt: skip
        """Tell whether one of the subject's processes, or its socket unit, has the socket."""
        subject = self.subject
        pids = self.own.pids(inode, state, netns, local, port)
        mine = [pid for pid in pids if pid in subject.pids]
        self.pids.update(mine)
        if inode in subject.inodes:
            self.pids.update(pids)
        return bool(mine) or inode in subject.inodes

    def fits(self, port: int, address: bytes, netns: int, *, is_v6_only: bool = False) -> bool:
        """Tell whether an end in a namespace is the one that the subject names.

        A wildcard is at every address of its namespace, and at no other; 0.0.0.0 at no IPv6 one,
        [::] with IPV6_V6ONLY at no IPv4 one.
        """
        subject = self.subject
        if subject.ports and port not in subject.ports:
            return False
        if subject.address is None or address == subject.address:
            return True
        is_v4 = subject.address.startswith(V4_PREFIX)
        if (address == ANY_V4 and not is_v4) or (address == ANY_V6 and is_v4 and is_v6_only):
            return False
        return address in WILDCARDS and self._has_address(netns)

    def _has_address(self, netns: int) -> bool:
        """Tell whether a namespace has the subject's address; where its own are not known, it may."""
        space = self.snapshot.namespaces.get(netns)
        if space is None or not space.addresses or is_loopback(self.subject.address):
            return True
        return any(own == self.subject.address for _, own, _ in space.addresses)

    def has_listener(self, each: Listener) -> bool:
        """Tell whether a listener belongs here."""
        subject = self.subject
        if subject.protocol and each.protocol != subject.protocol:
            return False
        if self.is_of_ends:
            return any(
                self.fits(each.port, address, each.netns, is_v6_only=not each.may_hear_v4)
                for address, _ in each.addresses
            )
        return not each.pids.isdisjoint(subject.pids) or not each.inodes.isdisjoint(subject.inodes)

    def has_peer(self, peer: Peer) -> bool:
        """Tell whether a destination belongs here."""
        subject = self.subject
        if subject.protocol and peer.protocol != subject.protocol:
            return False
        if self.is_of_ends:
            return self.fits(peer.remote.port, peer.remote.address, peer.netns)
        return not peer.pids.isdisjoint(subject.pids)
