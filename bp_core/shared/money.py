"""Money: exact amounts in lakhs of rupees, truncated only for display (rules 3, 7)."""

from decimal import Decimal
from fractions import Fraction
from typing import Literal

from bp_core.shared.calendar import MONTHS_PER_YEAR
from bp_core.shared.schemas import Currency

SavingPeriod = Literal["monthly", "annually"]
"""Whether the amount of a saving is per month or per year."""

LAKHS_PER_CRORE = 100
LARGEST_AMOUNT = Decimal("9999999999.99")


def to_lakhs(amount: Decimal, currency: Currency) -> Decimal:
    """Convert an amount to lakhs (rules 3)."""
    return amount * LAKHS_PER_CRORE if currency == "crores" else amount


def annualised_lakhs(amount: Decimal, currency: Currency, period: SavingPeriod) -> Decimal:
    """Return a saving per year in lakhs, exact (rules 3)."""
    lakhs = to_lakhs(amount, currency)
    return lakhs * MONTHS_PER_YEAR if period == "monthly" else lakhs


def monthly_lakhs(annualised: Decimal) -> Fraction:
    """Return an annualised amount per month, in lakhs, as an exact fraction (rules 3)."""
    return Fraction(annualised) / MONTHS_PER_YEAR


def format_currency(lakhs: Fraction | Decimal, currency: Currency) -> str:
    """Format an amount in lakhs for display, truncated toward zero, never rounded (rules 7).

    In lakhs: two decimals below 100, one decimal from 100. In crores: always two decimals.
    """
    exact = Fraction(lakhs)
    if currency == "crores":
        return _truncated(exact / LAKHS_PER_CRORE, decimals=2)
    return _truncated(exact, decimals=1 if abs(exact) >= LAKHS_PER_CRORE else 2)


def _truncated(value: Fraction, *, decimals: int) -> str:
    scale = 10**decimals
    whole, part = divmod(int(abs(value) * scale), scale)
    sign = "-" if value < 0 and (whole or part) else ""
    return f"{sign}{whole}.{part:0{decimals}d}"
