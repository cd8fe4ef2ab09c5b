from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bp_core.savings import StarPolicy, calculate_stars

POLICIES: list[StarPolicy] = ["banded", "threshold"]
LAKHS = st.fractions(min_value=-50, max_value=400, max_denominator=1000)

BELOW, ABOVE = -Fraction(1, 10**9), Fraction(1, 10**9)


def rate(ytd: int | Fraction, monthly: int | Fraction, policy: StarPolicy) -> int:
    return calculate_stars(Fraction(monthly), Fraction(ytd), policy)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("ytd", "monthly", "stars"),
    [(250, 20, 5), (175, 14, 4), (125, 10, 3), (75, 6, 2), (0, 0, 0)],
)
def test_in_the_middle_of_a_band_both_policies_agree(
    ytd: int, monthly: int, stars: int, policy: StarPolicy
) -> None:
    assert rate(ytd, monthly, policy) == stars


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("ytd", "monthly", "just_below", "at", "just_above"),
    [
        (200, 16, 4, 4, 5),
        (150, 12, 3, 4, 4),
        (100, 8, 2, 3, 3),
    ],
)
def test_where_both_sums_cross_a_boundary_together_the_stars_change_exactly_there(
    ytd: int, monthly: int, just_below: int, at: int, just_above: int, policy: StarPolicy
) -> None:
    rated = [rate(ytd + step, monthly + step, policy) for step in (BELOW, Fraction(0), ABOVE)]

    assert rated == [just_below, at, just_above]


BANDED_YTD_AT_14_MONTHLY = [
    (200 + ABOVE, 1),
    (Fraction(200), 4),
    (200 + BELOW, 4),
    (150 + ABOVE, 4),
    (Fraction(150), 4),
    (150 + BELOW, 1),
    (50 + ABOVE, 1),
    (Fraction(50), 0),
    (50 + BELOW, 0),
]
BANDED_YTD_AT_10_MONTHLY = [
    (150 + ABOVE, 1),
    (Fraction(150), 3),
    (150 + BELOW, 3),
    (100 + ABOVE, 3),
    (Fraction(100), 3),
    (100 + BELOW, 1),
]
BANDED_YTD_AT_6_MONTHLY = [
    (100 + ABOVE, 1),
    (Fraction(100), 2),
    (100 + BELOW, 2),
    (50 + ABOVE, 2),
    (Fraction(50), 2),
    (50 + BELOW, 0),
]
BANDED_YTD_AT_20_MONTHLY = [
    (200 + ABOVE, 5),
    (Fraction(200), 1),
    (200 + BELOW, 1),
    (50 + ABOVE, 1),
    (Fraction(50), 0),
]


@pytest.mark.parametrize(
    ("monthly", "ytd", "stars"),
    [
        (monthly, ytd, stars)
        for monthly, table in (
            (14, BANDED_YTD_AT_14_MONTHLY),
            (10, BANDED_YTD_AT_10_MONTHLY),
            (6, BANDED_YTD_AT_6_MONTHLY),
            (20, BANDED_YTD_AT_20_MONTHLY),
        )
        for ytd, stars in table
    ],
)
def test_banded_stars_on_both_sides_of_every_ytd_boundary(monthly: int, ytd: Fraction, stars: int) -> None:
    assert rate(ytd, monthly, "banded") == stars


BANDED_MONTHLY_AT_250_YTD = [
    (16 + ABOVE, 5),
    (Fraction(16), 1),
    (16 + BELOW, 1),
    (4 + ABOVE, 1),
    (Fraction(4), 0),
    (4 + BELOW, 0),
]
BANDED_MONTHLY_AT_175_YTD = [
    (16 + ABOVE, 1),
    (Fraction(16), 4),
    (16 + BELOW, 4),
    (12 + ABOVE, 4),
    (Fraction(12), 4),
    (12 + BELOW, 1),
    (4 + ABOVE, 1),
    (Fraction(4), 0),
]
BANDED_MONTHLY_AT_125_YTD = [
    (12 + ABOVE, 1),
    (Fraction(12), 3),
    (12 + BELOW, 3),
    (8 + ABOVE, 3),
    (Fraction(8), 3),
    (8 + BELOW, 1),
]
BANDED_MONTHLY_AT_75_YTD = [
    (8 + ABOVE, 1),
    (Fraction(8), 2),
    (8 + BELOW, 2),
    (4 + ABOVE, 2),
    (Fraction(4), 2),
    (4 + BELOW, 0),
]


