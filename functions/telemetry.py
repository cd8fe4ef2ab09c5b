"""Every invocation as a span of the host's trace, with its function and trace ids in the log."""

from collections.abc import Iterator
from contextlib import contextmanager

import azure.functions as func

from functions import bootstrap, logs


@contextmanager
def invocation(context: func.Context) -> Iterator[None]:
    """Trace an invocation, and log its function and trace ids."""
    parent, telemetry = context.trace_context, bootstrap.portal().telemetry
    span = telemetry.invocation(context.function_name, parent.trace_parent, parent.trace_state)
    with span as ids:
        trace_ids = {"trace_id": ids.trace_id, "span_id": ids.span_id} if ids else {}
        with logs.context(function=context.function_name, **trace_ids):
            yield
