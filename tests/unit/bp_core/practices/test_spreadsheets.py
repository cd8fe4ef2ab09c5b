from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

import pytest

from bp_core.notifications import SubmissionNotifier
from bp_core.practices.columns import TEMPLATE, CellValue, Column
from bp_core.practices.spreadsheets import SpreadsheetService
from bp_core.shared.access import Caller
from tests.unit.bp_core.services import MemoryServices
from tests.unit.bp_core.support import CATEGORY, CHENNAI, HQ, OWNER, PUNE

Rows = list[tuple[CellValue, ...]]


class MemoryFiles:
    """Files that are not written, and that have these rows when they are read."""

    def __init__(self, rows: Rows | None = None) -> None:
        self._rows = rows or []
        self.written: list[tuple[Sequence[Column], Rows, Sequence[tuple[str, str]]]] = []

    def write_csv(self, columns: Sequence[Column], rows: Iterable[Sequence[CellValue]]) -> bytes:
        raise NotImplementedError("no unit test exports practices")

    def write_xlsx(
        self,
        columns: Sequence[Column],
        rows: Iterable[Sequence[CellValue]],
        notes: Sequence[tuple[str, str]] = (),
    ) -> bytes:
        self.written.append((columns, [tuple(row) for row in rows], notes))
        return b"a workbook"

    def read_xlsx(self, data: bytes) -> Iterator[tuple[CellValue, ...]]:
        return iter(self._rows)


class MemoryNames:
    """One category; two plants, of which Chennai is not active."""

    def ids_by_name(self, *, is_active: bool | None = None) -> dict[str, UUID]:
        return {"Pune": PUNE} if is_active else {"Pune": PUNE, "Chennai": CHENNAI}


class MemoryCategoryNames:
    """One category."""

    def ids_by_name(self) -> dict[str, UUID]:
        return {"Energy": CATEGORY}


def spreadsheets(services: MemoryServices, files: MemoryFiles) -> SpreadsheetService:
    return SpreadsheetService(
        store=services.practice_store,
        editor=services.editor,
        listener=SubmissionNotifier(services.notifier),
        categories=MemoryCategoryNames(),
        plants=MemoryNames(),
        files=files,
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
