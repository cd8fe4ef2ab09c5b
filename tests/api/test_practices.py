"""Writing, reading and editing practices over HTTP (rules 2)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.world import COMPLETE, Person, World, error_of, invalid, refusal_of, saving

REQUIRED = {"title", "description", "category_id", "problem_statement", "solution"}

BAD_AMOUNTS: list[object] = [
    -1, -0.01, 1e12, 10_000_000_000, "NaN", "sNaN", "Infinity", "-Infinity", "12.345", 12.345, 0.001,
    True, "twelve", "", [], {"lakhs": 1},
]  # fmt: skip

EVERYTHING: dict[str, object] = {
    **COMPLETE,
    "benefits": ["Less scrap", "Less gas"],
    "metrics": "Leaks in a thousand joints",
    "implementation": "In two weekends",
    "investment": "A second flow meter",
    "area_implemented": "Brazing line 2",
    "tags": ["brazing", "nitrogen"],
    **saving("12.50", "crores", "monthly"),
}


def test_a_draft_needs_a_title_only(world: World) -> None:
    author = world.plant_user()
    response = author.post("/best-practices", {"title": "  Idea  "})
    assert response.status_code == 201
    practice = response.json()["data"]
    assert (practice["title"], practice["status"], practice["submitted_date"]) == ("Idea", "draft", None)
    assert refusal_of(author.post("/best-practices", {"title": "x" * 501})) == invalid("title")
    assert world.practice(author, title="x" * 500)["title"] == "x" * 500


def test_a_practice_is_shown_as_it_was_written(world: World) -> None:
    author = world.plant_user(2)
    body = {**EVERYTHING, "category_id": str(world.categories[3]), "status": "submitted"}
    practice = author.post("/best-practices", body).json()["data"]
    expected = {
        **body,
        "savings_amount": 12.5,
        "plant_id": str(author.plant_id),
        "plant_name": "Ponneri",
        "category_name": "ESG",
        "submitted_by_name": author.email.partition("@")[0],
        "submitted_date": "2026-08-15",
        "created_at": "2026-08-15T06:30:00Z",
        "updated_at": "2026-08-15T06:30:00Z",
        "is_deleted": False,
        "is_benchmarked": False,
        "benchmarked_date": None,
        "question_count": 0,
        "copy_count": 0,
        "images": [],
        "documents": [],
        "before_image_url": None,
        "after_image_url": None,
    }
    assert {field: practice[field] for field in expected} == expected
    assert world.plant_user(5).get(f"/best-practices/{practice['id']}").json()["data"] == practice


def test_headquarters_names_the_plant_and_a_plant_writes_for_itself_only(world: World) -> None:
    hq, author = world.headquarters(), world.plant_user(0)
    for mine in (None, str(author.plant_id)):
        assert world.practice(author, plant_id=mine)["plant_id"] == str(author.plant_id)
    assert world.practice(hq, plant_id=str(world.plants[4]))["plant_id"] == str(world.plants[4])
    before = world.snapshot()
    assert refusal_of(hq.post("/best-practices", {"title": "x"})) == invalid("plant_id")
    for unknown in (str(uuid4()), "Supa"):
        response = hq.post("/best-practices", {"title": "x", "plant_id": unknown})
        assert refusal_of(response) == invalid("plant_id")
    response = author.post("/best-practices", {"title": "x", "plant_id": str(world.plants[1])})
    assert refusal_of(response) == (403, "FORBIDDEN", set())
    assert world.snapshot() == before


def test_an_incomplete_submission_is_refused_with_every_missing_field(world: World) -> None:
    author = world.plant_user()
    before = world.snapshot()
    response = author.post("/best-practices", {"title": "x", "status": "submitted"})
    assert refusal_of(response) == invalid(*REQUIRED - {"title"})
    complete = {**COMPLETE, "category_id": str(world.categories[0]), "status": "submitted"}
    for field in REQUIRED:
        response = author.post("/best-practices", {**complete, field: None})
        assert refusal_of(response) == invalid(field)
    for field in REQUIRED - {"category_id"}:
        assert refusal_of(author.post("/best-practices", {**complete, field: " \n"})) == invalid(field)
    assert world.snapshot() == before


def test_an_amount_has_at_most_two_decimals_and_is_not_negative(world: World) -> None:
    author = world.plant_user()
    practice = world.practice(author, **saving(5))
    path = f"/best-practices/{practice['id']}"
    before = world.snapshot()
    for bad in BAD_AMOUNTS:
        body = {"title": "x", **saving(5), "savings_amount": bad}
        assert refusal_of(author.post("/best-practices", body)) == invalid("savings_amount"), bad
        assert refusal_of(author.patch(path, {"savings_amount": bad})) == invalid("savings_amount"), bad
    assert world.snapshot() == before
    for good in (0, 0.01, "12.5", 9_999_999_999.99):
        assert author.edit(practice, savings_amount=good)["savings_amount"] == float(good)


def test_amounts_that_json_does_not_know_are_refused(world: World) -> None:
    author = world.plant_user()
    before = world.snapshot()
    for literal in ("NaN", "Infinity", "-Infinity"):  # not JSON, but some programs write it
        response = author.http.post(
            "/api/v1/best-practices",
            content=f'{{"title": "x", "savings_amount": {literal}}}',
            headers={"Content-Type": "application/json"},
        )
        assert response.status_code in {400, 422}, literal
    assert world.snapshot() == before


def test_a_saving_is_stated_in_full_or_not_at_all(world: World) -> None:
    author, parts = world.plant_user(), saving(5)
    practice = world.practice(author, **parts)
    path = f"/best-practices/{practice['id']}"
    before = world.snapshot()
    amount = {"title": "x", "savings_amount": 5}
    assert refusal_of(author.post("/best-practices", amount)) == invalid("savings_currency", "savings_period")
    for part in ("savings_currency", "savings_period"):
        missing = {"title": "x", **parts, part: None}
        assert refusal_of(author.post("/best-practices", missing)) == invalid(part)
        assert refusal_of(author.patch(path, {part: None})) == invalid(part)
    assert world.snapshot() == before
    assert author.edit(practice, **dict.fromkeys(parts))["savings_amount"] is None


def test_a_currency_and_a_period_without_an_amount_are_no_saving(world: World) -> None:
    author, parts, none = world.plant_user(), saving(5), dict.fromkeys(saving(5))
    for unit in (
        {"savings_currency": "lakhs"},
        {"savings_period": "monthly"},
        {"savings_amount": None, "savings_currency": "lakhs", "savings_period": "monthly"},
    ):
        written = author.post("/best-practices", {"title": "x", **unit})
        assert written.status_code == 201
        practice = written.json()["data"]
        assert {field: practice[field] for field in parts} == none
        changed = author.edit(practice, **unit)
        assert {field: changed[field] for field in parts} == none
    practice = world.practice(author, **parts)
    changed = author.edit(practice, savings_amount=None)
    assert {field: changed[field] for field in parts} == none


def test_lists_that_are_null_are_empty(world: World) -> None:
    author = world.plant_user()
    for field in ("benefits", "tags"):
        practice = author.post("/best-practices", {"title": "x", field: None}).json()["data"]
        assert practice[field] == []
        assert author.edit(practice, **{field: ["one"]})[field] == ["one"]
        assert author.edit(practice, **{field: None})[field] == []


def test_a_saving_is_in_lakhs_or_crores_a_month_or_a_year(world: World) -> None:
    author = world.plant_user()
    before = world.snapshot()
    for field, unit in (("savings_currency", "rupees"), ("savings_period", "weekly")):
        response = author.post("/best-practices", {"title": "x", **saving(5), field: unit})
        assert refusal_of(response) == invalid(field)
    assert world.snapshot() == before


def test_the_category_of_a_practice_must_exist(world: World) -> None:
    author = world.plant_user()
    practice = world.practice(author)
    before = world.snapshot()
    for unknown in (str(uuid4()), "cost", 5, ""):
        for response in (
            author.post("/best-practices", {"title": "x", "category_id": unknown}),
            author.patch(f"/best-practices/{practice['id']}", {"category_id": unknown}),
        ):
            assert refusal_of(response) == invalid("category_id")
    assert world.snapshot() == before


def test_texts_have_a_maximum_length(world: World) -> None:
    author = world.plant_user()
    for field, longest in (
        ("description", 20_000), ("problem_statement", 20_000), ("solution", 20_000), ("metrics", 20_000),
        ("implementation", 20_000), ("investment", 20_000), ("area_implemented", 500),
    ):  # fmt: skip
        written = author.post("/best-practices", {"title": "x", field: "ü" * longest})
        assert written.json()["data"][field] == "ü" * longest
        response = author.post("/best-practices", {"title": "x", field: "ü" * (longest + 1)})
        assert refusal_of(response) == invalid(field)
    for benefits, field in (
        (["x"] * 51, "benefits"),
        (["x", ""], "benefits.1"),
        (["x" * 1001], "benefits.0"),
    ):
        response = author.post("/best-practices", {"title": "x", "benefits": benefits})
        assert refusal_of(response) == invalid(field)


def submission_of(world: World, **content: object) -> dict[str, object]:
    return {**COMPLETE, "category_id": str(world.categories[0]), "status": "submitted", **content}


def test_a_plant_dates_a_submission_in_this_month_or_the_month_before(world: World) -> None:
    author = world.plant_user(0)
    assert world.practice(author, "submitted")["submitted_date"] == "2026-08-15"
    for day in ("2026-07-01", "2026-07-31", "2026-08-15"):
        assert world.practice(author, "submitted", submitted_date=day)["submitted_date"] == day
    before = world.snapshot()
    for bad in ("2026-06-30", "2026-08-16", "2026-02-30", "15.08.2026", 20260801, "1755216000", "today"):
        response = author.post("/best-practices", submission_of(world, submitted_date=bad))
        assert refusal_of(response) == invalid("submitted_date"), bad
    assert world.snapshot() == before


def test_headquarters_dates_a_submission_on_any_day_up_to_today(world: World) -> None:
    hq, plant_id = world.headquarters(), str(world.plants[0])
    for day in ("2001-02-03", "2026-06-30"):
        submission = submission_of(world, plant_id=plant_id, submitted_date=day)
        assert hq.post("/best-practices", submission).json()["data"]["submitted_date"] == day
    before = world.snapshot()
    tomorrow = submission_of(world, plant_id=plant_id, submitted_date="2026-08-16")
    assert refusal_of(hq.post("/best-practices", tomorrow)) == invalid("submitted_date")
    assert world.snapshot() == before


def test_a_draft_has_no_date_of_submission(world: World) -> None:
    author = world.plant_user(0)
    before = world.snapshot()
    draft = {"title": "x", "submitted_date": "2026-08-15"}
    assert refusal_of(author.post("/best-practices", draft)) == invalid("submitted_date")
    assert world.snapshot() == before


def test_today_is_the_date_of_the_business_time_zone(world: World) -> None:
    world.clock.at = datetime(2026, 8, 31, 18, 29, 59, tzinfo=UTC)
    author = world.plant_user()
    assert world.practice(author, "submitted")["submitted_date"] == "2026-08-31"
    world.clock.at = datetime(2026, 8, 31, 18, 30, tzinfo=UTC)
    assert world.practice(author, "submitted")["submitted_date"] == "2026-09-01"
    assert world.practice(author, "submitted", submitted_date="2026-08-01")["submitted_date"] == "2026-08-01"
    late = submission_of(world, submitted_date="2026-07-31")
    assert refusal_of(author.post("/best-practices", late)) == invalid("submitted_date")


@pytest.mark.parametrize("portal_settings", [{"BUSINESS_TIMEZONE": "America/New_York"}])
def test_the_business_time_zone_is_a_setting(world: World) -> None:
    world.clock.at = datetime(2026, 9, 1, 3, 59, tzinfo=UTC)
    assert world.practice(world.plant_user(), "submitted")["submitted_date"] == "2026-08-31"


def test_an_edit_changes_the_fields_that_are_sent_and_clears_those_sent_as_null(world: World) -> None:
    author = world.plant_user()
    body = {**EVERYTHING, "category_id": str(world.categories[0])}
    practice = author.post("/best-practices", body).json()["data"]
    world.clock.advance(timedelta(minutes=10))
    edited = author.edit(practice, metrics="None yet", benefits=[])
    assert edited == {
        **practice, "metrics": "None yet", "benefits": [], "updated_at": "2026-08-15T06:40:00Z",
        "version": practice["version"] + 1,
    }  # fmt: skip
    nullable = body.keys() - {"title", "benefits", "tags"}
    emptied = author.edit(practice, **dict.fromkeys(nullable), benefits=["Less noise"], tags=[])
    assert (emptied["benefits"], emptied["tags"]) == (["Less noise"], [])
    assert {emptied[field] for field in nullable} == {None}
    assert emptied["category_name"] is None
    world.clock.advance(timedelta(minutes=10))
    assert author.edit(practice) == emptied
    before = world.snapshot()
    path = f"/best-practices/{practice['id']}"
    for changes, field in (
        ({"title": None}, "title"),
        ({"title": " "}, "title"),
        ({"metrics": "a\x00b"}, "metrics"),
        ({"plant_id": None}, "plant_id"),
        ({"is_deleted": True}, "is_deleted"),
        ({"comment": "Well done"}, "comment"),
        ({"submitted_date": "2026-08-01"}, "submitted_date"),
        ({"status": "deleted"}, "status"),
    ):
        assert refusal_of(author.patch(path, {**changes, "solution": "x"})) == invalid(field), changes
    assert world.snapshot() == before


def test_a_submitted_practice_stays_complete(world: World) -> None:
    author = world.plant_user()
    practice = world.practice(author, "submitted")
    before = world.snapshot()
    for field in REQUIRED - {"title"}:
        response = author.patch(f"/best-practices/{practice['id']}", {field: None})
        assert refusal_of(response) == invalid(field)
    assert world.snapshot() == before
    assert author.edit(practice, solution="Better brazing")["solution"] == "Better brazing"


def test_an_approved_practice_is_edited_by_headquarters_only(world: World) -> None:
    hq, author = world.headquarters(), world.plant_user(0)
    practice = world.approved(hq, 0)
    before = world.snapshot()
    response = author.patch(f"/best-practices/{practice['id']}", {"title": "Mine"})
    assert refusal_of(response) == (403, "FORBIDDEN", set())
    assert world.snapshot() == before
    assert hq.edit(practice, title="Ours")["title"] == "Ours"
    hq.post(f"/best-practices/{practice['id']}/request-revision", {"comment": "How was it measured?"})
    assert author.edit(practice, title="Mine")["title"] == "Mine"


def test_the_date_of_a_submission_is_changed_by_headquarters_only(world: World) -> None:
    hq, author = world.headquarters(), world.plant_user(0)
    practice = world.practice(author, "submitted")
    path = f"/best-practices/{practice['id']}"
    before = world.snapshot()
    response = author.patch(path, {"submitted_date": "2026-08-01"})
    assert refusal_of(response) == (403, "FORBIDDEN", set())
    for day in ("2026-08-16", None):
        assert refusal_of(hq.patch(path, {"submitted_date": day})) == invalid("submitted_date")
    assert world.snapshot() == before
    assert hq.edit(practice, submitted_date="2024-02-29")["submitted_date"] == "2024-02-29"


def test_another_plant_does_not_see_a_practice_that_is_not_submitted(world: World) -> None:
    hq, other = world.headquarters(), world.plant_user(1)
    practice = world.practice(world.plant_user(0))
    assert other.get(f"/best-practices/{practice['id']}").status_code == 404
    assert all(outcome == (404, "NOT_FOUND") for outcome in owner_calls(other, practice))
    hq.post(f"/best-practices/{practice['id']}/submit")
    assert other.get(f"/best-practices/{practice['id']}").status_code == 200
    assert all(outcome == (403, "FORBIDDEN") for outcome in owner_calls(other, practice))
    hq.post(f"/best-practices/{practice['id']}/request-revision", {"comment": "How was it measured?"})
    assert other.get(f"/best-practices/{practice['id']}").status_code == 404
    assert all(outcome == (404, "NOT_FOUND") for outcome in owner_calls(other, practice))


def test_a_deleted_practice_is_not_found_even_by_its_author(world: World) -> None:
    hq, author = world.headquarters(), world.plant_user(0)
    practice = world.practice(author, "submitted")
    world.mark_deleted(practice)
    before = world.snapshot()
    for person in (author, hq):
        assert error_of(person.get(f"/best-practices/{practice['id']}")) == (404, "NOT_FOUND")
        assert all(outcome == (404, "NOT_FOUND") for outcome in owner_calls(person, practice))
        assert person.get("/best-practices").json()["pagination"]["total"] == 0
    for step, body in (("approve", {}), ("request-revision", {"comment": "x"})):
        assert error_of(hq.post(f"/best-practices/{practice['id']}/{step}", body)) == (404, "NOT_FOUND")
    assert world.snapshot() == before


def owner_calls(person: Person, practice: dict[str, Any]) -> list[tuple[int, str]]:
    """The errors of all calls that only the owner of a practice may make."""
    path = f"/best-practices/{practice['id']}"
    upload: dict[str, object] = {
        "practice_id": practice["id"], "file_type": "image", "image_type": "before", "filename": "a.jpg",
        "content_type": "image/jpeg", "file_size": 1000,
    }  # fmt: skip
    return [
        error_of(response)
        for response in (
            person.patch(path, {"title": "x"}),
            person.post(f"{path}/submit"),
            person.get(f"{path}/history"),
            person.get(f"{path}/uploads"),
            person.post("/upload/presigned-url", upload),
            person.delete(f"{path}/images/{uuid4()}"),
        )
    ]
