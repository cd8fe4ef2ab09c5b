"""The log: one JSON object per line, with the context of the invocation, written by the logger "portal".

The context has the function, the ids of the request and the trace, and the id of the user once it is known.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

logger: Final = logging.getLogger("portal")

_context: Final[ContextVar[Mapping[str, object]]] = ContextVar("log_context", default=MappingProxyType({}))


@contextmanager
def context(**facts: object) -> Iterator[None]:
    """Log these facts with every line of an invocation, and forget them and all bound facts at its end."""
    token = _context.set({**_context.get(), **facts})
    try:
        yield
    finally:
        _context.reset(token)


def bind(**facts: object) -> None:
    """Add facts to every line until the invocation ends."""
    _context.set({**_context.get(), **facts})


def log(event: str, *, level: int = logging.INFO, **facts: object) -> None:
    """Log an event with its facts. Never pass bodies, tokens, passwords or personal data."""
    if logger.isEnabledFor(level):
        logger.log(level, _line(event, facts))


def log_failure(event: str, failure: BaseException, **facts: object) -> None:
    """Log an event with the exception that caused it, and its traceback."""
    logger.error(_line(event, facts), exc_info=failure)


def _line(event: str, facts: Mapping[str, object]) -> str:
    return json.dumps({"event": event, **_context.get(), **facts}, default=str)
