"""The expected savings of a plant, calculated from the list of its practices (rules 3, 4, 7).

The list has the amounts as entered, so these totals are exact. The portal shows truncated values, which are
compared as text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from bp_core.savings import SavingsRules, calculate_stars
from bp_core.shared.calendar import Month, financial_year, financial_year_of
from bp_core.shared.money import annualised_lakhs, format_currency, monthly_lakhs
from bp_core.shared.schemas import Currency
from local.tour.client import ApiClient
from local.tour.report import check_equal


@dataclass(frozen=True)
class PlantSavings:
    """Exact savings of a plant in lakhs: of a month, and of the financial year to date (YTD)."""

    monthly: Fraction
    ytd: Fraction

    def plus(self, saving: Fraction) -> "PlantSavings":
        """The savings with one more practice in this month."""
        return PlantSavings(self.monthly + saving, self.ytd + saving)

    def check_shown(
        self, where: str, shown: Mapping[str, Any], rules: SavingsRules, currency: Currency = "lakhs"
    ) -> None:
        """Compare these savings and their stars with what the portal shows. Raises CheckFailed."""
        settings = f"(STAR_POLICY {rules.star_policy}, FISCAL_YEAR_START_MONTH {rules.year_starts_in})"
        monthly, ytd = format_currency(self.monthly, currency), format_currency(self.ytd, currency)
        check_equal(f"{where}, savings of the month", shown["monthly_savings"], monthly)
        check_equal(f"{where}, savings of the year {settings}", shown["ytd_savings"], ytd)
        check_equal(f"{where}, stars {settings}", shown["stars"], self.stars(rules))

    def stars(self, rules: SavingsRules) -> int:
        """The number of stars for these savings."""
        return calculate_stars(self.monthly, self.ytd, rules.star_policy)


def monthly_saving(practice: Mapping[str, Any]) -> Fraction:
    """The monthly saving of a practice in lakhs; 0 if it states no saving."""
    if practice["savings_amount"] is None:
        return Fraction(0)
    amount = Decimal(practice["savings_amount"])
    return monthly_lakhs(annualised_lakhs(amount, practice["savings_currency"], practice["savings_period"]))


def calculate_savings(client: ApiClient, plant_id: str, month: Month, rules: SavingsRules) -> PlantSavings:
    """Sum the approved practices of a plant, from the start of the financial year to the end of `month`."""
    monthly = ytd = Fraction(0)
    for practice in client.get_all("/best-practices", **_approved_query(plant_id, month, rules)):
        saving = monthly_saving(practice)
        ytd += saving
        if Month.of(date.fromisoformat(practice["submitted_date"])) == month:
            monthly += saving
    return PlantSavings(monthly, ytd)


def count_approved(client: ApiClient, plant_id: str, month: Month, rules: SavingsRules) -> int:
    """The number of practices that `calculate_savings` sums."""
    return client.count("/best-practices", **_approved_query(plant_id, month, rules))


def _approved_query(plant_id: str, month: Month, rules: SavingsRules) -> dict[str, str]:
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
