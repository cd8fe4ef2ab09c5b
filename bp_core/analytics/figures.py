"""Responses for stored figures: counts, stars, and money as strings (rules 4, 7)."""

from collections.abc import Mapping
from decimal import Decimal

from bp_core.analytics.ports import PlantYear, Totals
from bp_core.analytics.schemas import Overview, StarRating, TrendMonth
from bp_core.savings import SavingsRules, calculate_stars
from bp_core.shared.calendar import Month, MonthSpan
from bp_core.shared.money import format_currency, monthly_lakhs
from bp_core.shared.schemas import Currency


def overview(totals: Totals, rules: SavingsRules, currency: Currency) -> Overview:
    """Return counts, savings and stars; the company is rated like a plant."""
    monthly, ytd = monthly_lakhs(totals.monthly_annualised), monthly_lakhs(totals.ytd_annualised)
    return Overview(
        monthly_count=totals.monthly_count,
        ytd_count=totals.ytd_count,
        monthly_savings=format_currency(monthly, currency),
        ytd_savings=format_currency(ytd, currency),
        stars=calculate_stars(monthly, ytd, rules.star_policy),
        benchmarked_count=totals.benchmarked_count,
        currency=currency,
    )


def star_rating(plant: PlantYear, months: MonthSpan, currency: Currency) -> StarRating:
    """Return the stars of a plant in the last of these months, and its savings in it and in all of them."""
    return StarRating(
        plant_id=plant.plant.plant_id,
        plant_name=plant.plant.plant_name,
        monthly_savings=format_currency(plant.saved([months.last]), currency),
        ytd_savings=format_currency(plant.saved(months), currency),
        stars=plant.stars(months.last),
        currency=currency,
    )


def plant_trend(plant: PlantYear, year: MonthSpan, currency: Currency) -> list[TrendMonth]:
    """Return the months of a plant's financial year with the stored stars."""
    return [
        TrendMonth(
            month=str(month),
            savings=format_currency(plant.saved([month]), currency),
            stars=plant.stars(month),
        )
        for month in year
    ]


def trend(
    annualised: Mapping[Month, Decimal], year: MonthSpan, rules: SavingsRules, currency: Currency
) -> list[TrendMonth]:
    """Return the months of a financial year; the stars are calculated from the sums."""
    year_to_date = Decimal(0)
    months = []
    for month in year:
        saved = annualised.get(month, Decimal(0))
        year_to_date += saved
        stars = calculate_stars(monthly_lakhs(saved), monthly_lakhs(year_to_date), rules.star_policy)
        savings = format_currency(monthly_lakhs(saved), currency)
        months.append(TrendMonth(month=str(month), savings=savings, stars=stars))
    return months
