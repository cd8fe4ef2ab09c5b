"""Monthly savings and stars after approvals, edits and revisions over HTTP (rules 3, 4)."""

import random
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import httpx
import pytest

from bp_core.savings import calculate_stars
from bp_core.shared.money import annualised_lakhs
from tests.world import Person, World, concurrently, saving

Rating = tuple[str, str, int]


def rating(reader: Person, month: str, plant: int = 0, currency: str = "lakhs") -> Rating:
    """The star rating of a plant in a month: monthly and YTD savings as shown, and stars."""
    year, number = month.split("-")
    response = reader.get("/analytics/star-ratings", year=year, month=int(number), currency=currency)
    assert response.status_code == 200, response.text
    row = response.json()["data"][plant]
    return row["monthly_savings"], row["ytd_savings"], row["stars"]


def stored_months(world: World, plant: int = 0) -> list[tuple[Any, ...]]:
    """The stored months of a plant: year, month, annualised sum, monthly sum, practices, stars."""
    return world.query(
        "SELECT year, month, annualised_savings, total_savings, practice_count, stars FROM monthly_savings"
        " WHERE plant_id = %s ORDER BY year, month",
        world.plants[plant],
    )


def send_back(hq: Person, practice: dict[str, Any]) -> httpx.Response:
    return hq.post(f"/best-practices/{practice['id']}/request-revision", {"comment": "How was it measured?"})


def test_the_worked_example_of_the_rules(world: World) -> None:
    hq = world.headquarters()
    for _ in range(4):
        world.approved(hq, **saving(3), submitted_date="2026-06-30")
    world.approved(hq, **saving(2, period="monthly"), submitted_date="2026-07-01")
    world.approved(hq, **saving(1, "crores"), submitted_date="2026-08-15")
    world.approved(hq, 1, **saving(9_999), submitted_date="2026-08-15")
    assert stored_months(world) == [
        (2026, 6, Decimal("12.00"), Decimal("1.00"), 4, 0),
        (2026, 7, Decimal("24.00"), Decimal("2.00"), 1, 0),
        (2026, 8, Decimal("100.00"), Decimal("8.33"), 1, 0),
    ]
    assert rating(hq, "2026-05") == ("0.00", "0.00", 0)
    assert rating(hq, "2026-06") == ("1.00", "1.00", 0)
    assert rating(hq, "2026-07") == ("2.00", "3.00", 0)
    assert rating(hq, "2026-08") == ("8.33", "11.33", 0)
    assert rating(hq, "2026-08", currency="crores") == ("0.08", "0.11", 0)
    assert rating(hq, "2026-12") == ("0.00", "11.33", 0)
    assert rating(hq, "2027-01") == ("0.00", "0.00", 0)


def test_sums_are_not_rounded_in_between(world: World) -> None:
    hq = world.headquarters()
    for day in ("2026-08-01", "2026-08-02", "2026-08-03"):
        world.approved(hq, **saving("1.01", "crores"), submitted_date=day)
    assert rating(hq, "2026-08")[0] == "25.25"


def test_only_the_savings_of_approved_practices_count(world: World) -> None:
    hq, author = world.headquarters(), world.plant_user(0)
    world.practice(author, "draft", **saving(12))
    submitted = world.practice(author, "submitted", **saving(12))
    assert stored_months(world) == []
    world.approved(hq)
    assert stored_months(world) == [(2026, 8, Decimal("0.00"), Decimal("0.00"), 1, 0)]
    hq.post(f"/best-practices/{submitted['id']}/approve")
    assert stored_months(world) == [(2026, 8, Decimal("12.00"), Decimal("1.00"), 2, 0)]
    assert send_back(hq, submitted).status_code == 200
    assert stored_months(world) == [(2026, 8, Decimal("0.00"), Decimal("0.00"), 1, 0)]
    author.post(f"/best-practices/{submitted['id']}/submit")
    assert stored_months(world)[0][2:5] == (0, 0, 1)
    hq.post(f"/best-practices/{submitted['id']}/approve")
    assert stored_months(world)[0][2:5] == (12, 1, 2)


