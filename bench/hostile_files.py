"""What do files cost that are made to cost memory or time? Each is read in a child process of its own.

To add files, add a table of cases to CASES.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final
from uuid import UUID

from PIL import Image

from adapters.files import examination
from adapters.files.spreadsheets import OfficeSpreadsheets
from bench.child import measure as measure_child
from bp_core.practices.columns import Names
from bp_core.practices.importing import PracticeReader
from bp_core.shared.access import Caller
from bp_core.shared.errors import Invalid
from bp_core.uploads.kinds import IMAGES, PDF
from tests import hostile, hostile_workbooks

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


def examine_upload(data: bytes) -> str:
    """Examine an upload as the process for it does; return its size, or why it is rejected."""
    types = [one.content_type for one in (*IMAGES.formats.values(), PDF) if one.matches(data)]
    request = {"content_type": types[0], "with_thumbnail": True, "keep_metadata": False}
    header, parts = examination.answer(request, data)
    if "rejected" in header:
        return str(header["rejected"])
    return f"{header['size'] or 'accepted'}, {sum(map(len, parts)) // 1024} kB written"


def rotated_photograph() -> bytes:
    """Make a photograph of 50 megapixels that a camera marked as rotated."""
    noise = Image.effect_noise((2040, 1530), 20).convert("RGB").resize((8160, 6120))
    return hostile.encoded(noise, "JPEG", quality=60, exif=hostile.camera_exif(6))


# Measured with Pillow decoding each image at once, before any limit but that of 50 megapixels.
UPLOADS: Final[Mapping[str, Case]] = {
    "JPEG of 10,000 empty scans": Case(
        partial(hostile.progressive_bomb, 3400), examine_upload, "90 MB, 88.6 s"
    ),
    "JPEG of 90 scans": Case(partial(hostile.progressive_bomb, 4600, 80), examine_upload, "102 MB, 1.5 s"),
    "PNG of 50 MP with alpha": Case(partial(hostile.png, 7071, 7071, 6), examine_upload, "610 MB, 1.3 s"),
    "PNG of 37 MP with alpha": Case(partial(hostile.png, 6100, 6100, 6), examine_upload, "463 MB, 1.0 s"),
    "PNG of 25 MP, 64 bits": Case(partial(hostile.png, 5000, 5000, 6, 16), examine_upload, "323 MB, 1.1 s"),
    "PNG of 50 MP": Case(partial(hostile.png, 7071, 7071, 2), examine_upload, "419 MB, 0.9 s"),
    "photograph of 50 MP, rotated": Case(rotated_photograph, examine_upload, "77 MB, 0.2 s (not turned)"),
    "PDF of 50,000 streams": Case(hostile.pdf_of_streams, examine_upload, "0 MB, 0.0 s (not read)"),
    "PDF that unpacks to 1 GB": Case(hostile.pdf_bomb, examine_upload, "0 MB, 0.0 s (not read)"),
}

CASES: Final[Mapping[str, Mapping[str, Case]]] = {"import": WORKBOOKS, "upload": UPLOADS}
"""The files by what they are sent to."""


def measure() -> None:
    """Read every file. Print its size, the peak memory and CPU time of the process, and the answer."""
    print(f"{'':8} {'file':32} {'size':>9}  {'before':26} {'memory':>9} {'CPU':>8}  answer")
    for kind, cases in CASES.items():
        for name, case in cases.items():
            data = case.make()
            used = measure_child(case.read, data)
            print(
                f"{kind:8} {name:32} {len(data) / 1024:6.0f} kB  {case.before:26}"
                f" {used.megabytes:6.0f} MB {used.seconds:6.2f} s  {used.answer}",
                flush=True,
            )
