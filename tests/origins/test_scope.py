import pytest

from fivetuple.model import record
from fivetuple.model.errors import BadInput
from fivetuple.model.namespace import Namespace
from fivetuple.model.process import Process
from fivetuple.model.snapshot import Host, Snapshot
from fivetuple.origins.scope import in_scope


def snapshot(own_name="host"):
    rows = b"".join(
        record.pack({"netns": netns, "local_port": netns}) for netns in (10, 20, 10, 30)
    )
    made = Snapshot(Host("web1"), 7, road="bpf", facts=3, chunks=(rows,), own_netns=10)
    made.namespaces = {
        10: Namespace(10, own_name, pid=1),
        20: Namespace(20, "blue", pid=55),
        30: Namespace(30, "web"),
    }
    made.namespaces[30].nsid_names = ("netns-web", "other")
    made.processes = {77: Process(77, "x", netns=30), 78: Process(78, "y")}
    made.missing = {1: "because"}
    return made


@pytest.mark.parametrize(
    ("netns", "ports"),
    [("all", [10, 20, 10, 30]), ("auto", [10, 20, 10, 30]), ("self", [10, 10]), ("blue", [20]), ("other", [30]),
     ("55", [20]), ("77", [30])],
)  # fmt: skip
def test_rows_of_the_namespaces_asked_for(netns, ports):
    part = in_scope(snapshot(), netns)

    assert [row["local_port"] for row in record.unpack(part.rows)] == ports
    assert part.missing == {1: "because"}
    assert part.host.name == "web1"


def test_auto_inside_a_container_is_its_own():
    assert len(in_scope(snapshot("web-container"), "auto")) == 2


def test_a_text_knows_one_namespace_and_self_is_all_of_it():
    text = Snapshot(Host(""), 7, road="ss", facts=3, chunks=(record.pack({}),))

    assert len(in_scope(text, "self")) == 1


@pytest.mark.parametrize("netns", ["green", "78", "4000000000000"])
def test_a_namespace_that_is_not_there_names_those_that_are(netns):
    with pytest.raises(BadInput, match=f"no network namespace {netns}; it has blue, host, web"):
        in_scope(snapshot(), netns)
