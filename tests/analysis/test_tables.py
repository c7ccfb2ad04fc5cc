"""Tables without their empty columns."""

from __future__ import annotations

from fivetuple.analysis.tables import lean_table
from fivetuple.model.answer import Column


def test_empty_columns_go_and_those_that_must_stay_do():
    table = lean_table(
        [Column("A"), Column("B", "<", 1), Column("C", "<", 2)], [["", "", "x"], ["", "", ""]]
    )

    assert [column.title for column in table.columns] == ["A", "C"]
    assert table.rows == [["", "x"], ["", ""]]
