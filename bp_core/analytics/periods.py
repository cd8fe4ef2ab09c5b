"""The months that a query selects (rules 3)."""

from dataclasses import dataclass
from datetime import date

from bp_core.analytics.schemas import MonthQuery, PeriodQuery
from bp_core.savings import SavingsRules
from bp_core.shared.calendar import Month, MonthSpan, financial_year, financial_year_of


@dataclass(frozen=True)
class Periods:
    """Returns the months that a query selects, with today as the default."""

    rules: SavingsRules
    today: date

    @property
    def this_month(self) -> Month:
        """The current month."""
        return Month.of(self.today)

    def month(self, query: MonthQuery) -> Month:
        """Return the calendar month of a query; year and month default to the current ones."""
        return Month(query.year or self.today.year, query.month or self.today.month)

    def year(self, year: int | None) -> MonthSpan:
        """Return the months of a financial year, by default of the current one."""
        starts_in = self.rules.year_starts_in
        selected = financial_year_of(self.this_month, starts_in) if year is None else year
        return financial_year(selected, starts_in)

    def period(self, query: PeriodQuery) -> MonthSpan:
        """Return the months of a query: a financial year, or one month."""
        if query.period == "yearly":
            return self.year(query.year)
        month = self.month(query)
        return MonthSpan(month, month)

    def year_to(self, month: Month) -> MonthSpan:
        """Return the year to date: from the start of the financial year of a month up to that month."""
        starts_in = self.rules.year_starts_in
        return MonthSpan(financial_year(financial_year_of(month, starts_in), starts_in).first, month)
