"""Traces by OpenTelemetry: a span for every invocation, and a child span for every SQL statement.

OpenTelemetry is imported only if traces are switched on. No span has a value from a request or a row.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, LiteralString, Protocol

from typing_extensions import override

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span
    from psycopg.sql import Composable

SERVICE: Final = "amber-portal"


@dataclass(frozen=True)
class TraceIds:
    """The ids that join a log line with its trace, in hexadecimal digits as in W3C Trace Context."""

    trace_id: str
    span_id: str


class Telemetry(Protocol):
    """Records what the portal does."""

    def invocation(
        self, name: str, trace_parent: str, trace_state: str
    ) -> AbstractContextManager[TraceIds | None]:
        """Trace an invocation as a part of the trace of its caller; gives None if traces are off."""
        ...

    def statement(self, query: "LiteralString | Composable") -> AbstractContextManager[None]:
        """Trace an SQL statement as a part of the current invocation."""
        ...

    def close(self) -> None:
        """Send the spans that are not sent yet."""
        ...


class NoTelemetry(Telemetry):
    """Records nothing."""

    @override
    def invocation(self, name: str, trace_parent: str, trace_state: str) -> AbstractContextManager[None]:
        return nullcontext()

    @override
    def statement(self, query: "LiteralString | Composable") -> AbstractContextManager[None]:
        return nullcontext()

    @override
    def close(self) -> None:
        pass


class OpenTelemetry(Telemetry):
    """Records spans, and sends them by its exporters."""

    def __init__(self) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        self.provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}))
        self._tracer = self.provider.get_tracer(SERVICE)

    def add_exporter(self, exporter: "SpanExporter") -> None:
        """Send every span by this exporter too, in batches."""
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self.provider.add_span_processor(BatchSpanProcessor(exporter))

    @override
    @contextmanager
    def invocation(self, name: str, trace_parent: str, trace_state: str) -> Iterator[TraceIds]:
        from opentelemetry.trace import format_span_id, format_trace_id
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier = {"traceparent": trace_parent, "tracestate": trace_state}
        parent = TraceContextTextMapPropagator().extract(carrier)
        with self._span(name, context=parent) as span:
            ids = span.get_span_context()
            yield TraceIds(format_trace_id(ids.trace_id), format_span_id(ids.span_id))

    @override
    @contextmanager
    def statement(self, query: "LiteralString | Composable") -> Iterator[None]:
        # The text has the names of the parameters, not their values.
        from opentelemetry.trace import SpanKind

        text = " ".join((query if isinstance(query, str) else query.as_string()).split())
        verb = text.partition(" ")[0].upper()
        attributes = {
            "db.system.name": "postgresql",
            "db.operation.name": verb,
            "db.query.text": text,
        }
        with self._span(verb, kind=SpanKind.CLIENT, attributes=attributes):
            yield

    @override
    def close(self) -> None:
        self.provider.shutdown()

    @contextmanager
    def _span(self, name: str, **options: Any) -> "Iterator[Span]":
        """Record a span, and a failure by its type only: its message may have values from a request."""
        from opentelemetry.trace import StatusCode

        with self._tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False, **options
        ) as span:
            try:
                yield span
            except Exception as failure:
                span.set_status(StatusCode.ERROR)
                span.set_attribute("error.type", type(failure).__qualname__)
                raise


def open_telemetry(connection_string: str, otlp_endpoint: str) -> OpenTelemetry:
    """Record spans, and send them to Application Insights, to a collector by OTLP, or to both."""
    telemetry = OpenTelemetry()
    if connection_string:
        from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter

        telemetry.add_exporter(
            AzureMonitorTraceExporter(
                connection_string=connection_string,
                tracer_provider=telemetry.provider,
                disable_offline_storage=True,
            )
        )
    if otlp_endpoint:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        telemetry.add_exporter(OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces"))
    return telemetry
