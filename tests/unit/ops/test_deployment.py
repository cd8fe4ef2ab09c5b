"""The steps of a deployment, with stand-ins for the Azure CLI and dev.py that tell what they were asked."""

import json
import os
import sys
from pathlib import Path

import pytest

from local import deployment

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
STAND_IN = """\
import json, os, pathlib, sys
name = pathlib.Path(__file__).stem
kept = {arg[1:]: pathlib.Path(arg[1:]).read_text() for arg in sys.argv if arg.startswith("@")}
database = {key: os.environ.get(key) for key in ("DATABASE_URL", "PGUSER", "PGPASSWORD")}
call = {"name": name, "arguments": sys.argv[1:], "files": list(kept.values()), **database}
with open(pathlib.Path(__file__).with_name("calls.jsonl"), "a") as calls:
    calls.write(json.dumps(call) + "\\n")
answers = json.loads(pathlib.Path(__file__).with_name("answers.json").read_text())
print(answers.get(sys.argv[1], ""))
sys.exit(answers.get("status", 0))
"""


class Machine:
    """A machine on which `az` and `dev.py` are stand-ins."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "dev.py").write_text(STAND_IN, encoding="utf-8")
        (directory / "az.py").write_text(STAND_IN, encoding="utf-8")
        az = directory / "az"
        az.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{directory}/az.py" "$@"\n', encoding="utf-8")
        az.chmod(0o755)
        self.answer(account="token of the account")

    def answer(self, **answers: object) -> None:
        (self.directory / "answers.json").write_text(json.dumps(answers), encoding="utf-8")

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
def test_parameters_are_chosen_by_the_environments_name_or_by_their_own(
    environment: dict[str, str], chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment, "CHOSEN", tmp_path / "main.parameters.json")

    deployment.choose_parameters(environment)

    wanted = (deployment.PARAMETERS / f"{chosen}.json").read_text(encoding="utf-8")
    assert (tmp_path / "main.parameters.json").read_text(encoding="utf-8") == wanted


@pytest.mark.parametrize("name", ["my-own", "../parameters/dev"])
def test_an_environment_without_parameters_is_told_which_there_are(name: str) -> None:
    with pytest.raises(deployment.DeploymentError, match=r"one of dev, prod, staging"):
        deployment.choose_parameters({"AZURE_ENV_NAME": name})


def test_a_vault_without_the_secret_gets_one_that_is_on_no_command_line(machine: Machine) -> None:
    deployment.make_secret(AZURE)

    asked, deployed = machine.calls("az")
    assert str(asked["arguments"]).count("vaults/kv-1/secrets") == 1
    assert deployed["arguments"][:9] == [  # type: ignore[index]
        "deployment", "group", "create", "--resource-group", "rg-staging", "--name", "secrets",
        "--template-file", str(deployment.INFRA / "secrets.bicep"),
    ]  # fmt: skip
    parameters = json.loads(deployed["files"][0])["parameters"]  # type: ignore[index]
    assert parameters["vaultName"] == {"value": "kv-1"}
    assert len(parameters["jwtSecret"]["value"]) == 64
    assert parameters["jwtSecret"]["value"] not in str(deployed["arguments"])


def test_a_vault_that_has_its_secret_keeps_it(machine: Machine) -> None:
    machine.answer(rest="other\njwt-secret\n")

    deployment.make_secret(AZURE)

    assert len(machine.calls("az")) == 1


def test_the_database_is_opened_by_its_administrator_with_a_token(machine: Machine) -> None:
    deployment.open_database(AZURE)

    assert machine.calls("dev") == [
        {
            "name": "dev",
            "arguments": [
                "roles", "--migrator=id-migrator-1=object-of-migrator", "--app=id-portal-1=object-of-app",
            ],
            "files": [],
            "DATABASE_URL": "postgresql://psql-1.postgres.database.azure.com:5432/portal?sslmode=require",
            "PGUSER": "Database administrators",
            "PGPASSWORD": "token of the account",
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "owner"),
    [({"DATABASE_USER": "id-migrator-1"}, "id-migrator-1"), ({}, "Database administrators")],
)
def test_the_tables_are_migrated_by_their_owner(machine: Machine, more: dict[str, str], owner: str) -> None:
    deployment.migrate({**AZURE, **more})

    (call,) = machine.calls("dev")
    assert call["arguments"] == ["migrate", "up", "--app-role", "id-portal-1"]
    assert call["PGUSER"] == owner


def test_the_smoke_test_is_the_tour_with_people_made_for_it(machine: Machine) -> None:
    deployment.smoke_test({**AZURE, "DATABASE_USER": "id-migrator-1"})

    (call,) = machine.calls("dev")
    assert call["arguments"] == ["tour", "--base-url", AZURE["SERVICE_PORTAL_BASE_URL"], "--make-people"]


def test_events_are_subscribed_to_for_the_app_that_runs(machine: Machine) -> None:
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
def test_a_step_that_misses_something_names_it(
    step: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (*AZURE, "DATABASE_USER", "AZURE_ENV_NAME", "PORTAL_PARAMETERS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "argv", ["deployment", step])

    assert deployment.main() == 1

    assert "is missing: `azd env get-values` shows what is there" in capsys.readouterr().err


def test_a_step_that_fails_ends_the_deployment(machine: Machine) -> None:
    machine.answer(status=3)

    with pytest.raises(deployment.DeploymentError, match="az deployment group create failed"):
        deployment.subscribe_events(AZURE)


def test_a_machine_without_the_azure_cli_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(deployment.DeploymentError, match="not on PATH"):
        deployment.subscribe_events(AZURE)


@pytest.mark.parametrize("arguments", [[], ["fly"], ["migrate", "twice"]])
def test_an_unknown_step_gets_the_usage(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["deployment", *arguments])

    assert deployment.main() == 2

    assert "usage: python3 -m local.deployment [choose-parameters |" in capsys.readouterr().err
