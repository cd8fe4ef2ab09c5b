"""Every function in the real Python worker library of Azure Functions: indexed, loaded and invoked.

Checks what the library requires of signatures, names and return values, on the Python that runs the tests.
"""

import asyncio
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final
from uuid import uuid4

import azure_functions_runtime as worker
import pytest

import function_app
from functions.edge.endpoint import ENDPOINTS
from local.data_directory import ROOT
from tests.e2e.worker_protocol import Protocol
from tests.world import Person, World, picture

PROTOCOL: Final = Protocol()
TRIGGERED: Final = {
    "record_upload",
    "record_document",
    "aggregate_monthly_savings",
    "rate_stars",
    "reconcile_uploads",
    "verify_leaderboard",
    "rebuild_roll_ups",
    "purge_expired",
    "remind_reviewers",
}
"""The functions without an HTTP trigger."""


class Host:
    """The host side of the protocol."""

    def __init__(self) -> None:
        request = PROTOCOL.WorkerInitRequest(function_app_directory=str(ROOT))
        self.started = self._send(worker.worker_init_request, worker_init_request=request)
        self.indexed = self._send(worker.functions_metadata_request).function_metadata_results
        self._ids = {function.name: function.function_id for function in self.indexed}

    def load(self, name: str) -> Any:
        request = PROTOCOL.FunctionLoadRequest(function_id=self._ids[name])
        return self._send(worker.function_load_request, function_load_request=request)

    def invoke(self, name: str, parameter: str, data: Any, metadata: dict[str, Any] | None = None) -> Any:
        request = PROTOCOL.InvocationRequest(
            invocation_id=str(uuid4()),
            function_id=self._ids[name],
            input_data=[PROTOCOL.ParameterBinding(name=parameter, data=data)],
            trigger_metadata=metadata or {},
            trace_context=PROTOCOL.RpcTraceContext(trace_parent=f"00-{uuid4().hex}-00f067aa0ba902b7-01"),
        )
        return self._send(worker.invocation_request, invocation_request=request)

    def call(self, name: str, caller: Person | None = None, body: object = None, **path: str) -> Any:
        """Call an HTTP function. Returns its response."""
        endpoint = ENDPOINTS[name]
        ids = {name: path.get(name, str(uuid4())) for name in endpoint.inputs.path_ids}
        url = endpoint.route.replace(":guid", "").format(**ids)
        headers = {"content-type": "application/json"}
        if caller:
            headers["authorization"] = f"Bearer {caller.tokens['access_token']}"
        http = PROTOCOL.RpcHttp(
            method=endpoint.method,
            url=f"https://portal.test{url}",
            headers=headers,
            params=ids,
            body=PROTOCOL.TypedData(bytes=json.dumps({} if body is None else body).encode()),
        )
        response = self.invoke(name, "req", PROTOCOL.TypedData(http=http))
        assert response.result.status == PROTOCOL.StatusResult.Success, response.result.exception.message
        return response.return_value.http

    def _send(self, handler: Any, **request: Any) -> Any:
        properties = {"host": "127.0.0.1", "protos": PROTOCOL}
        return asyncio.run(
            handler(SimpleNamespace(request=SimpleNamespace(**request), properties=properties))
        )


@pytest.fixture
def host(world: World) -> Iterator[Host]:
    function_app.app.functions_bindings = None  # reset the names that the local function host has indexed
    worker.start_threadpool_executor()
    yield Host()
    worker.stop_threadpool_executor()


def body_of(answer: Any) -> Any:
    assert answer.headers["content-type"].startswith("application/json")
    return json.loads(answer.body.bytes)


def test_every_function_is_indexed_by_its_name_and_can_be_loaded(host: Host) -> None:
    assert host.started.result.status == PROTOCOL.StatusResult.Success, host.started.result.exception.message
    assert {function.name for function in host.indexed} == ENDPOINTS.keys() | TRIGGERED
    for function in host.indexed:
        assert host.load(function.name).result.status == PROTOCOL.StatusResult.Success


def test_every_http_function_is_indexed_with_its_route_and_answers_anonymous_calls(host: Host) -> None:
    routes = {
        binding["route"]
        for function in host.indexed
        for binding in map(json.loads, function.raw_bindings)
        if binding["type"] == "httpTrigger"
    }
    assert routes == {endpoint.route.removeprefix("/") for endpoint in ENDPOINTS.values()}

    for name, endpoint in ENDPOINTS.items():
        answer = host.call(name)
        assert (answer.status_code == "401") is endpoint.who.signed_in, name
        assert answer.headers["X-Request-ID"], name


def test_every_http_function_answers_headquarters_and_plants(world: World, host: Host) -> None:
    for name in ENDPOINTS:
        for caller in (world.headquarters(), world.plant_user()):
            answer = host.call(name, caller)
            assert answer.status_code.isdecimal(), name
            assert int(answer.status_code) < 500, (name, answer.body.bytes)
            assert answer.status_code != "401", name


def test_a_practice_is_created_read_and_refused(world: World, host: Host) -> None:
    author = world.plant_user()

    created = host.call("create_practice", author, {"title": "Less scrap: आधा"})
    assert created.status_code == "201"
    practice_id = body_of(created)["data"]["id"]
    read = host.call("show_practice", author, practice_id=practice_id)

    assert body_of(read)["data"]["title"] == "Less scrap: आधा"
    assert read.headers["ETag"]
    refused = host.call("create_practice", author, {"title": 5})
    assert (refused.status_code, body_of(refused)["error"]["code"]) == ("422", "VALIDATION_ERROR")


def test_a_blob_trigger_records_the_blob_with_a_thumbnail(world: World, host: Host) -> None:
    author = world.plant_user()
    blob_name = world.presign_image(author, world.practice(author)["id"])["blob_name"]
    world.put_blob(blob_name, picture())
    metadata = {
        "BlobTrigger": PROTOCOL.TypedData(string=f"best-practices/{blob_name}"),
        "Uri": PROTOCOL.TypedData(json=json.dumps(f"https://account.test/best-practices/{blob_name}")),
        "Properties": PROTOCOL.TypedData(json=json.dumps({"Length": len(picture())})),
        "Metadata": PROTOCOL.TypedData(json="{}"),
    }

    response = host.invoke("record_upload", "blob", PROTOCOL.TypedData(bytes=picture()), metadata)

    assert response.result.status == PROTOCOL.StatusResult.Success, response.result.exception.message
    assert world.query("SELECT count(thumbnail_name) FROM practice_images") == [(1,)]


def test_timers_run_and_report_failures_to_the_host(world: World, host: Host) -> None:
    timer = PROTOCOL.TypedData(json=json.dumps({"IsPastDue": False, "ScheduleStatus": {}, "Schedule": {}}))
    for name in TRIGGERED - {"record_upload", "record_document"}:
        response = host.invoke(name, "timer", timer)
        assert response.result.status == PROTOCOL.StatusResult.Success, response.result.exception.message
    assert world.query("SELECT DISTINCT state FROM job_runs") == [("completed",)]

    world.query("ALTER TABLE monthly_savings RENAME TO lost")
    failed = host.invoke("rate_stars", "timer", timer)
    assert failed.result.status == PROTOCOL.StatusResult.Failure
    assert failed.result.exception.message.startswith("UndefinedTable: ")
