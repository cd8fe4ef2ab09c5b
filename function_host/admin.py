"""The host's own paths: ``/admin/functions``, ``/admin/functions/{name}`` and ``/admin/host/status``.

In Azure they ask for the master key; this host listens on a loopback address and asks for none.
"""

import json
from collections.abc import Callable, Mapping, Sequence

from werkzeug.wrappers import Request, Response

from local.host.index import Binding, HttpTrigger, IndexedFunction
from local.host.wsgi import empty

RunNow = Callable[[str], None]
"""Starts a function that is not triggered by HTTP and returns at once; takes the caller's ``input``, or ''.

Raises ValueError if the function needs an input and this is none.
"""


class Admin:
    """The admin paths for ``functions``; ``runners`` start, by name, those without an HTTP trigger."""

    def __init__(self, functions: Sequence[IndexedFunction], runners: Mapping[str, RunNow]) -> None:
        self._functions = functions
        self._runners = runners

    def __call__(self, request: Request) -> Response | None:
        """The answer, or None if the path is not the host's own."""
        match request.method, request.path.strip("/").lower().split("/"):
            case "GET", ["admin", "host", "status"]:
                return _json({"state": "Running"})
            case "GET", ["admin", "functions"]:
                return _json([_described(function, request.host_url) for function in self._functions])
            case "POST", ["admin", "functions", name]:
                return self._run(name, request.get_data())
            case _, ["admin", *_]:
                return empty(404)
        return None

    def _run(self, name: str, body: bytes) -> Response:
        runner = next((run for known, run in self._runners.items() if known.lower() == name), None)
        if runner is None:
            return empty(404)
        try:
            content = json.loads(body) if body.strip() else {}
            runner(str(content.get("input") or "") if isinstance(content, dict) else "")
        except ValueError as error:
            return Response(str(error), status=400, mimetype="text/plain")
        return empty(202)


def _described(function: IndexedFunction, base_url: str) -> dict[str, object]:
    """One function in the shape of the real host's listing."""
    bindings: list[Binding] = function.bindings
    described: dict[str, object] = {
        "name": function.name,
        "language": "python",
        "isDisabled": False,
        "config": {"bindings": bindings},
    }
    if isinstance(function.trigger, HttpTrigger):
        described["invoke_url_template"] = base_url + function.trigger.route.strip("/").lower()
    return described


def _json(content: object) -> Response:
    return Response(json.dumps(content), mimetype="application/json")
