"""The host's HTTP side as a WSGI application: request in, function called, response out."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from azure.functions.http import HttpRequest, HttpResponseConverter
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.wrappers import Request, Response

from local.host.cors import Cors
from local.host.index import IndexedFunction
from local.host.invocation import invoke
from local.host.routes import Router

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger(__name__)

# The server frames its own answers; what a function says of these is dropped, as the real host does.
SERVERS_OWN_HEADERS = frozenset(
    {"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"}
)


class HttpApp:
    """Answers CORS preflights, then ``/admin`` by ``admin``, then the app's routes; counts what runs."""

    def __init__(self, router: Router, cors: Cors, admin: Callable[[Request], Response | None]) -> None:
        self._router = router
        self._cors = cors
        self._admin = admin
        self._under_way = 0
        self._changed = threading.Condition()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        request = Request(environ)
        with self._counted():
            response = self._cors.preflight(request) or self._admin(request) or self._route(request)
        self._cors.mark(request, response)
        return response(environ, start_response)

    def wait_until_idle(self, seconds: float) -> bool:
        """Whether no call is under way any more, after at most ``seconds``."""
        with self._changed:
            return self._changed.wait_for(lambda: self._under_way == 0, seconds)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._changed:
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def _route(self, request: Request) -> Response:
        try:
            function, parameters = self._router.match(request.path, request.method)
        except MethodNotAllowed as refusal:
            response = empty(405)
            response.headers["Allow"] = ", ".join(sorted(refusal.valid_methods or ()))
            return response
        except NotFound:
            return empty(404)
        return _call(function, _incoming(request, parameters))


def empty(status: int) -> Response:
    """An answer without a body."""
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response


def _call(function: IndexedFunction, request: HttpRequest) -> Response:
    try:
        return _outgoing(invoke(function, request, request.headers.get("traceparent", "")))
    except Exception:  # the real host, too, makes a 500 of whatever escapes a function
        logger.exception("host: function %s failed", function.name)
        return empty(500)


def _incoming(request: Request, parameters: dict[str, str]) -> HttpRequest:
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
    """Who called, appended as the platform's front end does; what stands before it is the client's word."""
    return ", ".join(filter(None, (request.headers.get("X-Forwarded-For"), request.remote_addr)))


def _query(text: str) -> dict[str, str]:
    """Query parameters as the real host hands them on: repeated ones joined by commas, empty ones dropped."""
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(text):
        values.setdefault(name, []).append(value)
    return {name: ",".join(several) for name, several in values.items()}


def _outgoing(result: object) -> Response:
    """The response that the worker's own converter makes of a function's result.

    Raises NotImplementedError for a result that is neither an HttpResponse nor a string.
    """
    datum = HttpResponseConverter.encode(result, expected_type=None)
    if datum.type == "string":
        return Response(datum.value, mimetype="text/plain")
    response = Response(datum.value["body"].value, status=int(datum.value["status_code"].value))
    for name, value in datum.value["headers"].items():
        if name.lower() not in SERVERS_OWN_HEADERS:
            response.headers[name] = value.value  # a repeated header keeps its last value
    for cookie in datum.value["cookies"] or ():
        for morsel in cookie.values():
            response.headers.add("Set-Cookie", morsel.OutputString())
    return response
