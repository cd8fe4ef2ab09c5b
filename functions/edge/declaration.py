"""What an endpoint declares, and what follows from it: inputs, output and possible errors."""

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Self, TypedDict

from pydantic import BaseModel, TypeAdapter

from bp_core.shared import errors
from bp_core.shared.errors import PortalError
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery
from functions.edge.access import Access
from functions.edge.parsing import NoBody, NoQuery
from functions.edge.rate_limits import LimitGroup
from functions.edge.responses import FileReply, Reply, ReplyBeside, envelope_of

BODY_LIMIT: Final = 1024 * 1024
"""How large a body may be, in bytes, unless the endpoint declares its own limit."""

STRANGER_BODY_LIMIT: Final = 16 * 1024
"""How large a body may be, in bytes, if nobody is signed in. No endpoint can declare more."""

CREATED: Final = 201
READS: Final = frozenset({"GET"})
"""The methods that change nothing."""

HANDLER_PARAMETERS: Final = frozenset(
    {"work", "caller", "client", "query", "body", "form", "request", "expected"}
)
"""What a handler can take, by these names, in addition to the ids in its path: `client` is the address of the
client, `expected` are the versions of If-Match."""

_PATH_ID: Final = re.compile(r"\{(\w+):guid\}")


class DeclarationError(Exception):
    """An endpoint is declared in a way that cannot work. Raised at import, so that it is never deployed."""


class Options(TypedDict, total=False):
    """What an endpoint may declare in addition to method, route and access.

    `status`: the status of a success, 200 by default; `or_status`: another one that a Reply may have.
    `limit`: the rate limit that requests count against; `body_limit`: the largest body, in bytes.
    `transaction`: whether one transaction spans the request, the default for writes. Without it every
    statement commits by itself: for reads, and for requests that wait for something slow and must not hold
    a connection meanwhile; their stores are atomic.
    `creates`: whether the request creates something, and so accepts an Idempotency-Key; the default for a
    POST with status 201.
    `expensive`: whether the request takes much time or memory. A user has at most two of them at a time, on
    all instances together, and their transactions have a statement timeout of their own.
    `errors`: the errors that do not follow from the declaration (see `Endpoint.errors`).
    `media`: the media types of a response that is a file.
    """

    status: int
    or_status: int
    limit: LimitGroup
    body_limit: int
    transaction: bool
    creates: bool
    expensive: bool
    errors: tuple[type[PortalError], ...]
    media: tuple[str, ...]


@dataclass(frozen=True)
class Inputs:
    """What a handler takes, by the names and annotations of its parameters."""

    names: frozenset[str]
    path_ids: tuple[str, ...]
    query: type[BaseModel]
    body: type[BaseModel]
    form: type[BaseModel] | None

    @classmethod
    def of(cls, handler: Callable[..., object], hints: Mapping[str, Any], route: str) -> Self:
        """Read the inputs of a handler from its parameters and their annotations."""
        return cls(
            names=frozenset(inspect.signature(handler).parameters),
            path_ids=tuple(_PATH_ID.findall(route)),
            query=hints.get("query", NoQuery),
            body=hints.get("body", NoBody),
            form=typing.get_args(hints["form"])[0] if "form" in hints else None,
        )


