"""Something read from the kernel by a thread of its own, while rows are read and written."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Value = TypeVar("Value")


def begun(function: Callable[[], Value]) -> Callable[[], Value]:
    """Begin to run the function; the result waits for it, and returns or raises what it did.

    Where no thread can be had (a limit of processes, seccomp) it runs when it is waited for.
    """
    from _thread import allocate_lock, start_new_thread

    results: list[Value] = []
    errors: list[BaseException] = []
    running = allocate_lock()
    running.acquire()

    def work() -> None:
        try:
            results.append(function())
        except BaseException as error:  # noqa: BLE001  # raised again by who waits
            errors.append(error)
        finally:
            running.release()

    try:
        start_new_thread(work, ())
    except RuntimeError:
        return function

    def wait() -> Value:
        with running:
            if errors:
                raise errors[0]
            return results[0]

    return wait
