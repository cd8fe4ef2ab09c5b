"""The composition root: builds the adapters of this process once, at first use, from the settings."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial

from adapters.clock import SystemClock
from adapters.files.examiner import FileExaminer
from adapters.files.spreadsheets import OfficeSpreadsheets
from adapters.memory import limit_kept_memory
from adapters.postgres.connections import CALLS, Limits
from adapters.postgres.database import Database
from adapters.postgres.rate_limits import PostgresCounter
from adapters.rate_limits import MemoryCounter
from adapters.security.azure_identity import AzureIdentity, Identity, TokenPasswords
from adapters.security.encryption import Encryption
from adapters.security.oidc import OidcTokens
from adapters.security.passwords import BcryptPasswords
from adapters.security.tokens import JwtTokens
from adapters.storage.accounts import AccountByIdentity, AccountByKey, StorageAccount
from adapters.storage.blobs import AzureBlobs
from adapters.storage.read_only import ReadOnlyBlobs
from adapters.telemetry import NoTelemetry, Telemetry, open_telemetry
from bp_core.shared.calendar import Clock
from bp_core.shared.context import Context
from functions.edge.rate_limits import Limiter, LimitGroup, limiter
from functions.health import POOL_TIMEOUT, HealthMonitor
from functions.settings import Settings, load_settings
from functions.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Portal:
    """The adapters that all invocations in this process share."""

    settings: Settings
    clock: Clock
    database: Database
    blobs: AzureBlobs
    examiner: FileExaminer
    spreadsheets: OfficeSpreadsheets
    passwords: BcryptPasswords
    tokens: JwtTokens
    encryption: Encryption
    oidc: OidcTokens | None
    memory_counter: MemoryCounter
    telemetry: Telemetry
    health: HealthMonitor

    @cached_property
    def limiters(self) -> Mapping[LimitGroup, Limiter | None]:
        """The rate limiter of each group of endpoints; None for a group without a limit."""
        return {
            "sign_in": limiter(self.settings.rate_limit_sign_in, self._postgres_counter),
            "sign_in_client": limiter(self.settings.rate_limit_sign_in_client, lambda: self.memory_counter),
            "upload": limiter(self.settings.rate_limit_upload, self._postgres_counter),
            "general": limiter(self.settings.rate_limit_general, lambda: self.memory_counter),
            "none": None,
        }

    def _postgres_counter(self) -> PostgresCounter:
        return PostgresCounter(self.database.autocommit())

    @contextmanager
    def unit_of_work(
        self,
        *,
        transaction: bool,
        request_id: str | None = None,
        limits: Limits = CALLS,
    ) -> Iterator[UnitOfWork]:
        """Open the unit of work of one invocation: with one transaction, or in autocommit mode.

        The limits are for the statements of its transactions. Raises Unavailable if the database does not
        answer.
        """
        context = self.new_context(request_id)
        if not transaction:
            yield UnitOfWork(self, self.database.autocommit(limits), context)
            return
        with self.database.transaction(limits) as sql:
            work = UnitOfWork(self, sql, context)
            yield work
        work.finish()

    def new_context(self, request_id: str | None = None) -> Context:
        """Return the context of an invocation that starts now."""
        return Context.at(self.clock.now(), self.settings.zone, request_id)

    def close(self) -> None:
        """Close all connections, and stop the process that examines files."""
        self.examiner.close()
        self.database.close()
        self.health.close()
        self.telemetry.close()


_portal: Portal | None = None
_build_lock = threading.Lock()


def portal() -> Portal:
    """Return the portal of this process; the first call builds it.

    Raises SettingsError for a setting that is missing or unsafe.
    """
    global _portal
    if _portal is None:
        with _build_lock:
            if _portal is None:
                limit_kept_memory()
                _portal = build(load_settings(os.environ))
    return _portal


def build(
    settings: Settings,
    clock: Clock | None = None,
    identity: Identity | None = None,
    telemetry: Telemetry | None = None,
) -> Portal:
    """Build the adapters. None of them opens a connection or requests a token before it is used."""
    identity = identity or AzureIdentity(settings.azure_client_id)
    telemetry = telemetry or _telemetry(settings)
    clock = clock or SystemClock()
    database, own_of_health = _databases(settings, identity, telemetry)
    blobs = _blobs(settings, identity)
    return Portal(
        settings=settings,
        clock=clock,
        database=database,
        blobs=blobs,
        examiner=FileExaminer(keep_metadata=settings.keep_photo_metadata),
        spreadsheets=OfficeSpreadsheets(),
        passwords=BcryptPasswords(settings.bcrypt_rounds),
        tokens=JwtTokens(
            settings.jwt_secret.get_secret_value(),
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
        ),
        encryption=Encryption(settings.jwt_secret.get_secret_value(), "idempotency"),
        oidc=_oidc(settings),
        memory_counter=MemoryCounter(),
        telemetry=telemetry,
        health=HealthMonitor(
            own_of_health, database, blobs, lambda: Context.at(clock.now(), settings.zone, None)
        ),
    )


def _databases(settings: Settings, identity: Identity, telemetry: Telemetry) -> tuple[Database, Database]:
    """Return the database as calls use it, and with one connection for the health endpoints."""
    new_database = partial(
        Database,
        settings.database_url.get_secret_value(),
        password=TokenPasswords(identity) if settings.database_auth == "entra" else None,
        prepared_statements=settings.database_prepared_statements,
        telemetry=telemetry,
    )
    return (
        new_database(pool_size=settings.database_pool_size, pool_timeout=settings.database_pool_timeout),
        new_database(pool_size=1, pool_timeout=POOL_TIMEOUT),
    )


def _blobs(settings: Settings, identity: Identity) -> AzureBlobs:
    account = _storage_account(settings, identity)
    return ReadOnlyBlobs(account) if settings.restored_copy else AzureBlobs(account)


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
    """Use another portal, for example one with a test clock; None removes it."""
    global _portal
    _portal = built
