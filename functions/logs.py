"""Logs: one JSON object a line, each with the id of the request that it was written for."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

logger: Final = logging.getLogger("portal")

_request_id: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)


@contextmanager
def request(request_id: str) -> Iterator[None]:
    """Write what is logged inside under a request's id."""
    token = _request_id.set(request_id)
    try:
        yield
    finally:
        _request_id.reset(token)


def log(event: str, *, level: int = logging.INFO, **facts: object) -> None:
    """Write one event with its facts. Never pass bodies, tokens, passwords or personal data."""
    if logger.isEnabledFor(level):
        logger.log(level, _line(event, facts))


def log_failure(event: str, failure: BaseException, **facts: object) -> None:
    """Write an event with the exception that was the cause, and where it came from."""
    logger.error(_line(event, facts), exc_info=failure)


def _line(event: str, facts: dict[str, object]) -> str:
    return json.dumps({"event": event, "request_id": _request_id.get(), **facts}, default=str)
