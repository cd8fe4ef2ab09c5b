"""Which function answers a path, and which routes are refused."""

import azure.functions as func
import pytest
from werkzeug.exceptions import MethodNotAllowed, NotFound

from function_host.index import ConfigurationError, index_app
from function_host.routes import Router
from tests.e2e.function_host.support import add_http, http_app

GUID = "0B9f2c1e-3a4d-4E5f-8a6b-7c8d9e0f1a2b"


def router(**routes: str) -> Router:
    return Router(index_app(http_app(**routes), {}))


def matched(routes: Router, path: str) -> str:
    function, _ = routes.match(path, "GET")
    return function.name


def test_a_literal_matches_in_any_case_and_with_leading_and_trailing_slashes() -> None:
    routes = router(list_items="/api/Items")

    assert [matched(routes, path) for path in ("/api/items", "/API/ITEMS", "/api/items/")] == [
        "list_items"
    ] * 3


def test_a_parameter_keeps_upper_and_lower_case() -> None:
    _, parameters = router(get_item="items/{id}").match("/ITEMS/aBc", "GET")

    assert parameters == {"id": "aBc"}


def test_a_guid_parameter_matches_guids_in_any_case_only() -> None:
    routes = router(get_item="items/{id:guid}")

    assert routes.match(f"/items/{GUID}", "GET")[1] == {"id": GUID}
    for other in ("1", "search", GUID[:-1], GUID + "0", GUID.replace("-", ""), f"{GUID}/more"):
        with pytest.raises(NotFound):
            routes.match(f"/items/{other}", "GET")


@pytest.mark.parametrize(
    ("constraint", "valid", "invalid"),
    [("int", "-12", "1a"), ("int", "0042", "1.5"), ("alpha", "Pune", "Pune2")],
)
def test_a_constraint_limits_what_matches(constraint: str, valid: str, invalid: str) -> None:
    routes = router(get_item=f"items/{{id:{constraint}}}")

    assert routes.match(f"/items/{valid}", "GET")[1] == {"id": valid}
    with pytest.raises(NotFound):
        routes.match(f"/items/{invalid}", "GET")


@pytest.mark.parametrize(
    ("path", "rest"), [("/files/A/b/c.txt", "A/b/c.txt"), ("/files", ""), ("/files/", "")]
)
def test_a_catch_all_matches_the_rest_even_if_it_is_empty(path: str, rest: str) -> None:
    assert router(get_file="files/{*rest}").match(path, "GET")[1] == {"rest": rest}


def test_an_empty_segment_matches_no_parameter() -> None:
    with pytest.raises(NotFound):
        router(get_part="items/{id}/part").match("/items//part", "GET")


def test_a_path_with_other_methods_reports_them() -> None:
    app = http_app(get_item="items/{id}")
    add_http(app, "remove_item", "items/{id:int}", ("DELETE",), lambda _: "")

    with pytest.raises(MethodNotAllowed) as error:
        Router(index_app(app, {})).match("/items/7", "POST")
    assert set(error.value.valid_methods or ()) == {"GET", "DELETE"}


def test_head_is_allowed_only_if_declared() -> None:
    with pytest.raises(MethodNotAllowed):
        router(get_item="items").match("/items", "HEAD")


def test_a_function_without_methods_accepts_every_method() -> None:
    app = func.FunctionApp()

    @app.route(route="any")
    def anything(req: func.HttpRequest) -> str:
        return ""

    routes = Router(index_app(app, {}))

    assert {routes.match("/any", method)[0].name for method in ("GET", "POST", "HEAD", "DELETE")} == {
        "anything"
    }


def test_the_route_prefix_is_part_of_every_route() -> None:
    routes = Router(index_app(http_app(get_item="items"), {}), prefix="api")

    assert matched(routes, "/api/items") == "get_item"
    with pytest.raises(NotFound):
        routes.match("/items", "GET")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("items/{id}", "items/search"),
        ("items/{id:guid}", "items/{other:guid}"),
        ("items/{id}", "items/{id:guid}"),
        ("items/{name:alpha}", "items/Search"),
        ("items/{number:int}", "items/7"),
        ("items/search", "/Items/SEARCH/"),
        ("{kind}/search", "items/{id}"),
        ("items/{*rest}", "items/{id}/parts"),
        ("items/{*rest}", "items"),
        (f"items/{GUID}", "items/{id:guid}"),
    ],
)
def test_two_routes_that_match_the_same_path_are_refused_and_both_named(first: str, second: str) -> None:
    with pytest.raises(ConfigurationError, match=r"first_function and second_function"):
        router(first_function=first, second_function=second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("items/{id:guid}", "items/search"),
        ("items/{id:guid}", "items/{number:int}"),
        ("items/{name:alpha}", "items/{id:guid}"),
        ("items/{id}", "items/{id}/parts"),
        ("items/{id}/parts", "items/{id}/copies"),
        ("items/{*rest}", "plants/{id}"),
    ],
)
def test_routes_without_a_common_path_are_accepted(first: str, second: str) -> None:
    router(first_function=first, second_function=second)


def test_a_path_can_have_a_function_for_each_method() -> None:
    app = http_app(list_items="items")
    add_http(app, "add_item", "items", ("POST",), lambda _: "")
    routes = Router(index_app(app, {}))

    assert (routes.match("/items", "GET")[0].name, routes.match("/items", "POST")[0].name) == (
        "list_items",
        "add_item",
    )


@pytest.mark.parametrize("route", ["items/{id?}", "items/{id:regex(x)}", "items/{id}.json", "{*rest}/more"])
def test_an_unsupported_route_template_is_refused(route: str) -> None:
    with pytest.raises(ConfigurationError, match="get_item"):
        router(get_item=route)


@pytest.mark.parametrize("route", ["admin/items", "/administration", "runtime/x"])
def test_reserved_paths_are_refused(route: str) -> None:
    with pytest.raises(ConfigurationError, match="get_item"):
        router(get_item=route)
