"""The one place where the adapters are built: once, lazily, from the settings."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from adapters.blobs import AzureBlobs
from adapters.clock import SystemClock
from adapters.counters import OwnCounter
from adapters.credentials import AzureIdentity, Identity, TokenPasswords
from adapters.documents import OfficeDocuments
from adapters.oidc import OidcTokens
from adapters.passwords import BcryptPasswords
from adapters.pictures import PillowPictures
from adapters.postgres import uploads
from adapters.postgres.analytics import PostgresAnalytics
from adapters.postgres.audit import PostgresAudit, PostgresTrail
from adapters.postgres.auth import PostgresAccounts, PostgresFailures, PostgresInvites, PostgresSessions
from adapters.postgres.benchmarking import PostgresBenchmarks
from adapters.postgres.categories import PostgresCategories
from adapters.postgres.copying import PostgresCopies
from adapters.postgres.dashboard import PostgresDashboard
from adapters.postgres.database import Database, Sql
from adapters.postgres.idempotency import PostgresIdempotency
from adapters.postgres.jobs import PostgresJobs
from adapters.postgres.leaderboard import PostgresLeaderboard
from adapters.postgres.limits import SharedCounter
from adapters.postgres.notifications import PostgresNotifications, PostgresNotifier
from adapters.postgres.plants import PostgresPlants
from adapters.postgres.practices import PostgresPractices
from adapters.postgres.questions import PostgresQuestions
from adapters.postgres.reviews import PostgresReviews
from adapters.postgres.savings import PostgresSavings
from adapters.postgres.uploads import PostgresUploads
from adapters.postgres.users import PostgresUsers
from adapters.sealing import Seal
from adapters.storage_accounts import AccountByIdentity, AccountByKey, StorageAccount
from adapters.telemetry import NoTelemetry, Telemetry, open_telemetry
from adapters.tokens import JwtTokens
from bp_core.auth.sessions import Door
from bp_core.benchmarking import Benchmarking
from bp_core.copying import Copying
from bp_core.leaderboard import Points
from bp_core.notifications import NotificationLedger
from bp_core.practices.auditing import Ledgers, PracticeTrail
from bp_core.practices.life import Whereabouts
from bp_core.practices.models import StoredDocument, StoredImage
from bp_core.savings import SavingsLedger, SavingsRules
from bp_core.shared.access import Caller
from bp_core.shared.calendar import Clock, Moment
from bp_core.uploads.kinds import DOCUMENTS, IMAGES
from bp_core.uploads.recording import Recorder
from functions.access import Leads
from functions.limits import Limiter, LimitGroup, limiter
from functions.settings import Settings, load_settings


@dataclass(frozen=True)
class Portal:
    """The portal's adapters, shared by every invocation of this process."""

    settings: Settings
    clock: Clock
    database: Database
    blobs: AzureBlobs
    pictures: PillowPictures
    documents: OfficeDocuments
    passwords: BcryptPasswords
    tokens: JwtTokens
    seal: Seal
    oidc: OidcTokens | None
    own_counter: OwnCounter
    telemetry: Telemetry

    @cached_property
    def limiters(self) -> Mapping[LimitGroup, Limiter | None]:
        """What counts each group of calls; None where they are not counted."""
        return {
            "sign_in": limiter(self.settings.rate_limit_sign_in, self._shared_counter),
            "upload": limiter(self.settings.rate_limit_upload, self._shared_counter),
            "general": limiter(self.settings.rate_limit_general, lambda: self.own_counter),
            "none": None,
        }

    def _shared_counter(self) -> SharedCounter:
        return SharedCounter(self.database.autocommit())

    @contextmanager
    def unit(self, *, transaction: bool, request_id: str | None = None) -> Iterator["Unit"]:
        """Do one invocation's work: in one transaction, or a statement at a time.

        Raises Unavailable where the database is away.
        """
        moment = Moment.of(self.clock.now(), self.settings.zone)
        if not transaction:
            yield Unit(self, self.database.autocommit(), moment, request_id)
            return
        with self.database.transaction() as sql:
            yield Unit(self, sql, moment, request_id)

    def close(self) -> None:
        """Let go of every connection."""
        self.database.close()
        self.telemetry.close()


