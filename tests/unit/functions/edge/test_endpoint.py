import inspect
from collections.abc import Callable
from uuid import UUID

import azure.functions as func
import pytest

from bp_core.shared import errors
from bp_core.shared.access import Caller
from bp_core.shared.errors import Duplicate, Invalid, PortalError
from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery, RequestModel, ResponseModel
from bp_core.shared.versions import ExpectedVersions
from functions.edge import endpoint as endpoint_module
from functions.edge.access import ANYONE, SIGNED_IN
from functions.edge.declaration import DeclarationError, Endpoint
from functions.edge.endpoint import endpoints
from functions.edge.responses import FileReply, Reply, ReplyBeside
from functions.practice_access import PRACTICE_OWNER
from functions.unit_of_work import UnitOfWork


class Plant(ResponseModel):
    name: str


class Wish(RequestModel):
    practice_id: UUID


@pytest.fixture(autouse=True)
def declared(monkeypatch: pytest.MonkeyPatch) -> dict[str, Endpoint]:
    """The endpoints that a test declares; those of the portal are not changed."""
    own: dict[str, Endpoint] = {}
    monkeypatch.setattr(endpoint_module, "ENDPOINTS", own)
    return own


def azure_function(blueprint: func.Blueprint) -> Callable[..., object]:
    """The one function of a blueprint, as Azure indexes it."""
    app = func.FunctionApp()
    app.register_functions(blueprint)
    (registered,) = app.get_functions()
    found: Callable[..., object] = registered.get_user_function()
    return found


def test_azure_indexes_a_function_whose_parameters_are_exactly_the_trigger_and_the_context() -> None:
    blueprint, endpoint = endpoints()

    @endpoint("POST", "/api/v1/plants/{plant_id:guid}/close", who=SIGNED_IN)
    def close_plant(work: UnitOfWork, caller: Caller, plant_id: UUID) -> Plant:
        """Close a plant."""
        return Plant(name="closed")

    seen = azure_function(blueprint)

    parameters = inspect.signature(seen).parameters
    assert list(parameters) == ["req", "context"]
    assert inspect.get_annotations(seen) == {
        "req": func.HttpRequest,
        "context": func.Context,
        "return": func.HttpResponse,
    }
    assert not hasattr(seen, "__wrapped__")
    assert inspect.isfunction(seen)
    assert not inspect.iscoroutinefunction(seen)
    assert (seen.__name__, seen.__doc__) == ("close_plant", "Close a plant.")


def test_a_declared_handler_is_not_changed() -> None:
    _, endpoint = endpoints()

    @endpoint("GET", "/api/v1/plants", who=ANYONE)
    def show_plant() -> Plant:
        return Plant(name="Pune")

    assert show_plant() == Plant(name="Pune")


def test_reads_have_no_transaction_and_writes_have_one(
    declared: dict[str, Endpoint],
) -> None:
    _, endpoint = endpoints()

    @endpoint("GET", "/api/v1/a", who=ANYONE)
    def read() -> None: ...

    @endpoint("POST", "/api/v1/b", who=ANYONE)
    def write() -> None: ...

    @endpoint("POST", "/api/v1/c", who=ANYONE, transaction=False)
    def wait() -> None: ...

    assert {name: one.transaction for name, one in declared.items()} == {
        "read": False,
        "write": True,
        "wait": False,
    }


class Totals(ResponseModel):
    total: int


def page(query: PageQuery) -> Page[Plant]:
    raise NotImplementedError


def page_in_a_reply(query: PageQuery) -> ReplyBeside[Page[Plant], Totals]:
    raise NotImplementedError


def reply() -> Reply[Plant]:
    raise NotImplementedError


def reply_or_refusal() -> Reply[Plant] | Invalid:
    raise NotImplementedError


def maybe() -> Plant | None:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("handler", "result"),
    [
        (page, list[Plant]),
        (page_in_a_reply, list[Plant]),
        (reply, Plant),
        (reply_or_refusal, Plant),
        (maybe, Plant | None),
    ],
)
def test_the_output_is_read_from_the_return_annotation_of_the_handler(
    handler: Callable[..., object], result: object, declared: dict[str, Endpoint]
) -> None:
    _, endpoint = endpoints()

    endpoint("GET", "/api/v1/plants", who=ANYONE)(handler)

    assert declared[handler.__name__].output.data == result


@pytest.mark.parametrize("annotation", [list[Plant], Reply[list[Plant]], ReplyBeside[list[Plant], Totals]])
def test_a_list_is_declared_as_a_page(annotation: object, declared: dict[str, Endpoint]) -> None:
    def list_plants(query: PageQuery) -> None: ...

    list_plants.__annotations__["return"] = annotation
    _, endpoint = endpoints()

    with pytest.raises(DeclarationError, match="list_plants returns a list: it must return a Page"):
        endpoint("GET", "/api/v1/plants", who=ANYONE)(list_plants)
    assert declared == {}


