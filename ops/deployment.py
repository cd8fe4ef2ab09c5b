"""The steps of a deployment around azd's own, each by itself: `python3 -m local.deployment STEP`.

azd runs them as hooks (azure.yaml), the workflows as steps. They need the Azure CLI, signed in; what they act
on stands in the environment, where azd and the workflows put the outputs of infra/main.bicep.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
INFRA: Final = ROOT / "infra"
PARAMETERS: Final = INFRA / "parameters"
CHOSEN: Final = INFRA / "main.parameters.json"
"""Where azd looks for parameters."""

JWT_SECRET: Final = "jwt-secret"  # noqa: S105 - its name
SECRET_BYTES: Final = 48
DATABASE: Final = "portal"
DIRECT_PORT: Final = 5432
"""PostgreSQL's own: migrations wait for each other in a session, which PgBouncer does not keep."""

Environment = Mapping[str, str]


class DeploymentError(Exception):
    """A step cannot be done; the message says why."""


def choose_parameters(environment: Environment) -> None:
    """Give azd the parameters of its environment: of that name, or of the name in PORTAL_PARAMETERS."""
    name = environment.get("PORTAL_PARAMETERS") or _needed(environment, "AZURE_ENV_NAME")
    chosen = PARAMETERS / f"{name}.json"
    if chosen not in PARAMETERS.iterdir():
        there = ", ".join(sorted(path.stem for path in PARAMETERS.iterdir()))
        raise DeploymentError(f"No parameters for {name}: set PORTAL_PARAMETERS to one of {there}.")
    shutil.copyfile(chosen, CHOSEN)
    print(f"Parameters of {name}.")


def make_secret(environment: Environment) -> None:
    """Make the key that signs tokens, if there is none; nobody sees it."""
    vault = _needed(environment, "AZURE_KEY_VAULT_NAME")
    group = _needed(environment, "AZURE_RESOURCE_GROUP")
    subscription = _needed(environment, "AZURE_SUBSCRIPTION_ID")
    secrets_there = (
        f"https://management.azure.com/subscriptions/{subscription}/resourceGroups/{group}"
        f"/providers/Microsoft.KeyVault/vaults/{vault}/secrets?api-version=2024-11-01"
    )
    names = _az("rest", "--method", "get", "--url", secrets_there, "--query", "value[].name", "-o", "tsv")
    if JWT_SECRET in names.split():
        print(f"{vault} has its {JWT_SECRET}.")
        return
    values = {"vaultName": vault, "jwtSecret": secrets.token_urlsafe(SECRET_BYTES)}
    with tempfile.TemporaryDirectory() as directory:  # open to this user only; not on a command line
        file = Path(directory) / "secrets.json"
        file.write_text(json.dumps(_parameters(values)), encoding="utf-8")
        _deploy(group, "secrets", f"@{file}")
    print(f"{vault} has a new {JWT_SECRET}.")


def open_database(environment: Environment) -> None:
    """Make the roles of the app's and the migrator's identities, as the database's administrator."""
    roles = [
        f"--{who}={_needed(environment, f'{one}_NAME')}={_needed(environment, f'{one}_PRINCIPAL_ID')}"
        for who, one in (("migrator", "MIGRATOR_IDENTITY"), ("app", "APP_IDENTITY"))
    ]
    _dev(environment, _needed(environment, "DATABASE_ADMIN_NAME"), "roles", *roles)


def migrate(environment: Environment) -> None:
    """Bring the tables up to date, and let the app's role at them.

    As DATABASE_USER, which owns the tables: the migrator's identity, or by hand the administrator.
    """
    owner = environment.get("DATABASE_USER") or _needed(environment, "DATABASE_ADMIN_NAME")
    _dev(environment, owner, "migrate", "up", "--app-role", _needed(environment, "APP_IDENTITY_NAME"))


def subscribe_events(environment: Environment) -> None:
    """Have Event Grid tell the app of uploads."""
    _deploy(
        _needed(environment, "AZURE_RESOURCE_GROUP"),
        "events",
        f"appName={_needed(environment, 'AZURE_FUNCTION_NAME')}",
        f"storageAccountName={_needed(environment, 'AZURE_STORAGE_ACCOUNT_NAME')}",
        f"systemTopicName={_needed(environment, 'AZURE_SYSTEM_TOPIC_NAME')}",
    )


def smoke_test(environment: Environment) -> None:
    """Take the tour with people made for it. It leaves an approved practice behind: not in production."""
    base_url = _needed(environment, "SERVICE_PORTAL_BASE_URL")
    _dev(environment, _needed(environment, "DATABASE_USER"), "tour", "--base-url", base_url, "--make-people")


STEPS: Final[Mapping[str, Callable[[Environment], None]]] = {
    "choose-parameters": choose_parameters,
    "make-secret": make_secret,
    "open-database": open_database,
    "migrate": migrate,
    "subscribe-events": subscribe_events,
    "smoke-test": smoke_test,
}


def _needed(environment: Environment, name: str) -> str:
    value = environment.get(name)
    if not value:
        raise DeploymentError(f"{name} is missing: `azd env get-values` shows what is there.")
    return value


def _parameters(values: Mapping[str, str]) -> dict[str, object]:
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"
    parameters = {name: {"value": value} for name, value in values.items()}
    return {"$schema": schema, "contentVersion": "1.0.0.0", "parameters": parameters}


def _deploy(group: str, module: str, *parameters: str) -> None:
    template = str(INFRA / f"{module}.bicep")
    _az(
        "deployment", "group", "create", "--resource-group", group, "--name", module,
        "--template-file", template, "--parameters", *parameters, "--output", "none",
    )  # fmt: skip


def _az(*arguments: str) -> str:
    """Run the Azure CLI; what it prints."""
    az = shutil.which("az")  # on Windows it is a .cmd
    if az is None:
        raise DeploymentError("The Azure CLI, az, is not on PATH.")
    done = subprocess.run([az, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise DeploymentError(f"az {' '.join(arguments[:3])} failed: the reason stands above.")
    return done.stdout


def _dev(environment: Environment, user: str, command: str, *arguments: str) -> None:
    """Run `dev.py` on the portal's database as a user whose password is a token of the signed-in account."""
    host = _needed(environment, "DATABASE_HOST")
    token = _az(
        "account", "get-access-token", "--resource-type", "oss-rdbms", "--query", "accessToken", "-o", "tsv"
    )
    variables = {
        **environment,
        "DATABASE_URL": f"postgresql://{host}:{DIRECT_PORT}/{DATABASE}?sslmode=require",
        "PGUSER": user,
        "PGPASSWORD": token.strip(),
    }
    done = subprocess.run(
        [sys.executable, str(ROOT / "dev.py"), command, *arguments], env=variables, check=False
    )
    if done.returncode != 0:
        raise DeploymentError(f"dev.py {command} failed: the reason stands above.")


def main() -> int:
    """Do the step that is named; the exit status."""
    names = sys.argv[1:]
    if len(names) != 1 or names[0] not in STEPS:
        print(f"usage: python3 -m local.deployment [{' | '.join(STEPS)}]", file=sys.stderr)
        return 2
    try:
        STEPS[names[0]](os.environ)
    except DeploymentError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
