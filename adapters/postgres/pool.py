"""The connection pool: it opens at its first use, and closes connections that are idle.

A call waits for a connection for a limited time. While the database is known to be away, it does not wait.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from adapters.postgres.breaker import Breaker
from adapters.postgres.errors import NO_ANSWER
from bp_core.shared.errors import Unavailable

RECONNECT_TIMEOUT: Final = 1.0
"""How long the pool tries to open a connection before it gives up, in seconds."""

IDLE_LIFETIME: Final = 120.0
CHECK_AFTER: Final = 2.0
"""A connection that was idle for longer is checked before it is used, in seconds."""

SHORTEST_WAIT: Final = 0.05
"""How long a call that has used up its patience still waits for a connection, in seconds."""

_waits: Final[ContextVar[list[float] | None]] = ContextVar("waited_for_connections", default=None)


@contextmanager
def one_patience() -> Iterator[None]:
    """Let the block wait no longer for all connections that it takes than it would for one."""
    token = _waits.set([])
    try:
        yield
    finally:
        _waits.reset(token)


class Pool:
    """At most `size` connections to one database.

    `arguments` returns the arguments of each new connection. `timeout` is how long a call waits, in seconds.
    """

    def __init__(
        self, url: str, arguments: Callable[[], dict[str, Any]], *, size: int, timeout: float
    ) -> None:
        self._timeout = timeout
        self._breaker = Breaker()
        self._lock = threading.Lock()
        self._is_open = False
        self._waiting = 0
        self._last_used: WeakKeyDictionary[Connection[TupleRow], float] = WeakKeyDictionary()
        self._pool: ConnectionPool[Connection[TupleRow]] = ConnectionPool(
            url,
            open=False,
            min_size=0,
            max_size=size,
            timeout=timeout,
            max_idle=IDLE_LIFETIME,
            reconnect_timeout=RECONNECT_TIMEOUT,
            reconnect_failed=self._could_not_connect,
            check=self._check,
            reset=self._note_use,
            name="portal",
            kwargs=arguments,
            num_workers=min(3, size),
        )

    @contextmanager
    def connection(self, wait: timedelta | None = None) -> Iterator[Connection[TupleRow]]:
        """Take a connection for the block. Raises Unavailable, and the errors of psycopg.

        `wait`: how long to wait for it; by default as a call does, which the breaker can refuse.
        """
        self._open()
        with ExitStack() as taken:
            connection = self._take(taken) if wait is None else self._wait(taken, wait.total_seconds())
            if self._breaker.is_open:
                self._breaker.succeeded()
            try:
                yield connection
            finally:
                if not connection.closed:
                    self._breaker.succeeded()

    @property
    def is_away(self) -> bool:
        """Whether the database is known to be away."""
        return self._breaker.is_open

    def close(self) -> None:
        """Close all connections."""
        if self._is_open:
            self._pool.close()

    def _take(self, taken: ExitStack) -> Connection[TupleRow]:
        """Take a connection for a call."""
        # While the server accepts no more connections, those that the pool has may still work.
        has_idle_ones = self._breaker.is_open and self._pool.get_stats()["pool_available"] > 0
        if not has_idle_ones and not self._breaker.admits():
            raise Unavailable(NO_ANSWER)
        waits = _waits.get()
        begun = time.monotonic()
        try:
            return self._wait(taken, max(self._timeout - sum(waits or ()), SHORTEST_WAIT))
        finally:
            if waits is not None:
                waits.append(time.monotonic() - begun)

    def _wait(self, taken: ExitStack, seconds: float) -> Connection[TupleRow]:
        try:
            with self._counted():
                return taken.enter_context(self._pool.connection(seconds))
        except PoolTimeout as error:
            raise Unavailable(NO_ANSWER) from error

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    def _open(self) -> None:
        if not self._is_open:
            with self._lock:
                if not self._is_open:
                    self._pool.open()
                    self._is_open = True

    def _could_not_connect(self, pool: ConnectionPool[Connection[TupleRow]]) -> None:
        self._breaker.failed()
        if self._waiting:
            pool.check()  # tries again, for those who wait already

    def _note_use(self, connection: Connection[TupleRow]) -> None:
        self._last_used[connection] = time.monotonic()

    def _check(self, connection: Connection[TupleRow]) -> None:
        used = self._last_used.pop(connection, 0.0)
        if time.monotonic() - used <= CHECK_AFTER:
            return
        try:
            ConnectionPool.check_connection(connection)
        except psycopg.Error:
            self._pool.check()  # other connections are probably broken as well: check all of them now
            raise
