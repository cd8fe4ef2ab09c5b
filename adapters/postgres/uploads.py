"""Uploads and the files that they become, in PostgreSQL: one store for the files of each kind."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Generic, LiteralString
from uuid import UUID

from psycopg import sql
from pydantic import TypeAdapter
from typing_extensions import override

from adapters.postgres.database import Sql, columns, named_values
from bp_core.practices.schemas import StoredDocument, StoredImage
from bp_core.shared.access import Caller
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery
from bp_core.uploads.kinds import BlobName
from bp_core.uploads.ports import CheckedFile, File, FileStore, KnownUpload, PendingUpload, UploadStore
from bp_core.uploads.rights import Uploader
from bp_core.uploads.schemas import Upload, UploadState


@dataclass(frozen=True)
class FileTable(Generic[File]):
    """A table of files: the model of its rows, and the columns that only this kind of file has.

    `is_complete` is the SQL condition that nothing is left to do for a recorded file `f`.
    """

    name: sql.Identifier
    model: type[File]
    own_columns: tuple[str, ...]
    is_complete: sql.SQL

    @property
    def columns(self) -> sql.Composed:
        """The columns of the model."""
        return columns(*self.model.model_fields)

    @cached_property
    def reader(self) -> TypeAdapter[File]:
        """Reads a row that comes as JSON."""
        return TypeAdapter(self.model)


IMAGES: Final = FileTable(
    name=sql.Identifier("practice_images"),
    model=StoredImage,
    own_columns=("image_type", "width", "height"),
    is_complete=sql.SQL("f.thumbnail_name IS NOT NULL"),
)
DOCUMENTS: Final = FileTable(
    name=sql.Identifier("practice_documents"),
    model=StoredDocument,
    own_columns=("document_name",),
    is_complete=sql.SQL("true"),
)


class PostgresUploads(UploadStore):
    """The table `uploads`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    @override
    def add(self, upload: PendingUpload, now: datetime) -> bool:
        inserted = self._sql.run(
            """
            INSERT INTO uploads
                (practice_id, user_id, container, blob_name, filename, declared_content_type,
                 declared_size, state, expires_at, created_at, updated_at)
            VALUES
                (%(practice_id)s, %(user_id)s, %(container)s, %(blob_name)s, %(filename)s,
                 %(declared_content_type)s, %(declared_size)s, 'pending', %(expires_at)s, %(now)s, %(now)s)
            ON CONFLICT (container, blob_name) DO NOTHING
            """,
            {**vars(upload), "now": now},
        )
        return inserted == 1

    @override
    def uploads(self, practice_id: UUID, now: datetime, query: PageQuery) -> Page[Upload]:
        return self._sql.page(
            sql.SQL("""
            SELECT id, practice_id, user_id, container, blob_name, declared_content_type, declared_size,
                   CASE WHEN state = 'pending' AND expires_at < %(now)s THEN 'expired'
                        ELSE state END AS state,
                   reason, expires_at, created_at, updated_at
            FROM uploads WHERE practice_id = %(practice_id)s AND deleted_at IS NULL
            """),
            {"practice_id": practice_id, "now": now},
            order=sql.SQL("created_at DESC, id"),
            part=query,
            into=Upload,
        )


