"""Uploads and the files they became, in PostgreSQL: one store, described by the table of its kind."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Generic
from uuid import UUID

from psycopg import sql
from pydantic import TypeAdapter

from adapters.postgres.database import Sql
from bp_core.practices.models import StoredDocument, StoredImage
from bp_core.uploads.kinds import BlobName
from bp_core.uploads.models import Upload
from bp_core.uploads.store import AskedUpload, File, KnownUpload, RecordedFile


@dataclass(frozen=True)
class FileTable(Generic[File]):
    """A table of files: what its rows are read into, and the columns that only its kind has.

    `whole` is the condition under which nothing of a recorded file is still to come.
    """

    name: sql.Identifier
    model: type[File]
    own_columns: tuple[str, ...]
    whole: sql.SQL

    @property
    def columns(self) -> sql.Composed:
        """The columns that make the model."""
        return sql.SQL(", ").join(sql.Identifier(name) for name in self.model.model_fields)

    @cached_property
    def reader(self) -> TypeAdapter[File]:
        """What reads a whole row that comes as JSON."""
        return TypeAdapter(self.model)


IMAGES: Final = FileTable(
    sql.Identifier("practice_images"),
    StoredImage,
    ("image_type", "width", "height"),
    sql.SQL("f.thumbnail_name IS NOT NULL"),
)
DOCUMENTS: Final = FileTable(
    sql.Identifier("practice_documents"), StoredDocument, ("document_name",), sql.SQL("true")
)


class PostgresUploads(Generic[File]):
    """What was asked for, and what became of it."""

    def __init__(self, sql: Sql, table: FileTable[File]) -> None:
        self._sql = sql
        self._table = table

    def atomic(self) -> AbstractContextManager[None]:
        """Keep everything that is done inside, or nothing of it."""
        return self._sql.atomic()

    def ask(self, upload: AskedUpload, now: datetime) -> bool:
        """Keep the wish; False if a blob of that name was asked for before."""
        return (
            self._sql.run(
                """
                INSERT INTO uploads
                    (practice_id, user_id, container, blob_name, filename, declared_content_type,
                     declared_size, state, expires_at, created_at, updated_at)
                VALUES
                    (%(practice_id)s, %(user_id)s, %(container)s, %(blob_name)s, %(filename)s,
                     %(declared_content_type)s, %(declared_size)s, 'pending',
                     %(expires_at)s, %(now)s, %(now)s)
                ON CONFLICT (container, blob_name) DO NOTHING
                """,
                {**vars(upload), "now": now},
            )
            == 1
        )

    def known(self, name: BlobName, blob_name: str) -> KnownUpload[File]:
        """Find what is known of a blob."""
        row = self._sql.mappings(
            sql.SQL("""
            SELECT EXISTS (SELECT FROM best_practices p WHERE p.id = %(practice_id)s AND NOT p.is_deleted)
                       AS practice_exists,
                   u.filename, u.reason, to_jsonb(f) AS file,
                   f.id IS NOT NULL AND NOT {whole} AS lacks_thumbnail
            FROM (VALUES (true)) always
            LEFT JOIN uploads u ON u.container = %(container)s AND u.blob_name = %(blob_name)s
            LEFT JOIN {table} f ON f.blob_container = %(container)s AND f.blob_name = %(blob_name)s
            """).format(table=self._table.name, whole=self._table.whole),
            {"practice_id": name.practice_id, "container": name.kind.container, "blob_name": blob_name},
        )[0]
        return KnownUpload(
            practice_exists=row["practice_exists"],
            filename=row["filename"],
            rejected_because=row["reason"],
            file=self._table.reader.validate_python(row["file"]) if row["file"] else None,
            lacks_thumbnail=row["lacks_thumbnail"],
        )

    def record(self, recorded: RecordedFile, now: datetime) -> tuple[File, bool]:
        """Keep a file and the state of its upload, both or neither; tell whether it was new."""
        own = self._table.own_columns
        values = _values(recorded, now)
        insert = sql.SQL("""
            INSERT INTO {table}
                (practice_id, blob_container, blob_name, blob_url, file_size, content_type,
                 uploaded_at, {own})
            VALUES
                (%(practice_id)s, %(container)s, %(blob_name)s, %(blob_url)s, %(file_size)s, %(content_type)s,
                 %(now)s, {own_values})
            ON CONFLICT (blob_container, blob_name) DO NOTHING
            """).format(
            table=self._table.name,
            own=sql.SQL(", ").join(map(sql.Identifier, own)),
            own_values=sql.SQL(", ").join(map(sql.Placeholder, own)),
        )
        with self.atomic():
            is_new = self._sql.run(insert, values)
            if is_new:
                _settle(self._sql, recorded.name, recorded.blob_name, "recorded", None, now)
            file = self._sql.one(
                self._select("blob_container = %(container)s AND blob_name = %(blob_name)s"),
                values,
                into=self._table.model,
            )
        return file, bool(is_new)

    def reject(self, name: BlobName, blob_name: str, reason: str, now: datetime) -> bool:
        """Keep that an upload was refused, and why; False if it was settled before."""
        return _settle(self._sql, name, blob_name, "rejected", reason, now)

    def set_thumbnail(self, file_id: UUID, thumbnail_name: str) -> None:
        """Keep where the thumbnail of a photograph lies."""
        self._sql.run(
            "UPDATE practice_images SET thumbnail_name = %(thumbnail_name)s WHERE id = %(file_id)s",
            {"file_id": file_id, "thumbnail_name": thumbnail_name},
        )

    def rename(self, file_id: UUID, before: str, after: str) -> File | None:
        """Call a document that is called `before` something else; None if it is not called so any more."""
        return self._sql.row(
            sql.SQL("""
            UPDATE practice_documents SET document_name = %(after)s
            WHERE id = %(file_id)s AND document_name = %(before)s RETURNING {columns}
            """).format(columns=self._table.columns),
            {"file_id": file_id, "before": before, "after": after},
            into=self._table.model,
        )

    def files(self, practice_id: UUID) -> list[File]:
        """List the files of a practice, newest first."""
        return self._sql.rows(
            self._select("practice_id = %(practice_id)s ORDER BY uploaded_at DESC, id"),
            {"practice_id": practice_id},
            into=self._table.model,
        )

    def uploads(self, practice_id: UUID, now: datetime) -> list[Upload]:
        """List what was asked for, of any kind, newest first; what did not come in time has expired."""
        return self._sql.rows(
            """
            SELECT id, practice_id, user_id, container, blob_name, declared_content_type, declared_size,
                   CASE WHEN state = 'pending' AND expires_at < %(now)s THEN 'expired'
                        ELSE state END AS state,
                   reason, expires_at, created_at, updated_at
            FROM uploads WHERE practice_id = %(practice_id)s ORDER BY created_at DESC, id
            """,
            {"practice_id": practice_id, "now": now},
            into=Upload,
        )

    def remove(self, practice_id: UUID, file_id: UUID) -> File | None:
        """Forget a file and its upload; None if the practice has no such file."""
        return self._sql.row(
            sql.SQL("""
            WITH removed AS (
                DELETE FROM {table} WHERE id = %(file_id)s AND practice_id = %(practice_id)s RETURNING *
            ), forgotten AS (
                DELETE FROM uploads u USING removed r
                WHERE u.container = r.blob_container AND u.blob_name = r.blob_name
            )
            SELECT {columns} FROM removed
            """).format(table=self._table.name, columns=self._table.columns),
            {"practice_id": practice_id, "file_id": file_id},
            into=self._table.model,
        )

    def _select(self, where: str) -> sql.Composed:
        select = sql.SQL("SELECT {columns} FROM {table} WHERE ")
        return select.format(columns=self._table.columns, table=self._table.name) + sql.SQL(where)


def _values(recorded: RecordedFile, now: datetime) -> dict[str, Any]:
    name, picture = recorded.name, recorded.picture
    return {
        "practice_id": name.practice_id,
        "container": name.kind.container,
        "blob_name": recorded.blob_name,
        "blob_url": recorded.blob_url,
        "file_size": recorded.file_size,
        "content_type": name.format.content_type,
        "image_type": name.stem,
        "width": picture.width if picture else None,
        "height": picture.height if picture else None,
        "document_name": recorded.document_name,
        "now": now,
    }


def _settle(sql: Sql, name: BlobName, blob_name: str, state: str, reason: str | None, now: datetime) -> bool:
    """Keep what became of an upload, also of one that nobody asked for; what is settled stays."""
    settled = sql.run(
        """
        INSERT INTO uploads (practice_id, container, blob_name, state, reason, created_at, updated_at)
        VALUES (%(practice_id)s, %(container)s, %(blob_name)s, %(state)s, %(reason)s, %(now)s, %(now)s)
        ON CONFLICT (container, blob_name) DO UPDATE
        SET state = excluded.state, reason = excluded.reason, updated_at = excluded.updated_at
        WHERE uploads.state IN ('pending', 'expired')
        """,
        {
            "practice_id": name.practice_id,
            "container": name.kind.container,
            "blob_name": blob_name,
            "state": state,
            "reason": reason,
            "now": now,
        },
    )
    return settled == 1
