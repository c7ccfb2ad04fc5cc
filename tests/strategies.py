"""Hypothesis strategies for what several tests make up: rows, processes, whole snapshots."""

from __future__ import annotations

from hypothesis import strategies as st

from fivetuple.model import record
from fivetuple.model.namespace import Namespace
from fivetuple.model.process import Place, Process
from fivetuple.model.snapshot import Host, Snapshot

NUMBERS = st.integers(0, 2**64 - 1)
PIDS = st.integers(1, 2**22)
TIMES_NS = st.integers(0, 2**63 - 1)
TEXTS = st.text(max_size=12)
STRANGE_BYTES = st.binary(max_size=20)
ADDRESSES = st.binary(min_size=16, max_size=16)
LIMITS = {"B": 2**8 - 1, "H": 2**16 - 1, "I": 2**32 - 1, "Q": 2**64 - 1}


def _column(column: record.Column) -> st.SearchStrategy[object]:
    if column.format.endswith("s"):
        return st.binary(min_size=16, max_size=16)
    if column.name == "kind":
        return st.just(0)
    return st.integers(0, 60 if column.name == "family" else LIMITS[column.format])


ROWS = st.fixed_dictionaries({column.name: _column(column) for column in record.COLUMNS}).map(
    record.pack
)
PLACES = st.builds(
    Place,
    st.none() | TEXTS,
    container_id=st.none() | TEXTS,
    engine=st.none() | TEXTS,
    pod=st.none() | TEXTS,
    user_unit=st.booleans(),
)
PROCESSES = st.builds(
    Process,
    PIDS,
    TEXTS,
    comm=STRANGE_BYTES,
    exe=STRANGE_BYTES,
    argv=st.lists(STRANGE_BYTES, max_size=4).map(tuple),
    parent_pid=st.none() | PIDS,
    uid=st.none() | st.integers(0, 2**32 - 1),
    started_ns=st.none() | TIMES_NS,
    cgroup=st.none() | TEXTS,
    netns=st.none() | NUMBERS,
    place=st.none() | PLACES,
    state=st.none() | st.sampled_from("RSDTZ"),
)
PLAIN_DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS | STRANGE_BYTES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(TEXTS, inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def namespaces(draw: st.DrawFn) -> Namespace:
    made = Namespace(
        draw(NUMBERS), draw(TEXTS), pid=draw(st.none() | PIDS), is_own=draw(st.booleans())
    )
    made.path = draw(st.none() | TEXTS)
    made.nsid_names = draw(st.lists(TEXTS, max_size=2).map(tuple))
    made.sysctls = draw(st.dictionaries(TEXTS, TEXTS, max_size=3))
    made.interfaces = draw(st.dictionaries(NUMBERS, TEXTS, max_size=3))
    made.addresses = draw(st.lists(st.tuples(NUMBERS, ADDRESSES, NUMBERS), max_size=2).map(tuple))
    route = st.tuples(ADDRESSES, NUMBERS, NUMBERS, st.none() | ADDRESSES)
    made.routes = draw(st.lists(route, max_size=2).map(tuple))
    made.local_prefixes = draw(st.lists(st.tuples(ADDRESSES, NUMBERS), max_size=2).map(tuple))
    made.firewall = draw(PLAIN_DATA)
    return made


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    rows = b"".join(draw(st.lists(ROWS, max_size=4)))
    host = Host(draw(TEXTS), draw(TEXTS), draw(TEXTS), draw(TEXTS))
    made = Snapshot(
        host, draw(TIMES_NS), road=draw(TEXTS), facts=draw(st.integers(0, 2**24)), chunks=(rows,),
        own_netns=draw(NUMBERS),
    )  # fmt: skip
    made.protocols = draw(st.none() | st.frozensets(TEXTS, max_size=3))
    made.missing = draw(st.dictionaries(st.integers(0, 2**24), TEXTS, max_size=3))
    made.refused = draw(st.integers(0, 2**24))
    made.holders = draw(st.dictionaries(NUMBERS, NUMBERS, max_size=4))
    made.shared = draw(
        st.dictionaries(NUMBERS, st.lists(NUMBERS, max_size=3).map(tuple), max_size=3)
    )
    made.processes = draw(st.dictionaries(PIDS, PROCESSES, max_size=2))
    made.places = draw(st.dictionaries(NUMBERS, PLACES, max_size=2))
    made.unix_names = draw(st.dictionaries(NUMBERS, STRANGE_BYTES, max_size=3))
    made.namespaces = draw(st.dictionaries(NUMBERS, namespaces(), max_size=1))
    made.interfaces = draw(
        st.dictionaries(NUMBERS, st.dictionaries(NUMBERS, TEXTS, max_size=2), max_size=2)
    )
    made.users = draw(st.dictionaries(NUMBERS, TEXTS, max_size=2))
    return made


def contents(value: object) -> object:
    """Spell out an object of ours, so that two of them can be compared."""
    if isinstance(value, dict):
        return {key: contents(one) for key, one in value.items()}
    slots = getattr(type(value), "__slots__", None)
    if slots is None or isinstance(value, tuple):
        return value
    if isinstance(value, Snapshot):
        slots = [name for name in slots if name[0] != "_"] + ["rows"]
    return {name: contents(getattr(value, name)) for name in slots}
