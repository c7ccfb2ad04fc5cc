"""Tests of who owns a socket: its processes, and the unit, container or pod they are part of.

A socket with several owners matches when one of them does. Each process is asked once, not each
row. What these functions answer is told in filter_lookups.py, which lists them.
"""

from __future__ import annotations

from _operator import ge, gt, le, lt

from fivetuple.analysis.ownership import Ownership
from fivetuple.model import record
from fivetuple.model.process import Place
from fivetuple.model.snapshot import FD_MASK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from fivetuple.analysis.filter_tree import Test
    from fivetuple.model.process import Process
    from fivetuple.model.snapshot import Snapshot

    Answer = bool | None
    Judge = Callable[[Any], Answer]

LEAST_ID_DIGITS = 6  # of a container's id; shorter ones would be mistaken for names
_ORDERS = {"<": lt, "<=": le, ">": gt, ">=": ge}


class World:
    """What lookups may ask: the Snapshot, and who owns its sockets."""

    __slots__ = ("ownership", "snapshot")

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.ownership = Ownership(snapshot)


def text_judge(test: Test) -> Callable[[str], bool]:
    """Return a function that tells whether a text is one of those meant."""
    from fivetuple.analysis.patterns import glob_matcher, regex_matcher

    make = regex_matcher if test.operator == "~" else glob_matcher
    matchers = [make(value) for value in test.values]
    return (
        matchers[0]
        if len(matchers) == 1
        else lambda text: any(matches(text) for matches in matchers)
    )


def number_judge(test: Test) -> Callable[[float], bool]:
    """Return a function that tells whether a number is one of those meant."""
    if test.operator in _ORDERS:
        compare, bound = _ORDERS[test.operator], test.values[0]
        return lambda number: compare(number, bound)
    return frozenset(test.values).__contains__


class _ByPid(dict):  # type: ignore[type-arg]  # a cache: pid -> answer
    """The answer for each process, asked once; not kept while the process is not read yet."""

    def __init__(self, processes: dict[int, Process], judge: Callable[[Process], object]) -> None:
        self._processes = processes
        self._judge = judge

    def __missing__(self, pid: int) -> object:
        process = self._processes.get(pid)
        if process is None:
            return None
        answer = self[pid] = self._judge(process)
        return answer


class _Pids(dict):  # type: ignore[type-arg]  # a cache: pid -> answer
    """The answer for each pid by its number."""

    def __init__(self, judge: Callable[[float], bool]) -> None:
        self._judge = judge

    def __missing__(self, pid: int) -> bool:
        answer = self[pid] = self._judge(pid)
        return answer


def _any_of(answers: Iterable[Answer]) -> Answer:
    """Return True when one is, else False when one is, else None."""
    found: Answer = None
    for answer in answers:
        if answer:
            return True
        if answer is False:
            found = False
    return found


def _by_owner(world: World, by_pid: dict[int, Answer]) -> Callable[..., Answer]:
    """Make the function that asks each owner of a socket."""
    get, shared, pids = world.snapshot.holders.get, world.snapshot.shared, world.ownership.pids

    def ask(inode: int, state: int, netns: int, local: bytes, local_port: int) -> Answer:
        if inode and inode not in shared:
            held = get(inode)
            return None if held is None else by_pid[held >> 32]
        return _any_of(by_pid[pid] for pid in pids(inode, state, netns, local, local_port))

    return ask


def pid_test(world: World, test: Test) -> Callable[..., Answer]:
    """Make the test of the owners' numbers."""
    return _by_owner(world, _Pids(number_judge(test)))


def process_text_test(
    value_of: Callable[[Process], str | None],
) -> Callable[[World, Test], Callable[..., Answer]]:
    """Make the maker of a test of a text that a process has."""

    def make(world: World, test: Test) -> Callable[..., Answer]:
        judge = text_judge(test)

        def judged(process: Process) -> Answer:
            text = value_of(process)
            return None if text is None else judge(text)

        return _by_owner(world, _ByPid(world.snapshot.processes, judged))

    return make


def process_age_test(world: World, test: Test) -> Callable[..., Answer]:
    """Make the test of how many seconds ago the owner was started."""
    judge, now_ns = number_judge(test), world.snapshot.taken_ns

    def judged(process: Process) -> Answer:
        return None if process.started_ns is None else judge((now_ns - process.started_ns) / 1e9)

    return _by_owner(world, _ByPid(world.snapshot.processes, judged))


