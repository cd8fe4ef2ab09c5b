"""What the steps of the tour share."""

from dataclasses import dataclass

from bp_core.savings import SavingsRules
from local.data_directory import Account
from local.tour.client import Connection
from local.tour.report import Report


@dataclass(frozen=True)
class Accounts:
    """The accounts that the tour signs in with. Without `other_plant` it skips two steps."""

    plant: Account
    headquarters: Account
    other_plant: Account | None


@dataclass(frozen=True)
class Tour:
    """The output of the tour, the portal, its accounts, and its rules for savings and stars."""

    report: Report
    portal: Connection
    accounts: Accounts
    rules: SavingsRules
