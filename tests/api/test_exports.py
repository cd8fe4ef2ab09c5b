"""Large exports, and how many of them run at a time."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any, Final

import httpx
import openpyxl
import psycopg
import pytest

from functions import bootstrap
from tests.api.test_sheets import import_practices, workbook
from tests.world import Person, World, error_of, invalid, refusal_of

EXPORT: Final = "/best-practices/export"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

LIMITED: Final = (429, "RATE_LIMITED")
AWAY: Final = (503, "UNAVAILABLE")

# Each has 32,000 random characters, so that workbooks are large as well.
INSERT: Final = """
INSERT INTO best_practices (title, description, plant_id, submitted_by_user_id, status, submitted_date)
SELECT 'Practice ' || lpad(n::text, 4, '0'),
       (SELECT string_agg(md5(n || ' ' || m), '') FROM generate_series(1, 1000) m),
       plants.id, users.id, 'submitted', '2026-08-01'
FROM generate_series(1, %s) n, (SELECT id FROM plants LIMIT 1) plants, (SELECT id FROM users LIMIT 1) users
"""


def data_of(response: httpx.Response) -> dict[str, Any]:
    media_type = response.headers["content-type"].partition(";")[0]
    assert (response.status_code, media_type) == (200, "application/json")
    data: dict[str, Any] = response.json()["data"]
    return data


def titles_of(content: bytes, file_format: str) -> list[object]:
    if file_format == "csv":
        return [row["Title"] for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))]
    sheet = openpyxl.load_workbook(io.BytesIO(content), read_only=True).worksheets[0]
    return [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)]


@contextmanager
def locked(world: World, table: str) -> Iterator[None]:
    """Let every statement that uses a table wait until the block ends."""
    with psycopg.connect(world.database_url) as connection:
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
        yield


def statuses_while_locked(world: World, table: str, *people: Person) -> tuple[list[int], list[int]]:
    """Export as each person at the same time, while a table is locked.

    Returns the statuses of the responses that came meanwhile, and of those that came afterwards.
    """
    answers: list[int] = []
    calls = [Thread(target=lambda one=one: answers.append(one.get(EXPORT).status_code)) for one in people]
    with locked(world, table):
        for call in calls:
            call.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted"
        while len(answers) + world.query(waiting, table)[0][0] < len(people):
            pass
        meanwhile = list(answers)
    for call in calls:
        call.join()
    return meanwhile, answers[len(meanwhile) :]


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_a_large_export_is_downloaded_by_a_signed_url(world: World, file_format: str) -> None:
    hq = world.headquarters()
    world.query(INSERT, 300)
    link = data_of(hq.get(EXPORT, format=file_format, sort_by="title", sort_order="asc"))
    content_type = "text/csv" if file_format == "csv" else XLSX
    name = f"best-practices-2026-08-15.{file_format}"
    assert (link["file_name"], link["content_type"], link["rows"]) == (name, content_type, 300)
    assert link["expires_at"] == "2026-08-15T07:30:00Z"
    [blob_name] = world.blob_names("exports")
    [(user_id,)] = world.query("SELECT id FROM users")
    assert blob_name.startswith(f"{user_id}/20260815T063000Z-")
    assert blob_name.endswith(f".{file_format}")
    with world.container("exports") as container:
        stored = container.download_blob(blob_name).readall()
    assert (len(stored), link["size"] > 4 * 1024 * 1024) == (link["size"], True)
    assert titles_of(stored, file_format) == [f"Practice {number:04}" for number in range(1, 301)]


def test_the_url_of_an_export_is_for_one_file_and_saves_it(world: World) -> None:
    world.clock.at = datetime.now(UTC)  # the storage has a clock of its own
    hq = world.headquarters()
    world.query(INSERT, 200)
    link = data_of(hq.get(EXPORT, format="csv"))
    downloaded = httpx.get(link["download_url"])
    assert (downloaded.status_code, len(downloaded.content)) == (200, link["size"])
    assert downloaded.headers["content-type"] == "text/csv"
    assert downloaded.headers["content-disposition"].startswith(f'attachment; filename="{link["file_name"]}"')
    address, _, signature = link["download_url"].partition("?")
    assert httpx.get(address).status_code in (401, 403, 404)
    assert (
        httpx.put(link["download_url"], content=b"x", headers={"x-ms-blob-type": "BlockBlob"}).status_code
        == 403
    )
    other = address.rpartition("/")[0] + "/other.csv"
    assert httpx.get(f"{other}?{signature}").status_code == 403


def test_a_large_export_has_the_practices_that_its_caller_may_see_and_asked_for(world: World) -> None:
    hq, other = world.headquarters(), world.plant_user(1)
    world.query(INSERT, 300)
    world.query(
        "UPDATE best_practices SET status = 'draft', submitted_date = NULL WHERE title <= 'Practice 0100'"
    )
    [(owner,)] = world.query("SELECT plant_id FROM best_practices LIMIT 1")
    expected = 200 if other.plant_id != owner else 300
    assert data_of(other.get(EXPORT, format="csv"))["rows"] == expected
    assert data_of(hq.get(EXPORT, format="csv", offset=100, limit=150))["rows"] == 150


def test_exports_are_deleted_after_a_day(world: World) -> None:
    hq = world.headquarters()
    world.query(INSERT, 200)
    data_of(hq.get(EXPORT, format="csv"))
    # The blob is as old as the clock of the storage says.
    world.clock.at = datetime.now(UTC) + timedelta(hours=23)
    world.run_timer("purge_expired")
    assert len(world.blob_names("exports")) == 1
    world.clock.advance(timedelta(hours=2))
    world.run_timer("purge_expired")
    assert world.blob_names("exports") == []


def test_without_the_storage_small_exports_work_and_large_ones_are_503(world: World) -> None:
    hq = world.headquarters()
    away = World(
        world.database_url,
        world.storage.replace("http://127.0.0.1", "http://127.0.0.2"),  # nobody answers there
        world.clock,
        {},
    )
    bootstrap.install(away.portal)
    try:
        assert hq.get(EXPORT, format="csv").status_code == 200
        world.query(INSERT, 200)
        assert error_of(hq.get(EXPORT, format="csv")) == AWAY
    finally:
        bootstrap.install(world.portal)
        away.close()


def test_of_five_exports_at_once_two_run(world: World) -> None:
    hq = world.headquarters()
    assert statuses_while_locked(world, "best_practices", *[hq] * 5) == ([429] * 3, [200] * 2)
    assert hq.get(EXPORT).status_code == 200


def test_each_user_has_two_expensive_calls(world: World) -> None:
    hq, author = world.headquarters(), world.plant_user(0)
    assert statuses_while_locked(world, "best_practices", hq, author, hq, author) == ([], [200] * 4)


def test_an_import_counts_as_an_export_does_and_the_answer_says_when_to_try_again(world: World) -> None:
    hq, author = world.headquarters(), world.plant_user(0)
    later = world.clock.now() + timedelta(minutes=5)
    for person in (hq, author):
        [(user_id,)] = world.query("SELECT id FROM users WHERE email = %s", person.email)
        for slot in (1, 2)[: 2 if person is hq else 1]:
            world.query("INSERT INTO expensive_calls VALUES (%s, %s, %s)", user_id, slot, later)
    data = workbook(("Title", "Plant"), ("x", None))
    for response in (import_practices(hq, data), import_practices(hq, data, dry_run="false"), hq.get(EXPORT)):
        assert error_of(response) == LIMITED
        assert response.headers["Retry-After"] == "10"
    assert import_practices(author, data).status_code == 200
    assert hq.get("/best-practices").status_code == 200


def test_the_call_of_a_process_that_died_counts_for_five_minutes(world: World) -> None:
    hq = world.headquarters()
    until = world.clock.now() + timedelta(minutes=5)
    world.query(
        "INSERT INTO expensive_calls SELECT users.id, slot, %s FROM users, generate_series(1, 2) slot", until
    )
    world.clock.advance(timedelta(minutes=5) - timedelta(microseconds=1))
    assert error_of(hq.get(EXPORT)) == LIMITED
    world.clock.advance(timedelta(microseconds=1))
    assert hq.get(EXPORT).status_code == 200
    assert len(world.query("SELECT slot FROM expensive_calls")) == 1
    world.clock.advance(timedelta(microseconds=1))
    world.run_timer("purge_expired")
    assert world.query("SELECT slot FROM expensive_calls") == []


def test_a_refused_call_frees_its_slot(world: World) -> None:
    hq = world.headquarters()
    for _ in range(3):
        assert refusal_of(hq.get(EXPORT, format="pdf")) == invalid("format")
        assert refusal_of(import_practices(hq, b"")) == invalid("file")
    assert world.query("SELECT slot FROM expensive_calls") == []


@pytest.mark.parametrize("portal_settings", [{"EXPENSIVE_STATEMENT_TIMEOUT": "1"}])
def test_an_export_or_import_that_the_database_cannot_finish_in_time_says_what_to_do(world: World) -> None:
    hq = world.headquarters()
    [(plant,)] = world.query("SELECT name FROM plants LIMIT 1")
    data = workbook(("Title", "Plant"), ("x", plant))
    with locked(world, "best_practices"):
        for response in (hq.get(EXPORT), import_practices(hq, data, dry_run="false")):
            assert error_of(response) == AWAY
            assert response.json()["error"]["message"].startswith("The database took too long. Ask for less,")
    assert world.query("SELECT slot FROM expensive_calls") == []
    assert hq.get(EXPORT).status_code == 200


def test_an_export_reads_few_rows_at_a_time_and_makes_no_excerpts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hq = world.headquarters()
    for number in range(3):
        world.approved(hq, title=f"Brazing {number}")
    fetched: list[int] = []
    executed: list[str] = []
    fetch, execute = psycopg.ServerCursor._fetch_gen, psycopg.ServerCursor.execute

    def fetching(cursor: Any, count: int | None) -> Any:
        fetched.append(count or 0)
        return fetch(cursor, count)

    def executing(cursor: Any, query: Any, *more: Any, **options: Any) -> Any:
        executed.append(query.as_string(cursor))
        return execute(cursor, query, *more, **options)

    monkeypatch.setattr(psycopg.ServerCursor, "_fetch_gen", fetching)
    monkeypatch.setattr(psycopg.ServerCursor, "execute", executing)
    assert hq.get(EXPORT, search="brazing").status_code == 200
    assert set(fetched) == {32}
    [statement] = executed
    assert ("ts_headline" in statement, "websearch_to_tsquery" in statement) == (False, True)
