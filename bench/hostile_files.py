"""What do files cost that are made to cost memory or time? Each is read in a child process of its own.

Uploads are in `tests/hostile_images.py` and `tests/hostile_documents.py`.
"""

import resource
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from adapters.files.examiner import FileExaminer
from adapters.files.spreadsheets import OfficeSpreadsheets
from bench.child import Measured, peak_megabytes
from bench.child import measure as measure_child
from bp_core.practices.columns import Names
from bp_core.practices.importing import PracticeReader
from bp_core.shared.access import Caller
from bp_core.shared.errors import Invalid
from bp_core.uploads.kinds import RejectedFileError
from tests import hostile_workbooks
from tests.documents import CONTENT_TYPES
from tests.hostile_documents import DOCUMENTS
from tests.hostile_images import IMAGE_TYPES, IMAGES

PLANT_USER: Final = Caller(UUID(int=1), None, "plant", UUID(int=2))


@dataclass(frozen=True)
class Case:
    """A file, what reads it, and what that cost before the reader was protected."""

    make: Callable[[], bytes]
    read: Callable[[bytes], str]
    before: str = ""


def import_workbook(data: bytes) -> str:
    """Read and check an import, without the database; return the result, or why it is refused."""
    reader = PracticeReader(PLANT_USER, Names({}, {}), date(2026, 8, 15))
    try:
        found = reader.read(OfficeSpreadsheets().read_xlsx(data))
    except Invalid as error:
        return " ".join(one.message for one in error.details)
    return f"{found.rows} rows, {found.error_count} errors"


# Measured with openpyxl reading the whole workbook after a check of its declared sizes.
BEFORE: Final[Mapping[str, str]] = {
    "entities": "5391 MB, 20.4 s",
    "attributes of one element": "338 MB, 2.3 s",
    "different names of attributes": "303 MB, 2.8 s",
    "wide shared strings": "268 MB, 0.7 s",
    "defined names": "131 MB, 0.1 s",
    "merged cells": "101 MB, 0.1 s",
    "deep nesting": "92 MB, 0.5 s",
    "zip bomb with false sizes": "2077 MB, 4.1 s (1 GB)",
}

WORKBOOKS: Final[Mapping[str, Case]] = {
    name: Case(make, import_workbook, BEFORE.get(name, ""))
    for name, make in {
        **hostile_workbooks.HOSTILE,
        "900 sheets": hostile_workbooks.sheets,
        "2,000 full rows": hostile_workbooks.full,
    }.items()
}


def examine_upload(data: bytes, content_type: str) -> Measured:
    """Examine an upload as the portal does; measure the process that examines it, with its start.

    The answer is the size of an image as people see it, `accepted` for a document, or why it is rejected. If
    the process was ended, its memory is not known.
    """
    examiner = FileExaminer()
    before = _seconds_of_children()
    try:
        examined = examiner.examine(data, content_type, with_thumbnail=True)
        size = examined.image_size
        answer = f"{size.width} x {size.height}" if size else "accepted"
    except RejectedFileError as error:
        answer = str(error)
    peak = peak_megabytes(examiner.process_id) if examiner.process_id else float("nan")
    examiner.close()
    return Measured(answer, peak, _seconds_of_children() - before)


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def uploads() -> Iterator[tuple[str, bytes, str, str]]:
    """Yield each file that is made to cost much: its name, its bytes, its content type, the right answer."""
    for tables, types in ((IMAGES, IMAGE_TYPES), (DOCUMENTS, CONTENT_TYPES)):
        for name, (extension, make, answer) in tables.items():
            yield name, make(), types[extension], answer or "accepted"


# Measured before there was any limit but that of 50 megapixels, and before a library read OLE files.
BEFORE_UPLOADS: Final[Mapping[str, str]] = {
    "JPEG of 10,000 empty scans": "90 MB, 88.6 s",
    "JPEG of 90 scans": "102 MB, 1.5 s",
    "photograph of 50 MP, rotated": "443 MB",
    "PNG of 49 MP in colour": "419 MB, 0.9 s",
    "PNG of 37 MP with alpha": "463 MB, 1.0 s",
    "XLS with an endless stream of 4 GB": "9000 MB",
    "XLS with an endless DIFAT": "88.0 s",
    "XLS with a DIFAT that repeats itself": "99.2 s",
    "DOCX of 4,000,000 elements": "322 MB, 1.7 s",
    "DOCX of 1,200,000 names": "448 MB, 3.4 s",
    "DOCX of 3,000,000 nested elements": "600 MB, 1.1 s",
}


def measure() -> None:
    """Read every file. Print its size, the peak memory and CPU time of the process, and the answer."""
    print(f"{'':8} {'file':40} {'size':>9}  {'before':26} {'memory':>9} {'CPU':>8}  answer")
    for name, case in WORKBOOKS.items():
        data = case.make()
        _print("import", name, data, case.before, measure_child(case.read, data))
    for name, data, content_type, _ in uploads():
        _print("upload", name, data, BEFORE_UPLOADS.get(name, ""), examine_upload(data, content_type))


def _print(kind: str, name: str, data: bytes, before: str, used: Measured) -> None:
    print(
        f"{kind:8} {name:40} {len(data) / 1024:6.0f} kB  {before:26}"
        f" {used.megabytes:6.0f} MB {used.seconds:6.2f} s  {used.answer}",
        flush=True,
    )