def test_an_edit_of_an_approved_practice_counts_immediately(world: World) -> None:
    hq = world.headquarters()
    practice = world.approved(hq, **saving(12), submitted_date="2026-07-31")
    hq.edit(practice, savings_amount=24)
    assert rating(hq, "2026-07") == ("2.00", "2.00", 0)
    hq.edit(practice, savings_period="monthly")
    assert rating(hq, "2026-07")[0] == "24.00"
    hq.edit(practice, savings_currency="crores")
    assert rating(hq, "2026-07")[0] == "2400.0"
    hq.edit(practice, **saving("0.60"))
    assert rating(hq, "2026-07")[0] == "0.05"
    hq.edit(practice, submitted_date="2026-08-01")
    assert [row[:3] for row in stored_months(world)] == [(2026, 8, Decimal("0.60"))]
    assert rating(hq, "2026-07") == ("0.00", "0.00", 0)
    assert rating(hq, "2026-08") == ("0.05", "0.05", 0)
    hq.edit(practice, savings_amount=1200, submitted_date="2025-12-31")
    assert [row[:3] for row in stored_months(world)] == [(2025, 12, Decimal("1200.00"))]
    hq.edit(practice, savings_amount=None, savings_currency=None, savings_period=None)
    assert rating(hq, "2025-12") == ("0.00", "0.00", 0)


def stars_of(world: World, plant: int = 0) -> list[int]:
    """The stars of a plant's months as they are stored."""
    return [row[5] for row in stored_months(world, plant)]


def test_a_change_in_one_month_changes_the_stars_of_the_later_months_of_its_year(world: World) -> None:
    hq = world.headquarters()
    january = world.approved(hq, **saving(138, period="monthly"), submitted_date="2025-01-10")
    world.approved(hq, **saving(12, period="monthly"), submitted_date="2025-03-10")
    world.approved(hq, **saving(12, period="monthly"), submitted_date="2026-02-10")
    world.approved(hq, 1, **saving(12, period="monthly"), submitted_date="2025-03-10")

    assert (stars_of(world), rating(hq, "2025-03")) == ([1, 4, 0], ("12.00", "150.0", 4))
    hq.edit(january, savings_amount="137.99")
    assert (stars_of(world), rating(hq, "2025-03")) == ([1, 3, 0], ("12.00", "149.9", 3))
    hq.edit(january, savings_amount=200)
    assert stars_of(world) == [1, 1, 0]
    hq.edit(january, submitted_date="2025-04-10")
    assert (stars_of(world), rating(hq, "2025-04")) == ([0, 5, 0], ("200.0", "212.0", 5))
    hq.edit(january, submitted_date="2025-01-10")
    send_back(hq, january)
    assert (stars_of(world), rating(hq, "2025-03")) == ([0, 0], ("12.00", "12.00", 0))
    assert stars_of(world, plant=1) == [0]


@pytest.mark.parametrize(
    ("portal_settings", "stars"), [({"STAR_POLICY": "banded"}, 1), ({"STAR_POLICY": "threshold"}, 4)]
)
def test_the_star_policy_is_a_setting(world: World, stars: int) -> None:
    hq = world.headquarters()
    world.approved(hq, **saving(160, period="monthly"), submitted_date="2026-01-10")
    world.approved(hq, **saving(20, period="monthly"), submitted_date="2026-02-10")
    assert rating(hq, "2026-02") == ("20.00", "180.0", stars)


YEAR_FROM_APRIL = pytest.mark.parametrize("portal_settings", [{"FISCAL_YEAR_START_MONTH": "4"}], ids=[""])


def approve_around_april(world: World, hq: Person) -> dict[str, Any]:
    """Approve savings in two years that start in April; the practice of December 2025."""
    december = world.approved(hq, **saving(150, period="monthly"), submitted_date="2025-12-31")
    world.approved(hq, **saving(12, period="monthly"), submitted_date="2026-03-31")
    world.approved(hq, **saving(12, period="monthly"), submitted_date="2026-04-01")
    world.approved(hq, **saving(5, period="monthly"), submitted_date="2026-08-01")
    return december


