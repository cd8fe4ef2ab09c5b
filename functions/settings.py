"""The settings of an installation: environment variables, typed and checked once.

None has a default that would be dangerous in production; what is missing or unsafe is refused by name.
"""

import os
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from adapters.postgres.database import parameters_of
from adapters.storage_accounts import is_emulator
from bp_core.savings import SavingsRules, StarPolicy

DatabaseAuth = Literal["password", "entra"]
"""How the portal signs in to its database: as DATABASE_URL says, or with a token of its identity."""

TelemetryMode = Literal["off", "opentelemetry"]

SHORTEST_SECRET: Final = 32
"""HS256 wants a key at least as long as its hash, in bytes."""

LEAST_SECRET_CHARACTERS: Final = 8
"""A secret that repeats a few characters is a placeholder that somebody forgot to replace."""

UNRESOLVED: Final = "@Microsoft.KeyVault("
"""How a setting begins that Azure should have replaced by a secret, and could not."""

AZURE_DATABASES: Final = ".postgres.database.azure.com"
"""How the names of Azure's PostgreSQL servers end."""

ENCRYPTED: Final = frozenset({"require", "verify-ca", "verify-full"})
"""The values of `sslmode` under which nothing is ever sent in the clear."""


class SettingsError(Exception):
    """A setting is missing or unsafe; the message names it."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("is not a time zone, such as Asia/Kolkata") from error
    return name


Rate = Annotated[str, Field(pattern=r"^(off|[1-9][0-9]{0,6}/(second|minute|hour))$")]
"""How many calls are taken in what time: "100/minute"; "off" takes any number."""


class Settings(BaseModel):
    """Every setting that the portal reads; the upper-case name of a field is the environment variable's.

    A setting that another one decides about stands below it.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    database_auth: DatabaseAuth = "password"
    database_url: SecretStr
    storage_account_url: Annotated[str, Field(pattern=r"^(https://[^?#\s]+)?$")] = ""
    azurewebjobsstorage: SecretStr = Field(SecretStr(""), alias="AzureWebJobsStorage", validate_default=True)
    azure_client_id: Annotated[
        str, Field(pattern=r"^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})?$")
    ] = ""
    jwt_secret: SecretStr
    jwt_issuer: Annotated[str, Field(min_length=1)] = "amber-portal"
    jwt_audience: Annotated[str, Field(min_length=1)] = "amber-portal-api"
    bcrypt_rounds: Annotated[int, Field(ge=4, le=16)] = 10
    business_timezone: Annotated[str, AfterValidator(_known_zone)] = "Asia/Kolkata"
    fiscal_year_start_month: Annotated[int, Field(ge=1, le=12)] = 1
    star_policy: StarPolicy = "banded"
    rate_limit_sign_in: Rate = "5/minute"
    rate_limit_upload: Rate = "10/minute"
    rate_limit_general: Rate = "100/minute"
    trusted_proxies: Annotated[int, Field(ge=1, le=10)] = 1
    oidc_issuer: str = ""
    oidc_audience: str = ""
    oidc_jwks_url: Annotated[str, Field(pattern=r"^(https://.+|http://127\.0\.0\.1[:/].*)?$")] = ""
    database_pool_size: Annotated[int, Field(ge=2, le=100)] = 10
    database_pool_timeout: Annotated[float, Field(gt=0, le=30)] = 3.0
    database_prepared_statements: bool = True
    applicationinsights_connection_string: SecretStr = SecretStr("")
    otel_exporter_otlp_endpoint: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    telemetry: TelemetryMode = "off"

    @field_validator("database_url")
    @classmethod
    def _fits_how_it_signs_in(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if not value.get_secret_value().strip():
            raise ValueError("must not be empty")
        parameters = parameters_of(value.get_secret_value())
        if info.data.get("database_auth") == "entra":
            _require_fit_for_tokens(parameters)
        elif any(host.endswith(AZURE_DATABASES) for host in parameters.get("host", "").lower().split(",")):
            raise ValueError("leads to Azure, where no password is used: set DATABASE_AUTH to entra")
        return value

    @field_validator("azurewebjobsstorage")
    @classmethod
    def _leads_to_azurite(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        connection_string = value.get_secret_value().strip()
        by_identity = bool(info.data.get("storage_account_url"))
        if bool(connection_string) is by_identity:
            raise ValueError("must be set, or STORAGE_ACCOUNT_URL instead, and never both")
        if connection_string and not is_emulator(connection_string):
            raise ValueError(
                "must lead to Azurite: an account in Azure is named by STORAGE_ACCOUNT_URL, and needs no key"
            )
        return value

    @field_validator("telemetry")
    @classmethod
    def _goes_somewhere(cls, value: TelemetryMode, info: ValidationInfo) -> TelemetryMode:
        insights = info.data["applicationinsights_connection_string"].get_secret_value()
        if value != "off" and not insights and info.data.get("otel_exporter_otlp_endpoint") == "":
            raise ValueError("needs APPLICATIONINSIGHTS_CONNECTION_STRING or OTEL_EXPORTER_OTLP_ENDPOINT")
        return value

    @field_validator("jwt_secret")
    @classmethod
    def _is_safe(cls, value: SecretStr) -> SecretStr:
        secret = value.get_secret_value()
        if secret.startswith(UNRESOLVED):  # long and varied, and known to whoever guesses the vault's name
            raise ValueError(
                "is a reference that Key Vault did not answer: is the secret there, and readable?"
            )
        if len(secret.encode()) < SHORTEST_SECRET or len(set(secret)) < LEAST_SECRET_CHARACTERS:
            raise ValueError(f"must be a random text of at least {SHORTEST_SECRET} bytes")
        return value

    @model_validator(mode="after")
    def _names_an_issuer_whole(self) -> Self:
        parts = (self.oidc_issuer, self.oidc_audience, self.oidc_jwks_url)
        if any(parts) and not all(parts):
            raise ValueError("OIDC_ISSUER, OIDC_AUDIENCE and OIDC_JWKS_URL are set together or not at all")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that the business lives in."""
        return ZoneInfo(self.business_timezone)

    @property
    def savings_rules(self) -> SavingsRules:
        """What this installation chooses about savings and stars."""
        return SavingsRules(self.fiscal_year_start_month, self.star_policy)


def _require_fit_for_tokens(parameters: Mapping[str, str]) -> None:
    if "password" in parameters:
        raise ValueError("must hold no password where DATABASE_AUTH is entra")
    if not (parameters.get("user") and parameters.get("host")):
        raise ValueError("must name the user and the host where DATABASE_AUTH is entra")
    if parameters.get("sslmode") not in ENCRYPTED:  # by default libpq would send the token unencrypted, too
        raise ValueError("must have sslmode=require or better where DATABASE_AUTH is entra")


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises SettingsError naming every setting that is missing or unsafe, never its value.
    """
    given: dict[str, Any] = {}
    for field, info in Settings.model_fields.items():
        name = info.alias or field.upper()
        if name in environment:
            given[info.alias or field] = environment[name]
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        faults = (
            f"{_variable(fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        )
        raise SettingsError("The portal cannot start. " + "; ".join(faults)) from None


def blob_trigger_source() -> Literal["EventGrid", "LogsAndContainerScan"]:
    """Tell how uploads are heard of; read at import, for it is part of the trigger's declaration.

    Raises SettingsError.
    """
    source = os.environ.get("BLOB_TRIGGER_SOURCE", "LogsAndContainerScan")
    if source == "EventGrid":
        return "EventGrid"
    if source == "LogsAndContainerScan":
        return "LogsAndContainerScan"
    raise SettingsError("BLOB_TRIGGER_SOURCE: must be EventGrid or LogsAndContainerScan")


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else "settings"
    field = Settings.model_fields.get(name)
    return (field.alias or name.upper()) if field else name
