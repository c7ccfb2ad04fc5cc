from __future__ import annotations

from fivetuple.model import facts, record
from fivetuple.model.snapshot import Host, Snapshot

PORTS = record.Projection("local_port")


def test_rows_survive_a_road_that_reads_into_the_same_memory_again():
    memory = memoryview(bytearray(record.SIZE))

    def chunks():
        for port in (80, 443):
            memory[:] = record.pack({"local_port": port})
            yield memory

    snapshot = Snapshot(Host("test"), 0, road="bpf", facts=facts.SOCKETS, chunks=chunks())

    assert [port for (port,) in snapshot.read(PORTS)] == [80, 443]
