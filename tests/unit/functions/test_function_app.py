"""Loading the app as a Functions worker does: in a process of its own, where nothing else was imported."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]

PROBE = """
import inspect, json, socket, sys

connections = []

def refuse(*arguments):
    connections.append(repr(arguments[1:]))
    raise OSError("nothing may be connected to")

socket.socket.connect = socket.socket.connect_ex = refuse
import psycopg
psycopg.Connection.connect = refuse

import function_app

unwanted = ("azure.identity", "azure.storage.blob", "opentelemetry", "PIL", "openpyxl")
heavy = [name for name in unwanted if name in sys.modules]
functions = {
    function.get_function_name(): {
        "parameters": list(inspect.signature(function.get_user_function()).parameters),
        "bindings": [binding.name for binding in function.get_bindings() if binding.direction == 0],
        "is_wrapped": hasattr(function.get_user_function(), "__wrapped__"),
    }
    for function in function_app.app.get_functions()
}
print(json.dumps({"connections": connections, "heavy": heavy, "functions": functions}))
"""

CALLED = """
import json, sys
from datetime import datetime, UTC

import azure.functions as func

import function_app
from bp_core.practices.ports import ServedAs
from functions import bootstrap
from functions.jobs.catalogue import JOBS
from function_host.index import index_app
from function_host.invocation import invoke

schedules = {job.schedule_setting: "0 0 1 * * *" for job in JOBS.values() if job.schedule_setting}
settings = schedules | {"AzureWebJobsStorage": "x"}
functions = {function.name: function for function in index_app(function_app.app, settings)}
request = func.HttpRequest("GET", "http://portal.test/health", body=b"")
nobody_follows = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
answer = invoke(functions["show_health"], request, nobody_follows)
url = bootstrap.portal().blobs.read_url("best-practices", "a.jpg", datetime.now(UTC), ServedAs("image/jpeg"))
imported = {name.partition(".")[0] for name in sys.modules}
print(json.dumps({"status": answer.status_code, "url": url, "imported": sorted(imported)}))
"""

SETTINGS = {
    "DATABASE_URL": "postgresql://portal:pepper@127.0.0.1:1/portal",
    "AzureWebJobsStorage": "UseDevelopmentStorage=true;Pepper=pepper",
    "JWT_SECRET": "0123456789abcdef0123456789pepper",
}
UNDER_A_HOST = {"FUNCTIONS_WORKER_RUNTIME": "python", **SETTINGS}


def load(code: str, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    needed = {name: value for name, value in os.environ.items() if name in ("PATH", "SYSTEMROOT")}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**needed, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module", params=[{}, UNDER_A_HOST], ids=["without settings", "under a host"])
def loaded(request: pytest.FixtureRequest) -> Any:
    """What the probe saw after importing the app."""
    run = load(PROBE, request.param)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_loading_the_app_opens_no_connection(loaded: Any) -> None:
    assert loaded["connections"] == []


def test_loading_the_app_imports_nothing_heavy(loaded: Any) -> None:
    assert loaded["heavy"] == []


def test_every_function_takes_exactly_its_trigger_and_the_context_and_is_not_wrapped(loaded: Any) -> None:
    functions = loaded["functions"]

    assert {"login", "create_practice", "record_upload", "rate_stars"} <= functions.keys()
    for name, seen in functions.items():
        assert seen["parameters"] == [*seen["bindings"], "context"], name
        assert not seen["is_wrapped"], name


@pytest.mark.parametrize("telemetry", ["off", "opentelemetry"])
def test_opentelemetry_is_imported_only_if_traces_are_on(telemetry: str) -> None:
    collector = {"TELEMETRY": telemetry, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    account = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}

    run = load(CALLED, {**UNDER_A_HOST, **account, **collector})

    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout.splitlines()[-1])
    assert seen["status"] == 200
    assert seen["url"].startswith("http://127.0.0.1:10000/devstoreaccount1/best-practices/a.jpg?")
    assert ("opentelemetry" in seen["imported"]) is (telemetry == "opentelemetry")


@pytest.mark.parametrize("name", SETTINGS)
def test_under_a_host_a_missing_setting_stops_the_start_and_is_named(name: str) -> None:
    environment = {known: value for known, value in UNDER_A_HOST.items() if known != name}

    run = load("import function_app", environment)

    assert run.returncode != 0
    assert f"SettingsError: The portal cannot start. {name}" in run.stderr
    assert "pepper" not in run.stderr
