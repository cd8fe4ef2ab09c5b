"""Files that are made to cost memory or time: each is refused with its reason, within 200 MB."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.child import measure
from bench.exports import fill, measure_export
from bench.hostile_files import examine_upload, import_workbook, uploads
from tests.hostile_workbooks import HOSTILE, full, sheets
from tests.world import World

MEMORY_LIMIT: Final = 200
"""The most memory that the process of an import, an export or an upload may have, in megabytes."""

UNREADABLE: Final = "is not an XLSX workbook that can be read"
DTD: Final = "declares XML entities or types, which no spreadsheet program does"
TOKEN: Final = "has a tag or comment of more than 262144 bytes"
ELEMENTS: Final = "has more than 500000 rows, cells and formats, empty ones included"
LONG_TEXT: Final = "has a cell with more than 32767 characters"

REASONS: Final[Mapping[str, str]] = {
    "entities": DTD,
    "quadratic blow-up": DTD,
    "entities in UTF-16": DTD,
    "attributes of one element": TOKEN,
    "different names of attributes": "has more than 2000 different names of elements and attributes",
    "one shared string in all cells": "has more than 5000000 characters: import it in parts",
    "wide shared strings": "has more than 10000000 characters",
    "rich text": ELEMENTS,
    "a million empty rows": ELEMENTS,
    "empty cells": ELEMENTS,
    "a row beyond the last": "has a row 999999999999 after row 1",
    "a column beyond the last": UNREADABLE,
    "deep nesting": "has elements nested more than 64 deep",
    "formats of cells": "has more than 65536 formats of cells",
    "fonts": ELEMENTS,
    "merged cells": ELEMENTS,
    "defined names": ELEMENTS,
    "many parts": "has more than 1000 parts",
    "zip bomb": TOKEN,
    "zip bomb with false sizes": UNREADABLE,
    "zip bomb by LZMA": UNREADABLE,
    "long comment": TOKEN,
    "number with many digits": LONG_TEXT,
    "long text": LONG_TEXT,
}


def import_each(paths: bytes) -> str:
    """Read workbooks one after the other in this process; `paths` has a line for each."""
    return json.dumps([import_workbook(Path(path).read_bytes()) for path in paths.decode().splitlines()])


def test_a_hostile_workbook_is_refused_with_its_reason_within_the_limit_of_memory(tmp_path: Path) -> None:
    for number, make in enumerate(HOSTILE.values()):
        (tmp_path / f"{number:02}").write_bytes(make())
    used = measure(import_each, "\n".join(map(str, sorted(tmp_path.iterdir()))).encode())
    assert dict(zip(HOSTILE, json.loads(used.answer), strict=True)) == REASONS
    assert used.megabytes < MEMORY_LIMIT


def test_two_thousand_rows_of_long_texts_are_imported_within_the_limit_of_memory() -> None:
    used = measure(import_workbook, full())
    assert used.answer == "2000 rows, 0 errors"
    assert used.megabytes < MEMORY_LIMIT


def test_sheets_that_are_not_imported_are_not_read() -> None:
    used = measure(import_workbook, sheets())
    assert used.answer == "has more than 2000 rows"
    assert used.megabytes < MEMORY_LIMIT


def test_every_hostile_upload_gets_its_answer_within_the_limit_of_memory() -> None:
    for name, data, content_type, answer in uploads():
        used = examine_upload(data, content_type)
        assert used.answer == answer, name
        # The process still runs, so that it was not ended by its limit of computing time.
        assert used.megabytes < MEMORY_LIMIT, name


def test_an_export_of_long_texts_is_written_within_the_limit_of_memory(world: World) -> None:
    fill(world, 1_000, 24_000)
    for file_format, answer in (("csv", "980 rows, 112.3 MB behind a URL"), ("xlsx", "1.0 MB")):
        used = measure_export(world, file_format)
        assert used.answer == answer
        assert used.megabytes < MEMORY_LIMIT
