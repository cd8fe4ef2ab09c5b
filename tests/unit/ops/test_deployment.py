"""The deployment steps, with fakes of the Azure CLI and dev.py that record their arguments."""

import json
import os
import sys
from pathlib import Path

import pytest

from ops import deployment

AZURE = {
    "AZURE_RESOURCE_GROUP": "rg-staging",
    "AZURE_SUBSCRIPTION_ID": "subscription",
    "AZURE_KEY_VAULT_NAME": "kv-1",
    "AZURE_FUNCTION_NAME": "func-portal-1",
    "AZURE_STORAGE_ACCOUNT_NAME": "st1",
    "AZURE_SYSTEM_TOPIC_NAME": "evgt-1",
    "DATABASE_HOST": "psql-1.postgres.database.azure.com",
    "DATABASE_ADMIN_NAME": "Database administrators",
    "APP_IDENTITY_NAME": "id-portal-1",
    "APP_IDENTITY_PRINCIPAL_ID": "object-of-app",
    "MIGRATOR_IDENTITY_NAME": "id-migrator-1",
    "MIGRATOR_IDENTITY_PRINCIPAL_ID": "object-of-migrator",
    "SERVICE_PORTAL_BASE_URL": "https://func-portal-1.azurewebsites.net",
}
FAKE_COMMAND = """\
import json, os, pathlib, sys
name = pathlib.Path(__file__).stem
files = {arg[1:]: pathlib.Path(arg[1:]).read_text() for arg in sys.argv if arg.startswith("@")}
database = {key: os.environ.get(key) for key in ("DATABASE_URL", "PGUSER", "PGPASSWORD")}
call = {"name": name, "arguments": sys.argv[1:], "files": list(files.values()), **database}
with open(pathlib.Path(__file__).with_name("calls.jsonl"), "a") as calls:
    calls.write(json.dumps(call) + "\\n")
output = json.loads(pathlib.Path(__file__).with_name("output.json").read_text())
print(output.get(sys.argv[1], ""))
sys.exit(output.get("status", 0))
"""


