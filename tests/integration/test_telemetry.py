"""Traces of invocations with PostgreSQL and storage: the spans, their attributes, their export."""

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from adapters.telemetry import OpenTelemetry
from functions import bootstrap
from functions.settings import load_settings
from local.storage import prepare_storage
from tests.world import NOON, PASSWORD, SETTINGS, SetClock, World, picture

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACE_PARENT = f"00-{TRACE}-{CALLER}-01"


class Spans:
    """The spans that the portal exports."""

    def __init__(self) -> None:
        self._sent = InMemorySpanExporter()
        self.telemetry = OpenTelemetry()
        self.telemetry.add_exporter(self._sent)

    def clear(self) -> None:
        self.all()
        self._sent.clear()

    def all(self) -> tuple[ReadableSpan, ...]:
        self.telemetry.provider.force_flush()
        return self._sent.get_finished_spans()

    def of(self, name: str) -> ReadableSpan:
        [span] = [span for span in self.all() if span.name == name]
        return span

    def below(self, parent: ReadableSpan) -> list[ReadableSpan]:
        return [span for span in self.all() if span.parent and span.parent.span_id == parent.context.span_id]


@pytest.fixture
def spans() -> Spans:
    return Spans()


@pytest.fixture
def world(database_url: str, storage_connection_string: str, spans: Spans) -> Iterator[World]:
    prepare_storage(storage_connection_string, [])
    world = World(database_url, storage_connection_string, SetClock(NOON), {}, telemetry=spans.telemetry)
    bootstrap.install(world.portal)
    yield world
    bootstrap.install(None)
    world.close()


def hexadecimal(number: int, digits: int) -> str:
    return f"{number:0{digits}x}"


@pytest.fixture
def call(world: World, spans: Spans) -> ReadableSpan:
    """The span of a call with a trace context; `spans` has only the spans of this call."""
    author = world.plant_user()
    spans.clear()
    author.http.get("/api/v1/categories", headers={"traceparent": TRACE_PARENT})
    return spans.of("list_categories")


def test_the_span_of_an_invocation_continues_the_trace_of_its_caller(call: ReadableSpan) -> None:
    assert call.parent is not None
    assert hexadecimal(call.context.trace_id, 32) == TRACE
    assert hexadecimal(call.parent.span_id, 16) == CALLER


def test_every_statement_is_a_span_below_that_of_its_invocation(spans: Spans, call: ReadableSpan) -> None:
    statements = spans.below(call)
    assert len(statements) == len(spans.all()) - 1 == 2  # the session, and the list
    for span, operation in zip(statements, ("SELECT", "WITH"), strict=True):
        attributes = span.attributes or {}
        recorded = (attributes["db.system.name"], attributes["db.operation.name"])
        assert (span.name, span.kind, recorded) == (operation, SpanKind.CLIENT, ("postgresql", operation))


def test_a_span_has_the_text_of_its_statement_in_one_line(spans: Spans, call: ReadableSpan) -> None:
    session, categories = [str((span.attributes or {})["db.query.text"]) for span in spans.below(call)]
    assert "FROM sessions" in session
    assert "FROM categories" in categories
    for text in (session, categories):
        assert "\n" not in text
        assert "  " not in text


def test_spans_have_the_names_of_parameters_and_no_values(world: World, spans: Spans) -> None:
    author = world.plant_user()
    written = world.practice(author, title="Pepper in the title", description="Pepper, too")
    author.get("/best-practices", search="pepper cayenne")
    author.patch(f"/best-practices/{written['id']}", {"title": "Cayenne"})
    world.browser().post("/api/v1/auth/login", json={"email": "pepper@amber.test", "password": "cayenne12"})

    text = " ".join(f"{span.name} {dict(span.attributes or {})} {span.events}" for span in spans.all())

    assert "%(title)s" in text
    for value in ("pepper", "cayenne", written["id"], author.email, author.tokens["access_token"], PASSWORD):
        assert value.lower() not in text.lower()


