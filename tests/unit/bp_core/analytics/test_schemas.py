import pytest
from pydantic import ValidationError

from bp_core.analytics.schemas import SavingsMonthQuery


@pytest.mark.parametrize(
    "sent", [{"month": 0}, {"month": 13}, {"year": 1999}, {"year": 2101}, {"currency": "dollars"}]
)
def test_unknown_months_years_and_currencies_are_refused(sent: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SavingsMonthQuery.model_validate(sent)
