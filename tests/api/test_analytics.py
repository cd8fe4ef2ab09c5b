"""The figures as responses show them."""

from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import pytest

from tests.world import Person, World, error_of, invalid, refusal_of, saving


def overview(person: Person, **query: str) -> dict[str, object]:
    response = person.get("/analytics/overview", **query)
    assert response.status_code == 200, response.text
    data: dict[str, object] = response.json()["data"]
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
    deleted = world.approved(hq, 0, **saving(7, period="monthly"), submitted_date="2025-12-31")
    world.approved(hq, 1, **saving(100, period="monthly"))
    for practice in (best, deleted):
        world.benchmark(practice)
    world.mark_deleted(deleted)
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


def test_money_is_truncated_and_never_rounded(world: World) -> None:
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


def test_the_star_table_shows_every_active_plant_to_everybody(world: World) -> None:
    hq, author = world.headquarters(), world.plant_user(1)
    world.approved(hq, 1, **saving(60, period="monthly"))
    world.query("UPDATE plants SET is_active = false WHERE id = %s", world.plants[2])
    table = hq.get("/analytics/star-ratings").json()["data"]
    active = [plant for place, plant in enumerate(world.plants) if place != 2]
    assert [row["plant_id"] for row in table] == [str(plant) for plant in active]
    assert {row["stars"] for row in table if row["plant_id"] != str(author.plant_id)} == {0}
    assert author.get("/analytics/star-ratings").json()["data"] == table
    assert table[1] == {
        "plant_id": str(author.plant_id),
        "plant_name": "Kanchipuram",
        "monthly_savings": "60.00",
        "ytd_savings": "60.00",
        "stars": 1,
        "currency": "lakhs",
    }
    assert author.get("/analytics/star-ratings", month=7).json()["data"][1]["ytd_savings"] == "0.00"
    assert author.get("/analytics/star-ratings", year=2025).json()["data"][1]["stars"] == 0


def test_an_invalid_query_is_refused(world: World) -> None:
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
        response = hq.get(f"/analytics/{path}", **query)
        assert refusal_of(response) == expected, (path, query)
    for query_text, expected in (
        ("year=1999", invalid("year")),
        ("year=x", (400, "BAD_REQUEST", {"year"})),
        ("month=1", invalid("month")),
    ):
        response = hq.post(f"/analytics/recalculate-savings?{query_text}")
        assert refusal_of(response) == expected, query_text
    assert refusal_of(hq.post("/analytics/recalculate-savings", {"year": 2026})) == invalid("year")
    assert world.query("SELECT count(*) FROM job_runs") == [(0,)]


@pytest.mark.parametrize("portal_settings", [{"BUSINESS_TIMEZONE": "Pacific/Kiritimati"}])
def test_this_month_is_that_of_the_business_time_zone(world: World) -> None:
    world.clock.at = world.clock.at.replace(day=31, hour=12)  # in Kiritimati it is September
    author = world.plant_user(0)
    world.practice(author, "submitted")
    world.practice(author, "submitted", submitted_date="2026-08-31")
    assert (overview(author)["monthly_count"], overview(author)["ytd_count"]) == (1, 2)
    assert error_of(author.post("/analytics/recalculate-savings")) == (403, "FORBIDDEN")


LISTS: Final = (
    "plant-performance", "cost-savings", "cost-analysis", "star-ratings", "benchmark-stats"
)  # fmt: skip


def figures(person: Person, path: str, **query: object) -> Any:
    response = person.get(f"/analytics/{path}", **query)
    assert response.status_code == 200, response.text
    return response.json()["data"]


