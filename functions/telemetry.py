"""Every invocation as a part of the host's trace, and the ids of that trace in its logs."""

from collections.abc import Iterator
from contextlib import contextmanager

import azure.functions as func

from functions import bootstrap, logs


@contextmanager
def invocation(context: func.Context) -> Iterator[None]:
    """Trace an invocation."""
    came_with, telemetry = context.trace_context, bootstrap.portal().telemetry
    traced = telemetry.invocation(context.function_name, came_with.trace_parent, came_with.trace_state)
    with traced as ids, logs.trace(ids):
        yield
