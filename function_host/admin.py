"""The host's own paths: ``/admin/functions``, ``/admin/functions/{name}`` and ``/admin/host/status``.

In Azure these paths need the master key. This host listens on a loopback address and needs no key.
"""

import json
from collections.abc import Callable, Mapping, Sequence

from werkzeug.wrappers import Request, Response

from function_host.index import Binding, HttpTrigger, IndexedFunction
from function_host.wsgi import empty_response

RunNow = Callable[[str], None]
"""Starts a function that has no HTTP trigger and returns immediately. Takes the caller's ``input``, or ''.

Raises ValueError if the input is not valid for the function.
"""


class Admin:
    """The admin paths. ``runners`` maps the name of each function without an HTTP trigger to its RunNow."""

    def __init__(self, functions: Sequence[IndexedFunction], runners: Mapping[str, RunNow]) -> None:
        self._functions = functions
        self._runners = runners

    def __call__(self, request: Request) -> Response | None:
        """Respond to a request, or return None if the path does not start with ``/admin``."""
        match request.method, request.path.strip("/").lower().split("/"):
            case "GET", ["admin", "host", "status"]:
                return _json({"state": "Running"})
            case "GET", ["admin", "functions"]:
                return _json([_describe(function, request.host_url) for function in self._functions])
            case "POST", ["admin", "functions", name]:
                return self._run(name, request.get_data())
            case _, ["admin", *_]:
                return empty_response(404)
        return None

    def _run(self, name: str, body: bytes) -> Response:
        runner = next((run for known, run in self._runners.items() if known.lower() == name), None)
        if runner is None:
            return empty_response(404)
        try:
            content = json.loads(body) if body.strip() else {}
            runner(str(content.get("input") or "") if isinstance(content, dict) else "")
        except ValueError as error:
            return Response(str(error), status=400, mimetype="text/plain")
        return empty_response(202)


def _describe(function: IndexedFunction, base_url: str) -> dict[str, object]:
    """One function in the JSON format of the Azure Functions host."""
    bindings: list[Binding] = function.bindings
    description: dict[str, object] = {
        "name": function.name,
        "language": "python",
        "isDisabled": False,
        "config": {"bindings": bindings},
    }
    if isinstance(function.trigger, HttpTrigger):
        description["invoke_url_template"] = base_url + function.trigger.route.strip("/").lower()
    return description


def _json(content: object) -> Response:
    return Response(json.dumps(content), mimetype="application/json")
