from collections.abc import Mapping

import pytest

from bp_core.savings import SavingsRules
from functions.settings import SettingsError, blob_trigger_source, load_settings

SECRET = "0123456789abcdef0123456789abcdef"
GOOD: Mapping[str, str] = {
    "DATABASE_URL": "postgresql://portal:pepper@db/portal",
    "AzureWebJobsStorage": "AccountName=devstoreaccount1;AccountKey=cGVwcGVy",
    "JWT_SECRET": SECRET,
}
IN_AZURE: Mapping[str, str] = {
    "DATABASE_AUTH": "entra",
    "DATABASE_URL": "postgresql://portal@amber.postgres.database.azure.com/portal?sslmode=verify-full",
    "STORAGE_ACCOUNT_URL": "https://amber.blob.core.windows.net",
    "AZURE_CLIENT_ID": "7c0b2d3e-1a4f-4b5c-8d6e-9f0a1b2c3d4e",
    "JWT_SECRET": SECRET,
}


def refusal_of(**changes: str) -> str:
    with pytest.raises(SettingsError) as refusal:
        load_settings({**GOOD, **changes})
    return str(refusal.value)


def test_three_settings_are_enough() -> None:
    settings = load_settings(GOOD)

    assert settings.database_url.get_secret_value() == GOOD["DATABASE_URL"]
    assert settings.azurewebjobsstorage.get_secret_value() == GOOD["AzureWebJobsStorage"]
    assert settings.jwt_secret.get_secret_value() == SECRET


def test_what_is_not_set_is_as_the_rules_say() -> None:
    settings = load_settings(GOOD)

    assert settings.bcrypt_rounds == 10
    assert settings.zone.key == "Asia/Kolkata"
    assert settings.savings_rules == SavingsRules(year_starts_in=1, star_policy="banded")


def test_an_installation_chooses_its_year_its_policy_and_its_zone() -> None:
    chosen = {
        "FISCAL_YEAR_START_MONTH": "4",
        "STAR_POLICY": "threshold",
        "BUSINESS_TIMEZONE": "Europe/Berlin",
        "DATABASE_PREPARED_STATEMENTS": "false",
    }

    settings = load_settings({**GOOD, **chosen})

    assert settings.savings_rules == SavingsRules(year_starts_in=4, star_policy="threshold")
    assert settings.zone.key == "Europe/Berlin"
    assert settings.database_prepared_statements is False


@pytest.mark.parametrize(
    ("name", "value", "explained"),
    [
        ("BCRYPT_ROUNDS", "ten", "Input should be a valid integer, unable to parse string as an integer"),
        (
            "DATABASE_POOL_TIMEOUT",
            "long",
            "Input should be a valid number, unable to parse string as a number",
        ),
        ("KEEP_PHOTO_METADATA", "perhaps", "Input should be a valid boolean, unable to interpret input"),
        (
            "RATE_LIMIT_GENERAL",
            "many",
            "must be a number per second, minute or hour, such as 100/minute; or off",
        ),
        ("WEB_APP_URL", "nowhere", "must be an address with https://, or with http:// of this machine"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "nowhere", "must be an address with https:// or http://"),
        ("OIDC_JWKS_URL", "nowhere", "must be an address with https://"),
        ("STORAGE_ACCOUNT_URL", "nowhere", "must be an address with https://"),
        ("AZURE_CLIENT_ID", "me", "must be a client id (GUID)"),
    ],
)
def test_a_wrong_value_is_explained_in_words(name: str, value: str, explained: str) -> None:
    assert f" {name}: {explained}" in refusal_of(**{name: value})


def test_other_variables_of_the_environment_do_not_matter() -> None:
    assert load_settings({**GOOD, "PATH": "/bin", "database_url": "x"}) == load_settings(GOOD)


def test_only_the_given_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_ISSUER", "of-the-process")
    monkeypatch.setenv("BUSINESS_TIMEZONE", "Mars/Olympus")

    settings = load_settings(GOOD)

    assert settings.jwt_issuer == "amber-portal"
    assert settings.zone.key == "Asia/Kolkata"


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load_settings({known: value for known, value in GOOD.items() if known != name})


