from decimal import Decimal
from fractions import Fraction

import pytest

from bp_core.analytics import costs


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [
        (3, 4, "33.33"),
        (3, 2, "-33.33"),
        (3, 5, "66.66"),
        (1, 1, "0"),
        (1, 0, "-100"),
        (Fraction(1, 3), 1, "200"),
        (-1, 1, "-200"),
    ],
)
def test_a_change_in_per_cent_is_truncated_to_two_decimals(
    before: Fraction, now: Fraction, change: str
) -> None:
    assert costs.percent_change(Fraction(before), Fraction(now)) == Decimal(change)


def test_there_is_no_change_in_per_cent_where_nothing_was_saved_before() -> None:
    assert costs.percent_change(Fraction(0), Fraction(7)) is None
