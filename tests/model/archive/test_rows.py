import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.strategies import ROWS

from fivetuple.model import record
from fivetuple.model.archive.rows import column_table, from_planes, to_planes
from fivetuple.model.errors import BadInput

GROUPS = {name: bit for bit, name in record.GROUP_NAMES.items()}


def one(rows):
    (row,) = record.unpack(rows)
    return row


def file_with(columns):
    """Make planes and table of one row: (name, format, group, bytes) a column."""
    table = {"columns": [[name, form, group] for name, form, group, _ in columns], "groups": GROUPS}
    return b"".join(data for *_, data in columns), table


def every_column(**changes):
    row = record.pack({"family": 2, "known": 0xFFFF, "local_port": 80})
    columns = []
    for column in record.COLUMNS:
        start = record.OFFSET[column.name]
        width = {"B": 1, "H": 2, "I": 4, "Q": 8, "16s": 16}[column.format]
        group = record.GROUP_NAMES.get(column.group, "")
        columns.append((column.name, column.format, group, row[start : start + width]))
    return [
        changes.get(name, (name, *rest))
        for name, *rest in columns
        if changes.get(name, 1) is not None
    ]


@given(st.lists(ROWS, max_size=5).map(b"".join))
@settings(deadline=None, max_examples=40)
def test_rows_come_back(rows):
    assert from_planes(to_planes(rows), column_table()) == rows


def test_a_column_that_the_file_lacks_makes_its_group_unknown():
    row = one(from_planes(*file_with(every_column(min_rtt_us=None))))

    assert row["known"] == 0xFFFF & ~record.TCP_INFO
    assert row["local_port"] == 80


def test_a_column_that_we_do_not_know_is_dropped():
    columns = [("newest", "Q", "TCP_INFO", b"12345678"), *every_column()]

    row = one(from_planes(*file_with(columns)))

    assert row["known"] == 0xFFFF
    assert row["local_port"] == 80


def test_a_narrower_column_is_widened():
    row = one(from_planes(*file_with(every_column(drops=("drops", "H", "DROPS", b"\x39\x30")))))

    assert row["drops"] == 12345


def test_a_wider_column_is_taken_while_its_value_fits():
    row = one(
        from_planes(*file_with(every_column(drops=("drops", "Q", "DROPS", b"\x39\x30" + bytes(6)))))
    )

    assert row["drops"] == 12345
    assert row["known"] & record.DROPS


def test_a_wider_column_whose_value_does_not_fit_is_unknown():
    row = one(from_planes(*file_with(every_column(drops=("drops", "Q", "DROPS", b"\xff" * 8)))))

    assert row["drops"] == 0
    assert not row["known"] & record.DROPS


def test_groups_are_found_by_name_when_their_bits_moved():
    planes, table = file_with(
        every_column(known=("known", "I", "", (1 << 20 | 1).to_bytes(4, "little")))
    )
    table["groups"] = GROUPS | {"QUEUES": 1 << 20, "SOMETHING": 1}

    assert one(from_planes(planes, table))["known"] == record.QUEUES


@pytest.mark.parametrize("name", ["state", "local", "known", "netns"])
def test_rows_without_a_column_that_makes_a_socket_are_refused(name):
    with pytest.raises(ValueError, match=f"no column {name}"):
        from_planes(*file_with(every_column(**{name: None})))


def test_rows_of_an_unknown_kind_ask_for_an_update():
    with pytest.raises(BadInput, match="update it"):
        from_planes(*file_with(every_column(kind=("kind", "B", "", b"\7"))))


@pytest.mark.parametrize(
    "columns",
    [[], [["a", "Z", ""]], [["a", "0s", ""]], [["a", "s", ""]], [["a", "-4s", ""]], [["a", "99999999s", ""]],
     [["a", "B", ""], ["a", "B", ""]], [["a"]], "text", [[1, 2, 3]], [["a", "", ""]]],
)  # fmt: skip
def test_a_table_that_is_none_is_refused(columns):
    with pytest.raises((ValueError, TypeError, LookupError)):
        from_planes(b"1234", {"columns": columns, "groups": {}})
