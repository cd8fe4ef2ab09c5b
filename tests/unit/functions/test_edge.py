import inspect
from collections.abc import Callable
from uuid import UUID

import azure.functions as func
import pytest

from bp_core.shared.access import Caller
from bp_core.shared.errors import Invalid
from bp_core.shared.model import Sent, Shown
from bp_core.shared.paging import Page
from bp_core.shared.versions import ExpectedVersions
from functions import edge
from functions.access import ANYONE, PRACTICE_OWNER, SIGNED_IN
from functions.answers import FileReply, Reply
from functions.bootstrap import Unit
from functions.edge import DeclarationError, Endpoint, endpoints


class Plant(Shown):
    name: str


class Wish(Sent):
    practice_id: UUID


@pytest.fixture(autouse=True)
def declared(monkeypatch: pytest.MonkeyPatch) -> dict[str, Endpoint]:
    """The endpoints that a test declares; the portal's own stay as they are."""
    own: dict[str, Endpoint] = {}
    monkeypatch.setattr(edge, "ENDPOINTS", own)
    return own


def azure_function(blueprint: func.Blueprint) -> Callable[..., object]:
    """The one function of a blueprint, as the indexer of Azure gets it."""
    app = func.FunctionApp()
    app.register_functions(blueprint)
    (registered,) = app.get_functions()
    found: Callable[..., object] = registered.get_user_function()
    return found


def test_what_azure_sees_is_a_function_of_exactly_the_triggers_parameter_and_the_context() -> None:
    blueprint, endpoint = endpoints()

    @endpoint("POST", "/api/v1/plants/{plant_id:guid}/close", who=SIGNED_IN)
    def close_plant(unit: Unit, caller: Caller, plant_id: UUID) -> Plant:
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


def test_a_declared_handler_stays_what_it_was() -> None:
    _, endpoint = endpoints()

    @endpoint("GET", "/api/v1/plants", who=ANYONE)
    def list_plants() -> list[Plant]:
        return [Plant(name="Pune")]

    assert list_plants() == [Plant(name="Pune")]


def test_reads_run_a_statement_at_a_time_and_writes_in_one_transaction(
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


def page() -> Page[Plant]:
    raise NotImplementedError


def reply() -> Reply[Plant]:
    raise NotImplementedError


def reply_or_refusal() -> Reply[Plant] | Invalid:
    raise NotImplementedError


def maybe() -> Plant | None:
    raise NotImplementedError


@pytest.mark.parametrize(
    ("handler", "result"),
    [(page, list[Plant]), (reply, Plant), (reply_or_refusal, Plant), (maybe, Plant | None)],
)
def test_what_a_route_answers_is_read_from_its_handlers_annotation(
    handler: Callable[[], object], result: object, declared: dict[str, Endpoint]
) -> None:
    _, endpoint = endpoints()

    endpoint("GET", "/api/v1/plants", who=ANYONE)(handler)

    assert declared[handler.__name__].result == result


def test_a_handler_that_wants_what_its_route_does_not_give_is_refused(
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


def test_a_handler_that_wants_a_caller_where_anyone_may_call_is_refused() -> None:
    _, endpoint = endpoints()

    def show_me(caller: Caller) -> Plant:
        raise NotImplementedError

    with pytest.raises(DeclarationError, match=r"show_me.*caller"):
        endpoint("GET", "/api/v1/me", who=ANYONE)(show_me)


def test_a_route_for_owners_that_holds_no_practice_is_refused() -> None:
    _, endpoint = endpoints()

    def change_something() -> Plant:
        raise NotImplementedError

    with pytest.raises(DeclarationError, match=r"change_something.*practice_id"):
        endpoint("POST", "/api/v1/something", who=PRACTICE_OWNER)(change_something)


def test_a_route_for_owners_may_hold_the_practice_in_its_path_or_its_body(
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


def test_two_functions_of_one_name_are_refused_in_whatever_blueprint() -> None:
    _, first = endpoints()
    _, second = endpoints()

    def show_plant() -> Plant:
        raise NotImplementedError

    first("GET", "/api/v1/plants/first", who=ANYONE)(show_plant)
    with pytest.raises(DeclarationError, match="show_plant"):
        second("GET", "/api/v1/plants/second", who=ANYONE)(show_plant)


def test_a_declaration_names_codes_that_there_are_and_the_types_of_files_only() -> None:
    def any_code() -> None: ...

    def a_file_of_no_type() -> FileReply:
        return FileReply(b"", "text/csv")

    def no_file() -> None: ...

    _, endpoint = endpoints()
    with pytest.raises(DeclarationError, match="which are no codes"):
        endpoint("GET", "/api/v1/a", who=ANYONE, errors=("OUT_OF_LUCK",))(any_code)
    with pytest.raises(DeclarationError, match="a file has its media types declared"):
        endpoint("GET", "/api/v1/a", who=ANYONE)(a_file_of_no_type)
    with pytest.raises(DeclarationError, match="and nothing else has"):
        endpoint("GET", "/api/v1/a", who=ANYONE, media=("text/csv",))(no_file)


def test_the_codes_of_a_call_follow_from_its_declaration_and_are_those_it_names_beside(
    declared: dict[str, Endpoint],
) -> None:
    _, endpoint = endpoints()

    @endpoint("GET", "/api/v1/a", who=ANYONE, limit="none")
    def look() -> None: ...

    @endpoint("PATCH", "/api/v1/a/{practice_id:guid}", who=PRACTICE_OWNER, errors=("DUPLICATE",))
    def change(practice_id: UUID, expected: ExpectedVersions) -> None: ...

    @endpoint("POST", "/api/v1/a", who=SIGNED_IN, status=201)
    def make(body: Wish) -> None: ...

    always = {"INTERNAL", "UNAVAILABLE"}
    signed_in = {"UNAUTHENTICATED", "TOKEN_EXPIRED", "TOKEN_REVOKED", "RATE_LIMITED"}
    writes = {"BAD_REQUEST", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "VALIDATION_ERROR"}
    keys = {"IDEMPOTENCY_KEY_REUSED", "IDEMPOTENCY_KEY_BUSY"}
    of_a_thing = {"FORBIDDEN", "NOT_FOUND", "PRECONDITION_FAILED", "DUPLICATE"}
    assert declared["look"].codes == always
    assert declared["change"].codes == always | signed_in | writes | of_a_thing
    assert declared["make"].codes == always | signed_in | writes | keys
