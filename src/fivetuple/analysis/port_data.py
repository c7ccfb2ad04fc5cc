"""The story of a port or program as data: the members of the JSON object that `ft port --json` gives.

`docs/json.md` describes them; within a major version members are only added.
"""

from __future__ import annotations

from fivetuple.analysis.lens import Lens
from fivetuple.analysis.owners import namespace_name
from fivetuple.analysis.reasons import why_it_runs
from fivetuple.analysis.rows_of_data import listener_row, oddity_row, peer_row
from fivetuple.model.endpoint import address_text
from fivetuple.model.fields import DEFAULT_DATA
from fivetuple.model.ports import port_class
from fivetuple.model.process import ancestors
from fivetuple.model.services import service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fivetuple.analysis.clients import Client
    from fivetuple.analysis.forwarding import Forward
    from fivetuple.analysis.holding import Holder
    from fivetuple.analysis.port_story import Story
    from fivetuple.model.process import Process
    from fivetuple.model.snapshot import Snapshot

PROTOCOLS = ("tcp", "udp", "sctp", "dccp")


def data_of(story: Story) -> dict[str, Any]:
    """Return the members of the JSON object."""
    part, snapshot = story.part, story.part.snapshot
    subject = part.subject
    return {
        "subject": {
            "word": subject.word, "ports": list(subject.ports), "pids": sorted(part.pids if not part.is_of_ends else subject.pids),
            "protocol": subject.protocol, "address": None if subject.address is None else address_text(subject.address),
        },
        "ports": [row for port in subject.ports for row in _port_rows(story, port)],
        "services": [row for port in subject.ports for row in _service_rows(port, subject.protocol)],
        "listeners": [listener_row(snapshot, each) for each in story.listeners],
        "holders": [_holder_row(snapshot, each) for each in story.holders],
        "processes": [_process_row(story, each) for each in story.owners],
        "clients": [_client_row(snapshot, each) for each in story.clients],
        "peers": [peer_row(snapshot, each) for each in story.peers],
        "forwards": [_forward_row(snapshot, each) for each in story.forwards],
        "odd": [oddity_row(snapshot, each) for each in story.odd],
        "advice": list(story.advice),
        "sockets": _socket_rows(story),
    }  # fmt: skip


def _socket_rows(story: Story) -> list[dict[str, Any]]:
    lens = Lens(story.part.snapshot)
    lens.ownership.learn(story.part.snapshot.rows)
    return [
        dict(zip(DEFAULT_DATA, values, strict=True))
        for values in lens.values(DEFAULT_DATA)(story.part.rows)
    ]


def _port_rows(story: Story, port: int) -> list[dict[str, Any]]:
    """Tell what each namespace makes of the port."""
    snapshot = story.part.snapshot
    rows = []
    for inode, space in story.part.spaces.items():
        known = space.describe(port)
        rows.append({
            "port": port, "class": known.port_class, "netns": inode, "netns_name": namespace_name(snapshot, inode),
            "privileged": known.is_privileged, "ephemeral": known.is_ephemeral, "reserved": known.is_reserved,
        })  # fmt: skip
    return rows or [
        {
            "port": port, "class": port_class(port).name, "netns": None, "netns_name": None, "privileged": None,
            "ephemeral": None, "reserved": None,
        }
    ]  # fmt: skip


def _service_rows(port: int, protocol: str | None) -> list[dict[str, Any]]:
    found = [service(port, each) for each in ((protocol,) if protocol else PROTOCOLS)]
    return [
        {
            "port": port, "protocol": each.protocol, "service": each.name, "description": each.description,
            "exposure": each.exposure, "reason": each.reason,
        }
        for each in found
        if each is not None
    ]  # fmt: skip


def _holder_row(snapshot: Snapshot, each: Holder) -> dict[str, Any]:
    return each._asdict() | {"netns_name": namespace_name(snapshot, each.netns)}


def _process_row(story: Story, process: Process) -> dict[str, Any]:
    place, snapshot = process.place, story.part.snapshot
    parents = ancestors(snapshot.processes, process.pid)
    return {
        "pid": process.pid, "process": process.name, "command": process.command, "uid": process.uid,
        "user": snapshot.users.get(process.uid) if process.uid is not None else None, "started_ns": process.started_ns,
        "unit": place.unit if place else None, "container": place.container if place else None,
        "pod": place.pod if place else None, "why": why_it_runs(snapshot.processes, process),
        "parent_pids": [each.pid for each in parents], "parents": [each.name for each in parents],
    }  # fmt: skip


def _client_row(snapshot: Snapshot, each: Client) -> dict[str, Any]:
    return {
        "remote_address": address_text(each.address), "protocol": each.protocol, "port": each.port,
        "netns": each.netns, "netns_name": None if each.netns is None else namespace_name(snapshot, each.netns),
        "process": each.process.name or None, "pid": each.process.pid or None, "pids": sorted(each.pids),
        "connections": each.connections, "states": dict(each.states),
    }  # fmt: skip


def _forward_row(snapshot: Snapshot, each: Forward) -> dict[str, Any]:
    target = None if each.target_netns is None else namespace_name(snapshot, each.target_netns)
    return each._asdict() | {
        "netns_name": namespace_name(snapshot, each.netns),
        "target_netns_name": target,
    }