@pytest.mark.parametrize(
    ("lakhs", "as_lakhs", "as_crores"),
    [
        ("99.999", "99.99", "0.99"),
        ("100.05", "100.0", "1.00"),
        ("0.009", "0.00", "0.00"),
        ("12345678.99", "12345678.9", "123456.78"),
        ("-0.5", "-0.50", "0.00"),
    ],
)
def test_every_figure_is_truncated_in_the_same_way(
    world: World, lakhs: str, as_lakhs: str, as_crores: str
) -> None:
    # A practice cannot have such a saving, so the test writes it to the stored sums.
    hq = world.headquarters()
    world.query("ALTER TABLE monthly_savings ALTER annualised_savings TYPE numeric")
    world.query(
        "INSERT INTO monthly_savings"
        " (plant_id, year, month, annualised_savings, total_savings, practice_count)"
        " VALUES (%s, 2026, 8, %s, 0, 1)",
        world.plants[0], 12 * Decimal(lakhs),
    )  # fmt: skip
    plant = world.plants[0]
    for currency, expected in (("lakhs", as_lakhs), ("crores", as_crores)):
        query = {"currency": currency}
        shown = overview(hq, **query)
        assert (shown["monthly_savings"], shown["ytd_savings"]) == (expected, expected)
        rating = figures(hq, "star-ratings", **query)[0]
        assert (rating["monthly_savings"], rating["ytd_savings"]) == (expected, expected)
        for period in ("yearly", "monthly"):
            assert figures(hq, "cost-savings", period=period, **query)[0]["savings"] == expected
        costs = figures(hq, "cost-analysis", **query)[0]
        assert (costs["current_month"], costs["ytd_total"]) == (expected, expected)
        assert figures(hq, f"star-ratings/{plant}/monthly-trend", **query)[7]["savings"] == expected
        assert figures(hq, f"cost-analysis/{plant}/monthly", **query)[7]["total_savings"] == expected


def test_the_analysis_of_costs_compares_with_the_month_before_and_sums_the_year(world: World) -> None:
    hq, author = world.headquarters(), world.plant_user(0)
    world.approved(hq, 0, **saving(3, period="monthly"), submitted_date="2025-12-31")
    world.approved(hq, 0, **saving(3, period="monthly"), submitted_date="2026-06-01")
    world.approved(hq, 0, **saving(3, period="monthly"), submitted_date="2026-07-31")
    world.approved(hq, 0, **saving(4, period="monthly"), submitted_date="2026-08-01")
    world.approved(hq, 1, **saving(200, period="monthly"), submitted_date="2026-08-02")
    response = author.get("/analytics/cost-analysis").json()
    breakdowns = {"current_month_breakdown", "ytd_breakdown", "monthly_trends"}
    assert set(response) == {"success", "data", "pagination"} | breakdowns
    plant = {"plant_id": str(author.plant_id), "plant_name": "Greater Noida (Ecotech 1)"}
    assert len(response["data"]) == 7
    assert response["data"][0] == {
        **plant,
        "short_name": "Greater Noida",
        "last_month": "3.00",
        "current_month": "4.00",
        "ytd_till_last_month": "6.00",
        "ytd_total": "10.00",
        "percent_change": 33.33,
    }
    assert response["current_month_breakdown"][0] == {**plant, "savings": "4.00"}
    assert response["ytd_breakdown"][0] == {**plant, "savings": "10.00"}
    own_trend = [one for one in response["monthly_trends"] if one["plant_id"] == plant["plant_id"]]
    assert own_trend == [
        {**plant, "month": f"2026-0{month}", "savings": savings}
        for month, savings in enumerate(["0.00"] * 5 + ["3.00", "3.00", "4.00"], start=1)
    ]
    kanchipuram = response["data"][1]
    assert (kanchipuram["last_month"], kanchipuram["percent_change"]) == ("0.00", None)
    january = figures(author, "cost-analysis", month=1)[0]
    assert (january["last_month"], january["current_month"], january["percent_change"]) == (
        "3.00",
        "0.00",
        -100,
    )
    assert (january["ytd_till_last_month"], january["ytd_total"]) == ("0.00", "0.00")


def test_the_months_of_a_plant_show_the_practices_that_count_in_them(world: World) -> None:
    hq = world.headquarters()
    second = world.approved(hq, 0, **saving(1, "crores"), submitted_date="2026-07-02", title="Second")
    first = world.approved(hq, 0, **saving(50, period="monthly"), submitted_date="2026-07-01", title="First")
    world.benchmark(second)
    world.approved(hq, 1, **saving(7), submitted_date="2026-07-01")
    months = figures(hq, f"cost-analysis/{world.plants[0]}/monthly")
    assert [month["month"] for month in months] == [f"2026-{month:02}" for month in range(1, 13)]
    assert months[6] == {
        "month": "2026-07",
        "total_savings": "58.33",
        "practice_count": 2,
        "stars": 1,
        "practices": [
            {
                "practice_id": first["id"],
                "title": "First",
                "savings": "50.00",
                "benchmarked": False,
                "submitted_date": "2026-07-01",
            },
            {
                "practice_id": second["id"],
                "title": "Second",
                "savings": "8.33",
                "benchmarked": True,
                "submitted_date": "2026-07-02",
            },
        ],
    }
    assert months[7] == {
        "month": "2026-08", "total_savings": "0.00", "practice_count": 0, "stars": 0, "practices": []
    }  # fmt: skip
    trend = figures(hq, f"star-ratings/{world.plants[0]}/monthly-trend", currency="crores")
    assert len(trend) == 12
    assert trend[6] == {"month": "2026-07", "savings": "0.58", "stars": 1}