def fd_test(world: World, test: Test) -> Callable[..., Answer]:
    """Ask for descriptors of real holders only: what a listener will accept has none yet."""
    judge, holders_of = number_judge(test), world.snapshot.holders_of
    get, shared = world.snapshot.holders.get, world.snapshot.shared

    def one(fd: int) -> Answer:
        return None if fd == FD_MASK else judge(fd)  # all ones: the system tells none

    def ask(inode: int) -> Answer:
        held = get(inode)
        if held is None:
            return None
        if inode in shared:
            return _any_of(one(fd) for _, fd in holders_of(inode))
        return one(held & FD_MASK)

    return ask


def owner_by_test(world: World, test: Test) -> Callable[..., Answer]:
    """Make the test of how the owner is known."""
    basis, wanted = world.ownership.basis, frozenset(test.values)

    def ask(inode: int, state: int, netns: int, local: bytes, local_port: int) -> Answer:
        found = basis(inode, state, netns, local, local_port)
        return None if found is None else found in wanted

    return ask


def unowned_test(world: World, _test: Test) -> Callable[..., Answer]:
    """Make the test of sockets that nobody is known to own."""
    pids = world.ownership.pids
    return lambda *socket: not pids(*socket)


def place_text_test(
    values_of: Callable[[Place], Iterable[str]],
) -> Callable[[World, Test], Callable[..., Answer]]:
    """Make the maker of a test of where the owner stands; without owner, where the socket's cgroup does."""

    def make(world: World, test: Test) -> Callable[..., Answer]:
        judge, places, pids = text_judge(test), world.snapshot.places, world.ownership.pids

        def judged(place: Place) -> Answer:
            return _any_of(judge(text) for text in values_of(place))

        # a process without place is not kept apart from one that is not read: the cgroup tells
        by_pid = _ByPid(
            world.snapshot.processes, lambda process: process.place and (judged(process.place),)
        )
        by_cgroup: dict[int, Answer] = {}

        def ask(
            inode: int, state: int, netns: int, local: bytes, local_port: int, cgroup_id: int
        ) -> Answer:
            answers = [by_pid[pid] for pid in pids(inode, state, netns, local, local_port)]
            placed = [answer[0] for answer in answers if answer]
            if placed or cgroup_id not in places:
                return _any_of(placed)
            if cgroup_id not in by_cgroup:
                by_cgroup[cgroup_id] = judged(places[cgroup_id])
            return by_cgroup[cgroup_id]

        return ask

    return make


def unit_test(world: World, test: Test) -> Callable[..., Answer]:
    """Make the test of units; of a listener that systemd holds, the unit that will answer."""
    judge, socket_units = text_judge(test), world.snapshot.socket_units
    of_place = place_text_test(unit_names)(world, test)

    def ask(inode: int, *others: object) -> Answer:
        if inode in socket_units:
            return any(map(judge, unit_names(Place(socket_units[inode][1]))))
        return of_place(inode, *others)

    return ask


def unit_names(place: Place) -> tuple[str, ...]:
    """Return the names a unit answers to: its own and, of a service, without the ending, as systemctl does."""
    unit = place.unit
    return () if unit is None else (unit, unit.removesuffix(".service"))


def container_names(place: Place) -> tuple[str, ...]:
    """Return name and id of a container, and the beginnings of the id that are long enough."""
    digits = place.container_id
    beginnings = (
        (digits[:length] for length in range(LEAST_ID_DIGITS, len(digits) + 1)) if digits else ()
    )
    return (*((place.container_name,) if place.container_name else ()), *beginnings)


def pod_names(place: Place) -> tuple[str, ...]:
    """Return a pod's name with its namespace and without."""
    pod = place.pod
    return () if pod is None else (pod, pod.rpartition("/")[2])


def cgroup_test(world: World, test: Test) -> Callable[..., Answer]:
    """Match the owner's path, or the number of the socket's own cgroup."""
    numbers = frozenset(int(value) for value in test.values if _is_number(value))
    by_path = process_text_test(lambda process: process.cgroup)(world, test)

    def ask(  # noqa: PLR0913, PLR0917  # one row's columns
        inode: int,
        state: int,
        netns: int,
        local: bytes,
        local_port: int,
        known: int,
        cgroup_id: int,
    ) -> Answer:
        if numbers:
            return cgroup_id in numbers if known & record.CGROUP else None
        return by_path(inode, state, netns, local, local_port)

    return ask


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