def test_a_database_error_is_recorded_by_its_type_without_its_message(world: World, spans: Spans) -> None:
    hq = world.headquarters()
    spans.clear()

    response = hq.post("/categories", {"name": "Cost", "color_class": "c", "icon_name": "i"})

    assert response.status_code == 409
    [failed] = [span for span in spans.all() if span.status.status_code is StatusCode.ERROR]
    assert (failed.attributes or {})["error.type"] == "Duplicate"
    assert failed.status.description is None
    assert failed.events == ()


def test_timers_and_blobs_are_traced_like_calls(world: World, spans: Spans) -> None:
    author = world.plant_user()
    blob_name = world.presign_image(author, world.practice(author)["id"])["blob_name"]
    world.put_blob(blob_name, picture())

    world.deliver(blob_name)
    world.run_timer("rate_stars")

    for name in ("record_upload", "rate_stars"):
        assert spans.below(spans.of(name))


def test_every_line_of_the_log_names_the_trace_and_the_span(
    world: World, spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="portal")
    world.browser().get("/health", headers={"traceparent": TRACE_PARENT})
    world.run_timer("rate_stars")

    lines = [json.loads(record.message) for record in caplog.records if record.name == "portal"]
    assert [line["event"] for line in lines] == ["answered", "job_finished"]
    for line, span in zip(lines, (spans.of("show_health"), spans.of("rate_stars")), strict=True):
        assert line["trace_id"] == hexadecimal(span.context.trace_id, 32)
        assert line["span_id"] == hexadecimal(span.context.span_id, 16)
    assert lines[0]["trace_id"] == TRACE


# --- export


class Collector:
    """A local collector, and the path and body of each request that it received."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.url = ""


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    for extra in ("STATSBEAT_DISABLED_ALL", "SDKSTATS_DISABLED", "CONTROLPLANE_DISABLED"):
        monkeypatch.setenv(f"APPLICATIONINSIGHTS_{extra}", "true")  # other requests of the exporter
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.sent.append((self.path, body))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"itemsReceived": 1, "itemsAccepted": 1, "errors": []}')

        def log_message(self, *message: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        collector.url = f"http://127.0.0.1:{server.server_port}"
        yield collector
        server.shutdown()


def traced_by(settings: dict[str, str], database_url: str) -> None:
    """Run a statement in a portal with these settings, and close the portal."""
    common = {"DATABASE_URL": database_url, "AzureWebJobsStorage": "UseDevelopmentStorage=true"}
    portal = bootstrap.build(load_settings({**SETTINGS, **common, "TELEMETRY": "opentelemetry", **settings}))
    with portal.telemetry.invocation("show_health", TRACE_PARENT, ""):
        portal.database.autocommit().value("SELECT 1")
    portal.close()


def test_spans_are_sent_to_a_collector_by_otlp(collector: Collector, database_url: str) -> None:
    traced_by({"OTEL_EXPORTER_OTLP_ENDPOINT": f"{collector.url}/"}, database_url)

    [(path, body)] = collector.sent
    assert path == "/v1/traces"
    [resource] = ExportTraceServiceRequest.FromString(body).resource_spans
    attributes = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}
    assert attributes["service.name"] == "amber-portal"
    sent = {span.name: span for span in resource.scope_spans[0].spans}
    assert sent.keys() == {"show_health", "SELECT"}
    assert sent["SELECT"].parent_span_id == sent["show_health"].span_id
    assert {span.trace_id.hex() for span in sent.values()} == {TRACE}


def test_the_same_spans_are_sent_to_application_insights(collector: Collector, database_url: str) -> None:
    insights = f"InstrumentationKey=7c0b2d3e-1a4f-4b5c-8d6e-9f0a1b2c3d4e;IngestionEndpoint={collector.url}/"
    traced_by({"APPLICATIONINSIGHTS_CONNECTION_STRING": insights}, database_url)

    [(path, body)] = collector.sent
    assert path.endswith("/track")
    sent: list[dict[str, Any]] = json.loads(body)
    spans = [item for item in sent if item["data"]["baseType"] == "RemoteDependencyData"]
    assert {span["data"]["baseData"]["name"] for span in spans} == {"show_health", "SELECT"}
    assert {span["tags"]["ai.operation.id"] for span in spans} == {TRACE}
    assert {span["tags"]["ai.cloud.role"] for span in spans} == {"amber-portal"}
