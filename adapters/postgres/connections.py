"""How connections to PostgreSQL are opened: their URL, timeouts and encryption."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.postgres.tls import VERIFIED, is_in_azure, trusted_roots

CONNECT_TIMEOUT: Final = 3
KEEPALIVE_IDLE: Final = 30
TCP_USER_TIMEOUT_MS: Final = 5_000
"""How long packets may stay unacknowledged before a connection is closed."""


@dataclass(frozen=True)
class Limits:
    """How long each statement may take, and wait for each lock; a limit of zero is none.

    `connection`: how long to wait for a connection, also while the database is known to be away. None: as
    long as a call may, and not at all while the database is away.
    """

    statement: timedelta
    lock: timedelta
    connection: timedelta | None = None

    @property
    def statement_ms(self) -> str:
        """The setting `statement_timeout`, in milliseconds."""
        return _milliseconds(self.statement)

    @property
    def lock_ms(self) -> str:
        """The setting `lock_timeout`, in milliseconds."""
        return _milliseconds(self.lock)


CALLS: Final = Limits(statement=timedelta(seconds=8), lock=timedelta(seconds=3))
"""The limits of a call: somebody waits for the answer, and the call holds a thread and a connection."""

BACKGROUND: Final = Limits(
    statement=timedelta(seconds=20), lock=timedelta(0), connection=timedelta(seconds=20)
)
"""The limits of jobs and blob triggers: nobody waits, and the host gives them up after a few failures."""


def parameters_of(url: str) -> Mapping[str, str]:
    """Return the parameters of a connection URL by libpq's names: user, host, password, sslmode.

    Raises ValueError if the URL cannot be parsed; the message does not contain the URL.
    """
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        raise ValueError("must be a connection URL of PostgreSQL") from None


def verified(url: str) -> str:
    """Return the connection string of a URL. It trusts Azure's certificates if it names no others.

    Raises ValueError if it is a server in Azure whose certificate and name would not be checked.
    """
    parameters = parameters_of(url)
    if is_in_azure(parameters) and parameters.get("sslmode") != VERIFIED:
        raise ValueError(f"must contain sslmode={VERIFIED} for a server in Azure")
    return make_conninfo(url, **trusted_roots(parameters))


def connecting(password: Callable[[], str] | None, *, prepared_statements: bool) -> dict[str, Any]:
    """Return the arguments for opening a connection."""
    return {
        "autocommit": True,
        "connect_timeout": CONNECT_TIMEOUT,
        "keepalives_idle": KEEPALIVE_IDLE,
        "tcp_user_timeout": TCP_USER_TIMEOUT_MS,
        "application_name": "amber-portal",
        "options": (
            f"-c timezone=UTC -c statement_timeout={CALLS.statement_ms} -c lock_timeout={CALLS.lock_ms}"
        ),
        # With PgBouncer in transaction mode, the next statement can run on another server connection.
        "prepare_threshold": 5 if prepared_statements else None,
        **({} if password is None else {"password": password()}),
    }


def _milliseconds(duration: timedelta) -> str:
    return str(int(duration.total_seconds() * 1000))
