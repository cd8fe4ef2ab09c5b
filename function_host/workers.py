"""Background threads: a small pool for blob and timer functions, and the loops that poll."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

logger = logging.getLogger(__name__)

POOL_SIZE = 4


class Workers:
    """A thread pool in which each task has a key. Two tasks with the same key never run at the same time."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="trigger")
        self._lock = threading.Lock()
        self._running: dict[str, Future[None]] = {}

    def submit(self, key: str, work: Callable[[], object]) -> None:
        """Run ``work`` on the pool, unless a task with the same ``key`` is queued or running."""
        with self._lock:
            if key not in self._running:
                self._running[key] = self._pool.submit(self._run, key, work)

    def drain(self, seconds: float) -> bool:
        """Cancel queued tasks and wait for running ones. Returns whether all ended within ``seconds``."""
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


class StorageOutage:
    """Runs work that needs storage. Logs once when storage becomes unavailable and once when it is back."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._unavailable = False

    def guard(self, work: Callable[[], object]) -> None:
        """Run ``work``. Logs the first storage error in a row, and every other error. Raises nothing."""
        from azure.core.exceptions import AzureError

        try:
            work()
        except AzureError as error:
            if not self._unavailable:
                logger.warning(
                    "host: %s cannot reach storage and keeps trying: %s", self._what, _first_line(error)
                )
            self._unavailable = True
        except Exception:  # one failure must not end the loop
            logger.exception("host: %s failed", self._what)
        else:
            if self._unavailable:
                logger.warning("host: %s can reach storage again", self._what)
            self._unavailable = False


class Loop:
    """A thread that calls ``work`` every ``interval`` seconds until it is stopped."""

    def __init__(self, name: str, interval: float, work: Callable[[], None]) -> None:
        self._interval = interval
        self._work = work
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the loop to end. ``join`` waits for it."""
        self._stopped.set()

    def join(self, seconds: float) -> bool:
        """Wait at most ``seconds`` for the loop to end. Returns whether it ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        self._work()
        while not self._stopped.wait(self._interval):
            self._work()


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
