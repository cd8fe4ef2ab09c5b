from decimal import Decimal

from bp_core.analytics import figures
from bp_core.savings import SavingsRules
from bp_core.shared.calendar import Month, MonthSpan

FROM_APRIL = SavingsRules(year_starts_in=4, star_policy="banded")


def test_the_trend_of_a_company_has_the_stars_that_its_sums_would_earn() -> None:
    sums = {Month(2025, 4): Decimal(60 * 12), Month(2025, 5): Decimal(8 * 12)}

    months = figures.trend(sums, MonthSpan(Month(2025, 4), Month(2026, 3)), FROM_APRIL, "crores")

    assert [(one.month, one.savings, one.stars) for one in months[:3]] == [
        ("2025-04", "0.60", 1), ("2025-05", "0.08", 2), ("2025-06", "0.00", 0)
    ]  # fmt: skip
    assert len(months) == 12
