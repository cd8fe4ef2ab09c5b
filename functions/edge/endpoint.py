"""The endpoint decorator: one declaration per route, from which everything around its handler follows.

    @endpoint("POST", "/api/v1/best-practices/{practice_id:guid}/approve", who=HEADQUARTERS)
    def approve_practice(work: UnitOfWork, caller: Caller, practice_id: UUID) -> Practice: ...

The declaration has the method, the route and who may call. The annotations of the handler say what is read
from path, query and body, and what is returned. The edge identifies the caller, counts the request, checks
access, parses the inputs, calls the handler in one transaction (reads: every statement by itself), and
renders the result or the error. `declaration.HANDLER_PARAMETERS` are the names of what a handler can take.
"""

from collections.abc import Callable
from typing import Final, TypeVar, Unpack

import azure.functions as func

from functions import telemetry
from functions.blueprints import new_blueprint
from functions.edge.access import Access
from functions.edge.declaration import DeclarationError, Endpoint, Options, declare
from functions.edge.invocation import serve

Handler = TypeVar("Handler", bound=Callable[..., object])

ENDPOINTS: Final[dict[str, Endpoint]] = {}
"""Every declared endpoint by the name of its function."""


class EndpointDecorator:
    """Declares endpoints on the blueprint of one feature."""

    def __init__(self, blueprint: func.Blueprint) -> None:
        self._blueprint = blueprint

    def __call__(
        self, method: str, route: str, *, who: Access, **options: Unpack[Options]
    ) -> Callable[[Handler], Handler]:
        """Declare an endpoint; the handler itself is not changed. Raises DeclarationError."""

        def register(handler: Handler) -> Handler:
            endpoint = declare(method, route, who, handler, options)
            if endpoint.name in ENDPOINTS:
                raise DeclarationError(f"two functions are named {endpoint.name}")
            ENDPOINTS[endpoint.name] = endpoint
            self._blueprint.route(
                route=route.removeprefix("/"), methods=[method], auth_level=func.AuthLevel.ANONYMOUS
            )(_azure_function(endpoint))
            return handler

        return register


def endpoints() -> tuple[func.Blueprint, EndpointDecorator]:
    """Return a new blueprint for a feature, and the decorator that declares endpoints on it."""
    blueprint = new_blueprint()
    return blueprint, EndpointDecorator(blueprint)


def _azure_function(endpoint: Endpoint) -> Callable[[func.HttpRequest, func.Context], func.HttpResponse]:
    """Return the function that Azure indexes: its parameters are exactly the trigger and the context."""

    def invoke(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        with telemetry.invocation(context):
            return serve(endpoint, req)

    invoke.__name__ = invoke.__qualname__ = endpoint.name
    invoke.__doc__ = endpoint.handler.__doc__
    return invoke
