"""Logs: one JSON object a line, each with the ids of the request and the trace that it was written for."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from adapters.telemetry import TraceIds

logger: Final = logging.getLogger("portal")

_request_id: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
_trace: Final[ContextVar[TraceIds | None]] = ContextVar("trace", default=None)


@contextmanager
def request(request_id: str) -> Iterator[None]:
    """Write what is logged inside under a request's id."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


@contextmanager
def trace(ids: TraceIds | None) -> Iterator[None]:
    """Write what is logged inside under the ids of a trace, if there is one."""
    token = _trace.set(ids)
    try:
        yield
    finally:
        _trace.reset(token)


def log(event: str, *, level: int = logging.INFO, **facts: object) -> None:
    """Write one event with its facts. Never pass bodies, tokens, passwords or personal data."""
    if logger.isEnabledFor(level):
        logger.log(level, _line(event, facts))


def log_failure(event: str, failure: BaseException, **facts: object) -> None:
    """Write an event with the exception that was the cause, and where it came from."""
    logger.error(_line(event, facts), exc_info=failure)


def _line(event: str, facts: dict[str, object]) -> str:
    ids = _trace.get()
    traced = {"trace_id": ids.trace_id, "span_id": ids.span_id} if ids else {}
    return json.dumps({"event": event, "request_id": _request_id.get(), **traced, **facts}, default=str)