class Unit:
    """One invocation's work: the moment that it counts as, and the stores, all in one transaction or none.

    `caller` is set once it is known; what is kept in the audit trail from then on is kept as theirs.
    """

    def __init__(self, portal: Portal, sql: Sql, moment: Moment, request_id: str | None) -> None:
        self.portal = portal
        self.sql = sql
        self.moment = moment
        self.caller: Caller | None = None
        self._request_id = request_id

    @property
    def rules(self) -> SavingsRules:
        """What this installation chooses about savings and stars."""
        return self.portal.settings.savings_rules

    @cached_property
    def accounts(self) -> PostgresAccounts:
        """The accounts that people sign in to."""
        return PostgresAccounts(self.sql)

    @cached_property
    def sessions(self) -> PostgresSessions:
        """The sessions that people have open."""
        return PostgresSessions(self.sql)

    @cached_property
    def invites(self) -> PostgresInvites:
        """The invites."""
        return PostgresInvites(self.sql)

    @cached_property
    def door(self) -> Door:
        """Lets people in."""
        return Door(
            accounts=self.accounts,
            sessions=self.sessions,
            failures=PostgresFailures(self.sql),
            passwords=self.portal.passwords,
            mint=self.portal.tokens,
            trail=self.trail,
        )

    @cached_property
    def trail(self) -> PostgresTrail:
        """The audit trail of this invocation."""
        return PostgresTrail(
            self.sql,
            at=self.moment.at,
            by=self._caller_id,
            request_id=self._request_id,
        )

    @cached_property
    def audit(self) -> PostgresAudit:
        """The whole audit trail, to look into."""
        return PostgresAudit(self.sql)

    @cached_property
    def first_answers(self) -> PostgresIdempotency:
        """The first answers to calls that may come again."""
        return PostgresIdempotency(self.sql)

    @cached_property
    def users(self) -> PostgresUsers:
        """The people who have accounts."""
        return PostgresUsers(self.sql)

    @cached_property
    def plants(self) -> PostgresPlants:
        """The plants."""
        return PostgresPlants(self.sql)

    @cached_property
    def categories(self) -> PostgresCategories:
        """The categories."""
        return PostgresCategories(self.sql)

    @cached_property
    def practices(self) -> PostgresPractices:
        """The best practices."""
        return PostgresPractices(self.sql)

    @cached_property
    def reviews(self) -> PostgresReviews:
        """What was decided about practices."""
        return PostgresReviews(self.sql)

    @cached_property
    def image_recorder(self) -> Recorder[StoredImage]:
        """Records photographs."""
        pictures = self.portal.pictures
        store = PostgresUploads(self.sql, uploads.IMAGES)
        return Recorder(IMAGES, store, self.portal.blobs, pictures, pictures, self.trail, self.notifier)

    @cached_property
    def document_recorder(self) -> Recorder[StoredDocument]:
        """Records documents."""
        store = PostgresUploads(self.sql, uploads.DOCUMENTS)
        return Recorder(
            DOCUMENTS, store, self.portal.blobs, self.portal.documents, None, self.trail, self.notifier
        )

    @cached_property
    def benchmarks(self) -> PostgresBenchmarks:
        """What is benchmarked."""
        return PostgresBenchmarks(self.sql)

    @cached_property
    def benchmarking(self) -> Benchmarking:
        """Gives benchmarks and takes them away."""
        return Benchmarking(
            self.benchmarks, self.practices, self.points, self.ledger, self.notifier, self.trail
        )

    @cached_property
    def copies(self) -> PostgresCopies:
        """Who has copied what."""
        return PostgresCopies(self.sql)

    @cached_property
    def copying(self) -> Copying:
        """Copies practices and follows their implementation."""
        return Copying(self.copies, self.practices, self.points, self.ledger, self.notifier, self.trail)

    @cached_property
    def leaderboard(self) -> PostgresLeaderboard:
        """The points of the plants."""
        return PostgresLeaderboard(self.sql)

    @cached_property
    def points(self) -> Points:
        """Keeps the points true while what they are earned with changes."""
        return Points(self.leaderboard)

    @cached_property
    def questions(self) -> PostgresQuestions:
        """The questions about practices."""
        return PostgresQuestions(self.sql)

    @cached_property
    def notifications(self) -> PostgresNotifications:
        """What people were told."""
        return PostgresNotifications(self.sql)

    @cached_property
    def notifier(self) -> PostgresNotifier:
        """Tells people what concerns them, but not the caller."""
        return PostgresNotifier(self.sql, at=self.moment.at, by=self._caller_id)

    def whereabouts(self, leads: Leads, thing_id: UUID) -> Whereabouts | None:
        """Find what decides who sees and writes a practice, by an id that leads to it."""
        return (self.practices if leads == "practice_id" else self.questions).whereabouts(thing_id)

    @cached_property
    def savings(self) -> PostgresSavings:
        """The plants' months."""
        return PostgresSavings(self.sql)

    @cached_property
    def ledger(self) -> Ledgers:
        """Keeps the audit trail and the plants' months true when a practice changes, and tells its plant."""
        return Ledgers(
            (
                PracticeTrail(self.trail),
                SavingsLedger(self.savings, self.rules),
                NotificationLedger(self.notifier),
            )
        )

    @cached_property
    def analytics(self) -> PostgresAnalytics:
        """Figures."""
        return PostgresAnalytics(self.sql)

    @cached_property
    def dashboard(self) -> PostgresDashboard:
        """What a dashboard shows."""
        return PostgresDashboard(self.sql)

    @cached_property
    def jobs(self) -> PostgresJobs:
        """Runs of jobs."""
        return PostgresJobs(self.sql)

    def _caller_id(self) -> UUID | None:
        return self.caller.user_id if self.caller else None