def test_everything_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings({})

    assert all(name in str(refusal.value) for name in GOOD)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "   "),
        ("AzureWebJobsStorage", ""),
        ("DATABASE_AUTH", "certificate"),
        ("DATABASE_URL", "db.amber.example"),
        ("STORAGE_ACCOUNT_URL", "http://amber.blob.core.windows.net"),
        ("STORAGE_ACCOUNT_URL", "https://amber.blob.core.windows.net/?sv=2026&sig=abc"),
        ("AZURE_CLIENT_ID", "portal"),
        ("TELEMETRY", "on"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("JWT_SECRET", ""),
        ("JWT_SECRET", "short-but-sweet-0123456789abcde"),
        ("JWT_SECRET", "changeme" * 8),
        ("JWT_SECRET", "x" * 64),
        ("JWT_ISSUER", ""),
        ("JWT_AUDIENCE", ""),
        ("BCRYPT_ROUNDS", "3"),
        ("BCRYPT_ROUNDS", "17"),
        ("BCRYPT_ROUNDS", "ten-ish"),
        ("BUSINESS_TIMEZONE", "Asia/Atlantis"),
        ("BUSINESS_TIMEZONE", "../../etc/passwd"),
        ("BUSINESS_TIMEZONE", ""),
        ("FISCAL_YEAR_START_MONTH", "0"),
        ("FISCAL_YEAR_START_MONTH", "13"),
        ("STAR_POLICY", "generous-policy"),
        ("DATABASE_POOL_SIZE", "1"),
        ("DATABASE_POOL_SIZE", "101"),
        ("DATABASE_POOL_TIMEOUT", "0"),
        ("DATABASE_POOL_TIMEOUT", "31"),
        ("DATABASE_POOL_TIMEOUT", "nan"),
        ("DATABASE_PREPARED_STATEMENTS", "perhaps"),
        ("RATE_LIMIT_SIGN_IN", ""),
        ("RATE_LIMIT_SIGN_IN", "5"),
        ("RATE_LIMIT_SIGN_IN", "5/day"),
        ("RATE_LIMIT_UPLOAD", "0/minute"),
        ("RATE_LIMIT_UPLOAD", "-1/minute"),
        ("RATE_LIMIT_UPLOAD", "10 / minute"),
        ("RATE_LIMIT_GENERAL", "OFF"),
        ("RATE_LIMIT_GENERAL", "100/minute\n"),
        ("RATE_LIMIT_GENERAL", "99999999/second"),
        ("TRUSTED_PROXIES", "0"),
        ("TRUSTED_PROXIES", "11"),
        ("TRUSTED_PROXIES", "all"),
        ("OIDC_JWKS_URL", "http://issuer.example/keys"),
        ("OIDC_JWKS_URL", "http://127.0.0.1.example/keys"),
        ("OIDC_JWKS_URL", "file:///etc/passwd"),
    ],
)
def test_an_unsafe_setting_is_named_and_only_that_one(name: str, value: str) -> None:
    message = refusal_of(**{name: value})

    assert name in message
    assert not any(other in message for other in GOOD if other != name)


