"""The overview and the star table, as people read them."""

import pytest

from tests.world import Person, World, error_of, invalid, refusal_of, saving


def overview(person: Person, **query: str) -> dict[str, object]:
    answer = person.get("/analytics/overview", **query)
    assert answer.status_code == 200, answer.text
    data: dict[str, object] = answer.json()["data"]
    return data


def test_the_overview_shows_a_plant_its_own_figures_and_headquarters_the_company(world: World) -> None:
    hq, author = world.headquarters(), world.plant_user(0)
    nothing = {
        "monthly_count": 0, "ytd_count": 0, "monthly_savings": "0.00", "ytd_savings": "0.00", "stars": 0,
        "benchmarked_count": 0, "currency": "lakhs",
    }  # fmt: skip
    assert overview(author) == overview(hq) == nothing
    world.practice(author, "draft", **saving(1000))
    world.practice(author, "submitted", **saving(1000), submitted_date="2026-07-01")
    best = world.approved(hq, 0, **saving(60, period="monthly"), submitted_date="2026-01-01")
    world.approved(hq, 0, **saving("1.01", "crores"))
    gone = world.approved(hq, 0, **saving(7, period="monthly"), submitted_date="2025-12-31")
    world.approved(hq, 1, **saving(100, period="monthly"))
    for practice in (best, gone):
        world.benchmark(practice)
    world.mark_deleted(gone)
    assert overview(author) == {
        "monthly_count": 1,
        "ytd_count": 3,
        "monthly_savings": "8.41",
        "ytd_savings": "68.41",
        "stars": 1,
        "benchmarked_count": 1,
        "currency": "lakhs",
    }
    company = {
        "monthly_count": 2,
        "ytd_count": 4,
        "monthly_savings": "108.4",
        "ytd_savings": "168.4",
        "stars": 1,
        "benchmarked_count": 1,
        "currency": "lakhs",
    }
    assert overview(hq) == company
    assert overview(hq, currency="crores") == {
        **company, "monthly_savings": "1.08", "ytd_savings": "1.68", "currency": "crores"
    }  # fmt: skip


def test_money_is_cut_off_and_never_rounded(world: World) -> None:
    hq = world.headquarters()
    practice = world.approved(hq, 0, **saving("12.34", period="monthly"))
    for stated, lakhs, crores in (
        (saving("12.34", period="monthly"), "12.34", "0.12"),
        (saving("148.19"), "12.34", "0.12"),
        (saving("99.99", period="monthly"), "99.99", "0.99"),
        (saving("1199.99"), "99.99", "0.99"),
        (saving(100, period="monthly"), "100.0", "1.00"),
        (saving("123.49", period="monthly"), "123.4", "1.23"),
        (saving("1999.90", period="monthly"), "1999.9", "19.99"),
        (saving("9999999999.99", "crores", "monthly"), "999999999999.0", "9999999999.99"),
    ):
        hq.patch(f"/best-practices/{practice['id']}", stated)
        assert overview(hq)["monthly_savings"] == lakhs, stated
        assert overview(hq, currency="crores")["ytd_savings"] == crores, stated


def test_the_star_table_shows_headquarters_every_active_plant_and_a_plant_itself(world: World) -> None:
    hq, author = world.headquarters(), world.plant_user(1)
    world.approved(hq, 1, **saving(60, period="monthly"))
    world.query("UPDATE plants SET is_active = false WHERE id = %s", world.plants[2])
    table = hq.get("/analytics/star-ratings").json()["data"]
    active = [plant for place, plant in enumerate(world.plants) if place != 2]
    assert [row["plant_id"] for row in table] == [str(plant) for plant in active]
    assert {row["stars"] for row in table if row["plant_id"] != str(author.plant_id)} == {0}
    own = author.get("/analytics/star-ratings").json()["data"]
    assert own == [table[1]]
    assert own[0] == {
        "plant_id": str(author.plant_id),
        "plant_name": "Kanchipuram",
        "monthly_savings": "60.00",
        "ytd_savings": "60.00",
        "stars": 1,
        "currency": "lakhs",
    }
    assert author.get("/analytics/star-ratings", month=7).json()["data"][0]["ytd_savings"] == "0.00"
    assert author.get("/analytics/star-ratings", year=2025).json()["data"][0]["stars"] == 0


def test_a_question_that_makes_no_sense_is_refused(world: World) -> None:
    hq = world.headquarters()
    for path, query, expected in (
        ("overview", {"currency": "rupees"}, invalid("currency")),
        ("overview", {"year": 2026}, invalid("year")),
        ("star-ratings", {"month": 0}, invalid("month")),
        ("star-ratings", {"month": 13}, invalid("month")),
        ("star-ratings", {"year": 1999}, invalid("year")),
        ("star-ratings", {"year": 2101}, invalid("year")),
        ("star-ratings", {"month": "May"}, (400, "BAD_REQUEST", {"month"})),
    ):
        answer = hq.get(f"/analytics/{path}", **query)
        assert refusal_of(answer) == expected, (path, query)
    for query_text, expected in (
        ("year=1999", invalid("year")),
        ("year=x", (400, "BAD_REQUEST", {"year"})),
        ("month=1", invalid("month")),
    ):
        answer = hq.post(f"/analytics/recalculate-savings?{query_text}")
        assert refusal_of(answer) == expected, query_text
    assert refusal_of(hq.post("/analytics/recalculate-savings", {"year": 2026})) == invalid("year")
    assert world.query("SELECT count(*) FROM job_runs") == [(0,)]


@pytest.mark.parametrize("portal_settings", [{"BUSINESS_TIMEZONE": "Pacific/Kiritimati"}])
def test_this_month_is_the_month_where_the_business_is(world: World) -> None:
    world.clock.at = world.clock.at.replace(day=31, hour=12)  # in Kiritimati it is September
    author = world.plant_user(0)
    world.practice(author, "submitted")
    world.practice(author, "submitted", submitted_date="2026-08-31")
    assert (overview(author)["monthly_count"], overview(author)["ytd_count"]) == (1, 2)
    assert error_of(author.post("/analytics/recalculate-savings")) == (403, "FORBIDDEN")
