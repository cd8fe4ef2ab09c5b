"""The database and the storage of a local portal: embedded, or those that the environment names."""

import json
import os
import secrets
from collections.abc import Callable
from contextlib import ExitStack

import psycopg
from alembic.util import CommandError
from psycopg.conninfo import make_conninfo
from sqlalchemy.exc import DBAPIError

from adapters.postgres.connections import parameters_of
from function_host.storage import DEVELOPMENT_STORAGE, expand_connection_string
from functions.settings import Settings, SettingsError, load_settings
from local.azurite import Azurite
from local.data_directory import ROOT, Account, DataDirectory
from local.demo_users import create_demo_users
from local.errors import SetupError
from local.postgres import EmbeddedPostgres
from local.secrets_file import open_secrets, secrets_path_for
from local.stopping import StopSignals
from local.storage import prepare_storage
from local.terminal import say
from ops.migrate import upgrade

DATABASE = "DATABASE_URL"
STORAGE = "AzureWebJobsStorage"
"""Settings that replace an embedded service if they are set in the environment."""

_CONNECT_TIMEOUT_SECONDS = "10"


def app_settings() -> dict[str, str]:
    """The app settings from the environment or the sample. Addresses of services are added later."""
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
    return {name: os.environ.get(name, default) for name, default in sample.items()}


def checked(settings: dict[str, str]) -> Settings:
    """Check the settings before anything starts. Raises SetupError with the name of each that is wrong."""
    complete = {
        **os.environ,
        **settings,
        DATABASE: os.environ.get(DATABASE) or settings[DATABASE],
        STORAGE: expand_connection_string(os.environ.get(STORAGE) or DEVELOPMENT_STORAGE),
        "JWT_SECRET": settings["JWT_SECRET"] or secrets.token_urlsafe(),
    }
    try:
        return load_settings(complete)
    except SettingsError as error:
        raise SetupError(str(error)) from None


def delete_data(data: DataDirectory) -> None:
    """Delete the embedded data. Raises SetupError if a service is external: its data is not ours."""
    if external := [name for name in (DATABASE, STORAGE) if os.environ.get(name)]:
        raise SetupError(
            f"--fresh deletes only embedded data, but {' and '.join(external)} in the environment\n"
            "points to external data. Unset it to use embedded data, or delete the external data yourself."
        )
    say(f"Deleting the data in {data.path} ...")
    EmbeddedPostgres(data.postgres).stop_orphan()
    Azurite(data.azurite).stop_orphan()
    data.delete_data()


def start_services(
    data: DataDirectory, settings: dict[str, str], *, demo: bool, cleanup: ExitStack, signals: StopSignals
) -> list[Account]:
    """Start and prepare database and storage, and write their addresses to `settings`.

    Adds each stop to `cleanup`. Returns the demo users, unless `demo` is false. Raises SetupError.
    """
    rounds = checked(settings).bcrypt_rounds
    origins = _split_origins(settings["CORS_ORIGINS"])
    azurite = _launch_azurite(data, settings, cleanup)  # starts while the database starts
    if azurite is None:
        prepare_storage(settings[STORAGE], origins)
    signals.check()
    _start_database(data, settings, cleanup)
    signals.check()
    _migrate(settings[DATABASE])
    external = os.environ.get(DATABASE)
    accounts: list[Account] = []
    with open_secrets(secrets_path_for(external) if external else data.secrets) as local:
        settings["JWT_SECRET"] = settings["JWT_SECRET"] or local.jwt_secret
        if demo:
            accounts = create_demo_users(settings[DATABASE], local, bcrypt_rounds=rounds)
    signals.check()
    if azurite:
        azurite.wait_until_ready()
        settings[STORAGE] = azurite.connection_string
        prepare_storage(settings[STORAGE], origins)
    signals.check()
    return accounts


def stop(what: str, end: Callable[[], None]) -> None:
    """Stop something that was started, and say so."""
    say(f"Stopping {what} ...")
    end()


def _split_origins(text: str) -> list[str]:
    return [part.strip().rstrip("/") for part in text.split(",") if part.strip()]


def _launch_azurite(data: DataDirectory, settings: dict[str, str], cleanup: ExitStack) -> Azurite | None:
    if external := os.environ.get(STORAGE):
        settings[STORAGE] = expand_connection_string(external)
        return None
    say("Starting Azurite (blob storage) ...")
    azurite = Azurite(data.azurite)
    cleanup.callback(stop, "Azurite", azurite.stop)
    azurite.launch()
    return azurite


def _start_database(data: DataDirectory, settings: dict[str, str], cleanup: ExitStack) -> None:
    if external := os.environ.get(DATABASE):
        _require_database(external)
        settings[DATABASE] = external
        return
    say("Starting PostgreSQL ...")
    server = EmbeddedPostgres(data.postgres)
    cleanup.callback(stop, "PostgreSQL", server.stop)
    server.start()
    settings[DATABASE] = server.url()


def _require_database(url: str) -> None:
    """Raise SetupError unless the database accepts a connection. Its message is clearer than Alembic's."""
    parameters = {"connect_timeout": _CONNECT_TIMEOUT_SECONDS, **parameters_of(url)}
    try:
        psycopg.connect(make_conninfo("", **parameters)).close()
    except psycopg.OperationalError as error:
        raise SetupError(
            f"The database of {DATABASE} cannot be used: {str(error).strip()}\n"
            f"Start it or correct {DATABASE}. Or unset it to use the embedded PostgreSQL."
        ) from error


def _migrate(url: str) -> None:
    try:
        upgrade(url)
    except CommandError as error:
        raise SetupError(
            f"The database has migrations that this release does not have: {error}\n"
            "Run the release that it belongs to, or use other data (`--data-dir`)."
        ) from error
    except DBAPIError as error:
        raise SetupError(f"The migration of the database failed: {str(error.orig).strip()}") from error
