from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bp_core.shared.money import (
    LARGEST_AMOUNT,
    annualised_lakhs,
    format_currency,
    monthly_lakhs,
    to_lakhs,
)
from bp_core.shared.schemas import Currency

AMOUNTS = st.decimals(min_value=0, max_value=LARGEST_AMOUNT, places=2)
LAKHS = st.fractions(min_value=-(10**9), max_value=10**9, max_denominator=100_000)
CURRENCIES: list[Currency] = ["lakhs", "crores"]


def test_a_lakh_is_a_lakh() -> None:
    assert to_lakhs(Decimal("3.25"), "lakhs") == Decimal("3.25")


def test_a_crore_is_a_hundred_lakhs() -> None:
    assert to_lakhs(Decimal("1.01"), "crores") == Decimal(101)


def test_a_monthly_saving_comes_twelve_times_a_year() -> None:
    assert annualised_lakhs(Decimal("2.01"), "lakhs", "monthly") == Decimal("24.12")


def test_an_annual_saving_comes_once_a_year() -> None:
    assert annualised_lakhs(Decimal("1.01"), "crores", "annually") == Decimal(101)


def test_the_largest_monthly_amount_of_crores_is_annualised_exactly() -> None:
    assert annualised_lakhs(LARGEST_AMOUNT, "crores", "monthly") == Decimal("11999999999988.00")


def test_an_annual_saving_counts_a_twelfth_a_month_as_an_exact_fraction() -> None:
    assert monthly_lakhs(annualised_lakhs(Decimal(1), "crores", "annually")) == Fraction(25, 3)


def test_a_monthly_saving_counts_whole() -> None:
    assert monthly_lakhs(annualised_lakhs(Decimal("2.37"), "lakhs", "monthly")) == Fraction("2.37")


def test_three_practices_of_1_01_crores_annually_are_25_25_lakhs_a_month() -> None:
    month = monthly_lakhs(3 * annualised_lakhs(Decimal("1.01"), "crores", "annually"))

    assert month == Fraction("25.25")
    assert format_currency(month, "lakhs") == "25.25"


def test_june_july_and_august_of_the_worked_example() -> None:
    june = monthly_lakhs(4 * annualised_lakhs(Decimal(3), "lakhs", "annually"))
    july = monthly_lakhs(annualised_lakhs(Decimal(2), "lakhs", "monthly"))
    august = monthly_lakhs(annualised_lakhs(Decimal(1), "crores", "annually"))

    assert (june, july, june + july) == (Fraction(1), Fraction(2), Fraction(3))
    assert (august, june + july + august) == (Fraction(25, 3), Fraction(34, 3))
    assert format_currency(august, "lakhs") == "8.33"
    assert format_currency(june + july + august, "lakhs") == "11.33"


@pytest.mark.parametrize(
    ("lakhs", "shown"),
    [
        ("0", "0.00"),
        ("0.009", "0.00"),
        ("0.05", "0.05"),
        ("7", "7.00"),
        ("12.349", "12.34"),
        ("99.99", "99.99"),
        ("99.999", "99.99"),
        ("100", "100.0"),
        ("100.09", "100.0"),
        ("123.49", "123.4"),
        ("1999.99", "1999.9"),
        ("119999999999.88", "119999999999.8"),
    ],
)
def test_lakhs_have_two_decimals_below_a_hundred_and_one_from_there_on(lakhs: str, shown: str) -> None:
    assert format_currency(Decimal(lakhs), "lakhs") == shown


@pytest.mark.parametrize(
    ("lakhs", "shown"),
    [
        ("0", "0.00"),
        ("0.99", "0.00"),
        ("1", "0.01"),
        ("99.999", "0.99"),
        ("123.49", "1.23"),
        ("1999.9", "19.99"),
        ("12345678.9", "123456.78"),
    ],
)
def test_crores_always_have_two_decimals(lakhs: str, shown: str) -> None:
    assert format_currency(Decimal(lakhs), "crores") == shown


@pytest.mark.parametrize(
    ("lakhs", "currency", "shown"),
    [
        ("-12.349", "lakhs", "-12.34"),
        ("-99.999", "lakhs", "-99.99"),
        ("-100", "lakhs", "-100.0"),
        ("-123.49", "lakhs", "-123.4"),
        ("-123.49", "crores", "-1.23"),
        ("-0.01", "lakhs", "-0.01"),
    ],
)
def test_a_loss_is_truncated_toward_zero(lakhs: str, currency: Currency, shown: str) -> None:
    assert format_currency(Decimal(lakhs), currency) == shown


@pytest.mark.parametrize(("lakhs", "currency"), [("-0.005", "lakhs"), ("-0.99", "crores"), ("-0", "lakhs")])
def test_a_loss_too_small_to_show_is_a_plain_zero(lakhs: str, currency: Currency) -> None:
    assert format_currency(Decimal(lakhs), currency) == "0.00"


@pytest.mark.parametrize("currency", CURRENCIES)
@given(lakhs=LAKHS)
def test_what_is_shown_is_never_more_than_the_exact_amount_and_less_than_one_unit_off(
    currency: Currency, lakhs: Fraction
) -> None:
    text = format_currency(lakhs, currency)
    exact = lakhs / 100 if currency == "crores" else lakhs
    unit = Fraction(1, 10 ** len(text.partition(".")[2]))

    assert 0 <= abs(exact) - abs(Fraction(text)) < unit


@given(lakhs=LAKHS)
def test_a_loss_is_shown_as_a_gain_of_the_same_size_with_a_sign(lakhs: Fraction) -> None:
    gain, loss = format_currency(abs(lakhs), "lakhs"), format_currency(-abs(lakhs), "lakhs")

    assert loss.removeprefix("-") == gain
    assert loss.startswith("-") == (Fraction(gain) != 0)


@given(st.lists(AMOUNTS, max_size=20))
def test_the_monthly_sum_of_annual_savings_is_exact(amounts: list[Decimal]) -> None:
    annualised = [annualised_lakhs(amount, "crores", "annually") for amount in amounts]

    month_by_month = sum((monthly_lakhs(amount) for amount in annualised), start=Fraction(0))
    assert monthly_lakhs(sum(annualised, start=Decimal(0))) == month_by_month