YEAR_FROM_APRIL: Final = pytest.mark.parametrize(
    "portal_settings", [{"FISCAL_YEAR_START_MONTH": "4"}], ids=[""]
)


@pytest.fixture
def around_april(world: World) -> Person:
    """Somebody at headquarters, who approved practices on the days around two ends of March."""
    hq = world.headquarters()
    for day in ("2025-03-31", "2025-04-01", "2026-03-31", "2026-04-01"):
        world.benchmark(world.approved(hq, 0, **saving(12), submitted_date=day))
    return hq


def figures_of_year(hq: Person, plant: UUID, **year: int) -> tuple[str, int, int, str, str]:
    """Of a financial year: savings, practices by plant and by category, first month of trend and of costs."""
    return (
        figures(hq, "cost-savings", **year)[0]["savings"],
        figures(hq, "plant-performance", **year)[0]["submitted"],
        sum(row["practice_count"] for row in figures(hq, "category-breakdown", **year)),
        figures(hq, f"star-ratings/{plant}/monthly-trend", **year)[0]["month"],
        figures(hq, f"cost-analysis/{plant}/monthly", **year)[0]["month"],
    )


@YEAR_FROM_APRIL
def test_a_financial_year_is_named_by_the_year_in_which_it_starts(world: World, around_april: Person) -> None:
    shown = {year: figures_of_year(around_april, world.plants[0], year=year) for year in (2024, 2025, 2026)}
    assert shown == {
        2024: ("1.00", 1, 1, "2024-04", "2024-04"),
        2025: ("2.00", 2, 2, "2025-04", "2025-04"),
        2026: ("1.00", 1, 1, "2026-04", "2026-04"),
    }
    assert figures_of_year(around_april, world.plants[0]) == shown[2026]


@YEAR_FROM_APRIL
def test_a_month_is_named_by_its_calendar_year_in_any_financial_year(around_april: Person) -> None:
    march = {"year": 2026, "month": 3}
    assert figures(around_april, "cost-analysis", **march)[0]["ytd_total"] == "2.00"
    april = figures(around_april, "cost-analysis", year=2026, month=4)[0]
    assert (april["last_month"], april["ytd_till_last_month"], april["ytd_total"]) == ("1.00", "0.00", "1.00")
    assert figures(around_april, "plant-performance", period="monthly", **march)[0]["submitted"] == 1
    benchmarks = figures(around_april, "benchmark-stats", year=2026, month=8)
    assert benchmarks[0]["benchmarked_count"] == 4  # all were benchmarked today


PLANT_MONTHS: Final = ("cost-analysis/{}/monthly", "star-ratings/{}/monthly-trend")


def test_lists_show_every_active_plant_to_everybody(world: World) -> None:
    author, hq = world.plant_user(1), world.headquarters()
    world.query("UPDATE plants SET is_active = false WHERE id = ANY (%s)", world.plants[1:3])
    active = [str(plant) for place, plant in enumerate(world.plants) if place not in (1, 2)]
    world.approved(hq, 0, **saving(60, period="monthly"))
    world.benchmark(world.approved(hq, 3, **saving(24)))
    for path in LISTS:
        shown = figures(author, path)
        assert [row["plant_id"] for row in shown] == active, path
        assert shown == figures(hq, path), path


def test_the_overview_and_the_dashboard_are_of_the_own_plant(world: World) -> None:
    author, hq = world.plant_user(1), world.headquarters()
    world.approved(hq, 0, **saving(60, period="monthly"))
    world.approved(hq, 1, **saving(24))
    assert (overview(author)["ytd_savings"], overview(hq)["ytd_savings"]) == ("2.00", "62.00")
    own, company = figures(author, "dashboard"), figures(hq, "dashboard")
    assert (own["overview"]["monthly_count"], company["overview"]["monthly_count"]) == (1, 2)
    assert [row["plant_id"] for row in own["star_ratings"]] == [str(author.plant_id)]
    assert [row["plant_id"] for row in company["star_ratings"]] == [str(plant) for plant in world.plants]
    assert (own["category_breakdown"][0]["practice_count"], own["trend"][7]["savings"]) == (1, "2.00")


