"""The Bicep files match the code: settings, schedules, containers, events, connections."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pycep import BicepParser

import function_app
from bp_core import purging
from function_host.index import index_app
from functions.edge.endpoint import ENDPOINTS
from functions.settings import Settings, load_settings
from local.storage import CONTAINERS, CORS_HEADERS, CORS_METHODS
from tests.world import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
FILES = sorted(path.relative_to(INFRA).as_posix() for path in INFRA.rglob("*.bicep"))
ENVIRONMENTS = ("dev", "staging", "prod")

SET_DIFFERENTLY = {
    "AzureWebJobsStorage",  # Azure uses AzureWebJobsStorage__* with an identity, not a key
    "CORS_ORIGINS",  # CORS is configured on the app
    "FUNCTIONS_WORKER_RUNTIME",  # Azure derives it from the runtime of the app
}
"""Local settings that Azure configures in another way."""

HOST_SETTINGS = {
    "AzureFunctionsWebHost__hostid",
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__queueServiceUri",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
}
"""Settings that only the host and libraries read."""

RESOURCE_SETTINGS = {
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=00000000-0000-0000-0000-000000000000",
    "AZURE_CLIENT_ID": "00000000-0000-0000-0000-000000000000",
    "DATABASE_POOL_SIZE": "10",
    "DATABASE_PREPARED_STATEMENTS": "False",  # as Bicep writes a bool
    "DATABASE_URL": "postgresql://id-portal@psql.postgres.database.azure.com:6432/portal?sslmode=verify-full",
    "JWT_SECRET": "a secret for tests only: 0123456789abcdef",
    "STORAGE_ACCOUNT_URL": "https://account.blob.core.windows.net/",
}
"""Examples of the settings that Bicep derives from resources."""


@cache
def parsed(file: str) -> dict[str, Any]:
    return dict(BicepParser().parse(text=(INFRA / file).read_text(encoding="utf-8")))


def variable(file: str, name: str) -> Any:
    return parsed(file)["variables"][name]["value"]


def app_settings() -> dict[str, Any]:
    """The settings of the app, before the parameter `settings` overrides some."""
    parts = ("schedules", "defaults", "derived")
    return {name: value for part in parts for name, value in variable("modules/app.bicep", part).items()}


def parameters_of(environment: str) -> dict[str, Any]:
    """The parameters of an environment, with defaults."""
    content = json.loads((INFRA / "parameters" / f"{environment}.json").read_text(encoding="utf-8"))
    defaults = {name: each["default"] for name, each in parsed("main.bicep")["parameters"].items()}
    return defaults | {name: given["value"] for name, given in content["parameters"].items()}


def decorator(parameter: Mapping[str, Any], kind: str) -> Any:
    return next((each["argument"] for each in parameter["decorators"] if each["type"] == kind), None)


def triggers(kind: str) -> dict[str, dict[str, Any]]:
    """The trigger bindings of one kind, by function name."""
    functions = index_app(function_app.app, {**SETTINGS, "AzureWebJobsStorage": "anywhere"})
    return {
        function.name: binding
        for function in functions
        for binding in function.bindings
        if binding["type"] == f"{kind}Trigger"
    }


@pytest.mark.parametrize("file", FILES)
def test_every_parameter_has_a_description(file: str) -> None:
    parameters = parsed(file)["parameters"]

    assert [name for name, each in parameters.items() if not decorator(each, "description")] == []


@pytest.mark.parametrize("module", parsed("main.bicep")["modules"])
def test_a_module_gets_all_of_its_parameters(module: str) -> None:
    called = parsed("main.bicep")["modules"][module]
    config = called["config"].get("config", called["config"])
    accepted = parsed(called["detail"]["path"] if "detail" in called else called["path"])["parameters"]
    required = {name for name, each in accepted.items() if each["default"] is None}

    assert required <= config["params"].keys() <= accepted.keys()


def test_only_existing_outputs_are_used() -> None:
    source = (INFRA / "main.bicep").read_text(encoding="utf-8")
    paths = dict(re.findall(r"^module (\w+) '([\w/.-]+)'", source, re.MULTILINE))
    used = set(re.findall(r"(\w+)!?\.outputs\.(\w+)", source))

    assert used
    assert [(module, name) for module, name in used if name not in parsed(paths[module])["outputs"]] == []


def test_every_variable_and_parameter_is_used() -> None:
    for file in FILES:
        source = (INFRA / file).read_text(encoding="utf-8")
        names = [*parsed(file)["parameters"], *parsed(file).get("variables", {})]

        assert [name for name in names if len(re.findall(rf"\b{name}\b", source)) < 2] == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_sets_all_required_and_no_unknown_parameters(environment: str) -> None:
    content = json.loads((INFRA / "parameters" / f"{environment}.json").read_text(encoding="utf-8"))
    declared = parsed("main.bicep")["parameters"]
    given = content["parameters"].keys()

    assert {name for name, each in declared.items() if each["default"] is None} <= given <= declared.keys()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_parameters_of_an_environment_have_valid_types_and_values(environment: str) -> None:
    types = {"string": str, "int": int, "bool": bool, "array": list, "object": dict}
    for name, value in parameters_of(environment).items():
        declared = parsed("main.bicep")["parameters"][name]
        allowed, least, most = (decorator(declared, name) for name in ("allowed", "minValue", "maxValue"))

        assert isinstance(value, types[declared["type"]]), name
        assert allowed is None or value in allowed, name
        assert least is None or value >= least, name
        assert most is None or value <= most, name


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_database_has_enough_connections_for_all_instances(environment: str) -> None:
    chosen = parameters_of(environment)
    size = variable("modules/database.bicep", "userConnectionsOf")[chosen["databaseSkuName"]]
    others = variable("modules/database.bicep", "connectionsOfOthers")
    instances = 2 * chosen["maximumInstanceCount"] + len(variable("modules/app.bicep", "schedules"))
    health_checks = chosen["maximumInstanceCount"]  # one connection for each instance that serves HTTP
    connections = instances * chosen["databasePoolSize"] + health_checks

    if chosen["pgBouncer"]:
        assert chosen["databaseSkuTier"] != "Burstable"
        assert connections <= variable("modules/database.bicep", "mostPgBouncerClients")
        assert chosen["pgBouncerPoolSize"] + others <= size
    else:
        assert connections <= size - others


def test_an_instance_has_more_threads_than_calls_and_more_calls_than_connections() -> None:
    source = (INFRA / "modules/app.bicep").read_text(encoding="utf-8")

    assert "var concurrentCalls = 2 * databasePoolSize\n" in source
    assert "var threads = concurrentCalls + 4\n" in source
    assert "perInstanceConcurrency: concurrentCalls\n" in source
    assert "PYTHON_THREADPOOL_THREAD_COUNT: string(threads)\n" in source


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_zone_redundancy_has_the_instances_and_the_tier_that_it_needs(environment: str) -> None:
    chosen = parameters_of(environment)

    assert chosen["alwaysReadyHttpInstances"] >= (2 if chosen["zoneRedundantApp"] else 0)
    assert chosen["databaseSkuTier"] != "Burstable" or not chosen["zoneRedundantDatabase"]


def test_the_app_has_exactly_the_settings_that_the_code_reads() -> None:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
    read = {info.alias or field.upper() for field, info in Settings.model_fields.items()}

    assert app_settings().keys() == (sample.keys() | read) - SET_DIFFERENTLY | HOST_SETTINGS


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_overrides_only_settings_that_it_may_choose(environment: str) -> None:
    choices = (
        variable("modules/app.bicep", "defaults").keys() | variable("modules/app.bicep", "schedules").keys()
    )

    assert (parameters_of(environment)["settings"] or {}).keys() <= choices


def test_the_portal_starts_with_these_settings() -> None:
    chosen = variable("modules/app.bicep", "defaults")
    fixed = {name: value for name, value in app_settings().items() if isinstance(value, str)}

    settings = load_settings({**fixed, **RESOURCE_SETTINGS})

    assert settings.bcrypt_rounds == int(chosen["BCRYPT_ROUNDS"])
    assert settings.database_auth == "entra"
    assert settings.telemetry == "opentelemetry"


def test_every_timer_has_a_schedule() -> None:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
    names = {trigger["schedule"].strip("%") for trigger in triggers("timer").values()}

    assert variable("modules/app.bicep", "schedules") == {name: sample[name] for name in names}


def test_every_blob_trigger_has_an_event_subscription() -> None:
    expected = {(name, *trigger["path"].split("/")[:2]) for name, trigger in triggers("blob").items()}
    subscribed = [
        (each["function"], each["container"], each["folder"]) for each in variable("events.bicep", "triggers")
    ]

    assert sorted(subscribed) == sorted(expected)


HOST_CONTAINERS = {"azure-webjobs-hosts", "azure-webjobs-secrets"}


def test_the_storage_account_has_all_containers_for_code_and_events() -> None:
    app = variable("modules/storage.bicep", "appContainerNames")
    events = re.search(r"blobContainerName: '([\w-]+)'", (INFRA / "events.bicep").read_text("utf-8"))
    source = (INFRA / "modules/storage.bicep").read_text("utf-8")

    assert sorted(app) == sorted({*CONTAINERS, *HOST_CONTAINERS})
    assert variable("modules/storage.bicep", "packageContainerName") == "app-package"
    assert events is not None
    assert variable("modules/storage.bicep", "deadLetterContainerName") == events[1]
    assert (
        "var containerNames = concat(appContainerNames, [packageContainerName, deadLetterContainerName])"
        in source
    )
    assert "containers@2025-01-01' = [for containerName in containerNames: {" in source


class Assignment(NamedTuple):
    """One `roleAssignments` resource: to whom, where, and which role, as the files write them."""

    principal: str
    scope: str
    role: str


def role_assignments() -> list[Assignment]:
    found = []
    for file in FILES:
        source = (INFRA / file).read_text(encoding="utf-8")
        for body in re.findall(r"roleAssignments@[\d-]+' = (.*?)\n}\]?\n", source, re.DOTALL):
            parts = [
                re.search(rf"{name}: (.*)", body) for name in ("principalId", "scope", "roleDefinitionId")
            ]
            principal, scope, role = (part[1].strip() if part else "the resource group" for part in parts)
            loop = re.match(r"\[for (?:\((\w+), \w+\)|(\w+)) in (\w+):", body)
            name = role.rpartition(", ")[2].removesuffix(")")
            if loop and name in loop.groups():
                found += [Assignment(principal, scope, one) for one in role_ids(source, loop[3])]
            else:
                found.append(Assignment(principal, scope, *role_ids(source, name)))
    return found


def role_ids(source: str, variable: str) -> list[str]:
    value = re.search(rf"^var {variable} = (\[.*?\]|'.*?')$", source, re.MULTILINE | re.DOTALL)
    assert value is not None, variable
    return [ROLES[one] for one in re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", value[1])]


ROLES = {
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "db58b8e5-c6ad-4a2a-8342-4190687cbf4a": "Storage Blob Delegator",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
}
"""The only built-in roles that may be assigned. None is Owner, Contributor or Storage Blob Data Owner."""


def test_an_identity_has_exactly_the_roles_that_it_needs_each_at_its_place() -> None:
    assert sorted(role_assignments()) == [
        ("appPrincipalId", "account", "Reader"),
        ("appPrincipalId", "account", "Storage Blob Delegator"),
        ("appPrincipalId", "appQueues[number]", "Storage Queue Data Contributor"),
        ("appPrincipalId", "containers[number]", "Storage Blob Data Contributor"),
        ("packagePrincipalId", "packageContainer", "Storage Blob Data Contributor"),
        ("publisherPrincipalId", "component", "Monitoring Metrics Publisher"),
        ("readerPrincipalId", "vault", "Key Vault Secrets User"),
        ("topic.identity.principalId", "deadLetterContainer", "Storage Blob Data Contributor"),
    ]


def test_the_app_cannot_change_its_deployed_package_or_read_undelivered_events() -> None:
    app = set(variable("modules/storage.bicep", "appContainerNames"))
    main = (INFRA / "main.bicep").read_text("utf-8")
    source = (INFRA / "modules/app.bicep").read_text("utf-8")

    assert app & {"app-package", "undelivered-events"} == set()
    assert "packagePrincipalId: identities.outputs.packagePrincipalId" in main
    assert "userAssignedIdentityResourceId: packageIdentityId" in source
    assert "package" not in app_settings()["AZURE_CLIENT_ID"]


def test_the_deployer_may_assign_exactly_these_roles() -> None:
    page = (ROOT / "docs/deployment.md").read_text("utf-8")
    listed = page.partition("limited by a condition to the roles")[2].partition("A person who only previews")[
        0
    ]

    assert sorted(re.findall(r"\*([^*]+)\*", listed)) == sorted(ROLES.values())


def test_the_queues_of_the_host_have_the_names_that_it_uses() -> None:
    source = (INFRA / "main.bicep").read_text("utf-8")

    assert variable("modules/storage.bicep", "appQueueNames") == [
        "azure-webjobs-blobtrigger-${hostId}",
        "webjobs-blobtrigger-poison",
    ]
    assert source.count("hostId: hostId") == 2
    assert app_settings()["AzureFunctionsWebHost__hostid"] == "hostId"


def test_the_database_logs_no_values() -> None:
    settings = variable("modules/database.bicep", "serverSettings")

    assert {name: value for name, value in settings.items() if name.startswith("log_")} == {
        "log_checkpoints": "on",
        "log_error_verbosity": "terse",
        "log_min_duration_statement": "1000",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_statement": "none",
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_storage_account_deletes_quarantined_files_and_exports_later_than_the_nightly_job(
    environment: str,
) -> None:
    assert timedelta(days=parameters_of(environment)["quarantineDays"]) > purging.RETENTION
    assert timedelta(days=parameters_of(environment)["exportDays"]) > purging.EXPORT_RETENTION


def test_no_resource_accepts_a_key_or_a_password() -> None:
    account = parsed("modules/storage.bicep")["resources"]["account"]["config"]["properties"]
    server = parsed("modules/database.bicep")["resources"]["server"]["config"]["properties"]
    component = parsed("modules/monitoring.bicep")["resources"]["component"]["config"]["properties"]

    assert (account["allowSharedKeyAccess"], account["allowBlobPublicAccess"]) == (False, False)
    assert server["authConfig"]["passwordAuth"] == "Disabled"
    assert component["DisableLocalAuth"] is True


def test_alerts_query_events_that_the_code_logs() -> None:
    queries = [alert["query"] for alert in variable("modules/alerts.bicep", "logAlerts")]
    events = {event for query in queries for event in re.findall(r'Message has "([a-z]+_[a-z_]+)"', query)}
    code = "".join(
        path.read_text("utf-8") for name in ("functions", "bp_core") for path in (ROOT / name).rglob("*.py")
    )

    assert events == {"job_finished", "refresh_token_reused"}
    assert [event for event in events if f'"{event}"' not in code] == []


def test_a_skipped_check_has_a_reason() -> None:
    skips = [
        skip
        for file in FILES
        for skip in re.findall(r"checkov:skip=(\w+):?(.*)", (INFRA / file).read_text(encoding="utf-8"))
    ]

    assert skips
    assert [check for check, reason in skips if len(reason.split()) < 4] == []


def test_the_deployed_files_are_complete(tmp_path: Path) -> None:
    git = ("git", "-C", str(ROOT), "ls-files", "--cached")
    all_files, ignored = (
        set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())
        for command in (git, (*git, "--ignored", "--exclude-from=.funcignore"))
    )
    for name in all_files - ignored:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    packages, files = (
        {"adapters", "bp_core", "functions"},
        {"function_app.py", "host.json", "requirements.txt"},
    )
    assert {path.name for path in tmp_path.iterdir()} == packages | files

    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        [sys.executable, "-c", "import function_app; print(len(function_app.app.get_functions()))"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    functions = sum(len(triggers(kind)) for kind in ("http", "blob", "timer"))
    assert result.stdout.strip() == str(functions), result.stderr


def test_the_host_takes_the_largest_body_of_the_portal_and_not_much_more() -> None:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]
    limit = app_settings()["FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"]
    largest = max(endpoint.body_limit for endpoint in ENDPOINTS.values())

    assert sample["FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"] == limit
    assert largest < int(limit) <= largest + 2**20


def test_the_storage_lets_pages_use_the_same_headers_as_locally() -> None:
    source = (INFRA / "modules/storage.bicep").read_text(encoding="utf-8")
    rule = dict(re.findall(r"(allowedMethods|allowedHeaders|exposedHeaders): \[(.*)\]", source))

    assert {name: re.findall(r"'(.*?)'", listed) for name, listed in rule.items()} == {
        "allowedMethods": CORS_METHODS,
        "allowedHeaders": CORS_HEADERS["allowed_headers"],
        "exposedHeaders": CORS_HEADERS["exposed_headers"],
    }