def test_in_azure_the_portal_signs_in_by_its_identity_and_holds_no_key() -> None:
    settings = load_settings(IN_AZURE)

    assert settings.database_auth == "entra"
    assert settings.storage_account_url == IN_AZURE["STORAGE_ACCOUNT_URL"]
    assert settings.azurewebjobsstorage.get_secret_value() == ""
    assert settings.azure_client_id == IN_AZURE["AZURE_CLIENT_ID"]


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("postgresql://portal:pepper@amber.example/portal?sslmode=require", "not contain a password"),
        (
            "postgresql://portal@amber.example/portal?sslmode=require&password=pepper",
            "not contain a password",
        ),
        ("postgresql://amber.example/portal?sslmode=require", "the user and the host"),
        ("postgresql://portal@/portal?sslmode=require", "the user and the host"),
        ("postgresql://portal@amber.example/portal", "sslmode=verify-full"),
        ("postgresql://portal@amber.example/portal?sslmode=prefer", "sslmode=verify-full"),
        ("postgresql://portal@amber.example/portal?sslmode=require", "sslmode=verify-full"),
        ("postgresql://portal@amber.example/portal?sslmode=verify-ca", "sslmode=verify-full"),
        ("postgresql://portal@127.0.0.1,amber.example/portal?sslmode=require", "sslmode=verify-full"),
        ("postgresql://portal@localhost/portal?hostaddr=10.0.0.4&sslmode=require", "sslmode=verify-full"),
        ("postgresql://portal@127.0.0.1.example/portal?sslmode=require", "sslmode=verify-full"),
    ],
)
def test_a_database_by_token_is_named_without_a_password_and_its_server_is_verified(
    url: str, fault: str
) -> None:
    with pytest.raises(
        SettingsError, match=f"^The portal cannot start. DATABASE_URL: must .*{fault}"
    ) as refusal:
        load_settings({**IN_AZURE, "DATABASE_URL": url})
    assert "pepper" not in str(refusal.value)


def test_a_password_also_goes_to_a_verified_server_only_if_the_portal_runs_in_azure() -> None:
    in_azure = {
        **IN_AZURE,
        "DATABASE_AUTH": "password",
        "DATABASE_URL": "postgresql://portal:pepper@db/portal?sslmode=require",
    }

    with pytest.raises(SettingsError, match=r"DATABASE_URL: must contain sslmode=verify-full") as refusal:
        load_settings(in_azure)
    assert "pepper" not in str(refusal.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "%2Fvar%2Frun%2Fpostgresql"])
def test_a_database_on_the_same_machine_needs_no_certificate(host: str) -> None:
    url = f"postgresql://portal@{host}/portal"

    assert load_settings({**IN_AZURE, "DATABASE_URL": url}).database_url.get_secret_value() == url


@pytest.mark.parametrize(
    "host", ["amber.postgres.database.azure.com", "db,Amber.Postgres.Database.Azure.com"]
)
def test_a_password_is_for_databases_outside_azure(host: str) -> None:
    assert "DATABASE_URL: is a server in Azure" in refusal_of(
        DATABASE_URL=f"postgresql://portal:pepper@{host}/portal"
    )


@pytest.mark.parametrize(
    "connection_string",
    [
        "UseDevelopmentStorage=true",
        "AccountName=devstoreaccount1;AccountKey=cGVwcGVy;BlobEndpoint=http://azurite:10000/devstoreaccount1",
        "AccountName=amber;AccountKey=cGVwcGVy;BlobEndpoint=http://127.0.0.1:10000/amber;",
        "accountname=amber; accountkey=cGVwcGVy; blobendpoint=https://localhost:10000/amber",
        "AccountName=amber;AccountKey=cGVwcGVy;BlobEndpoint=http://[::1]:10000/amber",
    ],
)
def test_account_keys_are_taken_for_azurite(connection_string: str) -> None:
    settings = load_settings({**GOOD, "AzureWebJobsStorage": connection_string})

    assert settings.azurewebjobsstorage.get_secret_value() == connection_string


@pytest.mark.parametrize(
    "connection_string",
    [
        "AccountName=amber;AccountKey=pepper;EndpointSuffix=core.windows.net",
        "AccountName=amber;AccountKey=pepper;BlobEndpoint=https://amber.blob.core.windows.net",
        "AccountName=amber;AccountKey=pepper;BlobEndpoint=https://127.0.0.1.amber.example",
        "BlobEndpoint=https://amber.blob.core.windows.net;SharedAccessSignature=sig=pepper",
        "pepper",
    ],
)
def test_account_keys_are_taken_for_nothing_else(connection_string: str) -> None:
    message = refusal_of(AzureWebJobsStorage=connection_string)

    assert "AzureWebJobsStorage: must be a connection string of Azurite" in message
    assert "pepper" not in message


def test_the_storage_is_named_once() -> None:
    account = "https://amber.blob.core.windows.net"

    assert "AzureWebJobsStorage: must be set, or STORAGE_ACCOUNT_URL" in refusal_of(
        STORAGE_ACCOUNT_URL=account
    )