def test_the_months_of_any_plant_are_shown_to_everybody(world: World) -> None:
    author, hq, other = world.plant_user(1), world.headquarters(), world.plants[0]
    world.query("UPDATE plants SET is_active = false WHERE id = ANY (%s)", world.plants[1:3])
    for path in PLANT_MONTHS:
        assert len(figures(author, path.format(author.plant_id))) == 12
        assert len(figures(hq, path.format(world.plants[2]))) == 12  # also of an inactive plant
        assert figures(author, path.format(other)) == figures(hq, path.format(other))


def test_the_months_of_an_unknown_plant_are_not_found(world: World) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    for person in (world.plant_user(1), world.headquarters()):
        for path in PLANT_MONTHS:
            response = person.get(f"/analytics/{path.format(unknown)}")
            assert error_of(response) == (404, "NOT_FOUND"), path


def test_categories_count_the_named_plant_or_the_company(world: World) -> None:
    author, hq, other = world.plant_user(1), world.headquarters(), world.plants[0]
    world.approved(hq, 0)
    world.approved(hq, 1)
    own = figures(author, "category-breakdown", plant_id=author.plant_id)
    assert [row["practice_count"] for row in own] == [1, 0, 0, 0, 0, 0, 0, 0]
    assert own[0] == {
        "category_id": str(world.categories[0]),
        "category_name": "Automation",
        "category_slug": "automation",
        "practice_count": 1,
        "color_class": "bg-amber-50 text-amber-700 border-amber-200",
        "icon_name": "Bot",
    }
    for person in (author, hq):
        for plant in (author.plant_id, other):
            assert figures(person, "category-breakdown", plant_id=plant) == own
        assert figures(person, "category-breakdown")[0]["practice_count"] == 2


def test_categories_count_the_practices_of_an_inactive_plant(world: World) -> None:
    author, hq = world.plant_user(1), world.headquarters()
    world.query("UPDATE plants SET is_active = false WHERE id = %s", author.plant_id)
    world.approved(hq, 1)
    for person in (author, hq):
        shown = figures(person, "category-breakdown", plant_id=author.plant_id)
        assert [row["practice_count"] for row in shown] == [1, 0, 0, 0, 0, 0, 0, 0]
    assert figures(hq, "category-breakdown")[0]["practice_count"] == 1


def test_each_figure_accepts_its_own_filters_and_no_others(world: World) -> None:
    hq = world.headquarters()
    plant = world.plants[0]
    for path, known in (
        ("plant-performance", {"period", "year", "month"}),
        ("category-breakdown", {"plant_id", "year"}),
        ("cost-savings", {"period", "year", "month", "currency"}),
        ("cost-analysis", {"year", "month", "currency"}),
        (f"cost-analysis/{plant}/monthly", {"year", "currency"}),
        (f"star-ratings/{plant}/monthly-trend", {"year", "currency"}),
        ("benchmark-stats", {"year", "month"}),
    ):
        for field, wrong in (
            ("period", "weekly"), ("year", 1999), ("year", 2101), ("month", 0), ("month", 13),
            ("currency", "rupees"), ("sort_by", "x"),
        ):  # fmt: skip
            assert refusal_of(hq.get(f"/analytics/{path}", **{field: wrong})) == invalid(field), (path, field)
        for field in known & {"year", "month", "plant_id"}:
            response = hq.get(f"/analytics/{path}", **{field: "soon"})
            assert refusal_of(response) == (400, "BAD_REQUEST", {field}), (path, field)
        for field, right in (("period", "monthly"), ("year", 2000), ("month", 12), ("currency", "crores")):
            response = hq.get(f"/analytics/{path}", **{field: right})
            assert response.status_code == (200 if field in known else 422), (path, field)


