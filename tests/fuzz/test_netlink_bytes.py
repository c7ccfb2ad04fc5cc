"""Whatever bytes come as an answer of sock_diag: rows, or our error, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support.diag_bytes import inet, message

from fivetuple.kernel import netlink_diag, packet_diag, sock_diag, unix_diag, vsock_diag
from fivetuple.kernel.netlink import Torn, find_runs, join_runs
from fivetuple.kernel.sock_diag_states import UDP
from fivetuple.model import record

words = st.binary(max_size=400).map(lambda data: data[: len(data) & ~3])
attributes = st.lists(st.tuples(st.integers(0, 24), st.binary(max_size=300)), max_size=6)
lengths = st.sampled_from((0, 4, 12, 16, 28, 32, 71, 72, 76))


@st.composite
def answers(draw):
    """Draw one datagram: messages that are nearly right, with some bytes changed or cut off."""
    parts = [
        message(
            draw(st.binary(min_size=size, max_size=size)),
            draw(attributes),
            draw(st.sampled_from((20, 20, 20, 1, 2, 3, 99))),
        )
        for size in draw(st.lists(lengths, max_size=5))
    ]
    data = bytearray(b"".join(parts * draw(st.integers(1, 3))))
    for at, value in draw(
        st.lists(st.tuples(st.integers(0, 1 << 12), st.integers(0, 255)), max_size=4)
    ):
        if data:
            data[at % len(data)] = value
    return bytes(
        data[: draw(st.integers(0, len(data))) & ~3]
        if draw(st.booleans())
        else data[: len(data) & ~3]
    )


def readers():
    """Yield what takes (length, messages) and yields chunks of rows, one for each list."""
    for version in (2, 10):
        for protocol in sock_diag.PROTOCOLS:
            yield sock_diag.Reader(version, protocol, sock_diag.ALL_STATES, 1).rows
    yield unix_diag.Reader(1, {}).rows
    for module in (netlink_diag, packet_diag):
        family = module.family_of_rows(1)
        yield lambda length, messages, family=family: (
            rows for _, _, rows in family.rows(length, messages)
        )
    family = vsock_diag.family_of_rows(1)
    yield lambda length, messages: vsock_diag.rows_of(family, length, messages)


def read(data):
    """Read one datagram with every reader; return how many rows there were."""
    view = memoryview(bytearray(data))
    runs: list[tuple[int, int, int]] = []
    try:
        find_runs(view.cast("I"), 0, len(data) >> 2, runs)
    except Torn:
        return
    for rows_of in readers():
        try:
            for length, messages in join_runs(view, runs):
                for rows in rows_of(length, messages):
                    assert len(rows) % record.SIZE == 0
                    assert all(len(row) > 0 for row in record.unpack(rows))
        except Torn:
            continue


@given(words)
def test_random_bytes_are_rows_or_our_error(data):
    read(data)


@given(answers())
def test_messages_gone_wrong_are_rows_or_our_error(data):
    read(data)


@given(
    st.lists(
        st.tuples(st.integers(0, (1 << 64) - 1), st.integers(0, 15), attributes),
        min_size=1,
        max_size=20,
    )
)
def test_every_message_becomes_the_row_of_its_cookie(sockets):
    """Sorted, joined and copied column by column, each socket keeps its own members."""
    unique = {cookie: (state, attached) for cookie, state, attached in sockets}
    data = b"".join(
        inet(state, cookie=cookie, attributes=attached)
        for cookie, (state, attached) in unique.items()
    )
    view = memoryview(bytearray(data))
    runs: list[tuple[int, int, int]] = []
    find_runs(view.cast("I"), 0, len(data) >> 2, runs)
    reader = sock_diag.Reader(2, UDP, sock_diag.ALL_STATES, 1)

    rows = [
        row
        for length, part in join_runs(view, runs)
        for chunk in reader.rows(length, part)
        for row in record.unpack(chunk)
    ]

    assert {row["cookie"]: row["state"] for row in rows} == {
        cookie: state for cookie, (state, _) in unique.items()
    }