class Machine:
    """A machine with fakes of `az` and `dev.py`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "dev.py").write_text(FAKE_COMMAND, encoding="utf-8")
        (directory / "az.py").write_text(FAKE_COMMAND, encoding="utf-8")
        az = directory / "az"
        az.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{directory}/az.py" "$@"\n', encoding="utf-8")
        az.chmod(0o755)
        self.set_output(account="token of the account")

    def set_output(self, **output: object) -> None:
        """What the commands print, by first argument, and their exit status."""
        (self.directory / "output.json").write_text(json.dumps(output), encoding="utf-8")

    def calls(self, name: str) -> list[dict[str, object]]:
        lines = (self.directory / "calls.jsonl").read_text(encoding="utf-8").splitlines()
        return [call for call in map(json.loads, lines) if call["name"] == name]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(deployment, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("environment", "chosen"),
    [
        ({"AZURE_ENV_NAME": "staging"}, "staging"),
        ({"AZURE_ENV_NAME": "my-own", "PORTAL_PARAMETERS": "dev"}, "dev"),
    ],
)
def test_parameters_follow_the_name_of_the_environment_or_a_variable(
    environment: dict[str, str], chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment, "AZD_PARAMETERS", tmp_path / "main.parameters.json")

    deployment.choose_parameters(environment)

    expected = (deployment.PARAMETERS / f"{chosen}.json").read_text(encoding="utf-8")
    assert (tmp_path / "main.parameters.json").read_text(encoding="utf-8") == expected


@pytest.mark.parametrize("name", ["my-own", "../parameters/dev"])
def test_an_environment_without_parameters_gets_a_list_of_them(name: str) -> None:
    with pytest.raises(deployment.DeploymentError, match=r"one of dev, prod, staging"):
        deployment.choose_parameters({"AZURE_ENV_NAME": name})


def test_a_vault_without_the_secret_gets_one_that_is_not_on_a_command_line(machine: Machine) -> None:
    deployment.make_secret(AZURE)

    listed, deployed = machine.calls("az")
    assert str(listed["arguments"]).count("vaults/kv-1/secrets") == 1
    assert deployed["arguments"][:9] == [  # type: ignore[index]
        "deployment", "group", "create", "--resource-group", "rg-staging", "--name", "secrets",
        "--template-file", str(deployment.INFRA / "secrets.bicep"),
    ]  # fmt: skip
    parameters = json.loads(deployed["files"][0])["parameters"]  # type: ignore[index]
    assert parameters["vaultName"] == {"value": "kv-1"}
    assert len(parameters["jwtSecret"]["value"]) == 64
    assert parameters["jwtSecret"]["value"] not in str(deployed["arguments"])


def test_a_vault_with_the_secret_is_not_changed(machine: Machine) -> None:
    machine.set_output(rest="other\njwt-secret\n")

    deployment.make_secret(AZURE)

    assert len(machine.calls("az")) == 1


def test_the_administrator_opens_the_database_with_a_token(machine: Machine) -> None:
    deployment.open_database(AZURE)

    assert machine.calls("dev") == [
        {
            "name": "dev",
            "arguments": [
                "roles", "--migrator=id-migrator-1=object-of-migrator", "--app=id-portal-1=object-of-app",
            ],
            "files": [],
            "DATABASE_URL": "postgresql://psql-1.postgres.database.azure.com:5432/portal?sslmode=verify-full",
            "PGUSER": "Database administrators",
            "PGPASSWORD": "token of the account",
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "owner"),
    [({"DATABASE_USER": "id-migrator-1"}, "id-migrator-1"), ({}, "Database administrators")],
)
def test_the_owner_migrates_the_tables(machine: Machine, more: dict[str, str], owner: str) -> None:
    deployment.migrate({**AZURE, **more})

    (call,) = machine.calls("dev")
    assert call["arguments"] == ["migrate", "up", "--app-role", "id-portal-1"]
    assert call["PGUSER"] == owner


def test_the_smoke_test_is_the_tour_with_temporary_users(machine: Machine) -> None:
    deployment.smoke_test({**AZURE, "DATABASE_USER": "id-migrator-1"})

    (call,) = machine.calls("dev")
    assert call["arguments"] == ["tour", "--base-url", AZURE["SERVICE_PORTAL_BASE_URL"], "--make-people"]


def test_the_event_subscriptions_are_deployed(machine: Machine) -> None:
    deployment.subscribe_events(AZURE)

    (call,) = machine.calls("az")
    assert call["arguments"] == [
        "deployment", "group", "create", "--resource-group", "rg-staging", "--name", "events",
        "--template-file", str(deployment.INFRA / "events.bicep"),
        "--parameters", "appName=func-portal-1", "storageAccountName=st1", "systemTopicName=evgt-1",
        "--output", "none",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "step", ["make-secret", "open-database", "migrate", "subscribe-events", "smoke-test"]
)
def test_a_missing_variable_is_named(
    step: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (*AZURE, "DATABASE_USER", "AZURE_ENV_NAME", "PORTAL_PARAMETERS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "argv", ["deployment", step])

    assert deployment.main() == 1

    assert "is missing. `azd env get-values` lists the variables" in capsys.readouterr().err


def test_a_failed_command_fails_the_step(machine: Machine) -> None:
    machine.set_output(status=3)

    with pytest.raises(deployment.DeploymentError, match="az deployment group create failed"):
        deployment.subscribe_events(AZURE)


def test_a_missing_azure_cli_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(deployment.DeploymentError, match="not on PATH"):
        deployment.subscribe_events(AZURE)


@pytest.mark.parametrize("arguments", [[], ["fly"], ["migrate", "twice"]])
def test_an_unknown_step_prints_the_usage(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["deployment", *arguments])

    assert deployment.main() == 2

    assert "usage: python3 -m ops.deployment [choose-parameters |" in capsys.readouterr().err