def test_telemetry_is_off_unless_asked_for_and_then_goes_somewhere() -> None:
    assert load_settings(GOOD).telemetry == "off"
    assert "TELEMETRY: needs APPLICATIONINSIGHTS_CONNECTION_STRING" in refusal_of(TELEMETRY="opentelemetry")
    for name, value in (
        ("APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey=pepper"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"),
    ):
        settings = load_settings({**GOOD, "TELEMETRY": "opentelemetry", name: value})
        assert settings.telemetry == "opentelemetry"
        assert "pepper" not in repr(settings)


def test_calls_are_limited_where_nothing_is_said() -> None:
    settings = load_settings(GOOD)

    assert settings.rate_limit_sign_in == "5/minute"
    assert settings.rate_limit_sign_in_client == "100/minute"
    assert settings.rate_limit_upload == "10/minute"
    assert settings.rate_limit_general == "300/minute"
    assert settings.trusted_proxies == 1


@pytest.mark.parametrize("rate", ["off", "1/second", "5/minute", "9999999/hour"])
def test_a_rate_is_a_number_of_calls_in_a_time_or_off(rate: str) -> None:
    assert load_settings({**GOOD, "RATE_LIMIT_GENERAL": rate}).rate_limit_general == rate


@pytest.mark.parametrize("keys", ["https://issuer.example/keys", "http://127.0.0.1:8080/keys"])
def test_an_outside_issuer_is_named_by_three_settings(keys: str) -> None:
    issuer = {"OIDC_ISSUER": "https://issuer.example", "OIDC_AUDIENCE": "portal", "OIDC_JWKS_URL": keys}

    settings = load_settings({**GOOD, **issuer})

    assert (settings.oidc_issuer, settings.oidc_audience, settings.oidc_jwks_url) == tuple(issuer.values())


@pytest.mark.parametrize(
    "part", [("OIDC_ISSUER", "https://a"), ("OIDC_AUDIENCE", "portal"), ("OIDC_JWKS_URL", "https://a/keys")]
)
def test_half_an_outside_issuer_is_refused_and_all_three_settings_named(part: tuple[str, str]) -> None:
    message = refusal_of(**dict([part]))

    assert all(name in message for name in ("OIDC_ISSUER", "OIDC_AUDIENCE", "OIDC_JWKS_URL"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_SECRET", "pepperpepperpepperpepperpepperpepper"),
        ("BCRYPT_ROUNDS", "pepper"),
        ("BUSINESS_TIMEZONE", "Asia/pepper"),
        ("STAR_POLICY", "pepper"),
        ("DATABASE_POOL_TIMEOUT", "pepper"),
        ("RATE_LIMIT_GENERAL", "pepper"),
        ("OIDC_AUDIENCE", "pepper"),
    ],
)
def test_the_value_of_a_setting_is_never_told(name: str, value: str) -> None:
    assert "pepper" not in refusal_of(**{name: value})


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    printed = repr(load_settings(GOOD))

    assert "pepper" not in printed
    assert "cGVwcGVy" not in printed
    assert SECRET not in printed


def test_a_secret_that_the_vault_did_not_give_is_none() -> None:
    reference = "@Microsoft.KeyVault(SecretUri=https://kv-1.vault.azure.net/secrets/jwt-secret)"

    assert "JWT_SECRET: is a Key Vault reference that was not resolved" in refusal_of(JWT_SECRET=reference)


@pytest.mark.parametrize("source", ["EventGrid", "LogsAndContainerScan"])
def test_uploads_are_heard_of_by_events_or_by_polling(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLOB_TRIGGER_SOURCE", source)

    assert blob_trigger_source() == source


def test_uploads_are_polled_for_where_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BLOB_TRIGGER_SOURCE", raising=False)

    assert blob_trigger_source() == "LogsAndContainerScan"


@pytest.mark.parametrize("source", ["", "eventgrid", "pigeons"])
def test_there_is_no_other_way_to_hear_of_uploads(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLOB_TRIGGER_SOURCE", source)

    with pytest.raises(SettingsError, match="BLOB_TRIGGER_SOURCE"):
        blob_trigger_source()
