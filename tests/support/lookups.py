"""Sockets, namespaces and packets made by hand, for tests of analysis/lookup*.py and views/who.py."""

from __future__ import annotations

from typing import Any

from fivetuple.analysis.lookup_candidates import Packet
from fivetuple.model import facts, record
from fivetuple.model.endpoint import (
    AF_INET,
    AF_INET6,
    ANY_V4,
    ANY_V6,
    Endpoint,
    pack_address,
    parse_endpoint,
)
from fivetuple.model.namespace import Namespace
from fivetuple.model.process import Process
from fivetuple.model.snapshot import Host, Snapshot
from fivetuple.model.state import CLOSE, ESTABLISHED, LISTEN

NETNS = 4026531840
LO, ETH0, ETH1 = 1, 2, 3
NUMBERS = {"tcp": 6, "udp": 17, "udplite": 136, "raw": 255}


def row(
    protocol: str,
    local: str,
    remote: str = "",
    *,
    inode: int,
    state: int | None = None,
    options: int = 0,
    **columns: Any,
) -> bytes:
    """Make a row; `local` and `remote` as people write them, `*:80` for every IPv6 (and IPv4) address."""
    family = columns.pop("family", AF_INET6 if "[" in local or local.startswith("*") else AF_INET)
    any_address = ANY_V4 if family == AF_INET else ANY_V6
    own = Endpoint(ANY_V6, int(local[2:])) if local.startswith("*") else parse_endpoint(local)
    peer = parse_endpoint(remote) if remote else Endpoint(any_address, 0)
    if state is None:
        state = ESTABLISHED if remote else LISTEN if protocol == "tcp" else CLOSE
    number = columns.pop("protocol_number", NUMBERS[protocol])
    values = {
        "family": family, "type": {"tcp": 1, "raw": 3}.get(protocol, 2), "state": state, "protocol_number": number,
        "local_port": own.port, "remote_port": peer.port, "local": own.address, "remote": peer.address,
        "known": record.INODE | record.UID | record.OPTIONS | record.BACKLOG | record.ACCEPT_QUEUE,
        "inode": inode, "netns": NETNS, "options": options, "backlog": 128,
    }  # fmt: skip
    return record.pack(values | columns)


def space(**changes: Any) -> Namespace:
    """Make a namespace with lo, eth0 (192.0.2.1/24, 2001:db8::1/64) and eth1 (198.51.100.1/24)."""
    made = Namespace(NETNS, "host", is_own=True)
    made.interfaces = {LO: "lo", ETH0: "eth0", ETH1: "eth1"}
    made.addresses = tuple(
        (index, pack_address(text), length)
        for index, text, length in (
            (LO, "127.0.0.1", 104),
            (LO, "::1", 128),
            (ETH0, "192.0.2.1", 120),
            (ETH0, "2001:db8::1", 64),
            (ETH1, "198.51.100.1", 120),
        )
    )
    made.local_prefixes = tuple(
        (pack_address(text), length)
        for text, length in (
            ("127.0.0.0", 104),
            ("::1", 128),
            ("192.0.2.1", 128),
            ("2001:db8::1", 128),
            ("198.51.100.1", 128),
        )
    )
    made.routes = (
        (pack_address("192.0.2.0"), 120, ETH0, None),
        (pack_address("198.51.100.0"), 120, ETH1, None),
        (pack_address("0.0.0.0"), 96, ETH0, pack_address("192.0.2.254")),
        (pack_address("2001:db8::"), 64, ETH0, None),
    )
    made.firewall = {"nft": []}
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def snapshot(*rows: bytes, road: str = "bpf", where: Namespace | None = None) -> Snapshot:
    """Make a snapshot of one namespace; every socket with an inode is held by process 100 + inode."""
    made = Snapshot(Host("test"), 0, road=road, facts=facts.SOCKETS, chunks=rows, own_netns=NETNS)
    made.namespaces = {NETNS: where or space()}
    made.interfaces = {NETNS: made.namespaces[NETNS].interfaces}
    for each in record.unpack(b"".join(rows)):
        made.holders[each["inode"]] = (100 + each["inode"]) << 32 | 3
        made.processes[100 + each["inode"]] = Process(
            100 + each["inode"], f"program{each['inode']}"
        )
    return made


def packet(
    protocol: str, source: str, destination: str, *, interface: int = 0, is_syn: bool = False
) -> Packet:
    return Packet(protocol, parse_endpoint(source), parse_endpoint(destination), interface, is_syn)