class PostgresFiles(FileStore[File]):
    """A table of files, with the states of their uploads."""

    def __init__(self, sql: Sql, table: FileTable[File]) -> None:
        self._sql = sql
        self._table = table

    @override
    def atomic(self) -> AbstractContextManager[None]:
        return self._sql.atomic()

    @override
    def known(self, name: BlobName) -> KnownUpload[File]:
        row = self._sql.mappings(
            sql.SQL("""
            SELECT EXISTS (SELECT FROM best_practices p WHERE p.id = %(practice_id)s) AS practice_exists,
                   u.id IS NOT NULL AS is_requested, u.filename, u.reason,
                   u.deleted_at IS NOT NULL AS is_deleted, to_jsonb(f) AS file,
                   f.id IS NOT NULL AND NOT {is_complete} AS lacks_thumbnail
            FROM (VALUES (true)) always
            LEFT JOIN uploads u ON u.container = %(container)s AND u.blob_name = %(blob_name)s
            LEFT JOIN {table} f ON f.blob_container = %(container)s AND f.blob_name = %(blob_name)s
            """).format(table=self._table.name, is_complete=self._table.is_complete),
            _key(name),
        )[0]
        return KnownUpload(
            practice_exists=row["practice_exists"],
            is_requested=row["is_requested"],
            filename=row["filename"],
            rejection_reason=row["reason"],
            is_deleted=row["is_deleted"],
            file=self._table.reader.validate_python(row["file"]) if row["file"] else None,
            lacks_thumbnail=row["lacks_thumbnail"],
        )

    @override
    def uploader(self, name: BlobName) -> Uploader | None:
        rows = self._sql.mappings(
            """
            SELECT p.id AS user_id, p.role, p.plant_id, p.is_active
            FROM uploads u JOIN users p ON p.id = u.user_id
            WHERE u.container = %(container)s AND u.blob_name = %(blob_name)s
            """,
            _key(name),
        )
        for row in rows:
            is_active = row.pop("is_active")
            return Uploader(Caller(session_id=None, **row), is_active)
        return None

    @override
    def record(self, checked: CheckedFile, now: datetime) -> File | None:
        with self.atomic():
            # The upload is locked first: a rejection or deletion of it waits, or is seen here.
            if not _settle(self._sql, checked.name, "recorded", None, now):
                return None
            return self._sql.row(self._insert(), _values(checked, now), into=self._table.model)

    @override
    def reject(self, name: BlobName, reason: str, now: datetime) -> bool:
        return _settle(self._sql, name, "rejected", reason, now)

    @override
    def set_thumbnail(self, file_id: UUID, thumbnail_name: str) -> bool:
        updated = self._sql.run(
            "UPDATE practice_images SET thumbnail_name = %(thumbnail_name)s WHERE id = %(file_id)s",
            {"file_id": file_id, "thumbnail_name": thumbnail_name},
        )
        return updated == 1

    @override
    def rename(self, file_id: UUID, before: str, after: str) -> File | None:
        return self._sql.row(
            sql.SQL("""
            UPDATE practice_documents SET document_name = %(after)s
            WHERE id = %(file_id)s AND document_name = %(before)s RETURNING {columns}
            """).format(columns=self._table.columns),
            {"file_id": file_id, "before": before, "after": after},
            into=self._table.model,
        )

    @override
    def files(self, practice_id: UUID, query: PageQuery) -> Page[File]:
        return self._sql.page(
            self._select("practice_id = %(practice_id)s"),
            {"practice_id": practice_id},
            order=sql.SQL("uploaded_at DESC, id"),
            part=query,
            into=self._table.model,
        )

    @override
    def remove(self, practice_id: UUID, file_id: UUID, now: datetime) -> File | None:
        return self._sql.row(
            sql.SQL("""
            WITH removed AS (
                DELETE FROM {table} WHERE id = %(file_id)s AND practice_id = %(practice_id)s RETURNING *
            ), deleted_upload AS (
                INSERT INTO uploads
                    (practice_id, container, blob_name, state, created_at, updated_at, deleted_at)
                SELECT practice_id, blob_container, blob_name, 'expired', %(now)s, %(now)s, %(now)s
                FROM removed
                ON CONFLICT (container, blob_name) DO UPDATE
                SET state = 'expired', reason = NULL, updated_at = %(now)s, deleted_at = %(now)s
            )
            SELECT {columns} FROM removed
            """).format(table=self._table.name, columns=self._table.columns),
            {"practice_id": practice_id, "file_id": file_id, "now": now},
            into=self._table.model,
        )

    def _insert(self) -> sql.Composed:
        own = self._table.own_columns
        return sql.SQL("""
            INSERT INTO {table}
                (practice_id, blob_container, blob_name, blob_url, file_size, content_type,
                 uploaded_at, {own})
            VALUES
                (%(practice_id)s, %(container)s, %(blob_name)s, %(blob_url)s, %(file_size)s, %(content_type)s,
                 %(now)s, {own_values})
            ON CONFLICT (blob_container, blob_name) DO NOTHING
            RETURNING {columns}
            """).format(
            table=self._table.name,
            columns=self._table.columns,
            own=columns(*own),
            own_values=named_values(*own),
        )

    def _select(self, where: LiteralString) -> sql.Composed:
        select = sql.SQL("SELECT {columns} FROM {table} WHERE ")
        return select.format(columns=self._table.columns, table=self._table.name) + sql.SQL(where)


def _key(name: BlobName) -> dict[str, Any]:
    return {"practice_id": name.practice_id, "container": name.kind.container, "blob_name": str(name)}


def _values(checked: CheckedFile, now: datetime) -> dict[str, Any]:
    name, size = checked.name, checked.image_size
    return {
        **_key(name),
        "blob_url": checked.blob_url,
        "file_size": checked.file_size,
        "content_type": name.format.content_type,
        "image_type": name.stem,
        "width": size.width if size else None,
        "height": size.height if size else None,
        "document_name": checked.document_name,
        "now": now,
    }


def _settle(sql: Sql, name: BlobName, state: UploadState, reason: str | None, now: datetime) -> bool:
    """Set the state of an upload that is pending, expired or not known; return False for any other.

    The upload is locked until the transaction ends, whatever its state is.
    """
    settled = sql.run(
        """
        INSERT INTO uploads (practice_id, container, blob_name, state, reason, created_at, updated_at)
        VALUES (%(practice_id)s, %(container)s, %(blob_name)s, %(state)s, %(reason)s, %(now)s, %(now)s)
        ON CONFLICT (container, blob_name) DO UPDATE
        SET state = excluded.state, reason = excluded.reason, updated_at = excluded.updated_at
        WHERE uploads.state IN ('pending', 'expired') AND uploads.deleted_at IS NULL
        """,
        {**_key(name), "state": state, "reason": reason, "now": now},
    )
    return settled == 1
