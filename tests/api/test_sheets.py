"""Export and import of practices as spreadsheets."""

import csv
import io
import re
import subprocess
import sys
import zipfile
from datetime import date, datetime
from typing import Any

import httpx
import openpyxl

from tests.hostile_workbooks import HOSTILE, full
from tests.world import COMPLETE, Person, World, error_of, invalid, refusal_of, saving

EXPORT = "/best-practices/export"
TEMPLATE = "/best-practices/import/template"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEADINGS = ("Title", "Description", "Category", "Plant", "Problem statement", "Solution", "Status")


def book_of(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text
    return openpyxl.load_workbook(io.BytesIO(response.content))


def rows_of(response: httpx.Response) -> list[dict[str, Any]]:
    """Return the rows of an exported workbook, by heading."""
    heading, *rows = book_of(response).worksheets[0].iter_rows(values_only=True)
    return [dict(zip(heading, row, strict=True)) for row in rows]


def workbook(*rows: tuple[Any, ...]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def import_practices(person: Person, data: bytes, **sent: str) -> httpx.Response:
    form = {"files": {"file": ("practices.xlsx", data, XLSX)}, "data": sent}
    return person.http.post("/api/v1/best-practices/import", **form)  # type: ignore[arg-type] # as httpx takes it


def report(response: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert response.status_code == status, response.text
    data: dict[str, Any] = response.json()["data"]
    return data


def complete_row(world: World, **cells: object) -> tuple[Any, ...]:
    category = world.query("SELECT name FROM categories ORDER BY name")[0][0]
    plant = world.query("SELECT name FROM plants ORDER BY name")[0][0]
    values = {
        "Title": COMPLETE["title"],
        "Description": COMPLETE["description"],
        "Category": category,
        "Plant": plant,
        "Problem statement": COMPLETE["problem_statement"],
        "Solution": COMPLETE["solution"],
        "Status": "submitted",
        **cells,
    }
    return tuple(values.values())


QUERIES: list[dict[str, str]] = [
    {},
    {"search": "practice", "sort_by": "title", "sort_order": "asc"},
    {"status": "draft"},
    {"sort_by": "savings"},
    {"limit": "2", "offset": "1"},
]


def test_an_export_contains_the_listed_practices_in_the_listed_order(world: World) -> None:
    hq, author = world.headquarters(), world.plant_user(1)
    for number, plant in enumerate((0, 1, 0, 2)):
        world.approved(hq, plant, title=f"Practice {number}", **saving(number + 1, "crores", "monthly"))
    world.practice(author, title="A draft")
    for reader in (hq, author, world.plant_user(3)):
        for query in (*QUERIES, {"plant_id": str(world.plants[0])}):
            listed = reader.get("/best-practices", **query).json()["data"]
            rows = rows_of(reader.get(EXPORT, **query))
            assert [row["Title"] for row in rows] == [item["title"] for item in listed], query
            assert [row["Plant"] for row in rows] == [item["plant_name"] for item in listed]
    for bad in ({"format": "pdf"}, {"limit": 100_001}, {"plants": "x"}, {"status": "gone"}):
        assert refusal_of(hq.get(EXPORT, **bad)) == invalid(*bad)
    assert refusal_of(hq.get(EXPORT, sort_by="relevance")) == invalid("sort_by")
    assert world.browser().get(f"/api/v1{EXPORT}").status_code == 401


def test_the_cells_of_an_export_are_typed(world: World) -> None:
    author, hq = world.plant_user(0), world.headquarters()
    benefits = ["Less scrap", "Less gas"]
    practice = world.practice(author, "submitted", benefits=benefits, **saving("12.35", "crores", "monthly"))
    world.benchmark(practice)
    response = hq.get(EXPORT)
    assert response.headers["Content-Type"].startswith(XLSX)
    assert response.headers["Content-Disposition"] == 'attachment; filename="best-practices-2026-08-15.xlsx"'
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    sheet = book_of(response).worksheets[0]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:T2")
    [row] = rows_of(response)
    assert row["Submitted date"] == datetime(2026, 8, 15)  # noqa: DTZ001 - a sheet's days have no zone
    assert (row["Savings (lakhs)"], row["Savings period"], row["Savings a year (lakhs)"]) == (
        1235, "monthly", 14820
    )  # fmt: skip
    assert row["Benefits"] == "Less scrap\nLess gas"
    assert (row["Benchmarked"], row["Questions"], row["Status"]) == ("yes", 0, "submitted")


FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "=HYPERLINK(\"http://x\")", "\t=1", "\r=1")  # fmt: skip


def test_a_text_is_never_a_formula(world: World) -> None:
    author = world.plant_user(0)
    for text in FORMULAS:
        world.practice(author, title="x", description=text)
    sheet = book_of(author.get(EXPORT, sort_by="created_at")).worksheets[0]
    cells = [row[1] for row in sheet.iter_rows(min_row=2)]
    assert {cell.data_type for cell in cells} == {"s"}
    assert {cell.value for cell in cells} == {text.replace("\r", "\n") for text in FORMULAS}
    response = author.get(EXPORT, format="csv")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))
    assert {row["Description"] for row in rows} == {f"'{text}" for text in FORMULAS}


