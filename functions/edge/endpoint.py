"""The edge: a declaration per route, from which everything around its handler follows.

    @endpoint("POST", "/api/v1/best-practices/{practice_id:guid}/approve", who=HEADQUARTERS)
    def approve_practice(unit: Unit, caller: Caller, practice_id: UUID) -> Practice: ...

The declaration says the method, the route, who may call, and (by the handler's own annotations) what is read
from path, query and body and what is answered. The edge gives the call its id, lets in whom the declaration
lets in, reads what was sent, runs the handler in one transaction (reads: a statement at a time), and puts
the result, or what was refused, into the envelope. A handler takes what it needs by these names: `unit`,
`caller`, `client` (its address), `query`, `body`, `form`, `request`, `expected` (the versions of
If-Match), and the ids in its path.
"""

import inspect
import re
import time
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import uuid4

import azure.functions as func
from pydantic import BaseModel, TypeAdapter

from bp_core.shared.errors import PortalError
from bp_core.shared.paging import Page
from functions import answers, bootstrap, logs, parsing, retries, telemetry
from functions.access import Access
from functions.answers import FileReply, Reply, ReplyBeside
from functions.blueprints import new_blueprint
from functions.bootstrap import Portal, Unit
from functions.clients import client_address
from functions.codes import CODES
from functions.etags import expected_versions
from functions.identity import Identity, identify
from functions.limits import LimitGroup, named_account

Handler = TypeVar("Handler", bound=Callable[..., object])

BODY_LIMIT: Final = 1024 * 1024
CREATED: Final = 201
READS: Final = frozenset({"GET"})

_PATH_ID: Final = re.compile(r"\{(\w+):guid\}")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_GIVEN: Final = frozenset({"unit", "caller", "client", "query", "body", "form", "request", "expected"})


class DeclarationError(Exception):
    """An endpoint is declared in a way that cannot work; found at import, so that it is never deployed."""


@dataclass(frozen=True)
class Endpoint:
    """A declared route."""

    method: str
    route: str
    who: Access
    status: int
    limit: LimitGroup
    body_limit: int
    transaction: bool
    creates: bool
    or_status: int | None
    errors: tuple[str, ...]
    media: tuple[str, ...]
    handler: Callable[..., object]
    path_ids: tuple[str, ...]
    wanted: frozenset[str]
    query: type[BaseModel] | None
    body: type[BaseModel]
    form: type[BaseModel] | None
    container: type[object] | None
    result: Any
    beside: type[BaseModel] | None
    adapter: TypeAdapter[object]

    @property
    def name(self) -> str:
        """The name of the function in Azure."""
        return self.handler.__name__

    @property
    def statuses(self) -> tuple[int, ...]:
        """The statuses of its answers, refusals aside."""
        return (self.status,) if self.or_status is None else (self.status, self.or_status)

    @property
    def codes(self) -> frozenset[str]:
        """What it may refuse a call with: what follows from its declaration, and what that names beside."""
        writes = self.method not in READS
        reads_values = writes or self.query is not None
        follows = {
            "BAD_REQUEST": reads_values,
            "NOT_FOUND": bool(self.path_ids),
            "IDEMPOTENCY_KEY_REUSED": self.creates,
            "IDEMPOTENCY_KEY_BUSY": self.creates,
            "PRECONDITION_FAILED": "expected" in self.wanted,
            "PAYLOAD_TOO_LARGE": writes,
            "UNSUPPORTED_MEDIA_TYPE": writes,
            "VALIDATION_ERROR": reads_values,
            "RATE_LIMITED": self.limit != "none",
            "INTERNAL": True,
            "UNAVAILABLE": True,
        }
        return self.who.codes.union(self.errors, (code for code, applies in follows.items() if applies))


ENDPOINTS: Final[dict[str, Endpoint]] = {}
"""Every declared endpoint by the name of its function."""