@YEAR_FROM_APRIL
def test_the_figures_of_a_year_may_start_in_another_month(world: World) -> None:
    hq = world.headquarters()
    december = approve_around_april(world, hq)
    assert {month: rating(hq, month) for month in ("2026-01", "2026-03", "2026-04", "2026-08")} == {
        "2026-01": ("0.00", "150.0", 0),
        "2026-03": ("12.00", "162.0", 4),
        "2026-04": ("12.00", "12.00", 0),
        "2026-08": ("5.00", "17.00", 0),
    }
    overview = hq.get("/analytics/overview").json()["data"]
    assert (overview["monthly_savings"], overview["ytd_savings"]) == ("5.00", "17.00")
    assert (overview["monthly_count"], overview["ytd_count"]) == (1, 2)
    hq.edit(december, savings_amount=90)
    assert rating(hq, "2026-03") == ("12.00", "102.0", 3)


@YEAR_FROM_APRIL
def test_the_year_that_is_recalculated_may_start_in_another_month(world: World) -> None:
    hq = world.headquarters()
    approve_around_april(world, hq)
    world.query(
        "UPDATE monthly_savings SET stars = 5, annualised_savings = 1 WHERE (year, month) = (2026, 3)"
    )
    assert recalculate(hq) == 0  # this year, which started in April
    assert recalculate(hq, 2025) == 2
    assert rating(hq, "2026-03") == ("12.00", "162.0", 4)


def recalculate(hq: Person, year: int | None = None) -> int:
    """Recalculate a financial year. Returns the number of corrected rows."""
    query = "" if year is None else f"?year={year}"
    response = hq.post(f"/analytics/recalculate-savings{query}")
    assert response.status_code == 200, response.text
    rows: int = response.json()["data"]["rows"]
    return rows


def run_nightly(world: World) -> dict[str, int]:
    """Run the nightly timers. Returns the number of rows that each corrected."""
    corrected = {}
    for name in ("aggregate_monthly_savings", "rate_stars"):
        world.clock.advance(timedelta(seconds=1))
        world.run_timer(name)
        last = world.query("SELECT rows FROM job_runs WHERE name = %s ORDER BY started_at DESC", name)
        corrected[name] = last[0][0]
    return corrected


def months_by_hand(world: World) -> dict[Any, tuple[Decimal, int, int]]:
    """The expected months, calculated in Python: annualised sum, practices, stars."""
    stated = defaultdict[Any, list[Decimal]](list)
    for plant, day, *parts in world.query(
        "SELECT plant_id, submitted_date, savings_amount, savings_currency, savings_period"
        " FROM best_practices WHERE status = 'approved' AND NOT is_deleted"
    ):
        stated[plant, day.year, day.month].append(annualised_lakhs(*parts) if parts[0] else Decimal(0))
    months = {}
    for (plant, year, month), annualised in stated.items():
        so_far = [stated.get((plant, year, earlier), []) for earlier in range(1, month + 1)]
        ytd = Fraction(sum(map(sum, so_far))) / 12
        stars = calculate_stars(Fraction(sum(annualised)) / 12, ytd)
        months[plant, year, month] = (sum(annualised, Decimal(0)), len(annualised), stars)
    return months


def months_in_the_database(world: World) -> dict[Any, tuple[Decimal, int, int]]:
    """The stored months of all plants: annualised sum, practices, stars."""
    rows = world.query(
        "SELECT plant_id, year, month, annualised_savings, practice_count, stars FROM monthly_savings"
    )
    return {tuple(key): (annualised, count, stars) for *key, annualised, count, stars in rows}


