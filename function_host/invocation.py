"""Calls a function as the Python worker does: by its binding's name, with a context, on a loop if async."""

import asyncio
import inspect
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import azure.functions as func

from local.host.index import IndexedFunction

_THREAD_LOCAL = threading.local()


@dataclass(frozen=True)
class TraceContext:
    """The caller's W3C trace, '' where there is none."""

    trace_parent: str = ""
    trace_state: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RetryContext:
    """Which try of how many this is; this host has no retry policies."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: None = None


@func.Context.register
@dataclass(frozen=True)
class InvocationContext:
    """What a function sees as its ``context``: who it is and which call this is."""

    function_name: str
    function_directory: str
    invocation_id: str
    trace_context: TraceContext
    retry_context: RetryContext = RetryContext()
    thread_local_storage: threading.local = _THREAD_LOCAL


def invoke(function: IndexedFunction, value: object, trace_parent: str = "") -> object:
    """The function's result for the trigger value ``value``; whatever it raises comes through."""
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