def endpoints() -> tuple[func.Blueprint, Callable[..., Callable[[Handler], Handler]]]:
    """Give a feature its blueprint, and the decorator that declares endpoints on it."""
    blueprint = new_blueprint()

    def endpoint(
        method: str,
        route: str,
        *,
        who: Access,
        status: int = 200,
        limit: LimitGroup = "general",
        body_limit: int = BODY_LIMIT,
        transaction: bool | None = None,
        creates: bool | None = None,
        or_status: int | None = None,
        errors: tuple[str, ...] = (),
        media: tuple[str, ...] = (),
    ) -> Callable[[Handler], Handler]:
        """Declare a route.

        `transaction=False` lets each statement stand for itself: for reads (the default there), and for calls
        that wait for something slow and must not hold a connection meanwhile; their stores are atomic.
        `creates` says that the call makes something, so that it takes an Idempotency-Key: the default of a
        POST that answers 201.
        `or_status` is what a Reply may say instead of `status`. `errors` are the codes that it refuses with
        beside those that follow from the declaration (`Endpoint.codes`): states that things must not be in.
        `media` are the types of its answer where that is a file.
        """

        def register(handler: Handler) -> Handler:
            declared = _declared(
                handler,
                method=method,
                route=route,
                who=who,
                status=status,
                limit=limit,
                body_limit=body_limit,
                transaction=method not in READS if transaction is None else transaction,
                creates=(method == "POST" and status == CREATED) if creates is None else creates,
                or_status=or_status,
                errors=errors,
                media=media,
            )
            if declared.name in ENDPOINTS:
                raise DeclarationError(f"two functions are named {declared.name}")
            ENDPOINTS[declared.name] = declared
            blueprint.route(
                route=route.removeprefix("/"), methods=[method], auth_level=func.AuthLevel.ANONYMOUS
            )(_azure_function(declared))
            return handler

        return register

    return blueprint, endpoint