def test_a_csv_file_follows_rfc_4180(world: World) -> None:
    author = world.plant_user(0)
    world.practice(author, "submitted", description='Say "ü", 🙂\nnext', **saving("0.50"))
    data = author.get(EXPORT, format="csv").content
    assert data.startswith(b"\xef\xbb\xbfTitle,Description,")
    assert data.endswith(b"\r\n")
    assert '"Say ""ü"", 🙂\nnext"'.encode() in data
    [row] = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert (row["Submitted date"], row["Savings (lakhs)"]) == ("2026-08-15", "0.50")


def test_characters_that_excel_does_not_accept_are_removed(world: World) -> None:
    author = world.plant_user(0)
    world.practice(author, description="a\x01\x1fb", metrics="🙂" * 20_000)
    [row] = rows_of(author.get(EXPORT))
    assert row["Description"] == "ab"
    assert row["Metrics"] == "🙂" * 16_383


TAGS = ["brazing", "ब्रेज़िंग", "5s", "cost/year", "1", "a b"]


def test_an_exported_file_is_imported_again_without_error(world: World) -> None:
    author, hq = world.plant_user(0), world.headquarters()
    for status in ("draft", "submitted"):
        world.practice(author, status, benefits=["a", "b"], tags=TAGS, **saving("9999999999.99", "crores"))
        world.practice(author, status, description="=1+1", **saving("0.01", "lakhs", "monthly"))
    world.approved(hq, 0, submitted_date="2026-08-01")
    sent_back = world.approved(hq, 0)
    hq.post(f"/best-practices/{sent_back['id']}/request-revision", {"comment": "No"})
    before = world.snapshot()
    for person in (hq, author):
        exported = person.get(EXPORT).content
        expected = {"dry_run": True, "rows": 6, "created": 0, "errors": [], "error_count": 0}
        assert report(import_practices(person, exported)) == expected
    assert world.snapshot() == before
    assert report(import_practices(hq, exported, dry_run="false"), 201)["created"] == 6
    listed = hq.get("/best-practices", limit=100).json()["data"]
    amounts = [(item["savings_amount"], item["savings_currency"]) for item in listed]
    assert amounts.count((9_999_999_999.99, "crores")) == amounts.count((0.01, "lakhs")) == 4
    assert {item["status"] for item in listed} == {"draft", "submitted", "approved", "revision_required"}
    assert [item["tags"] for item in listed].count(TAGS) == 4
    assert len(world.query("SELECT 1 FROM audit_log WHERE action = 'practice.created'")) == 12


def test_three_invalid_rows_are_reported_by_cell_and_nothing_is_written(world: World) -> None:
    hq = world.headquarters()
    data = workbook(
        HEADINGS,
        complete_row(world),
        complete_row(world, Category="Cooking"),
        complete_row(world, Title=None),
        (),
        complete_row(world, Solution="  "),
    )
    before = world.snapshot()
    for dry_run in ("true", "false"):
        found = report(import_practices(hq, data, dry_run=dry_run))
        assert (found["rows"], found["created"]) == (4, 0)
        assert [(one["row"], one["column"], one["cell"]) for one in found["errors"]] == [
            (3, "Category", "C3"), (4, "Title", "A4"), (6, "Solution", "F6")
        ]  # fmt: skip
        assert all(one["message"] for one in found["errors"])
    assert world.snapshot() == before


BAD_CELLS: list[tuple[str, object, str]] = [
    ("Title", "x" * 501, "Title"),
    ("Status", "perhaps", "Status"),
    ("Savings (lakhs)", "many", "Savings (lakhs)"),
    ("Savings (lakhs)", -1, "Savings (lakhs)"),
    ("Savings (lakhs)", True, "Savings (lakhs)"),
    ("Savings (lakhs)", "NaN", "Savings (lakhs)"),
    ("Savings (lakhs)", 1.234, "Savings (lakhs)"),
    ("Savings (lakhs)", 1e15, "Savings (lakhs)"),
    ("Savings (lakhs)", 5, "Savings period"),
    ("Submitted date", date(2026, 8, 16), "Submitted date"),
    ("Submitted date", "soon", "Submitted date"),
    ("Submitted date", 7, "Submitted date"),
    ("Plant", "Atlantis", "Plant"),
    ("Plant", None, "Plant"),
]


