"""The plants' months in PostgreSQL: the sums as the database makes them, in one statement, under one lock."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.postgres.database import Database
from adapters.postgres.savings import PostgresSavings
from bp_core.savings import PlantMonth, Rating, SavingsRules, SavingsService
from bp_core.shared.calendar import Month, MonthSpan
from bp_core.shared.context import Context
from bp_core.shared.errors import Unavailable
from bp_core.shared.money import LARGEST_AMOUNT, SavingPeriod, annualised_lakhs
from bp_core.shared.schemas import Currency
from tests.world import NOON

YEAR = MonthSpan(Month(2026, 1), Month(2026, 12))
RULES = SavingsRules(year_starts_in=1, star_policy="banded")
CONTEXT = Context(NOON, NOON.date())
Stated = tuple[Decimal, Currency, SavingPeriod]

amounts = st.decimals(min_value=0, max_value=LARGEST_AMOUNT, places=2)
savings = st.tuples(amounts, st.sampled_from(["lakhs", "crores"]), st.sampled_from(["monthly", "annually"]))


def approve(database: Database, plant: UUID, day: date, stated: Stated | None) -> None:
    """Keep an approved practice."""
    amount, currency, period = stated or (None, None, None)
    database.autocommit().run(
        """
        INSERT INTO best_practices
            (title, submitted_by_user_id, plant_id, status, submitted_date,
             savings_amount, savings_currency, savings_period)
        SELECT 'x', id, %(plant)s, 'approved', %(day)s, %(amount)s, %(currency)s, %(period)s FROM users
        """,
        {"plant": plant, "day": day, "amount": amount, "currency": currency, "period": period},
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=st.lists(savings, min_size=1, max_size=40))
def test_the_database_annualises_as_the_rules_do(
    database: Database, plants: list[UUID], batch: list[Stated]
) -> None:
    database.autocommit().run("DELETE FROM best_practices")
    for stated in batch:
        approve(database, plants[0], date(2026, 5, 5), stated)
    rows = database.autocommit().tuples(
        "SELECT savings_amount, savings_currency, savings_period, annualised_savings FROM best_practices"
    )
    assert sorted(row[:3] for row in rows) == sorted(batch)
    for amount, currency, period, annualised in rows:
        assert annualised == annualised_lakhs(amount, currency, period)
    store = PostgresSavings(database.autocommit())
    store.aggregate(YEAR, None)
    total = sum((annualised_lakhs(*stated) for stated in batch), Decimal(0))
    assert store.plant_months(YEAR, None) == [PlantMonth(plants[0], Month(2026, 5), total, len(batch), 0)]


def test_one_statement_sums_a_year_of_one_plant_and_of_all(
    database: Database, plants: list[UUID], statements: list[str]
) -> None:
    sent_for = []
    for several in (plants[:1], plants):
        for plant in several:
            for month in range(1, 13):
                approve(database, plant, date(2026, month, 28), (Decimal("7.5"), "crores", "annually"))
        database.autocommit().run("DELETE FROM monthly_savings")
        store = PostgresSavings(database.autocommit())
        statements.clear()
        assert store.aggregate(YEAR, None) == 12 * len(several)
        assert len(statements) == 1
        statements.clear()
        SavingsService(store, RULES, CONTEXT).recalculate(YEAR)
        sent_for.append(len(statements))
    assert sent_for[0] == sent_for[1]


def test_a_sum_is_made_of_what_is_approved_in_its_month_and_of_that_alone(
    database: Database, plants: list[UUID]
) -> None:
    here, there = plants[:2]
    lakh: Stated = (Decimal(1), "lakhs", "annually")
    for day in (date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 1)):
        approve(database, here, day, lakh)
    approve(database, here, date(2026, 2, 14), None)
    approve(database, there, date(2026, 2, 14), lakh)
    sql = database.autocommit()
    for change in ("is_deleted = true", "status = 'submitted'", "status = 'revision_required'"):
        approve(database, here, date(2026, 2, 2), (Decimal(1000), "crores", "monthly"))
        sql.run(f"UPDATE best_practices SET {change} WHERE savings_amount = 1000")
        sql.run("UPDATE best_practices SET savings_amount = 999 WHERE savings_amount = 1000")
    sql.run("DELETE FROM monthly_savings WHERE month = 2")
    february = MonthSpan(Month(2026, 2), Month(2026, 2))
    store = PostgresSavings(sql)
    assert store.aggregate(february, [here]) == 1
    assert store.plant_months(february, None) == [PlantMonth(here, Month(2026, 2), Decimal("2.00"), 3, 0)]
    assert store.aggregate(february, None) == 1
    assert store.aggregate(february, None) == 0
    sql.run("DELETE FROM best_practices WHERE plant_id = %(here)s", {"here": here})
    sql.run(
        "INSERT INTO monthly_savings (plant_id, year, month, total_savings, annualised_savings,"
        " practice_count) VALUES (%(here)s, 2026, 2, 0, 2, 3)",
        {"here": here},
    )
    assert store.aggregate(february, [there]) == 0
    assert store.aggregate(february, None) == 1
    assert [month.plant_id for month in store.plant_months(YEAR, None)] == [there]


def test_stars_are_kept_for_the_months_that_they_are_given_for(
    database: Database, plants: list[UUID]
) -> None:
    for plant in plants[:2]:
        for month in (1, 2):
            approve(database, plant, date(2026, month, 1), (Decimal(1), "lakhs", "annually"))
    store = PostgresSavings(database.autocommit())
    store.aggregate(YEAR, None)
    january, february = Month(2026, 1), Month(2026, 2)
    given_stars = [
        Rating(plants[0], february, 4),
        Rating(plants[1], january, 2),
        Rating(plants[1], february, 0),
    ]
    assert store.rate(given_stars) == 2
    assert store.rate(given_stars) == 0
    assert [(month.plant_id, month.month, month.stars) for month in store.plant_months(YEAR, None)] == [
        (plants[0], january, 0),
        (plants[0], february, 4),
        (plants[1], january, 2),
        (plants[1], february, 0),
    ]


def test_who_holds_a_plant_keeps_rivals_waiting_for_that_plant_only(
    database: Database, plants: list[UUID]
) -> None:
    def lock(which: list[UUID] | None) -> bool:
        with database.transaction() as sql:
            sql.run("SET LOCAL lock_timeout = '50ms'")
            try:
                PostgresSavings(sql).lock(which)
            except Unavailable:
                return False
        return True

    approve(database, plants[0], date(2026, 1, 1), None)
    with database.transaction() as holder, ThreadPoolExecutor(1) as rival:
        PostgresSavings(holder).lock([plants[0]])
        assert not rival.submit(lock, [plants[0]]).result()
        assert not rival.submit(lock, None).result()
        assert rival.submit(lock, [plants[1]]).result()
        rival.submit(approve, database, plants[1], date(2026, 1, 1), None).result()
        # who changes nothing that counts of the plant's practices meanwhile is not kept waiting
        rival.submit(database.autocommit().run, "UPDATE best_practices SET title = 'y'").result()
    assert lock(None)
