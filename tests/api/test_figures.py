"""Every figure after every step of a random history, compared with a calculation from the practices."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.figures import Figures, MonthKey, as_read, change, month_of, months_before, written
from tests.world import Person, World, saving

PLANTS: Final = 5
MONTHS: Final = 30
THIS_MONTH: Final = (2026, 8)
STATUSES: Final = ("draft", "submitted", "approved", "revision_required", "declined")
JOBS: Final = ("aggregate_monthly_savings", "rate_stars", "rebuild_roll_ups")

Step = tuple[Any, ...]

amounts = st.sampled_from(
    ["0", "0.01", "0.07", "3.33", "48", "60.5", "99.99", "100.05", "150", "12345678.99"]
)
savings = st.builds(
    saving, amounts, st.sampled_from(["lakhs", "crores"]), st.sampled_from(["monthly", "annually"])
)
days = st.builds(
    lambda ago, day: "{}-{:02}-{:02}".format(*months_before(THIS_MONTH, ago), day),
    st.integers(0, MONTHS - 1),
    st.integers(1, 15),
)
which = st.integers(0, 1000)
plants = st.integers(0, PLANTS - 1)
categories = st.integers(0, 7)
steps: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("approved"), plants, categories, days, savings),
    st.tuples(st.just("submitted"), plants, categories, days, savings),
    st.tuples(st.just("status"), which, st.sampled_from(STATUSES)),
    st.tuples(st.just("edit"), which, savings),
    st.tuples(st.just("edit"), which, days.map(lambda day: {"submitted_date": day})),
    st.tuples(st.just("plant"), which, plants),
    st.tuples(st.just("category"), which, categories),
    st.tuples(st.just("delete"), which),
    st.tuples(st.just("benchmark"), which, days),
    st.tuples(st.just("unbenchmark"), which),
)


class History:
    """Creates, changes and deletes practices step by step."""

    def __init__(self, world: World, hq: Person) -> None:
        self.world = world
        self.hq = hq
        self.ids: list[str] = []
        world.query("TRUNCATE best_practices, practice_counts, monthly_savings, job_runs CASCADE")

    def take(self, step: Step) -> set[MonthKey]:
        """Do a step. Returns the months that it may have changed. A refused step changes nothing."""
        name, *rest = step
        if name in ("approved", "submitted"):
            self._write(name, *rest)
            return self.months(self.ids[-1])
        if not self.ids:
            return set()
        practice_id = self.ids[rest[0] % len(self.ids)]
        before = self.months(practice_id)
        self._change(name, practice_id, *rest[1:])
        return before | self.months(practice_id)

    def months(self, practice_id: str | None = None) -> set[MonthKey]:
        """The months in which a practice, or any practice, was submitted or benchmarked."""
        days = self.world.query(
            "SELECT unnest(array_remove(ARRAY[submitted_date, benchmarked_date], NULL)) FROM best_practices p"
            " LEFT JOIN benchmarked_practices b ON b.practice_id = p.id"
            " WHERE p.id = %s::uuid OR %s::uuid IS NULL",
            practice_id, practice_id,
        )  # fmt: skip
        return {month_of(day) for (day,) in days}

    def _write(self, name: str, plant: int, category: int, day: str, stated: dict[str, Any]) -> None:
        content = {"category_id": str(self.world.categories[category]), "submitted_date": day, **stated}
        if name == "approved":
            practice = self.world.approved(self.hq, plant, **content)
        else:
            plant_id = str(self.world.plants[plant])
            practice = self.world.practice(self.hq, "submitted", plant_id=plant_id, **content)
        self.ids.append(practice["id"])

    def _change(self, name: str, practice_id: str, *values: Any) -> None:
        path = f"/best-practices/{practice_id}"
        match name, values:
            case "status", (status,):
                comment = {"comment": "Why?"} if status in ("revision_required", "declined") else {}
                response = self.hq.patch(path, {"status": status, **comment})
            case "edit", (changes,):
                response = self.hq.patch(path, changes)
            case "plant", (plant,):
                response = self.hq.patch(path, {"plant_id": str(self.world.plants[plant])})
            case "category", (category,):
                response = self.hq.patch(path, {"category_id": str(self.world.categories[category])})
            case "delete", ():
                response = self.hq.delete(path)
            case "benchmark", (day,):
                self.world.query(
                    "INSERT INTO benchmarked_practices"
                    " (practice_id, benchmarked_by_user_id, benchmarked_date)"
                    " SELECT id, submitted_by_user_id, %s FROM best_practices"
                    " WHERE id = %s AND status = 'approved' AND NOT is_deleted ON CONFLICT DO NOTHING",
                    day, practice_id,
                )  # fmt: skip
                return
            case _:
                self.world.query("DELETE FROM benchmarked_practices WHERE practice_id = %s", practice_id)
                return
        undated = name == "edit" and "Only a practice that was submitted has a date" in response.text
        assert response.status_code in (200, 404, 409) or undated, response.text


class Reader:
    """A user who reads every figure and compares it with the calculation."""

    def __init__(self, world: World, person: Person, starts_in: int) -> None:
        self.world = world
        self.person = person
        self.starts_in = starts_in

    def check(self, months: Iterable[MonthKey]) -> None:
        """Compare the figures of this month, and of `months` and their years, with the calculation."""
        figures = Figures(self.world, self.starts_in)
        own = self.person.plant_id
        listed = self.world.plants
        for currency in ("lakhs", "crores"):
            self._overview(figures, own, currency)
            for month in months:
                self._stars_and_costs(figures, listed, month, currency)
        for month in months:
            self._counts(figures, listed, month)
            for plant in (own or listed[0], listed[-1]):
                self._months_of_plant(figures, plant, month)

    def get(self, path: str, **query: object) -> Any:
        response = self.person.get(f"/analytics/{path}", **query)
        assert response.status_code == 200, response.text
        return response.json()

    def _overview(self, figures: Figures, own: UUID | None, currency: str) -> None:
        so_far = figures.year_so_far(THIS_MONTH)
        assert self.get("overview", currency=currency)["data"] == {
            "monthly_count": figures.submitted([THIS_MONTH], own),
            "ytd_count": figures.submitted(so_far, own),
            "monthly_savings": as_read(figures.saved([THIS_MONTH], own), currency),
            "ytd_savings": as_read(figures.saved(so_far, own), currency),
            "stars": figures.stars(THIS_MONTH, own),
            "benchmarked_count": figures.benchmarked(own),
            "currency": currency,
        }

    def _stars_and_costs(self, figures: Figures, listed: list[UUID], month: MonthKey, currency: str) -> None:
        asked = {"year": month[0], "month": month[1], "currency": currency}
        so_far, before = figures.year_so_far(month), months_before(month, 1)

        def amounts(*months: MonthKey) -> list[str]:
            return [as_read(figures.saved(months, plant), currency) for plant in listed]

        def named(rows: list[dict[str, Any]], **expected: list[Any]) -> None:
            assert [row["plant_id"] for row in rows] == [str(plant) for plant in listed]
            assert [row["plant_name"] for row in rows] == [figures.plants[plant][0] for plant in listed]
            for field, values in expected.items():
                assert [row[field] for row in rows] == values, field

        named(
            self.get("star-ratings", **asked)["data"],
            monthly_savings=amounts(month),
            ytd_savings=amounts(*so_far),
            stars=[figures.stars(month, plant) for plant in listed],
        )
        costs = self.get("cost-analysis", **asked)
        named(
            costs["data"],
            short_name=[figures.plants[plant][1] for plant in listed],
            last_month=amounts(before),
            current_month=amounts(month),
            ytd_till_last_month=amounts(*so_far[:-1]),
            ytd_total=amounts(*so_far),
            percent_change=[
                change(figures.saved([before], plant), figures.saved([month], plant)) for plant in listed
            ],
        )
        named(costs["current_month_breakdown"], savings=amounts(month))
        named(costs["ytd_breakdown"], savings=amounts(*so_far))
        assert [(row["month"], row["plant_id"], row["savings"]) for row in costs["monthly_trends"]] == [
            (written(each), str(plant), amount)
            for each in so_far
            for plant, amount in zip(listed, amounts(each), strict=True)
        ]
        monthly = {**asked, "period": "monthly"}
        named(self.get("cost-savings", **monthly)["data"], savings=amounts(month))
        year = so_far[0][0]
        yearly = {"year": year, "currency": currency}
        named(self.get("cost-savings", **yearly)["data"], savings=amounts(*figures.year(year)))

    def _counts(self, figures: Figures, listed: list[UUID], month: MonthKey) -> None:
        year = figures.year_so_far(month)[0][0]
        asked = {"year": month[0], "month": month[1]}
        for query, months in (
            ({"period": "monthly", **asked}, [month]),
            ({"year": year}, figures.year(year)),
        ):
            rows = self.get("plant-performance", **query)["data"]
            assert [(row["plant_id"], row["submitted"]) for row in rows] == [
                (str(plant), figures.submitted(months, plant)) for plant in listed
            ]
        for plant in (None, listed[0]):
            only = {"plant_id": str(plant)} if plant else {}
            rows = self.get("category-breakdown", year=year, **only)["data"]
            counts = {row["category_id"]: row["practice_count"] for row in rows}
            assert counts == figures.by_category(figures.year(year), plant)
        rows = self.get("benchmark-stats", **asked)["data"]
        assert [(row["plant_id"], row["benchmarked_count"]) for row in rows] == [
            (str(plant), figures.benchmarked(plant, month)) for plant in listed
        ]

    def _months_of_plant(self, figures: Figures, plant: UUID, month: MonthKey) -> None:
        year = figures.year_so_far(month)[0][0]
        months = figures.year(year)
        trend = self.get(f"star-ratings/{plant}/monthly-trend", year=year)["data"]
        assert trend == [
            {
                "month": written(each),
                "savings": as_read(figures.saved([each], plant), "lakhs"),
                "stars": figures.stars(each, plant),
            }
            for each in months
        ]
        for each, row in zip(
            months, self.get(f"cost-analysis/{plant}/monthly", year=year)["data"], strict=True
        ):
            approved = figures.approved_in(each, plant)
            assert (row["month"], row["total_savings"], row["practice_count"], row["stars"]) == (
                written(each),
                as_read(figures.saved([each], plant), "lakhs"),
                len(approved),
                figures.stars(each, plant),
            )
            assert sorted(
                (one["practice_id"], one["savings"], one["benchmarked"]) for one in row["practices"]
            ) == (
                sorted(
                    (str(one.id), as_read(one.a_month, "lakhs"), bool(one.benchmarked)) for one in approved
                )
            )
            days = [one["submitted_date"] for one in row["practices"]]
            assert days == sorted(str(one.day) for one in approved)


@pytest.mark.parametrize(
    ("portal_settings", "starts_in"),
    [({"FISCAL_YEAR_START_MONTH": "1"}, 1), ({"FISCAL_YEAR_START_MONTH": "4"}, 4)],
)
@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(history=st.lists(steps, min_size=8, max_size=16))
def test_every_figure_is_correct_after_every_step(world: World, starts_in: int, history: list[Step]) -> None:
    hq = world.add_person(f"hq{len(world._browsers)}@amber.test").sign_in()
    author = world.add_person(f"plant{len(world._browsers)}@amber.test", plant=0).sign_in()
    company, own = Reader(world, hq, starts_in), Reader(world, author, starts_in)
    practices = History(world, hq)
    for step in history:
        company.check(practices.take(step))
        own.check([THIS_MONTH])
    company.check(practices.months())
    for job in JOBS:
        world.run_timer(job)
    assert world.query("SELECT DISTINCT rows FROM job_runs") == [(0,)]