def test_every_invalid_cell_is_reported(world: World) -> None:
    hq = world.headquarters()
    headings = (*HEADINGS, "Savings (lakhs)", "Savings period", "Submitted date")
    for heading, value, blamed in BAD_CELLS:
        cells: dict[str, object] = dict.fromkeys(headings[7:]) | {heading: value}
        if heading in HEADINGS:
            row = (*complete_row(world, **{heading: value}), None, None, None)
        else:
            row = (*complete_row(world), *cells.values())
        found = report(import_practices(hq, workbook(headings, row)))
        cell = f"{chr(ord('A') + headings.index(blamed))}2"
        assert [(one["column"], one["cell"]) for one in found["errors"]] == [(blamed, cell)], (heading, value)


def test_a_period_in_a_row_without_an_amount_is_no_saving(world: World) -> None:
    hq = world.headquarters()
    data = workbook((*HEADINGS, "Savings period"), (*complete_row(world), "monthly"))
    assert report(import_practices(hq, data, dry_run="false"), 201)["created"] == 1
    saved = world.query("SELECT savings_amount, savings_currency, savings_period FROM best_practices")
    assert saved == [(None, None, None)]


def test_a_plant_imports_its_own_practices_only(world: World) -> None:
    own, other = world.plant_user(0), world.plant_user(1)
    data = workbook(HEADINGS, complete_row(world))
    found = report(import_practices(other, data, dry_run="false"))
    assert [one["cell"] for one in found["errors"]] == ["D2"]
    unnamed = workbook(HEADINGS, complete_row(world, Plant=None, Title=2024))
    assert report(import_practices(other, unnamed, dry_run="false"), 201)["created"] == 1
    assert report(import_practices(own, data, dry_run="false"), 201)["created"] == 1
    rows = world.query("SELECT plant_id, title, status FROM best_practices")
    assert set(rows) == {
        (world.plants[1], "2024", "submitted"), (world.plants[0], COMPLETE["title"], "submitted")
    }  # fmt: skip


def test_an_import_is_a_dry_run_by_default(world: World) -> None:
    person = world.plant_user(0)
    data = workbook(("Title",), ("An idea",))
    for sent in ({}, {"dry_run": "true"}):
        assert report(import_practices(person, data, **sent))["dry_run"] is True
    form = {"file": ("a.xlsx", data, XLSX)}
    path = "/api/v1/best-practices/import"
    asked = person.http.post(path, files=form, data={"dry_run": "false"}, params={"dry_run": "true"})
    assert report(asked)["created"] == 0
    assert report(person.http.post(path, files=form, params={"dry_run": "false"}), 201)["created"] == 1
    assert refusal_of(import_practices(person, data, trial="true")) == invalid("trial")
    assert refusal_of(import_practices(person, data, dry_run="perhaps")) == invalid("dry_run")


def test_headings_are_found_in_any_order_and_unknown_ones_are_reported(world: World) -> None:
    person = world.plant_user(0)
    assert report(import_practices(person, workbook((" solution ", "TITLE"), ("x", "y"))))["errors"] == []
    found = report(import_practices(person, workbook(("Title", "Titel", "Solution", "Solution"), ("x",))))
    assert [(one["row"], one["cell"]) for one in found["errors"]] == [(1, "B1"), (1, "D1")]
    [missing] = report(import_practices(person, workbook(("Solution",), ("x",))))["errors"]
    assert (missing["column"], missing["cell"]) == ("Title", None)


def test_the_template_can_be_imported(world: World) -> None:
    person = world.plant_user(0)
    response = person.get(TEMPLATE)
    book = book_of(response)
    headings = next(book.worksheets[0].iter_rows(values_only=True))
    assert headings[:7] == ("Title", "Description", "Category", "Plant", *HEADINGS[4:6], "Benefits")
    assert "Supa" in " ".join(str(row[1]) for row in book.worksheets[1].iter_rows(values_only=True))
    assert refusal_of(import_practices(person, response.content)) == invalid(
        "file"
    )  # there is nothing in it yet
    book.worksheets[0].append(["An idea"])
    filled = io.BytesIO()
    book.save(filled)
    assert report(import_practices(person, filled.getvalue(), dry_run="false"), 201)["created"] == 1


def bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(65 * 1024 * 1024))
    return packed.getvalue()


