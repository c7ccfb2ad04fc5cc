"""Rows read by a thread inside another network namespace, handed over one buffer at a time.

A thread that entered a namespace must not come back (kernel/netns.py), so it stays there until
its rows are read. Roads read into the same memory again: the thread waits until its buffer is
done with, and no more than one buffer exists.
"""

from __future__ import annotations

from fivetuple.model.errors import NotPermitted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from fivetuple.model.namespace import Namespace
    from fivetuple.model.snapshot import Rows


def read_inside(space: Namespace, read: Callable[[], Iterator[Rows]]) -> Generator[Rows]:
    """Give what `read()` gives inside the namespace.

    Raises:
        NotPermitted: entering takes privileges that we lack.
        NotAvailable: the namespace is gone.
        Exception: what `read` raised.
    """
    from _queue import SimpleQueue
    from _thread import start_new_thread

    from fivetuple.kernel import netns

    given: SimpleQueue[Rows | BaseException | None] = SimpleQueue()
    wanted: SimpleQueue[bool] = SimpleQueue()

    def work() -> None:
        try:
            netns.enter_thread(space)
            for rows in read():
                given.put(rows)
                if not wanted.get():
                    return
            given.put(None)
        except BaseException as error:  # noqa: BLE001  # raised again by the caller's thread
            given.put(error)

    try:
        start_new_thread(work, ())
    except RuntimeError as error:  # a limit of processes, or seccomp
        raise NotPermitted(f"no thread to enter '{space.name}': {error}") from None
    try:
        while (got := given.get()) is not None:
            if isinstance(got, BaseException):
                raise got
            yield got
            wanted.put(True)
    finally:
        wanted.put(False)
