from fivetuple.kernel.diag_repeats import REMEMBERED, Repeats
from fivetuple.model import record
from fivetuple.model.state import BOUND_INACTIVE, ESTABLISHED


def rows(cookies, state=ESTABLISHED):
    return bytearray(
        b"".join(record.pack({"cookie": cookie, "state": state}) for cookie in cookies)
    )


def cookies(kept):
    return [row["cookie"] for row in record.unpack(kept)]


def test_a_socket_that_comes_again_is_dropped():
    repeats = Repeats()

    first, second = repeats.drop(rows([1, 2, 3])), repeats.drop(rows([3, 4]))

    assert cookies(first) == [1, 2, 3]
    assert cookies(second) == [4]


def test_a_repeat_within_one_chunk_is_dropped():
    assert cookies(Repeats().drop(rows([5, 6, 5, 5]))) == [5, 6]


def test_the_last_thousands_are_remembered():
    repeats = Repeats()
    for start in range(1, 20_000, 1000):
        repeats.drop(rows(range(start, start + 1000)))

    assert cookies(repeats.drop(rows([20_000 - REMEMBERED, 30_000]))) == [30_000]


def test_memory_does_not_grow_with_the_list():
    repeats = Repeats()
    for start in range(1, 50_000, 1000):
        repeats.drop(rows(range(start, start + 1000)))

    assert len(repeats._lately) + len(repeats._before) < 3 * REMEMBERED


def test_a_socket_that_came_as_bound_is_never_listed_again():
    repeats = Repeats()
    repeats.drop(rows([1], BOUND_INACTIVE))
    for start in range(100, 20_000, 1000):
        repeats.drop(rows(range(start, start + 1000)))

    assert cookies(repeats.drop(rows([1, 2]))) == [2]


def test_unwanted_sockets_are_left_out():
    assert cookies(Repeats([7]).drop(rows([6, 7, 8]))) == [6, 8]