def test_a_page_is_declared_with_limit_and_offset() -> None:
    def list_plants(query: Wish) -> Page[Plant]:
        raise NotImplementedError

    def list_all_plants() -> Page[Plant]:
        raise NotImplementedError

    _, endpoint = endpoints()
    for handler in (list_plants, list_all_plants):
        with pytest.raises(DeclarationError, match="its query must be a PageQuery"):
            endpoint("GET", "/api/v1/plants", who=ANYONE)(handler)


def test_a_handler_cannot_take_what_its_route_does_not_give(
    declared: dict[str, Endpoint],
) -> None:
    _, endpoint = endpoints()

    def show_plant(plant_id: UUID, colour: str) -> Plant:
        raise NotImplementedError

    with pytest.raises(DeclarationError, match=r"show_plant.*colour"):
        endpoint("GET", "/api/v1/plants/{plant_id:guid}", who=SIGNED_IN)(show_plant)
    with pytest.raises(DeclarationError, match="plant_id"):
        endpoint("GET", "/api/v1/plants/{plant_id}", who=SIGNED_IN)(show_plant)
    assert declared == {}


def test_a_handler_cannot_take_a_caller_if_anyone_may_call() -> None:
    _, endpoint = endpoints()

    def show_me(caller: Caller) -> Plant:
        raise NotImplementedError

    with pytest.raises(DeclarationError, match=r"show_me.*caller"):
        endpoint("GET", "/api/v1/me", who=ANYONE)(show_me)


def test_a_route_for_owners_needs_the_id_of_a_practice() -> None:
    _, endpoint = endpoints()

    def change_something() -> Plant:
        raise NotImplementedError

    with pytest.raises(DeclarationError, match=r"change_something.*practice_id"):
        endpoint("POST", "/api/v1/something", who=PRACTICE_OWNER)(change_something)


def test_a_route_for_owners_may_have_the_practice_in_its_path_or_its_body(
    declared: dict[str, Endpoint],
) -> None:
    _, endpoint = endpoints()

    @endpoint("POST", "/api/v1/practices/{practice_id:guid}/change", who=PRACTICE_OWNER)
    def by_path() -> Plant:
        raise NotImplementedError

    @endpoint("POST", "/api/v1/change", who=PRACTICE_OWNER)
    def by_body(body: Wish) -> Plant:
        raise NotImplementedError

    assert list(declared) == ["by_path", "by_body"]


def test_two_functions_cannot_have_the_same_name_in_any_blueprints() -> None:
    _, first = endpoints()
    _, second = endpoints()

    def show_plant() -> Plant:
        raise NotImplementedError

    first("GET", "/api/v1/plants/first", who=ANYONE)(show_plant)
    with pytest.raises(DeclarationError, match="show_plant"):
        second("GET", "/api/v1/plants/second", who=ANYONE)(show_plant)


def test_media_types_are_declared_for_files_and_only_for_files() -> None:
    def a_file_without_media() -> FileReply:
        return FileReply(b"", "text/csv")

    def no_file() -> None: ...

    _, endpoint = endpoints()
    with pytest.raises(DeclarationError, match="a_file_without_media: `media` is declared for files"):
        endpoint("GET", "/api/v1/a", who=ANYONE)(a_file_without_media)
    with pytest.raises(DeclarationError, match=r"no_file: .* only for files"):
        endpoint("GET", "/api/v1/a", who=ANYONE, media=("text/csv",))(no_file)


def test_an_expensive_call_needs_a_user() -> None:
    def an_expensive_call() -> None: ...

    _, endpoint = endpoints()
    with pytest.raises(DeclarationError, match="an_expensive_call is expensive, but anyone may call it"):
        endpoint("GET", "/api/v1/a", who=ANYONE, expensive=True)(an_expensive_call)


def test_the_errors_of_an_endpoint_follow_from_its_declaration_and_are_those_that_it_lists(
    declared: dict[str, Endpoint],
) -> None:
    _, endpoint = endpoints()

    @endpoint("GET", "/api/v1/a", who=ANYONE, limit="none")
    def look() -> None: ...

    @endpoint("PATCH", "/api/v1/a/{practice_id:guid}", who=PRACTICE_OWNER, errors=(Duplicate,))
    def change(practice_id: UUID, expected: ExpectedVersions) -> None: ...

    @endpoint("POST", "/api/v1/a", who=SIGNED_IN, status=201)
    def make(body: Wish) -> None: ...

    always: set[type[PortalError]] = {
        errors.BadRequest, errors.Invalid, errors.InternalError, errors.Unavailable
    }  # fmt: skip
    signed_in = {errors.Unauthenticated, errors.TokenExpired, errors.TokenRevoked, errors.RateLimited}
    writes = {errors.TooLarge, errors.UnsupportedMedia}
    keys = {errors.IdempotencyKeyReused, errors.IdempotencyKeyBusy}
    of_a_thing = {errors.Forbidden, errors.NotFound, errors.PreconditionFailed, errors.Duplicate}
    assert declared["look"].errors == always
    assert declared["change"].errors == always | signed_in | writes | of_a_thing
    assert declared["make"].errors == always | signed_in | writes | keys