def test_the_number_of_statements_does_not_depend_on_the_number_of_plants(
    world: World, statements: list[str]
) -> None:
    hq = world.headquarters()
    plant = world.plants[0]
    lists = (
        *LISTS, "overview", "category-breakdown", f"cost-analysis/{plant}/monthly",
        f"star-ratings/{plant}/monthly-trend",
    )  # fmt: skip
    for _ in range(2):
        world.approved(hq, 0, **saving(12))
        for path in lists:
            statements.clear()
            figures(hq, path)
            assert len(statements) <= 3, path  # one of them reads the session
        world.query(
            "INSERT INTO plants (name, short_name, division)"
            " SELECT 'Plant ' || n, 'P', 'x' FROM generate_series(1, 40) n ON CONFLICT DO NOTHING"
        )


@pytest.fixture
def busy(world: World) -> World:
    """A portal with 12 benchmarks of three plants, three copies and 46 active plants."""
    hq, copier = world.headquarters(), world.plant_user(1)
    originals = [
        world.approved(hq, place % 3, **saving(60 + place), title=f"BP {place}") for place in range(12)
    ]
    world.approved(hq, 0, **saving("1.01", "crores"), submitted_date="2026-02-03")
    for practice in originals:
        assert hq.post(f"/benchmarking/benchmark/{practice['id']}").status_code == 201
    for practice in (originals[0], originals[5], originals[2]):
        assert copier.post("/copy/implement", {"original_practice_id": practice["id"]}).status_code == 201
    world.query("UPDATE plants SET is_active = false WHERE id = %s", world.plants[2])
    world.query(
        "INSERT INTO plants (name, short_name, division)"
        " SELECT 'Plant ' || n, 'P', 'x' FROM generate_series(1, 40) n"
    )
    return world


def by_single_calls(person: Person, currency: str) -> dict[str, Any]:
    """What a dashboard must show, from a call for each part; without the trend of the company."""
    parts = {
        "overview": overview(person, currency=currency),
        "recent": person.get("/best-practices/recent").json()["data"],
        "recent_benchmarked": person.get("/benchmarking/recent").json()["data"],
        "leaderboard": person.get("/leaderboard/current").json()["data"][:10],
        "category_breakdown": figures(person, "category-breakdown"),
        "copy_spread": person.get("/benchmarking/copy-spread", limit=5).json()["data"],
        "star_ratings": figures(person, "star-ratings", currency=currency, limit=100),
    }
    if person.plant_id:
        own = [one for one in parts["star_ratings"] if one["plant_id"] == str(person.plant_id)]
        parts["star_ratings"] = own
        parts["category_breakdown"] = figures(person, "category-breakdown", plant_id=person.plant_id)
        trend = f"star-ratings/{person.plant_id}/monthly-trend"
        parts["trend"] = figures(person, trend, currency=currency)
    return parts


def test_a_dashboard_shows_in_two_statements_what_the_single_calls_show(
    busy: World, statements: list[str]
) -> None:
    for person in (busy.headquarters(), busy.plant_user(0), busy.plant_user(1)):
        for currency in ("lakhs", "crores"):
            statements.clear()
            shown = figures(person, "dashboard", currency=currency)
            assert len(statements) == 2  # one of them reads the session
            assert shown == {"trend": shown["trend"], **by_single_calls(person, currency)}
            assert [len(shown[part]) for part in ("recent", "recent_benchmarked", "leaderboard")] == [10] * 3
            assert [one["copy_count"] for one in shown["copy_spread"]] == [1, 1, 1, 0, 0]


def test_the_dashboard_of_headquarters_shows_the_months_of_the_company(busy: World) -> None:
    trend = figures(busy.headquarters(), "dashboard")["trend"]
    assert [month["month"] for month in trend] == [f"2026-{month:02}" for month in range(1, 13)]
    assert trend[1] == {"month": "2026-02", "savings": "8.41", "stars": 0}
    assert trend[7] == {"month": "2026-08", "savings": "65.50", "stars": 1}


def test_an_empty_portal_has_a_dashboard(world: World) -> None:
    shown = figures(world.plant_user(0), "dashboard")
    assert (shown["recent"], shown["recent_benchmarked"], shown["copy_spread"]) == ([], [], [])
    assert [month["savings"] for month in shown["trend"]] == ["0.00"] * 12
    assert len(shown["leaderboard"]) == 7
    assert refusal_of(world.headquarters().get("/analytics/dashboard", currency="rupees")) == invalid(
        "currency"
    )
