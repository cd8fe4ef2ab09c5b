"""The host as a WSGI application: takes a request, calls the function, returns its response."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from azure.functions.http import HttpRequest, HttpResponseConverter
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.wrappers import Request, Response

from function_host.channels import WAITED
from function_host.cors import Cors
from function_host.index import IndexedFunction
from function_host.invocation import invoke
from function_host.routes import Router

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS = 3.0
"""A request that has waited longer for a thread is refused: otherwise all would wait ever longer."""

RETRY_AFTER_SECONDS = 2

# Set by the HTTP server. Values from a function are dropped, as the Azure Functions host does.
SERVER_HEADERS = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"})


class HttpApp:
    """Handles CORS preflights, then ``/admin`` paths, then the routes of the app. Counts active requests."""

    def __init__(self, router: Router, cors: Cors, admin: Callable[[Request], Response | None]) -> None:
        self._router = router
        self._cors = cors
        self._admin = admin
        self._active_requests = 0
        self._changed = threading.Condition()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Handle one request (PEP 3333)."""
        request = Request(environ)
        if environ.get(WAITED, 0.0) > LONGEST_WAIT_SECONDS:
            response = _busy()
        else:
            with self._counted():
                response = self._cors.preflight(request) or self._admin(request) or self._route(request)
        self._cors.add_headers(request, response)
        return response(environ, start_response)

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait at most ``seconds`` until no request is active. Returns whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._active_requests == 0, seconds)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._changed:
            self._active_requests += 1
        try:
            yield
        finally:
            with self._changed:
                self._active_requests -= 1
                self._changed.notify_all()

    def _route(self, request: Request) -> Response:
        try:
            function, parameters = self._router.match(request.path, request.method)
        except MethodNotAllowed as error:
            response = empty_response(405)
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
            return response
        except NotFound:
            return empty_response(404)
        return _call(function, _to_function_request(request, parameters))


def _busy() -> Response:
    """The response to a request that has waited too long for a thread. Azure's is 429."""
    response = empty_response(503)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def empty_response(status: int) -> Response:
    """A response without a body."""
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response


def _call(function: IndexedFunction, request: HttpRequest) -> Response:
    try:
        return _to_response(invoke(function, request, request.headers.get("traceparent", "")))
    except Exception:  # any exception is a 500, as in Azure
        logger.exception("host: function %s failed", function.name)
        return empty_response(500)


def _to_function_request(request: Request, parameters: dict[str, str]) -> HttpRequest:
    return HttpRequest(
        method=request.method,
        url=request.url,
        headers={**dict(request.headers.items()), "X-Forwarded-For": _forwarded_for(request)},
        params=_query(request.query_string.decode("latin-1")),
        route_params=parameters,
        body_type="bytes",
        body=request.get_data(cache=False),
    )


def _forwarded_for(request: Request) -> str:
    """X-Forwarded-For with the caller's address appended, as Azure's front end does."""
    return ", ".join(filter(None, (request.headers.get("X-Forwarded-For"), request.remote_addr)))


def _query(text: str) -> dict[str, str]:
    """Query parameters as Azure passes them on: repeated ones joined by commas, empty ones dropped."""
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(text):
        values.setdefault(name, []).append(value)
    return {name: ",".join(repeated) for name, repeated in values.items()}


def _to_response(result: object) -> Response:
    """The HTTP response for a function's result, made with the converter of the Python worker.

    Raises NotImplementedError if the result is neither an HttpResponse nor a string.
    """
    datum = HttpResponseConverter.encode(result, expected_type=None)
    if datum.type == "string":
        return Response(datum.value, mimetype="text/plain")
    response = Response(datum.value["body"].value, status=int(datum.value["status_code"].value))
    for name, value in datum.value["headers"].items():
        if name.lower() not in SERVER_HEADERS:
            response.headers[name] = value.value  # a repeated header keeps its last value
    for cookie in datum.value["cookies"] or ():
        for morsel in cookie.values():
            response.headers.add("Set-Cookie", morsel.OutputString())
    return response
