"""The nightly comparison of recorded files and blobs, in PostgreSQL: whole sets, not blob by blob."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from psycopg import sql
from typing_extensions import override

from adapters.postgres.database import Sql
from adapters.postgres.uploads import DOCUMENTS, IMAGES, FileTable
from bp_core.practices.views import THUMBNAILS
from bp_core.uploads import kinds
from bp_core.uploads.kinds import FileType, UploadKind
from bp_core.uploads.ports import MAX_NIGHTS, BlobFailures, BlobInventory, FailedBlob, InventoryFile

TABLES: Final[Mapping[FileType, FileTable[Any]]] = {"image": IMAGES, "document": DOCUMENTS}

BLOB_EXISTS: Final = sql.SQL("""
EXISTS (SELECT FROM existing_blobs b WHERE b.container = f.blob_container AND b.name = f.blob_name)
""")


IS_DRAWN: Final = sql.SQL("""
EXISTS (SELECT FROM existing_blobs t WHERE t.container = %(thumbnails)s AND t.name = f.thumbnail_name)
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
        rows = self._sql.mappings(
            sql.SQL("""
            WITH added AS (
                INSERT INTO existing_blobs SELECT %(container)s, unnest(%(names)s::text[])
                ON CONFLICT DO NOTHING RETURNING name
            )
            SELECT a.name FROM added a
            WHERE NOT EXISTS (
                SELECT FROM {table} f WHERE f.blob_container = %(container)s AND f.blob_name = a.name)
              AND NOT EXISTS (
                SELECT FROM blob_failures x
                WHERE x.container = %(container)s AND x.blob_name = a.name AND x.nights >= %(max_nights)s
                  AND NOT EXISTS (
                    SELECT FROM uploads u WHERE u.container = x.container AND u.blob_name = x.blob_name))
            ORDER BY a.name
            """).format(table=TABLES[kind.name].name),
            {"names": blob_names, "container": kind.container, "max_nights": MAX_NIGHTS},
        )
        return [row["name"] for row in rows]

    @override
    def add_thumbnails(self, names: list[str]) -> None:
        self._sql.run(
            """
            INSERT INTO existing_blobs SELECT %(thumbnails)s, unnest(%(names)s::text[])
            ON CONFLICT DO NOTHING
            """,
            {"names": names, "thumbnails": THUMBNAILS},
        )

    @override
    def undrawn(self, before: datetime, at_most: int) -> list[str]:
        rows = self._sql.tuples(
            sql.SQL("""
            SELECT f.blob_name
            FROM practice_images f
            LEFT JOIN blob_failures x ON x.container = f.blob_container AND x.blob_name = f.blob_name
            WHERE f.uploaded_at < %(before)s AND coalesce(x.nights, 0) < %(max_nights)s
              AND {blob_exists} AND NOT {is_drawn}
            ORDER BY coalesce(x.nights, 0), f.uploaded_at, f.id LIMIT %(at_most)s
            """).format(blob_exists=BLOB_EXISTS, is_drawn=IS_DRAWN),
            {"before": before, "max_nights": MAX_NIGHTS, "at_most": at_most, "thumbnails": THUMBNAILS},
        )
        return [row[0] for row in rows]

    @override
    def orphans(self, at_most: int) -> list[str]:
        # Without a blob as well: of a database that is older than its storage, not all images have a row.
        rows = self._sql.tuples(
            """
            SELECT t.name
            FROM existing_blobs t,
                 LATERAL (SELECT left(t.name, -length(%(suffix)s)) AS name) image
            WHERE t.container = %(thumbnails)s AND right(t.name, length(%(suffix)s)) = %(suffix)s
              AND NOT EXISTS (
                SELECT FROM practice_images f
                WHERE f.blob_container = %(images)s AND f.blob_name = image.name)
              AND NOT EXISTS (
                SELECT FROM existing_blobs b WHERE b.container = %(images)s AND b.name = image.name)
            ORDER BY t.name LIMIT %(at_most)s
            """,
            {
                "thumbnails": THUMBNAILS,
                "images": kinds.IMAGES.container,
                "suffix": kinds.THUMBNAIL_SUFFIX,
                "at_most": at_most,
            },
        )
        return [row[0] for row in rows]

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
    def forget_failures(self) -> None:
        self._sql.run(
            sql.SQL("""
            DELETE FROM blob_failures x
            WHERE NOT EXISTS (
                SELECT FROM existing_blobs b WHERE b.container = x.container AND b.name = x.blob_name)
              OR EXISTS (
                SELECT FROM practice_images f
                WHERE f.blob_container = x.container AND f.blob_name = x.blob_name AND {is_drawn})
              OR EXISTS (
                SELECT FROM practice_documents f
                WHERE f.blob_container = x.container AND f.blob_name = x.blob_name)
            """).format(is_drawn=IS_DRAWN),
            {"thumbnails": THUMBNAILS},
        )

    @override
    def expire_uploads(self, now: datetime) -> int:
        return self._sql.run(
            """
            UPDATE uploads u SET state = 'expired', updated_at = %(now)s
            WHERE u.state = 'pending' AND u.expires_at < %(now)s AND NOT EXISTS (
                SELECT FROM existing_blobs b WHERE b.container = u.container AND b.name = u.blob_name)
            """,
            {"now": now},
        )


class PostgresBlobFailures(BlobFailures):
    """The table `blob_failures`."""

    def __init__(self, autocommit: Sql) -> None:
        self._sql = autocommit

    @override
    def count(self, container: str, blob_name: str, error: str, night: date) -> FailedBlob:
        return self._sql.one(
            """
            INSERT INTO blob_failures AS x (container, blob_name, error, nights, last_night)
            VALUES (%(container)s, %(blob_name)s, %(error)s, 1, %(night)s)
            ON CONFLICT (container, blob_name) DO UPDATE
            SET error = excluded.error, nights = x.nights + (x.last_night < excluded.last_night)::int,
                last_night = greatest(x.last_night, excluded.last_night)
            RETURNING container, blob_name, error, nights
            """,
            {"container": container, "blob_name": blob_name, "error": error, "night": night},
            into=FailedBlob,
        )

    @override
    def forget(self, container: str, blob_name: str) -> None:
        self._sql.run(
            """
            DELETE FROM blob_failures
            WHERE container = %(container)s AND blob_name = %(blob_name)s AND nights < %(max_nights)s
            """,
            {"container": container, "blob_name": blob_name, "max_nights": MAX_NIGHTS},
        )