def with_sheet(data: bytes, rows: bytes) -> bytes:
    """Make a workbook with XML rows in its first sheet."""
    changed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as archive,
        zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as other,
    ):
        for part in archive.infolist():
            content = archive.read(part)
            if part.filename.endswith("sheet1.xml"):
                content = re.sub(rb"<sheetData>.*</sheetData>", lambda _: rows, content)
            other.writestr(part, content)
    return changed.getvalue()


def cut(data: bytes) -> bytes:
    """Make a workbook whose first sheet is truncated."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(changed, "w") as damaged:
        for part in archive.infolist():
            content = archive.read(part)
            damaged.writestr(part, content[:-40] if part.filename.endswith("sheet1.xml") else content)
    return changed.getvalue()


def test_a_file_that_is_not_a_workbook_is_refused(world: World) -> None:
    person = world.plant_user(0)
    good = workbook(("Title",), ("x",))
    no_book = io.BytesIO()
    with zipfile.ZipFile(no_book, "w") as archive:
        archive.writestr("readme.txt", "hello")
    for data in (
        b"",
        b"Title\r\nx\r\n",
        good[:-30],
        b"\xd0\xcf\x11\xe0" * 99,
        no_book.getvalue(),
        bomb(),
        with_sheet(good, b"<sheetData><row>" + b"<c/>" * 700_000 + b"</row></sheetData>"),
        cut(good),
    ):
        assert refusal_of(import_practices(person, data, dry_run="false")) == invalid("file")
    assert error_of(import_practices(person, bytes(5 * 1024 * 1024))) == (413, "PAYLOAD_TOO_LARGE")
    assert error_of(person.post("/best-practices/import", {})) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert world.query("SELECT 1 FROM best_practices") == []


def test_a_row_number_beyond_the_last_row_of_excel_is_not_read(world: World) -> None:
    person = world.plant_user(0)
    title, idea = (
        b'<row r="%d"><c t="inlineStr"><is><t>' + text + b"</t></is></c></row>" for text in (b"Title", b"x")
    )
    for last, rows in ((1_048_576, 1), (10**12, 0)):
        sheet = b"<sheetData>" + title % 1 + idea % last + b"</sheetData>"
        response = import_practices(person, with_sheet(workbook(("Title",)), sheet))
        if rows:
            assert report(response)["rows"] == rows
        else:
            assert refusal_of(response) == invalid("file")


def test_a_hostile_workbook_is_refused_with_its_reason(world: World) -> None:
    person = world.plant_user(0)
    for name, reason in {
        "entities": "declares XML entities or types, which no spreadsheet program does",
        "attributes of one element": "has a tag or comment of more than 262144 bytes",
        "one shared string in all cells": "has more than 5000000 characters: import it in parts",
    }.items():
        response = import_practices(person, HOSTILE[name](), dry_run="false")
        assert refusal_of(response) == invalid("file")
        assert [one["message"] for one in response.json()["error"]["details"]] == [reason]
    assert world.query("SELECT 1 FROM best_practices") == []


def test_two_thousand_rows_of_long_texts_are_imported(world: World) -> None:
    found = report(import_practices(world.plant_user(0), full(), dry_run="false"), 201)
    assert (found["rows"], found["created"], found["error_count"]) == (2_000, 2_000, 0)
    [(longest, total)] = world.query(
        "SELECT max(length(description)), sum(length(concat(title, description, problem_statement, solution,"
        " metrics, implementation))) FROM best_practices"
    )
    assert (longest, total) == (479, 4_801_340)


def test_a_report_has_a_hundred_errors_and_their_number(world: World) -> None:
    rows = [("x", "lost")] * 150
    found = report(import_practices(world.plant_user(0), workbook(("Title", "Status"), *rows)))
    assert (found["rows"], len(found["errors"]), found["error_count"]) == (150, 100, 150)


def test_at_most_two_thousand_rows_are_imported(world: World) -> None:
    person = world.plant_user(0)
    rows = [(f"Idea {number}",) for number in range(2_000)]
    assert (
        report(import_practices(person, workbook(("Title",), *rows), dry_run="false"), 201)["created"]
        == 2_000
    )
    assert refusal_of(import_practices(person, workbook(("Title",), *rows, ("x",)))) == invalid("file")
    assert world.query("SELECT count(*) FROM best_practices") == [(2_000,)]


def test_libraries_of_spreadsheets_are_not_imported_before_they_are_needed() -> None:
    code = "import function_app, sys; print({'openpyxl', 'xlsxwriter', 'defusedxml'} & sys.modules.keys())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
