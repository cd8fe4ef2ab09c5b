"""The nightly comparison of recorded files and blobs, in PostgreSQL: whole sets, not blob by blob."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from psycopg import sql
from typing_extensions import override

from adapters.postgres.database import Sql
from adapters.postgres.uploads import DOCUMENTS, IMAGES, FileTable
from bp_core.uploads.kinds import FileType, UploadKind
from bp_core.uploads.ports import BlobInventory, InventoryFile

TABLES: Final[Mapping[FileType, FileTable[Any]]] = {"image": IMAGES, "document": DOCUMENTS}

BLOB_EXISTS: Final = sql.SQL("""
EXISTS (SELECT FROM existing_blobs b WHERE b.container = f.blob_container AND b.name = f.blob_name)
""")


class PostgresBlobInventory(BlobInventory):
    """The blobs that exist, in a temporary table of the transaction."""

    def __init__(self, transaction: Sql) -> None:
        self._sql = transaction

    @override
    def start(self) -> None:
        self._sql.run(
            """
            CREATE TEMP TABLE existing_blobs (container text, name text, PRIMARY KEY (container, name))
            ON COMMIT DROP
            """
        )

    @override
    def add_blobs(self, kind: UploadKind, blob_names: list[str]) -> list[str]:
        table = TABLES[kind.name]
        rows = self._sql.mappings(
            sql.SQL("""
            WITH added AS (
                INSERT INTO existing_blobs SELECT %(container)s, unnest(%(names)s::text[])
                ON CONFLICT DO NOTHING RETURNING name
            )
            SELECT a.name FROM added a
            WHERE NOT EXISTS (
                SELECT FROM {table} f
                WHERE f.blob_container = %(container)s AND f.blob_name = a.name AND {is_complete})
            ORDER BY a.name
            """).format(table=table.name, is_complete=table.is_complete),
            {"names": blob_names, "container": kind.container},
        )
        return [row["name"] for row in rows]

    @override
    def mark_missing(self, kind: UploadKind, before: datetime, now: datetime) -> list[InventoryFile]:
        return self._sql.rows(
            sql.SQL("""
            UPDATE {table} f SET missing_since = %(now)s
            WHERE f.blob_container = %(container)s AND f.uploaded_at < %(before)s AND f.missing_since IS NULL
              AND NOT {blob_exists}
            RETURNING f.id, f.blob_name
            """).format(table=TABLES[kind.name].name, blob_exists=BLOB_EXISTS),
            {"container": kind.container, "before": before, "now": now},
            into=InventoryFile,
        )

    @override
    def unmark_found(self, kind: UploadKind) -> list[InventoryFile]:
        return self._sql.rows(
            sql.SQL("""
            UPDATE {table} f SET missing_since = NULL
            WHERE f.blob_container = %(container)s AND f.missing_since IS NOT NULL AND {blob_exists}
            RETURNING f.id, f.blob_name
            """).format(table=TABLES[kind.name].name, blob_exists=BLOB_EXISTS),
            {"container": kind.container},
            into=InventoryFile,
        )

    @override
    def expire_uploads(self, now: datetime) -> int:
        return self._sql.run(
            """
            UPDATE uploads SET state = 'expired', updated_at = %(now)s
            WHERE state = 'pending' AND expires_at < %(now)s
            """,
            {"now": now},
        )
