"""The settings: environment variables, read and validated once.

No default is unsafe in production. A setting that is missing or unsafe stops the start with an error.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from typing_extensions import override

from adapters.postgres.connections import CALLS, Limits, parameters_of
from adapters.postgres.tls import VERIFIED, is_in_azure, is_local
from adapters.storage.accounts import is_emulator
from bp_core.reviews.inbox import ReviewRules
from bp_core.savings import SavingsRules, StarPolicy

DatabaseAuth = Literal["password", "entra"]
"""How the portal authenticates to the database: with the password in DATABASE_URL, or an Entra token."""

TelemetryMode = Literal["off", "opentelemetry"]

MIN_SECRET_BYTES: Final = 32
"""HS256 needs a key at least as long as its hash."""

MIN_SECRET_CHARACTERS: Final = 8
"""A secret with fewer different characters is probably a placeholder."""

UNRESOLVED: Final = "@Microsoft.KeyVault("
"""The start of a Key Vault reference that Azure could not resolve."""


class SettingsError(Exception):
    """A setting is missing or unsafe; the message names it."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("is not a time zone, such as Asia/Kolkata") from error
    return name


Rate = Annotated[
    str,
    Field(
        pattern=r"^(off|[1-9][0-9]{0,6}/(second|minute|hour))$",
        description="a number per second, minute or hour, such as 100/minute; or off",
    ),
]
"""A rate limit, for example "100/minute"; "off" for no limit."""


