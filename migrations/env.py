"""How Alembic reaches the database: one run at a time, a transaction per migration."""

import os

import psycopg
from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

# Instances of the portal that start together on one database wait here for each other.
MIGRATION_LOCK = 7_072_068_646


def migrate() -> None:
    """Run what Alembic was asked for on the database of `local.migrate`, or else of DATABASE_URL."""
    url = context.config.attributes.get("database_url") or os.environ["DATABASE_URL"]
    # psycopg reads the URL, not SQLAlchemy, whose form of it differs (driver name, unix sockets).
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    with engine.connect() as connection:
        # The database may limit statements to what a call may take. Migrations have time.
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        connection.commit()  # both last as long as the connection
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()


migrate()
