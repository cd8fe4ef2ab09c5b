"""Calls a function as the Python worker does: by binding name, with a context, in an event loop if async."""

import asyncio
import inspect
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import azure.functions as func

from function_host.index import IndexedFunction

_THREAD_LOCAL = threading.local()


@dataclass(frozen=True)
class TraceContext:
    """The caller's W3C trace context; '' if there is none."""

    trace_parent: str = ""
    trace_state: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RetryContext:
    """Number of retries so far. Always 0: this host does not support retry policies."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: None = None


@func.Context.register
@dataclass(frozen=True)
class InvocationContext:
    """The ``context`` argument of a function: its name, and the id of this call."""

    function_name: str
    function_directory: str
    invocation_id: str
    trace_context: TraceContext
    retry_context: RetryContext = RetryContext()
    thread_local_storage: threading.local = _THREAD_LOCAL


def invoke(function: IndexedFunction, value: object, trace_parent: str = "") -> object:
    """Call the function with the trigger value ``value``. Exceptions of the function are not caught."""
    arguments: dict[str, object] = {function.parameter: value}
    if function.wants_context:
        arguments["context"] = _context(function, trace_parent)
    result = function.handler(**arguments)
    if inspect.iscoroutinefunction(function.handler) and inspect.iscoroutine(result):
        return asyncio.run(result)
    return result


def _context(function: IndexedFunction, trace_parent: str) -> InvocationContext:
    context = InvocationContext(
        function_name=function.name,
        function_directory=str(Path(inspect.getfile(inspect.unwrap(function.handler))).parent),
        invocation_id=str(uuid.uuid4()),
        trace_context=TraceContext(trace_parent),
    )
    _THREAD_LOCAL.invocation_id = context.invocation_id
    return context
