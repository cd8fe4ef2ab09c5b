"""Helpers for the tests of the function host: small apps, waiting, a manual clock."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import azure.functions as func

TIMEOUT_SECONDS = 40.0
POLL_SECONDS = 0.05


def eventually(condition: Callable[[], object]) -> None:
    """Wait until ``condition`` is true. Fails after TIMEOUT_SECONDS."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(POLL_SECONDS)


class Clock:
    """A clock that changes only with ``advance``."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def __call__(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by


def http_app(**routes: str) -> func.FunctionApp:
    """An app of GET functions, name -> route. Each returns its name and route parameters."""
    app = func.FunctionApp()

    def answer(req: func.HttpRequest, *, name: str) -> str:
        return f"{name} {dict(req.route_params)}"

    for name, route in routes.items():
        add_http(app, name, route, ("GET",), partial(answer, name=name))
    return app


def add_http(
    app: func.FunctionApp,
    name: str,
    route: str,
    methods: tuple[str, ...],
    answer: Callable[[func.HttpRequest], str | func.HttpResponse],
) -> None:
    """Register ``answer`` as the function ``name``."""

    def handler(req: func.HttpRequest) -> func.HttpResponse | str:
        return answer(req)

    handler.__annotations__["return"] = func.HttpResponse
    app.function_name(name)(
        app.route(route=route, methods=[func.HttpMethod(method) for method in methods])(handler)
    )
