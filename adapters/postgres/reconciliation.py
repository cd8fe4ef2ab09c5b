"""The nightly comparison of files and blobs, in PostgreSQL: by sets, not blob by blob."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from psycopg import sql

from adapters.postgres.database import Sql
from adapters.postgres.uploads import DOCUMENTS, IMAGES, FileTable
from bp_core.uploads.kinds import FileType, UploadKind
from bp_core.uploads.store import LostFile

TABLES: Final[Mapping[FileType, FileTable[Any]]] = {"image": IMAGES, "document": DOCUMENTS}


class PostgresCensus:
    """Compares what is kept with the blobs that were counted, within one transaction."""

    def __init__(self, transaction: Sql) -> None:
        self._sql = transaction
        self._sql.run(
            """
            CREATE TEMP TABLE counted_blobs (container text, name text, PRIMARY KEY (container, name))
            ON COMMIT DROP
            """
        )

    def count_in(self, kind: UploadKind, blob_names: list[str]) -> list[str]:
        """Note blobs that are there; give those that are not recorded, or not wholly: no thumbnail yet."""
        table = TABLES[kind.name]
        rows = self._sql.tuples(
            sql.SQL("""
            WITH counted AS (
                INSERT INTO counted_blobs SELECT %(container)s, unnest(%(names)s::text[])
                ON CONFLICT DO NOTHING RETURNING name
            )
            SELECT c.name FROM counted c
            WHERE NOT EXISTS (
                SELECT FROM {table} f
                WHERE f.blob_container = %(container)s AND f.blob_name = c.name AND {whole})
            ORDER BY c.name
            """).format(table=table.name, whole=table.whole),
            {"names": blob_names, "container": kind.container},
        )
        return [row[0] for row in rows]

    def mark_lost(self, kind: UploadKind, before: datetime, now: datetime) -> list[LostFile]:
        """Mark the files recorded before some moment whose blobs were not counted; give the newly marked."""
        return self._sql.rows(
            sql.SQL("""
            UPDATE {table} f SET missing_since = %(now)s
            WHERE f.blob_container = %(container)s AND f.uploaded_at < %(before)s AND f.missing_since IS NULL
              AND NOT EXISTS (SELECT FROM counted_blobs c
                              WHERE c.container = f.blob_container AND c.name = f.blob_name)
            RETURNING f.id, f.blob_name
            """).format(table=TABLES[kind.name].name),
            {"container": kind.container, "before": before, "now": now},
            into=LostFile,
        )

    def unmark_found(self, kind: UploadKind) -> list[LostFile]:
        """Take the mark from files whose blobs were counted; give them."""
        return self._sql.rows(
            sql.SQL("""
            UPDATE {table} f SET missing_since = NULL
            WHERE f.blob_container = %(container)s AND f.missing_since IS NOT NULL
              AND EXISTS (SELECT FROM counted_blobs c
                          WHERE c.container = f.blob_container AND c.name = f.blob_name)
            RETURNING f.id, f.blob_name
            """).format(table=TABLES[kind.name].name),
            {"container": kind.container},
            into=LostFile,
        )

    def expire(self, now: datetime) -> int:
        """Expire what was asked for and not put in time; tell how many."""
        return self._sql.run(
            """
            UPDATE uploads SET state = 'expired', updated_at = %(now)s
            WHERE state = 'pending' AND expires_at < %(now)s
            """,
            {"now": now},
        )
