"""The use cases of practices in spreadsheets: export, import and its template."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import BinaryIO, Final

from typing_extensions import override

from bp_core.practices.columns import COLUMNS, TEMPLATE, CellValue, Names, SpreadsheetPractice, to_row
from bp_core.practices.editor import PracticeEditor
from bp_core.practices.importing import PracticeReader
from bp_core.practices.ports import (
    CategoryNames,
    ExportStore,
    ImportListener,
    PlantNames,
    PracticeStore,
    ServedAs,
    SpreadsheetFiles,
)
from bp_core.practices.queries import ExportQuery
from bp_core.practices.schemas import ExportLink, ImportReport
from bp_core.practices.service import require_consistent
from bp_core.shared.access import Caller
from bp_core.shared.context import Context
from bp_core.shared.errors import Invalid

CONTENT_TYPES: Final = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
}

MAX_DIRECT: Final = 4 * 1024 * 1024
"""The largest export that is the response itself, in bytes: the host copies a response several times."""

MAX_EXPORTED_TEXT: Final = 250_000_000
"""The maximum number of characters of an export: as in an import, a page of 2,500 for each practice of the
largest one. Its files on the disk have twice that size."""

TOO_MUCH_TEXT: Final = (
    f"the export has more than {MAX_EXPORTED_TEXT} characters: use filters, or limit and offset"
)

SEEK_END: Final = 2
"""Seeking from the end of a file, as in the module `io`."""

DOWNLOAD_LIFETIME: Final = timedelta(hours=1)
"""How long the URL of an export is valid."""


@dataclass(frozen=True)
class ExportedFile:
    """An export that is small enough to be the response."""

    data: bytes
    content_type: str
    file_name: str


class ExportedRows(Iterable[tuple[CellValue, ...]]):
    """The rows of an export, counted while they are written."""

    def __init__(self, practices: Iterable[SpreadsheetPractice]) -> None:
        self.count = 0
        self._practices = practices

    @override
    def __iter__(self) -> Iterator[tuple[CellValue, ...]]:
        characters = 0
        for practice in self._practices:
            row = to_row(practice)
            self.count += 1
            characters += sum(len(value) for value in row if isinstance(value, str))
            if characters > MAX_EXPORTED_TEXT:
                raise Invalid.of("limit", TOO_MUCH_TEXT)
            yield row


@dataclass(frozen=True)
class SpreadsheetService:
    """Exports and imports practices; the listener of an import hears of it once."""

    store: PracticeStore
    editor: PracticeEditor
    listener: ImportListener
    categories: CategoryNames
    plants: PlantNames
    files: SpreadsheetFiles
    exports: ExportStore
    context: Context

    def export(self, caller: Caller, query: ExportQuery) -> ExportedFile | ExportLink:
        """Export the practices that the list returns for the same parameters, in the same order.

        Returns the file, or a link to it if it is large. Raises Invalid for parameters that cannot be
        combined and for too much text, BadRequest for a cursor that cannot be used, Unavailable if the
        database takes too long or the storage does not answer.
        """
        require_consistent(caller, query)
        write = self.files.write_csv if query.format == "csv" else self.files.write_xlsx
        with closing(self.store.exported(query, caller)) as practices:
            rows = ExportedRows(practices)
            with write(COLUMNS, rows) as file:
                practices.close()  # the connection is not needed while the file is stored
                return self._answer(caller, query, file, rows.count)

    def _answer(
        self, caller: Caller, query: ExportQuery, file: BinaryIO, rows: int
    ) -> ExportedFile | ExportLink:
        name = f"best-practices-{self.context.today.isoformat()}"
        content_type = CONTENT_TYPES[query.format]
        size = file.seek(0, SEEK_END)
        file.seek(0)
        if size <= MAX_DIRECT:
            return ExportedFile(file.read(), content_type, f"{name}.{query.format}")
        now, expires_at = self.context.now, self.context.now + DOWNLOAD_LIFETIME
        prefix = f"{caller.user_id}/{now:%Y%m%dT%H%M%SZ}"
        blob_name = self.exports.put_export(prefix, query.format, file, content_type)
        served = ServedAs(content_type, saved_name=name)
        return ExportLink(
            download_url=self.exports.export_url(blob_name, now, expires_at, served),
            file_name=f"{name}.{query.format}",
            content_type=content_type,
            size=size,
            rows=rows,
            expires_at=expires_at,
        )

    def template(self) -> bytes:
        """Return the workbook template of an import: its columns, and notes about them."""
        known = {
            "categories": ", ".join(self.categories.ids_by_name()),
            "plants": ", ".join(self.plants.ids_by_name(is_active=True)),
        }
        notes = [(column.heading, column.hint.format_map(known)) for column in TEMPLATE]
        with self.files.write_xlsx(TEMPLATE, [], notes) as file:
            return file.read()

    def import_practices(self, caller: Caller, workbook: bytes, *, dry_run: bool) -> ImportReport:
        """Create the practices of a workbook: all, or none if a row has an error or for a dry run.

        Raises Invalid if the file is not a workbook, has no rows, too many rows, or too much text.
        """
        found = PracticeReader(caller, self._names(), self.context.today).read(self.files.read_xlsx(workbook))
        if found.errors or dry_run:
            return found.report(dry_run=dry_run, created=0)
        # Each practice locks its plant. Two imports lock in the same order, so they cannot deadlock.
        for practice in sorted(found.practices, key=lambda one: str(one.plant_id)):
            self.editor.create(caller, practice)
        self.listener.practices_imported(sum(one.status == "submitted" for one in found.practices))
        return found.report(dry_run=dry_run, created=len(found.practices))

    def _names(self) -> Names:
        categories = {name.casefold(): one for name, one in self.categories.ids_by_name().items()}
        plants = {name.casefold(): one for name, one in self.plants.ids_by_name(is_active=None).items()}
        return Names(categories, plants)