@pytest.mark.parametrize(
    ("ytd", "monthly", "stars"),
    [
        (ytd, monthly, stars)
        for ytd, table in (
            (250, BANDED_MONTHLY_AT_250_YTD),
            (175, BANDED_MONTHLY_AT_175_YTD),
            (125, BANDED_MONTHLY_AT_125_YTD),
            (75, BANDED_MONTHLY_AT_75_YTD),
        )
        for monthly, stars in table
    ],
)
def test_banded_stars_on_both_sides_of_every_monthly_boundary(
    ytd: int, monthly: Fraction, stars: int
) -> None:
    assert rate(ytd, monthly, "banded") == stars


@pytest.mark.parametrize(
    ("ytd", "monthly", "stars"),
    [
        (200, 16, 4),
        (150, 12, 4),
        (150, 8, 3),
        (100, 12, 3),
        (100, 8, 3),
        (100, 4, 2),
        (50, 8, 2),
        (50, 4, 2),
        (200, 12, 4),
        (150, 16, 4),
    ],
)
def test_where_bands_overlap_the_first_match_wins(ytd: int, monthly: int, stars: int) -> None:
    assert rate(ytd, monthly, "banded") == stars


def test_by_the_agreed_table_a_plant_can_lose_stars_by_saving_more() -> None:
    assert rate(180, 14, "banded") == 4
    assert rate(180, 20, "banded") == 1


def test_by_thresholds_a_plant_keeps_its_stars_when_it_saves_more() -> None:
    assert rate(180, 14, "threshold") == 4
    assert rate(180, 20, "threshold") == 4


@pytest.mark.parametrize(
    ("ytd", "monthly", "stars"),
    [
        (200 + ABOVE, 16 + ABOVE, 5),
        (Fraction(200), Fraction(1000), 4),
        (Fraction(1000), Fraction(16), 4),
        (Fraction(150), Fraction(1000), 4),
        (Fraction(1000), Fraction(12), 4),
        (150 + BELOW, Fraction(1000), 3),
        (Fraction(1000), 12 + BELOW, 3),
        (Fraction(100), Fraction(1000), 3),
        (Fraction(1000), Fraction(8), 3),
        (100 + BELOW, Fraction(1000), 2),
        (Fraction(1000), 8 + BELOW, 2),
        (Fraction(50), Fraction(1000), 2),
        (Fraction(1000), Fraction(4), 2),
        (50 + BELOW, Fraction(1000), 1),
        (Fraction(1000), 4 + BELOW, 1),
        (ABOVE, ABOVE, 1),
        (Fraction(0), Fraction(1000), 0),
        (Fraction(1000), Fraction(0), 0),
        (BELOW, Fraction(1000), 0),
        (Fraction(1000), BELOW, 0),
    ],
)
def test_threshold_stars_on_both_sides_of_every_boundary(
    ytd: Fraction, monthly: Fraction, stars: int
) -> None:
    assert rate(ytd, monthly, "threshold") == stars


@given(LAKHS, LAKHS, st.fractions(min_value=0, max_value=300), st.fractions(min_value=0, max_value=300))
def test_by_thresholds_nobody_ever_loses_a_star_by_saving_more(
    ytd: Fraction, monthly: Fraction, more_in_the_year: Fraction, more_in_the_month: Fraction
) -> None:
    assert rate(ytd + more_in_the_year, monthly + more_in_the_month, "threshold") >= rate(
        ytd, monthly, "threshold"
    )


@pytest.mark.parametrize("policy", POLICIES)
@given(ytd=st.fractions(min_value=0, max_value=10_000))
def test_a_month_without_savings_never_earns_a_star(policy: StarPolicy, ytd: Fraction) -> None:
    assert rate(ytd, 0, policy) == 0


@given(LAKHS, LAKHS)
def test_banded_never_gives_more_stars_than_threshold(ytd: Fraction, monthly: Fraction) -> None:
    assert rate(ytd, monthly, "banded") <= rate(ytd, monthly, "threshold")


def test_banded_is_the_policy_where_none_is_named() -> None:
    assert calculate_stars(Fraction(20), Fraction(180)) == 1


def test_stars_are_given_for_exact_sums_not_for_truncated_ones() -> None:
    assert calculate_stars(Decimal("11.999"), Decimal(160)) == 1
    assert calculate_stars(Fraction(36, 3), Decimal(160)) == 4