_portal: Portal | None = None
_building = threading.Lock()


def portal() -> Portal:
    """Give the portal of this process, built at the first call.

    Raises SettingsError naming a setting that is missing or unsafe.
    """
    global _portal
    if _portal is None:
        with _building:
            if _portal is None:
                _portal = build(load_settings(os.environ))
    return _portal


def build(
    settings: Settings,
    clock: Clock | None = None,
    identity: Identity | None = None,
    telemetry: Telemetry | None = None,
) -> Portal:
    """Build the adapters; none of them opens a connection yet, or asks for a token."""
    identity = identity or AzureIdentity(settings.azure_client_id)
    telemetry = telemetry or _telemetry(settings)
    return Portal(
        settings=settings,
        clock=clock or SystemClock(),
        database=Database(
            settings.database_url.get_secret_value(),
            password=TokenPasswords(identity) if settings.database_auth == "entra" else None,
            pool_size=settings.database_pool_size,
            pool_timeout=settings.database_pool_timeout,
            prepared_statements=settings.database_prepared_statements,
            telemetry=telemetry,
        ),
        blobs=AzureBlobs(_storage_account(settings, identity)),
        pictures=PillowPictures(),
        documents=OfficeDocuments(),
        passwords=BcryptPasswords(settings.bcrypt_rounds),
        tokens=JwtTokens(
            settings.jwt_secret.get_secret_value(),
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
        ),
        seal=Seal(settings.jwt_secret.get_secret_value(), "first answers"),
        oidc=_oidc(settings),
        own_counter=OwnCounter(),
        telemetry=telemetry,
    )


def _storage_account(settings: Settings, identity: Identity) -> StorageAccount:
    if settings.storage_account_url:
        return AccountByIdentity(settings.storage_account_url, identity)
    return AccountByKey(settings.azurewebjobsstorage.get_secret_value())


def _telemetry(settings: Settings) -> Telemetry:
    if settings.telemetry == "off":
        return NoTelemetry()
    insights = settings.applicationinsights_connection_string.get_secret_value()
    return open_telemetry(insights, settings.otel_exporter_otlp_endpoint)


def _oidc(settings: Settings) -> OidcTokens | None:
    if not settings.oidc_issuer:
        return None
    return OidcTokens(
        issuer=settings.oidc_issuer, audience=settings.oidc_audience, jwks_url=settings.oidc_jwks_url
    )


def install(built: Portal | None) -> None:
    """Make a portal that was built elsewhere, with another clock, say, this process's; None forgets it."""
    global _portal
    _portal = built
