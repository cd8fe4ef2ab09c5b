"""What the host's tests share: small apps, patience, a clock set by hand."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import azure.functions as func

PATIENCE_SECONDS = 40.0
POLL_SECONDS = 0.05


def eventually(condition: Callable[[], object]) -> None:
    """Return as soon as ``condition`` holds; fail if it does not within PATIENCE_SECONDS."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(POLL_SECONDS)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def __call__(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by


def http_app(**routes: str) -> func.FunctionApp:
    """An app of GET functions, name -> route, each of which answers its own name."""
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
