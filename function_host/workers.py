"""The threads beside HTTP: a small pool for triggered functions, and the loops that look for work."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

logger = logging.getLogger(__name__)

POOL_SIZE = 4


class Workers:
    """A thread pool in which each piece of work has a key, and a key runs at most once at a time."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="trigger")
        self._lock = threading.Lock()
        self._running: dict[str, Future[None]] = {}

    def submit(self, key: str, work: Callable[[], object]) -> None:
        """Run ``work`` on the pool unless something of the same ``key`` is waiting or running."""
        with self._lock:
            if key not in self._running:
                self._running[key] = self._pool.submit(self._run, key, work)

    def drain(self, seconds: float) -> bool:
        """Drop what waits, let run what runs; whether all of it ended within ``seconds``."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            running = [future for future in self._running.values() if not future.cancelled()]
        return not wait(running, seconds).not_done

    def _run(self, key: str, work: Callable[[], object]) -> None:
        try:
            work()
        finally:
            with self._lock:
                del self._running[key]


class Outage:
    """Runs what needs storage, and says once that storage went away and once that it is back."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._away = False

    def guard(self, work: Callable[[], object]) -> None:
        """Run ``work``; a storage error is logged at its first time, anything else always. Raises nothing."""
        from azure.core.exceptions import AzureError

        try:
            work()
        except AzureError as error:
            if not self._away:
                logger.warning(
                    "host: %s cannot reach storage and keeps trying: %s", self._what, _first_line(error)
                )
            self._away = True
        except Exception:  # a loop must outlive any one failure
            logger.exception("host: %s failed", self._what)
        else:
            if self._away:
                logger.warning("host: %s reaches storage again", self._what)
            self._away = False


class Loop:
    """A thread that calls ``work`` again and again, ``interval`` seconds apart, until stopped."""

    def __init__(self, name: str, interval: float, work: Callable[[], None]) -> None:
        self._interval = interval
        self._work = work
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the loop to end; ``join`` waits for it."""
        self._stopped.set()

    def join(self, seconds: float) -> bool:
        """Whether the loop has ended, after at most ``seconds``."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        self._work()
        while not self._stopped.wait(self._interval):
            self._work()


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
