from fivetuple.model.archive.values import HOST, NAMESPACE, PLACE, PROCESS, SECTIONS
from fivetuple.model.namespace import Namespace
from fivetuple.model.process import Place, Process
from fivetuple.model.snapshot import Host, Snapshot


def test_every_attribute_of_a_snapshot_is_saved():
    saved = {name for table in SECTIONS.values() for name in table}

    assert saved == {name for name in Snapshot.__slots__ if name[0] != "_"}


def test_every_attribute_of_what_it_holds_is_saved():
    for made, table in ((Host, HOST), (Process, PROCESS), (Place, PLACE), (Namespace, NAMESPACE)):
        assert set(table) == set(made.__slots__)
