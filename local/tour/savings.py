"""What the rules say of a plant's savings, summed from its practices as they are listed (rules 3, 4, 7).

The list has the amounts that were entered, so these sums are exact; what the portal shows to people is
truncated, and is compared as text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from bp_core.savings import SavingsRules, calculate_stars
from bp_core.shared.calendar import Month, financial_year, financial_year_of
from bp_core.shared.model import Currency
from bp_core.shared.money import annualised_lakhs, format_currency, monthly_lakhs
from local.tour.telling import require
from local.tour.visitor import Visitor


@dataclass(frozen=True)
class Sums:
    """A plant's savings in lakhs, exactly: of a month, and of the financial year up to and including it."""

    monthly: Fraction
    ytd: Fraction

    def plus(self, saving: Fraction) -> "Sums":
        """The sums with another practice of this month."""
        return Sums(self.monthly + saving, self.ytd + saving)

    def require_shown(
        self, where: str, shown: Mapping[str, Any], rules: SavingsRules, currency: Currency = "lakhs"
    ) -> None:
        """Hold what the portal shows against these sums. Raises Difference."""
        under = f"(STAR_POLICY {rules.star_policy}, FISCAL_YEAR_START_MONTH {rules.year_starts_in})"
        monthly, ytd = format_currency(self.monthly, currency), format_currency(self.ytd, currency)
        require(f"{where}, savings of the month", shown["monthly_savings"], monthly)
        require(f"{where}, savings of the year {under}", shown["ytd_savings"], ytd)
        require(f"{where}, stars {under}", shown["stars"], self.stars(rules))

    def stars(self, rules: SavingsRules) -> int:
        """The stars that these sums earn."""
        return calculate_stars(self.monthly, self.ytd, rules.star_policy)


def saving_a_month(practice: Mapping[str, Any]) -> Fraction:
    """Tell what a practice saves a month, in lakhs; nothing if it states no saving."""
    if practice["savings_amount"] is None:
        return Fraction(0)
    amount = Decimal(practice["savings_amount"])
    return monthly_lakhs(annualised_lakhs(amount, practice["savings_currency"], practice["savings_period"]))


def sums_of(visitor: Visitor, plant_id: str, month: Month, rules: SavingsRules) -> Sums:
    """Sum a plant's approved practices of the financial year up to a month, as the portal lists them."""
    monthly = ytd = Fraction(0)
    for practice in visitor.every("/best-practices", **_approved(plant_id, month, rules)):
        saving = saving_a_month(practice)
        ytd += saving
        if Month.of(date.fromisoformat(practice["submitted_date"])) == month:
            monthly += saving
    return Sums(monthly, ytd)


def approved_count(visitor: Visitor, plant_id: str, month: Month, rules: SavingsRules) -> int:
    """Count the practices that `sums_of` sums."""
    return visitor.count("/best-practices", **_approved(plant_id, month, rules))


def _approved(plant_id: str, month: Month, rules: SavingsRules) -> dict[str, str]:
    year = financial_year(financial_year_of(month, rules.year_starts_in), rules.year_starts_in)
    last_day = month.plus(1).first_day - timedelta(days=1)
    return {
        "plant_id": plant_id,
        "status": "approved",
        "start_date": year.first_day.isoformat(),
        "end_date": last_day.isoformat(),
        "sort_by": "created_at",
        "sort_order": "asc",
    }
