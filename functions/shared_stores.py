"""What the services of several features share in one invocation: stores over one transaction or none."""

from functools import cached_property
from typing import TYPE_CHECKING

from adapters.postgres.audit import PostgresAuditTrail
from adapters.postgres.auth import PostgresAccounts, PostgresInvites, PostgresSessions
from adapters.postgres.database import Sql
from adapters.postgres.leaderboard import PostgresLeaderboard
from adapters.postgres.notifications import PostgresNotifier
from adapters.postgres.password_resets import PostgresPasswordResets
from adapters.postgres.practices import PostgresPractices
from adapters.postgres.sign_in_failures import PostgresFailures
from bp_core.auth.passwords import PasswordVerifier
from bp_core.leaderboard import PointsUpdater
from bp_core.shared.context import Context

if TYPE_CHECKING:
    from functions.bootstrap import Portal


class SharedStores:
    """The stores that several services use, each built at its first use."""

    def __init__(self, portal: "Portal", sql: Sql, context: Context) -> None:
        self.portal = portal
        self.context = context
        self.sql = sql

    @cached_property
    def _accounts(self) -> PostgresAccounts:
        return PostgresAccounts(self.sql)

    @cached_property
    def _sessions(self) -> PostgresSessions:
        return PostgresSessions(self.sql)

    @cached_property
    def _invites(self) -> PostgresInvites:
        return PostgresInvites(self.sql)

    @cached_property
    def _resets(self) -> PostgresPasswordResets:
        return PostgresPasswordResets(self.sql)

    @cached_property
    def _passwords(self) -> PasswordVerifier:
        failures = PostgresFailures(self.sql)
        return PasswordVerifier(self._accounts, failures, self.portal.passwords, self.context)

    @cached_property
    def _practices(self) -> PostgresPractices:
        return PostgresPractices(self.sql)

    @cached_property
    def _points(self) -> PointsUpdater:
        return PointsUpdater(PostgresLeaderboard(self.sql))

    @cached_property
    def _notifier(self) -> PostgresNotifier:
        return PostgresNotifier(self.sql, self.context)

    @cached_property
    def _audit_trail(self) -> PostgresAuditTrail:
        return PostgresAuditTrail(self.sql, self.context)