class RandomChanges:
    """Changes practices at random, always in the same sequence."""

    def __init__(self, world: World, hq: Person) -> None:
        self._world, self._hq = world, hq
        self._random = random.Random(4)
        self._practices: list[dict[str, Any]] = []

    def change(self) -> None:
        path = f"/best-practices/{self._random.choice(self._practices)['id']}" if self._practices else ""
        match self._random.randrange(6) if len(self._practices) > 5 else 0:
            case 0:
                plant, stated, day = self._random.randrange(3), self._saving(), self._day()
                self._practices.append(self._world.approved(self._hq, plant, **stated, submitted_date=day))
            case 1:
                self._hq.post(f"{path}/request-revision", {"comment": "Why?"})
            case 2:
                self._hq.post(f"{path}/submit")
            case 3:
                self._hq.post(f"{path}/approve")
            case 4:
                self._hq.patch(path, self._saving())
            case 5:
                self._hq.patch(path, {"submitted_date": self._day()})

    def _saving(self) -> dict[str, Any]:
        currency = self._random.choice(["lakhs", "crores"])
        amounts = {"lakhs": ["0.07", "3.33", "9.50", "48.00"], "crores": ["0.01", "0.12", "0.50", "1.01"]}
        amount = self._random.choice(amounts[currency])
        return saving(amount, currency, self._random.choice(["monthly", "annually"]))

    def _day(self) -> str:
        return f"2026-{self._random.randint(1, 8):02d}-{self._random.randint(1, 15):02d}"


def test_after_a_hundred_random_changes_the_nightly_timers_find_nothing_to_correct(world: World) -> None:
    hq = world.headquarters()
    changes = RandomChanges(world, hq)
    for _ in range(100):
        changes.change()
    by_hand = months_by_hand(world)
    assert months_in_the_database(world) == by_hand
    assert len({stars for _, _, stars in by_hand.values()}) > 2
    before = world.snapshot()
    assert run_nightly(world) == {"aggregate_monthly_savings": 0, "rate_stars": 0}
    assert recalculate(hq) == 0
    assert world.snapshot() == before


def test_wrong_months_are_corrected_by_the_timers_while_they_are_open_and_later_by_a_recalculation(
    world: World,
) -> None:
    hq = world.headquarters()
    for plant in (0, 1):
        for month in ("2025-12", "2026-06", "2026-07", "2026-08"):
            world.approved(hq, plant, **saving(12), submitted_date=f"{month}-01")
    undamaged = figures(world)
    world.query("UPDATE monthly_savings SET annualised_savings = 7 WHERE month IN (6, 7, 12)")
    world.query("UPDATE monthly_savings SET total_savings = 9, practice_count = 5, stars = 5 WHERE month = 8")
    world.query("DELETE FROM monthly_savings WHERE month = 8 AND plant_id = %s", world.plants[1])
    world.query(
        "INSERT INTO monthly_savings"
        " (plant_id, year, month, total_savings, annualised_savings, practice_count)"
        " VALUES (%s, 2026, 8, 1, 12, 1)",
        world.plants[2],
    )
    # two sums of July, one of August, a missing row and an extra row of August; the stars of one month
    assert run_nightly(world) == {"aggregate_monthly_savings": 5, "rate_stars": 1}
    assert run_nightly(world) == {"aggregate_monthly_savings": 0, "rate_stars": 0}
    assert {row[1:3] for row in set(figures(world)) - set(undamaged)} == {(2025, 12), (2026, 6)}
    assert recalculate(hq) == 2
    assert recalculate(hq) == 0
    assert recalculate(hq, 2025) == 2
    assert figures(world) == undamaged


def figures(world: World) -> list[tuple[Any, ...]]:
    return world.query(
        "SELECT plant_id, year, month, annualised_savings, total_savings, practice_count, stars"
        " FROM monthly_savings ORDER BY plant_id, year, month"
    )


def test_changes_of_one_plant_at_the_same_time_all_count(world: World) -> None:
    first, second, third = (world.headquarters() for _ in range(3))
    author = world.plant_user(0)
    moved = world.approved(first, **saving(1), submitted_date="2026-07-01")
    for turn in range(1, 16):
        here, there = (world.practice(author, "submitted", **saving(100)) for _ in range(2))
        day = ("2026-07-01", "2026-08-01")[turn % 2]
        responses = concurrently(
            partial(first.post, f"/best-practices/{here['id']}/approve"),
            partial(second.post, f"/best-practices/{there['id']}/approve"),
            partial(third.patch, f"/best-practices/{moved['id']}", {"submitted_date": day}),
        )
        assert [response.status_code for response in responses] == [200, 200, 200]
        assert {(row[0], row[1]): (row[2], row[4]) for row in stored_months(world)} == {
            (year, month): hand[:2] for (_, year, month), hand in months_by_hand(world).items()
        }
    assert sum(row[4] for row in stored_months(world)) == 31
