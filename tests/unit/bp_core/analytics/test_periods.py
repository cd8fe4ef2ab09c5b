from datetime import date

import pytest

from bp_core.analytics.periods import Periods
from bp_core.analytics.schemas import PeriodQuery
from bp_core.savings import SavingsRules
from bp_core.shared.calendar import Month, MonthSpan

FROM_APRIL = SavingsRules(year_starts_in=4, star_policy="banded")
AUGUST = date(2025, 8, 9)


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        (PeriodQuery(), Month(2025, 4), Month(2026, 3)),
        (PeriodQuery(year=2024, month=2), Month(2024, 4), Month(2025, 3)),
        (PeriodQuery(period="monthly"), Month(2025, 8), Month(2025, 8)),
        (PeriodQuery(period="monthly", year=2024, month=2), Month(2024, 2), Month(2024, 2)),
    ],
)
def test_a_year_is_a_financial_year_and_with_a_month_a_calendar_year(
    query: PeriodQuery, first: Month, last: Month
) -> None:
    assert Periods(FROM_APRIL, AUGUST).period(query) == MonthSpan(first, last)
