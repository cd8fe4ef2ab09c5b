import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import BinaryIO
from uuid import UUID

import pytest

from bp_core.notifications import SubmissionNotifier
from bp_core.practices.columns import TEMPLATE, CellValue, Column
from bp_core.practices.ports import ServedAs
from bp_core.practices.queries import ExportQuery
from bp_core.practices.schemas import ExportLink
from bp_core.practices.spreadsheets import (
    CONTENT_TYPES,
    MAX_DIRECT,
    MAX_EXPORTED_TEXT,
    ExportedFile,
    ExportedRows,
    SpreadsheetService,
)
from bp_core.shared.access import Caller
from bp_core.shared.errors import Invalid
from tests.unit.bp_core.practices.test_columns import exported
from tests.unit.bp_core.services import MemoryServices
from tests.unit.bp_core.support import CATEGORY, CHENNAI, HQ, NOW, OWNER, PUNE

Rows = list[tuple[CellValue, ...]]


class MemoryFiles:
    """Files with this content when they are written, and with these rows when they are read."""

    def __init__(self, rows: Rows | None = None, content: bytes = b"a workbook") -> None:
        self._rows = rows or []
        self._content = content
        self.written: list[tuple[Sequence[Column], Rows, Sequence[tuple[str, str]]]] = []

    @contextmanager
    def write_csv(self, columns: Sequence[Column], rows: Iterable[Sequence[CellValue]]) -> Iterator[BinaryIO]:
        with self.write_xlsx(columns, rows) as file:
            yield file

    @contextmanager
    def write_xlsx(
        self,
        columns: Sequence[Column],
        rows: Iterable[Sequence[CellValue]],
        notes: Sequence[tuple[str, str]] = (),
    ) -> Iterator[BinaryIO]:
        self.written.append((columns, [tuple(row) for row in rows], notes))
        yield io.BytesIO(self._content)

    def read_xlsx(self, data: bytes) -> Iterator[tuple[CellValue, ...]]:
        return iter(self._rows)


class MemoryExports:
    """Stores large exports."""

    def __init__(self) -> None:
        self.stored: list[tuple[str, bytes, str]] = []
        self.signed: list[tuple[str, datetime, datetime, ServedAs]] = []

    def put_export(self, prefix: str, extension: str, content: BinaryIO, content_type: str) -> str:
        self.stored.append((prefix, content.read(), content_type))
        return f"{prefix}.{extension}"

    def export_url(self, blob_name: str, now: datetime, expires_at: datetime, served: ServedAs) -> str:
        self.signed.append((blob_name, now, expires_at, served))
        return f"https://exports.test/{blob_name}"


class MemoryNames:
    """One category; two plants, of which Chennai is not active."""

    def ids_by_name(self, *, is_active: bool | None = None) -> dict[str, UUID]:
        return {"Pune": PUNE} if is_active else {"Pune": PUNE, "Chennai": CHENNAI}


class MemoryCategoryNames:
    """One category."""

    def ids_by_name(self) -> dict[str, UUID]:
        return {"Energy": CATEGORY}


def spreadsheets(
    services: MemoryServices, files: MemoryFiles, exports: MemoryExports | None = None
) -> SpreadsheetService:
    return SpreadsheetService(
        store=services.practice_store,
        editor=services.editor,
        listener=SubmissionNotifier(services.notifier),
        categories=MemoryCategoryNames(),
        plants=MemoryNames(),
        files=files,
        exports=exports or MemoryExports(),
        context=services.context,
    )


VALID: Rows = [("Title", "Plant"), ("Shorter hoses", "Pune"), ("Shorter belts", "Chennai")]


def test_the_template_notes_the_categories_and_the_active_plants() -> None:
    files = MemoryFiles()

    assert spreadsheets(MemoryServices(), files).template() == b"a workbook"

    [(columns, rows, notes)] = files.written
    hints = dict(notes)
    assert (columns, rows) == (TEMPLATE, [])
    assert hints["Category"].endswith("One of: Energy")
    assert hints["Plant"].startswith("Headquarters must name one of: Pune. ")


def test_an_import_writes_every_practice() -> None:
    services = MemoryServices()

    report = spreadsheets(services, MemoryFiles(VALID)).import_practices(HQ, b"", dry_run=False)

    assert (report.dry_run, report.rows, report.created, report.errors) == (False, 2, 2, [])
    assert {(one.content.title, one.plant_id) for one in services.practice_store.states.values()} == {
        ("Shorter hoses", PUNE),
        ("Shorter belts", CHENNAI),
    }


@pytest.mark.parametrize(
    ("caller", "dry_run", "errors"),
    [(HQ, True, []), (OWNER, False, [(3, "Plant")]), (OWNER, True, [(3, "Plant")])],
)
def test_a_dry_run_and_an_import_with_an_error_write_nothing(
    caller: Caller, *, dry_run: bool, errors: list[tuple[int, str]]
) -> None:
    services = MemoryServices()

    report = spreadsheets(services, MemoryFiles(VALID)).import_practices(caller, b"", dry_run=dry_run)

    assert (report.dry_run, report.rows, report.created) == (dry_run, 2, 0)
    assert [(one.row, one.column) for one in report.errors] == errors
    assert services.written() == MemoryServices().written()


def test_an_export_of_up_to_four_megabytes_is_the_file() -> None:
    services, exports = MemoryServices(), MemoryExports()
    services.practice_store.in_spreadsheets = [exported(title="a"), exported(title="b")]
    files = MemoryFiles(content=b"x" * MAX_DIRECT)

    file = spreadsheets(services, files, exports).export(OWNER, ExportQuery(format="csv"))

    today = services.context.today.isoformat()
    assert file == ExportedFile(b"x" * MAX_DIRECT, "text/csv", f"best-practices-{today}.csv")
    assert [row[0] for row in files.written[0][1]] == ["a", "b"]
    assert (exports.stored, exports.signed) == ([], [])


def test_a_larger_export_is_stored_and_answered_with_a_url_for_an_hour() -> None:
    services, exports = MemoryServices(), MemoryExports()
    services.practice_store.in_spreadsheets = [exported()] * 3
    content = b"x" * (MAX_DIRECT + 1)

    link = spreadsheets(services, MemoryFiles(content=content), exports).export(OWNER, ExportQuery())

    xlsx, hour = CONTENT_TYPES["xlsx"], NOW + timedelta(hours=1)
    prefix, name = (
        f"{OWNER.user_id}/{NOW:%Y%m%dT%H%M%SZ}",
        f"best-practices-{services.context.today.isoformat()}",
    )
    assert exports.stored == [(prefix, content, xlsx)]
    assert exports.signed == [(f"{prefix}.xlsx", NOW, hour, ServedAs(xlsx, saved_name=name))]
    assert link == ExportLink(
        download_url=f"https://exports.test/{prefix}.xlsx",
        file_name=f"{name}.xlsx",
        content_type=xlsx,
        size=MAX_DIRECT + 1,
        rows=3,
        expires_at=hour,
    )


def test_an_export_with_too_much_text_is_refused() -> None:
    own = sum(
        len(value) for value in next(iter(ExportedRows([exported(title="")]))) if isinstance(value, str)
    )
    half = exported(title="x" * (MAX_EXPORTED_TEXT // 2 - own))

    assert len(list(ExportedRows([half, half]))) == 2
    with pytest.raises(Invalid) as refusal:
        list(ExportedRows([half, half, exported(title="")]))

    (fault,) = refusal.value.details
    assert (fault.field, fault.message) == (
        "limit",
        "the export has more than 250000000 characters: use filters, or limit and offset",
    )