def _azure_function(endpoint: Endpoint) -> Callable[[func.HttpRequest, func.Context], func.HttpResponse]:
    """Make what Azure's indexer sees: a function of exactly the trigger's parameter, and the context."""

    def invoke(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        with telemetry.invocation(context):
            return _serve(endpoint, req)

    invoke.__name__ = invoke.__qualname__ = endpoint.name
    invoke.__doc__ = endpoint.handler.__doc__
    return invoke


def _declared(handler: Callable[..., object], *, route: str, who: Access, **declared: Any) -> Endpoint:
    hints = typing.get_type_hints(handler)
    wanted = frozenset(inspect.signature(handler).parameters)
    path_ids = tuple(_PATH_ID.findall(route))
    name = handler.__name__
    if unknown := wanted - _GIVEN - set(path_ids):
        raise DeclarationError(f"{name} wants {sorted(unknown)}, which its declaration does not give")
    if "caller" in wanted and not who.signed_in:
        raise DeclarationError(f"{name} wants a caller, but anyone may call it")
    if declared["creates"] and not who.signed_in:
        raise DeclarationError(f"{name} creates something for anyone: no key tells who calls again")
    if undefined := set(declared["errors"]) - CODES.keys():
        raise DeclarationError(f"{name} refuses with {sorted(undefined)}, which are no codes")
    body = hints.get("body", parsing.NoBody)
    if who.practice and who.practice not in path_ids and who.practice not in body.model_fields:
        raise DeclarationError(
            f"{name}: neither path nor body holds {who.practice}, which decides who may call"
        )
    container, result, beside = _answer_type(hints["return"])
    if (result is FileReply) != bool(declared["media"]):
        raise DeclarationError(f"{name}: a file has its media types declared, and nothing else has")
    return Endpoint(
        route=route,
        who=who,
        handler=handler,
        path_ids=path_ids,
        wanted=wanted,
        query=hints.get("query"),
        body=body,
        form=typing.get_args(hints["form"])[0] if "form" in hints else None,
        container=container,
        result=result,
        beside=beside,
        adapter=TypeAdapter(result),
        **declared,
    )


def _answer_type(annotation: Any) -> tuple[type[object] | None, Any, type[BaseModel] | None]:
    """Tell what a handler answers with, other than an error: Reply, Page or nothing; around what data; and
    what stands beside the data.
    """
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin in (types.UnionType, typing.Union):
        kept = [part for part in arguments if not (isinstance(part, type) and issubclass(part, PortalError))]
        if len(kept) < len(arguments):
            return _answer_type(typing.Union[tuple(kept)])  # noqa: UP007 - made at run time
    if isinstance(origin, type) and issubclass(origin, Reply):
        return origin, arguments[0], arguments[1] if origin is ReplyBeside else None
    if isinstance(origin, type) and issubclass(origin, Page):
        return origin, types.GenericAlias(list, arguments[:1]), None
    return None, annotation, None


def _serve(endpoint: Endpoint, request: func.HttpRequest) -> func.HttpResponse:
    started = time.perf_counter()
    sent_id = request.headers.get("x-request-id", "")
    request_id = sent_id if _REQUEST_ID.fullmatch(sent_id) else uuid4().hex
    headers: dict[str, str] = {}
    with logs.request(request_id):
        try:
            response = _answer(endpoint, request, request_id, headers)
        except PortalError as refusal:
            response = answers.render_error(refusal, request_id)
            logs.log("refused", function=endpoint.name, code=refusal.code)
        except Exception as failure:  # noqa: BLE001 - the last resort: whatever it is, the caller learns nothing of it
            logs.log_failure("failed", failure, function=endpoint.name)
            response = answers.render_failure(request_id)
        response.headers.update(headers)
        logs.log(
            "answered",
            function=endpoint.name,
            method=endpoint.method,
            route=endpoint.route,
            status=response.status_code,
            milliseconds=round((time.perf_counter() - started) * 1000, 1),
        )
    return response


def _answer(
    endpoint: Endpoint, request: func.HttpRequest, request_id: str, headers: dict[str, str]
) -> func.HttpResponse:
    portal = bootstrap.portal()
    now = portal.clock.now()
    try:
        if endpoint.method not in READS:  # whatever comes with a read is left alone
            parsing.require_size(request, endpoint.body_limit)
        identity = identify(request, portal, now) if endpoint.who.signed_in else None
    except PortalError:
        _count("general", f"{_client(request, portal)}:refused", portal, now, headers)
        raise
    if endpoint.limit == "sign_in":  # or else one client could try one password at account after account
        _count("general", f"{_client(request, portal)}:sign_in", portal, now, headers)
    _count(endpoint.limit, _counted_as(endpoint, request, portal, identity), portal, now, headers)
    with portal.unit(transaction=endpoint.transaction, request_id=request_id) as unit:
        arguments = _arguments(endpoint, request, unit, identity)
        outcome = _outcome(endpoint, request, unit, arguments, request_id)
    if isinstance(outcome, PortalError):  # what the handler kept with its refusal is committed by now
        raise outcome
    return outcome


def _outcome(
    endpoint: Endpoint, request: func.HttpRequest, unit: Unit, arguments: dict[str, object], request_id: str
) -> retries.Outcome:
    def produce() -> retries.Outcome:
        result = endpoint.handler(**arguments)
        if isinstance(result, PortalError):
            return result
        return answers.render(result, endpoint.adapter, status=endpoint.status, request_id=request_id)

    key = retries.sent_key(request) if endpoint.creates else None
    if key is None or unit.caller is None:
        return produce()
    return retries.once(
        unit,
        unit.caller,
        key,
        retries.fingerprint(request, endpoint.route, arguments.get("form")),
        produce,
        transaction=endpoint.transaction,
        request_id=request_id,
    )


def _count(group: LimitGroup, key: str, portal: Portal, now: datetime, headers: dict[str, str]) -> None:
    """Count a call and tell the caller how they stand.

    Raises RateLimited.
    """
    if limiter := portal.limiters[group]:
        standing = limiter.count(f"{group}:{key}", now)
        headers.update(standing.headers)
        standing.require_room()


def _counted_as(
    endpoint: Endpoint, request: func.HttpRequest, portal: Portal, identity: Identity | None
) -> str:
    """Tell whose calls a call is counted with: the user's, or those of the client and whom it names."""
    if identity is not None:
        return identity.key
    account = named_account(request) if endpoint.limit == "sign_in" else ""
    return f"{_client(request, portal)}:{account}"


def _client(request: func.HttpRequest, portal: Portal) -> str:
    return client_address(request, portal.settings.trusted_proxies)


def _arguments(
    endpoint: Endpoint, request: func.HttpRequest, unit: Unit, identity: Identity | None
) -> dict[str, object]:
    """Let in whom the declaration lets in, and read what the handler wants.

    The order decides what a caller learns: who they are, whether they may call at all, what is wrong with
    what they sent, and only then whether the practice is theirs.
    """
    caller = None
    if identity is not None:
        caller = unit.caller = identity.caller(unit)
        endpoint.who.check_role(caller)
    values: dict[str, object] = {"unit": unit, "caller": caller, "request": request}
    values |= {name: parsing.path_id(request, name) for name in endpoint.path_ids}
    values |= _sent(endpoint, request)
    if "expected" in endpoint.wanted:
        values["expected"] = expected_versions(request)
    if "client" in endpoint.wanted:
        values["client"] = _client(request, unit.portal)
    if caller is not None:
        endpoint.who.check_practice(caller, values, unit.whereabouts)
    return {name: values[name] for name in endpoint.wanted}


def _sent(endpoint: Endpoint, request: func.HttpRequest) -> dict[str, object]:
    sent: dict[str, object] = {}
    if endpoint.query is not None:
        sent["query"] = parsing.query(request, endpoint.query)
    if endpoint.form is not None:
        sent["form"] = parsing.form(request, endpoint.form)
    elif endpoint.method not in READS:
        sent["body"] = parsing.json_body(request, endpoint.body)
    return sent