class Settings(BaseSettings):
    """All settings; the environment variable has the name of the field in upper case.

    A field must be below the fields that its validator reads.
    """

    model_config = SettingsConfigDict(
        alias_generator=str.upper, case_sensitive=True, frozen=True, hide_input_in_errors=True
    )

    database_auth: DatabaseAuth = "password"
    storage_account_url: Annotated[
        str, Field(pattern=r"^(https://[^?#\s]+)?$", description="an address with https://")
    ] = ""
    database_url: SecretStr
    azurewebjobsstorage: SecretStr = Field(SecretStr(""), alias="AzureWebJobsStorage", validate_default=True)
    azure_client_id: Annotated[
        str,
        Field(
            pattern=r"^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})?$",
            description="a client id (GUID)",
        ),
    ] = ""
    jwt_secret: SecretStr
    jwt_issuer: Annotated[str, Field(min_length=1)] = "amber-portal"
    jwt_audience: Annotated[str, Field(min_length=1)] = "amber-portal-api"
    bcrypt_rounds: Annotated[int, Field(ge=4, le=16)] = 10
    business_timezone: Annotated[str, AfterValidator(_known_zone)] = "Asia/Kolkata"
    fiscal_year_start_month: Annotated[int, Field(ge=1, le=12)] = 1
    star_policy: StarPolicy = "banded"
    review_due_working_days: Annotated[int, Field(ge=1, le=60)] = 5
    rate_limit_sign_in: Rate = "5/minute"
    rate_limit_sign_in_client: Rate = "100/minute"
    rate_limit_upload: Rate = "10/minute"
    rate_limit_general: Rate = "300/minute"
    keep_photo_metadata: bool = False
    restored_copy: bool = False
    trusted_proxies: Annotated[int, Field(ge=1, le=10)] = 1
    web_app_url: Annotated[
        str,
        Field(
            pattern=r"^(https://[^?#\s]+|http://(localhost|127\.0\.0\.1)(:[0-9]+)?(/[^?#\s]*)?)?$",
            description="an address with https://, or with http:// of this machine",
        ),
    ] = ""
    oidc_issuer: str = ""
    oidc_audience: str = ""
    oidc_jwks_url: Annotated[
        str,
        Field(pattern=r"^(https://.+|http://127\.0\.0\.1[:/].*)?$", description="an address with https://"),
    ] = ""
    database_pool_size: Annotated[int, Field(ge=2, le=100)] = 10
    database_pool_timeout: Annotated[float, Field(gt=0, le=30)] = 3.0
    database_prepared_statements: bool = True
    expensive_statement_timeout: Annotated[int, Field(ge=1, le=240)] = 60
    applicationinsights_connection_string: SecretStr = SecretStr("")
    otel_exporter_otlp_endpoint: Annotated[
        str, Field(pattern=r"^(https?://\S+)?$", description="an address with https:// or http://")
    ] = ""
    telemetry: TelemetryMode = "off"

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # `load_settings` reads the environment that it is given, and no other

    @field_validator("database_url")
    @classmethod
    def _fits_authentication(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if not value.get_secret_value().strip():
            raise ValueError("must not be empty")
        parameters = parameters_of(value.get_secret_value())
        if info.data.get("database_auth") == "entra":
            _require_fit_for_tokens(parameters)
        elif is_in_azure(parameters):
            raise ValueError("is a server in Azure, which accepts no passwords: set DATABASE_AUTH to entra")
        elif info.data.get("storage_account_url"):  # so the portal runs in Azure
            _require_verified(parameters)
        return value

    @field_validator("azurewebjobsstorage")
    @classmethod
    def _is_azurite(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        connection_string = value.get_secret_value().strip()
        by_identity = bool(info.data.get("storage_account_url"))
        if bool(connection_string) is by_identity:
            raise ValueError("must be set, or STORAGE_ACCOUNT_URL instead, but not both")
        if connection_string and not is_emulator(connection_string):
            raise ValueError(
                "must be a connection string of Azurite; for an account in Azure, set STORAGE_ACCOUNT_URL"
            )
        return value

    @field_validator("telemetry")
    @classmethod
    def _has_an_exporter(cls, value: TelemetryMode, info: ValidationInfo) -> TelemetryMode:
        insights = info.data["applicationinsights_connection_string"].get_secret_value()
        if value != "off" and not insights and info.data.get("otel_exporter_otlp_endpoint") == "":
            raise ValueError("needs APPLICATIONINSIGHTS_CONNECTION_STRING or OTEL_EXPORTER_OTLP_ENDPOINT")
        return value

    @field_validator("jwt_secret")
    @classmethod
    def _is_safe(cls, value: SecretStr) -> SecretStr:
        secret = value.get_secret_value()
        if secret.startswith(UNRESOLVED):  # long and varied, but easy to guess
            raise ValueError(
                "is a Key Vault reference that was not resolved: check that the secret exists and is readable"
            )
        if len(secret.encode()) < MIN_SECRET_BYTES or len(set(secret)) < MIN_SECRET_CHARACTERS:
            raise ValueError(f"must be a random text of at least {MIN_SECRET_BYTES} bytes")
        return value

    @model_validator(mode="after")
    def _issuer_is_complete(self) -> Self:
        parts = (self.oidc_issuer, self.oidc_audience, self.oidc_jwks_url)
        if any(parts) and not all(parts):
            raise ValueError("OIDC_ISSUER, OIDC_AUDIENCE and OIDC_JWKS_URL must be set together")
        return self

    @property
    def expensive_limits(self) -> Limits:
        """How long a statement of an expensive call may take."""
        return replace(CALLS, statement=timedelta(seconds=self.expensive_statement_timeout))

    @property
    def zone(self) -> ZoneInfo:
        """The business time zone."""
        return ZoneInfo(self.business_timezone)

    @property
    def savings_rules(self) -> SavingsRules:
        """The settings of savings and stars."""
        return SavingsRules(self.fiscal_year_start_month, self.star_policy)

    @property
    def review_rules(self) -> ReviewRules:
        """The settings of reviews."""
        return ReviewRules(self.review_due_working_days, self.zone)


def _require_fit_for_tokens(parameters: Mapping[str, str]) -> None:
    if "password" in parameters:
        raise ValueError("must not contain a password if DATABASE_AUTH is entra")
    if not (parameters.get("user") and parameters.get("host")):
        raise ValueError("must contain the user and the host if DATABASE_AUTH is entra")
    _require_verified(parameters)


def _require_verified(parameters: Mapping[str, str]) -> None:
    """With less, another server could pretend to be the database, and get the password or token."""
    if parameters.get("sslmode") != VERIFIED and not is_local(parameters):
        raise ValueError(f"must contain sslmode={VERIFIED}, unless the database is on this machine")


class _Environment(EnvSettingsSource):
    """Reads the settings from a given environment instead of that of the process."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        super().__init__(Settings)

    @override
    def _load_env_vars(self) -> Mapping[str, str]:
        return self._environment


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Load and check the settings.

    Raises SettingsError with the name of every setting that is missing or unsafe, never with its value.
    """
    try:
        return Settings.model_validate(_Environment(environment)())
    except ValidationError as error:
        messages = (f"{_variable(one['loc'])}: {_message(one)}" for one in error.errors())
        raise SettingsError("The portal cannot start. " + "; ".join(messages)) from None


def blob_trigger_source() -> Literal["EventGrid", "LogsAndContainerScan"]:
    """Return the source of the blob triggers; read at import, as a part of their declaration.

    Raises SettingsError.
    """
    source = os.environ.get("BLOB_TRIGGER_SOURCE", "LogsAndContainerScan")
    if source == "EventGrid":
        return "EventGrid"
    if source == "LogsAndContainerScan":
        return "LogsAndContainerScan"
    raise SettingsError("BLOB_TRIGGER_SOURCE: must be EventGrid or LogsAndContainerScan")


def _message(error: ErrorDetails) -> str:
    """What is wrong. A pattern is explained in words."""
    if error["type"] != "string_pattern_mismatch":
        return error["msg"].removeprefix("Value error, ")
    [field] = [one for name, one in Settings.model_fields.items() if error["loc"][0] in (name, one.alias)]
    return f"must be {field.description}"


def _variable(location: tuple[int | str, ...]) -> str:
    """Return the environment variable of an error; for a default value, pydantic reports the field name."""
    name = str(location[0]) if location else "settings"
    field = Settings.model_fields.get(name)
    return (field and field.alias) or name
