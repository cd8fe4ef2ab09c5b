"""Traces by OpenTelemetry: a span for every invocation, and one below it for every SQL statement.

Nothing of OpenTelemetry is imported unless it is wanted. No span holds a value, be it sent or stored.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, LiteralString, Protocol

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span
    from psycopg.sql import Composable

SERVICE: Final = "amber-portal"


@dataclass(frozen=True)
class TraceIds:
    """By which a log line is found from a trace, in the hexadecimal digits of W3C Trace Context."""

    trace_id: str
    span_id: str


class Telemetry(Protocol):
    """What becomes known of the portal's work."""

    def invocation(
        self, name: str, trace_parent: str, trace_state: str
    ) -> AbstractContextManager[TraceIds | None]:
        """Trace an invocation, as a part of the trace that it came with; None where nothing is traced."""

    def statement(self, query: "LiteralString | Composable") -> AbstractContextManager[None]:
        """Trace an SQL statement, as a part of the invocation that it is run for."""

    def close(self) -> None:
        """Send what was not sent yet."""


class NoTelemetry:
    """Traces nothing."""

    def invocation(self, name: str, trace_parent: str, trace_state: str) -> AbstractContextManager[None]:  # noqa: ARG002
        """Do nothing."""
        return nullcontext()

    def statement(self, query: "LiteralString | Composable") -> AbstractContextManager[None]:  # noqa: ARG002
        """Do nothing."""
        return nullcontext()

    def close(self) -> None:
        """Do nothing."""


class OpenTelemetry:
    """Traces everything, and sends it by the exporters that it is given."""

    def __init__(self) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        self.provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}))
        self._tracer = self.provider.get_tracer(SERVICE)

    def send_by(self, exporter: "SpanExporter") -> None:
        """Send every span by this exporter, too, in batches."""
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self.provider.add_span_processor(BatchSpanProcessor(exporter))

    @contextmanager
    def invocation(self, name: str, trace_parent: str, trace_state: str) -> Iterator[TraceIds]:
        """Trace an invocation, as a part of the trace that it came with."""
        from opentelemetry.trace import format_span_id, format_trace_id
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier = {"traceparent": trace_parent, "tracestate": trace_state}
        came_with = TraceContextTextMapPropagator().extract(carrier)
        with self._span(name, context=came_with) as span:
            ids = span.get_span_context()
            yield TraceIds(format_trace_id(ids.trace_id), format_span_id(ids.span_id))

    @contextmanager
    def statement(self, query: "LiteralString | Composable") -> Iterator[None]:
        """Trace an SQL statement by its text, in which parameters stand by their names."""
        from opentelemetry.trace import SpanKind

        text = " ".join((query if isinstance(query, str) else query.as_string()).split())
        verb = text.partition(" ")[0].upper()
        attributes = {
            "db.system.name": "postgresql", "db.operation.name": verb, "db.query.text": text
        }  # fmt: skip
        with self._span(verb, kind=SpanKind.CLIENT, attributes=attributes):
            yield

    def close(self) -> None:
        """Send what was not sent yet."""
        self.provider.shutdown()

    @contextmanager
    def _span(self, name: str, **what: Any) -> "Iterator[Span]":
        """Note by its kind what fails inside: the message of an exception may hold what somebody sent."""
        from opentelemetry.trace import StatusCode

        with self._tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False, **what
        ) as span:
            try:
                yield span
            except Exception as failure:
                span.set_status(StatusCode.ERROR)
                span.set_attribute("error.type", type(failure).__qualname__)
                raise


def open_telemetry(connection_string: str, otlp_endpoint: str) -> OpenTelemetry:
    """Trace everything, and send it to Application Insights, to a collector by OTLP, or to both."""
    telemetry = OpenTelemetry()
    if connection_string:
        from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter

        telemetry.send_by(
            AzureMonitorTraceExporter(
                connection_string=connection_string,
                tracer_provider=telemetry.provider,
                disable_offline_storage=True,
            )
        )
    if otlp_endpoint:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        telemetry.send_by(OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces"))
    return telemetry
