"""Alembic environment: one run at a time, one transaction per migration."""

import os
import time

import psycopg
from alembic import context
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

# An advisory lock: instances that start at the same time on one database migrate one after the other.
MIGRATION_LOCK = 7_072_068_646
LOCK_POLL_SECONDS = 0.5


def _lock(connection: Connection) -> None:
    """Wait for the lock without a transaction: a concurrently created index waits for all transactions."""
    while not connection.exec_driver_sql("SELECT pg_try_advisory_lock(%s)", (MIGRATION_LOCK,)).scalar():
        connection.commit()
        time.sleep(LOCK_POLL_SECONDS)
    connection.commit()


def migrate() -> None:
    """Run the migrations on the database that `ops.migrate` passes, or on DATABASE_URL."""
    url = context.config.attributes.get("database_url") or os.environ["DATABASE_URL"]
    # psycopg parses the URL: SQLAlchemy uses another format (driver name, unix sockets).
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    with engine.connect() as connection:
        # The database may have short timeouts for API calls. Migrations can take longer.
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("SET lock_timeout = 0")
        connection.commit()  # the timeouts and the lock last until the connection closes
        _lock(connection)
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()


migrate()
