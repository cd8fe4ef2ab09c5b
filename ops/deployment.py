"""Deployment steps before and after those of azd: `python3 -m ops.deployment STEP`.

azd runs them as hooks (azure.yaml), the workflows as steps. They need a signed-in Azure CLI, and the outputs
of infra/main.bicep as environment variables. azd and the workflows set these.
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

from adapters.postgres.tls import VERIFIED

ROOT: Final = Path(__file__).resolve().parents[1]
INFRA: Final = ROOT / "infra"
PARAMETERS: Final = INFRA / "parameters"
AZD_PARAMETERS: Final = INFRA / "main.parameters.json"
"""The parameter file that azd uses."""

JWT_SECRET: Final = "jwt-secret"  # noqa: S105 - the name, not the value
SECRET_BYTES: Final = 48
DATABASE: Final = "portal"
DIRECT_PORT: Final = 5432
"""PostgreSQL's own port. Migrations use a session lock, which does not work through PgBouncer."""

Environment = Mapping[str, str]


class DeploymentError(Exception):
    """A step failed; the message says why."""


def choose_parameters(environment: Environment) -> None:
    """Give azd the parameters with the name of its environment, or with the name in PORTAL_PARAMETERS."""
    name = environment.get("PORTAL_PARAMETERS") or _require(environment, "AZURE_ENV_NAME")
    file = PARAMETERS / f"{name}.json"
    if file not in PARAMETERS.iterdir():
        names = ", ".join(sorted(path.stem for path in PARAMETERS.iterdir()))
        raise DeploymentError(f"No parameters for {name}: set PORTAL_PARAMETERS to one of {names}.")
    shutil.copyfile(file, AZD_PARAMETERS)
    print(f"Using the parameters of {name}.")


def make_secret(environment: Environment) -> None:
    """Create the token signing key in the key vault, unless it exists. It is stored nowhere else."""
    vault = _require(environment, "AZURE_KEY_VAULT_NAME")
    group = _require(environment, "AZURE_RESOURCE_GROUP")
    subscription = _require(environment, "AZURE_SUBSCRIPTION_ID")
    secrets_url = (
        f"https://management.azure.com/subscriptions/{subscription}/resourceGroups/{group}"
        f"/providers/Microsoft.KeyVault/vaults/{vault}/secrets?api-version=2024-11-01"
    )
    names = _az("rest", "--method", "get", "--url", secrets_url, "--query", "value[].name", "-o", "tsv")
    if JWT_SECRET in names.split():
        print(f"{vault} already has {JWT_SECRET}.")
        return
    values = {"vaultName": vault, "jwtSecret": secrets.token_urlsafe(SECRET_BYTES)}
    with tempfile.TemporaryDirectory() as directory:  # only this user can read it; a command line is public
        file = Path(directory) / "secrets.json"
        file.write_text(json.dumps(_parameters(values)), encoding="utf-8")
        _deploy(group, "secrets", f"@{file}")
    print(f"{vault} has a new {JWT_SECRET}.")


def open_database(environment: Environment) -> None:
    """Create the database roles of the app's and the migrator's identities, as the database administrator."""
    roles = [
        f"--{role}={_require(environment, f'{identity}_NAME')}"
        f"={_require(environment, f'{identity}_PRINCIPAL_ID')}"
        for role, identity in (("migrator", "MIGRATOR_IDENTITY"), ("app", "APP_IDENTITY"))
    ]
    _dev(environment, _require(environment, "DATABASE_ADMIN_NAME"), "roles", *roles)


def migrate(environment: Environment) -> None:
    """Migrate the database, and grant the app's role its privileges.

    Signs in as DATABASE_USER, the owner of the tables: the migrator's identity, or without that variable the
    database administrator.
    """
    owner = environment.get("DATABASE_USER") or _require(environment, "DATABASE_ADMIN_NAME")
    _dev(environment, owner, "migrate", "up", "--app-role", _require(environment, "APP_IDENTITY_NAME"))


def subscribe_events(environment: Environment) -> None:
    """Create the Event Grid subscriptions that notify the app of uploads."""
    _deploy(
        _require(environment, "AZURE_RESOURCE_GROUP"),
        "events",
        f"appName={_require(environment, 'AZURE_FUNCTION_NAME')}",
        f"storageAccountName={_require(environment, 'AZURE_STORAGE_ACCOUNT_NAME')}",
        f"systemTopicName={_require(environment, 'AZURE_SYSTEM_TOPIC_NAME')}",
    )


def smoke_test(environment: Environment) -> None:
    """Run the tour with temporary users. It leaves an approved practice behind, so never in production."""
    base_url = _require(environment, "SERVICE_PORTAL_BASE_URL")
    _dev(environment, _require(environment, "DATABASE_USER"), "tour", "--base-url", base_url, "--make-people")


STEPS: Final[Mapping[str, Callable[[Environment], None]]] = {
    "choose-parameters": choose_parameters,
    "make-secret": make_secret,
    "open-database": open_database,
    "migrate": migrate,
    "subscribe-events": subscribe_events,
    "smoke-test": smoke_test,
}


def _require(environment: Environment, name: str) -> str:
    value = environment.get(name)
    if not value:
        raise DeploymentError(f"{name} is missing. `azd env get-values` lists the variables.")
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
    """Run the Azure CLI and return its output."""
    az = shutil.which("az")  # a .cmd on Windows
    if az is None:
        raise DeploymentError("The Azure CLI, az, is not on PATH.")
    result = subprocess.run([az, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        raise DeploymentError(f"az {' '.join(arguments[:3])} failed; see the output above.")
    return result.stdout


def _dev(environment: Environment, user: str, command: str, *arguments: str) -> None:
    """Run `dev.py` on the portal's database, as a database user with a token of the signed-in account."""
    host = _require(environment, "DATABASE_HOST")
    token = _az(
        "account", "get-access-token", "--resource-type", "oss-rdbms", "--query", "accessToken", "-o", "tsv"
    )
    variables = {
        **environment,
        "DATABASE_URL": f"postgresql://{host}:{DIRECT_PORT}/{DATABASE}?sslmode={VERIFIED}",
        "PGUSER": user,
        "PGPASSWORD": token.strip(),
    }
    result = subprocess.run(
        [sys.executable, str(ROOT / "dev.py"), command, *arguments], env=variables, check=False
    )
    if result.returncode != 0:
        raise DeploymentError(f"dev.py {command} failed; see the output above.")


def main() -> int:
    """Run the step in the arguments. Returns the exit status."""
    names = sys.argv[1:]
    if len(names) != 1 or names[0] not in STEPS:
        print(f"usage: python3 -m ops.deployment [{' | '.join(STEPS)}]", file=sys.stderr)
        return 2
    try:
        STEPS[names[0]](os.environ)
    except DeploymentError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
