"""Things that happen again and again while a test does something else."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeating(action: Callable[[], None], pause: float) -> Iterator[None]:
    """Repeat an action in a thread of its own, every `pause` seconds, until the block ends."""
    stopping = threading.Event()

    def repeat() -> None:
        while not stopping.wait(pause):
            action()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
