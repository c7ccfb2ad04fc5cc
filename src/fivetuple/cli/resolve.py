"""--resolve: host names beside addresses, asked of the resolver for two seconds at most.

Nothing else in ft ever asks DNS. What DNS says was written by strangers: it is shown escaped,
beside the number and never instead of it.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from fivetuple.model.answer import Table
from fivetuple.model.endpoint import AF_INET, AF_INET6, WILDCARDS, AddressTexts, address_text
from fivetuple.model.record import Projection
from fivetuple.model.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from fivetuple.model.answer import Answer, SocketTable

    Lookup = Callable[[str], str | None]

DEADLINE_S = 2.0  # for all names of one look together
ASKING_AT_ONCE = 32
LONGEST_NAME = 253  # RFC 1035 section 2.3.4, as text
REMOTE = Projection("family", "remote")
# an address alone, or with a port: 10.0.0.5, 10.0.0.5:443, [2001:db8::1]:443, 2001:db8::1
ENDPOINT = re.compile(
    r"(?P<v4>\d{1,3}(?:\.\d{1,3}){3})(?::(?:\d+|\*))?|\[(?P<v6>[0-9a-f:.]+)\]:(?:\d+|\*)|(?P<bare>[0-9a-f]*:[0-9a-f:.]+)"
)


class HostNames:
    """Host names by address, kept for as long as the process lives: a repeated look asks once."""

    def __init__(self, lookup: Lookup | None = None, deadline_s: float = DEADLINE_S) -> None:
        self._lookup = lookup or ask_resolver
        self._deadline_s = deadline_s
        self._known: dict[str, str | None] = {}

    def of(self, addresses: Collection[str]) -> tuple[dict[str, str], int]:
        """Return address -> name for those that have one, and how many had no answer in time."""
        wanted = [address for address in dict.fromkeys(addresses) if address not in self._known]
        waiting: SimpleQueue[str] = SimpleQueue()
        for address in wanted:
            waiting.put(address)
        answers: SimpleQueue[tuple[str, str | None]] = SimpleQueue()
        end = time.monotonic() + self._deadline_s
        for _ in range(min(ASKING_AT_ONCE, len(wanted))):
            # a daemon: the resolver may take a minute, and nobody waits for it at the end
            threading.Thread(target=self._ask, args=(waiting, answers, end), daemon=True).start()
        late = len(wanted)
        while late and (left := end - time.monotonic()) > 0:
            try:
                address, name = answers.get(timeout=left)
            except Empty:
                break
            self._known[address] = name
            late -= 1
        found = {address: name for address in addresses if (name := self._known.get(address))}
        return found, late

    def _ask(
        self, waiting: SimpleQueue[str], answers: SimpleQueue[tuple[str, str | None]], end: float
    ) -> None:
        """Ask for one address after the other until none or no time is left."""
        while time.monotonic() < end:
            try:
                address = waiting.get_nowait()
            except Empty:
                return
            name = self._lookup(address)
            answers.put((address, printable(name)[:LONGEST_NAME] if name else None))


def ask_resolver(address: str) -> str | None:
    """Return the name that the system's resolver has for an address: /etc/hosts, then DNS."""
    try:
        return socket.getnameinfo((address.removeprefix("::ffff:"), 0), socket.NI_NAMEREQD)[0]
    except (OSError, ValueError):  # ValueError: a name that is no UTF-8
        return None


NAMES = HostNames()


def add_names(answer: Answer, names: HostNames = NAMES) -> list[str]:
    """Put host names beside the addresses of an answer; return the notes to it."""
    answer.blocks = list(answer.blocks)
    if answer.sockets is not None:
        addresses = _remote_addresses(answer.sockets)
    else:
        addresses = {address for text in _texts(answer) if (address := address_in(text))}
    found, late = names.of(sorted(addresses))
    if answer.sockets is not None:
        answer.sockets.host_names = found
    answer.blocks = [_named(block, found) for block in answer.blocks]
    answer.data = _with_names(answer.data, found)
    if not late:
        return []
    return [
        f"{late} of {len(addresses)} addresses had no answer from the resolver within {DEADLINE_S:g} s"
    ]


def beside(text: str, names: Mapping[str, str]) -> str:
    """Return `10.0.0.5:443 (db.example)` where the address has a name."""
    name = names.get(address_in(text) or "")
    return f"{text} ({name})" if name else text


def address_in(text: str) -> str | None:
    """Return the address of a text that is nothing but an address or endpoint."""
    match = ENDPOINT.fullmatch(text)
    return (match["v4"] or match["v6"] or match["bare"]) if match else None


def _remote_addresses(table: SocketTable) -> set[str]:
    """Collect the peers' addresses of the rows that will be shown."""
    rows = table.snapshot.rows
    rows = table.keep(rows) if table.keep else rows
    v4 = AddressTexts()
    found = {
        pair
        for pair in REMOTE.read(rows)
        if pair[0] in (AF_INET, AF_INET6) and pair[1] not in WILDCARDS
    }
    return {
        v4[remote] if family == AF_INET else address_text(remote, AF_INET6)
        for family, remote in found
    }


def _texts(answer: Answer) -> list[str]:
    """Return the texts that may be addresses: cells of tables, and members called `..._address`."""
    found = [
        str(cell)
        for block in answer.blocks
        if isinstance(block, Table)
        for row in block.rows
        for cell in row
    ]

    def walk(value: object) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("remote_address"), str):
                found.append(value["remote_address"])
            for inner in value.values():
                walk(inner)
        elif isinstance(value, (list, tuple)):
            for inner in value:
                walk(inner)

    walk(answer.data)
    return found


def _named(block: object, names: Mapping[str, str]) -> object:
    if not isinstance(block, Table):
        return block
    return Table(
        block.columns,
        [[_like(cell, beside(str(cell), names)) for cell in row] for row in block.rows],
    )


def _like(cell: Any, text: str) -> Any:  # noqa: ANN401  # a text, with or without a style
    """Return the text in the cell's style."""
    return (
        cell if text == cell else type(cell)(text, cell.style) if hasattr(cell, "style") else text
    )


def _with_names(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401  # what JSON can hold
    """Add `remote_name` beside every `remote_address` of data."""
    if isinstance(value, (list, tuple)):
        return [_with_names(inner, names) for inner in value]
    if not isinstance(value, dict):
        return value
    made = {key: _with_names(inner, names) for key, inner in value.items()}
    if isinstance(made.get("remote_address"), str):
        made["remote_name"] = names.get(made["remote_address"])
    return made