@dataclass(frozen=True)
class Output:
    """What a handler returns: data, by itself or in a Reply; of a Page, the list of its items.

    `beside` are fields at the top level.
    """

    data: Any
    reply: type[Reply[Any]] | None = None
    page: type[Page[Any]] | None = None
    beside: type[BaseModel] | None = None
    is_file: bool = False

    @classmethod
    def of(cls, annotation: Any) -> Self:
        """Read the output from the return annotation of a handler; errors in a union are left out."""
        origin = typing.get_origin(annotation)
        arguments = typing.get_args(annotation)
        if origin in (types.UnionType, typing.Union):
            others = [part for part in arguments if not _is_error(part) and part is not FileReply]
            if len(others) < len(arguments):
                other = cls.of(typing.Union[tuple(others)])  # noqa: UP007 - made at run time
                return replace(other, is_file=FileReply in arguments)
        if isinstance(origin, type) and issubclass(origin, Reply):
            beside = arguments[1] if origin is ReplyBeside else None
            return replace(cls.of(arguments[0]), reply=origin, beside=beside)
        if isinstance(origin, type) and issubclass(origin, Page):
            return cls(types.GenericAlias(list, arguments[:1]), page=origin)
        return cls(annotation, is_file=annotation is FileReply)

    @property
    def has_data(self) -> bool:
        """Whether the handler returns data in an envelope, always or instead of a file."""
        return self.data is not FileReply

    @property
    def is_list(self) -> bool:
        """Whether the data is a list."""
        return self.data is list or typing.get_origin(self.data) is list

    @cached_property
    def envelope(self) -> TypeAdapter[Any]:
        """What serializes the response; built by the first request, not when the app starts."""
        return envelope_of(self.data)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A declared endpoint."""

    method: str
    route: str
    who: Access
    handler: Callable[..., object]
    inputs: Inputs
    output: Output
    status: int
    or_status: int | None
    limit: LimitGroup
    body_limit: int
    transaction: bool
    creates: bool
    expensive: bool
    own_errors: tuple[type[PortalError], ...]
    media: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the function in Azure."""
        return self.handler.__name__

    @property
    def writes(self) -> bool:
        """Whether a request may change something."""
        return self.method not in READS

    @property
    def statuses(self) -> tuple[int, ...]:
        """The statuses of successful responses."""
        return (self.status,) if self.or_status is None else (self.status, self.or_status)

    @cached_property
    def errors(self) -> frozenset[type[PortalError]]:
        """The errors that a request may get: those that follow from the declaration, and its own."""
        follows = {
            errors.BadRequest: True,
            errors.NotFound: bool(self.inputs.path_ids),
            errors.IdempotencyKeyReused: self.creates,
            errors.IdempotencyKeyBusy: self.creates,
            errors.PreconditionFailed: "expected" in self.inputs.names,
            errors.TooLarge: self.writes,
            errors.UnsupportedMedia: self.writes,
            errors.Invalid: True,
            errors.RateLimited: self.limit != "none",
            errors.InternalError: True,
            errors.Unavailable: True,
        }
        return self.who.errors.union(self.own_errors, (error for error in follows if follows[error]))


def declare(
    method: str, route: str, who: Access, handler: Callable[..., object], options: Options
) -> Endpoint:
    """Return the endpoint of a declaration. Raises DeclarationError."""
    hints = typing.get_type_hints(handler)
    status = options.get("status", 200)
    endpoint = Endpoint(
        method=method,
        route=route,
        who=who,
        handler=handler,
        inputs=Inputs.of(handler, hints, route),
        output=Output.of(hints["return"]),
        status=status,
        or_status=options.get("or_status"),
        limit=options.get("limit", "general"),
        body_limit=options.get("body_limit", BODY_LIMIT if who.signed_in else STRANGER_BODY_LIMIT),
        transaction=options.get("transaction", method not in READS),
        creates=options.get("creates", method == "POST" and status == CREATED),
        expensive=options.get("expensive", False),
        own_errors=options.get("errors", ()),
        media=options.get("media", ()),
    )
    _check(endpoint)
    return endpoint


def _check(endpoint: Endpoint) -> None:
    name, who, inputs = endpoint.name, endpoint.who, endpoint.inputs
    unknown = inputs.names - HANDLER_PARAMETERS - set(inputs.path_ids)
    if unknown:
        raise DeclarationError(f"{name} takes {sorted(unknown)}, which its declaration does not give")
    if "caller" in inputs.names and not who.signed_in:
        raise DeclarationError(f"{name} takes a caller, but anyone may call it")
    if endpoint.expensive and not who.signed_in:
        raise DeclarationError(
            f"{name} is expensive, but anyone may call it: there is no user to count it for"
        )
    if endpoint.creates and not who.signed_in:
        raise DeclarationError(f"{name} creates something for anyone: an idempotency key needs a user")
    if endpoint.body_limit > STRANGER_BODY_LIMIT and not who.signed_in:
        raise DeclarationError(f"{name} takes more than {STRANGER_BODY_LIMIT} bytes from anyone")
    id_name = who.target.id_name if who.target else None
    if id_name and id_name not in inputs.path_ids and id_name not in inputs.body.model_fields:
        raise DeclarationError(f"{name}: neither path nor body has {id_name}, which decides who may call")
    if endpoint.output.is_file != bool(endpoint.media):
        raise DeclarationError(f"{name}: `media` is declared for files, and only for files")
    _check_list(endpoint)


def _check_list(endpoint: Endpoint) -> None:
    """Check that a list can be read in pages: clients and their users rely on it for every list."""
    is_page = endpoint.output.page is not None
    if endpoint.output.is_list and not is_page:
        raise DeclarationError(f"{endpoint.name} returns a list: it must return a Page")
    if is_page and not issubclass(endpoint.inputs.query, PageQuery):
        raise DeclarationError(f"{endpoint.name} returns a Page: its query must be a PageQuery")


def _is_error(part: object) -> bool:
    return isinstance(part, type) and issubclass(part, PortalError)
