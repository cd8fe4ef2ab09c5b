"""How the host reads an app, and which functions it refuses because Azure would."""

from typing import Any

import azure.functions as func
import pytest

from function_host.index import BlobTrigger, ConfigurationError, TimerTrigger, index_app

STORAGE = {
    "AzureWebJobsStorage": "storage",
    "Other": "other",
    "SCHEDULE": "0 0 1 * * *",
    "CONTAINER": "photos",
}


def test_settings_in_percent_signs_are_resolved() -> None:
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%")
    def nightly(timer: func.TimerRequest) -> None: ...

    @app.blob_trigger(
        arg_name="blob", path="%CONTAINER%/a/{name}", connection="Other", data_type=func.DataType.BINARY
    )
    def record(blob: func.InputStream) -> None: ...

    assert [function.trigger for function in index_app(app, STORAGE)] == [
        TimerTrigger(
            "0 0 1 * * *", setting="SCHEDULE", run_on_startup=False, connection="AzureWebJobsStorage"
        ),
        BlobTrigger("photos", "a/{name}", connection="Other", polled=True, binary=True),
    ]


@pytest.mark.parametrize("missing", ["AzureWebJobsStorage", "SCHEDULE"])
def test_a_missing_setting_of_a_timer_is_named_with_the_function(missing: str) -> None:
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%")
    def nightly(timer: func.TimerRequest) -> None: ...

    with pytest.raises(ConfigurationError, match=f"nightly.*{missing}"):
        index_app(app, {name: value for name, value in STORAGE.items() if name != missing})


def test_a_missing_connection_of_a_blob_trigger_is_named() -> None:
    app = func.FunctionApp()

    @app.blob_trigger(arg_name="blob", path="photos/{name}", connection="PORTAL_STORAGE")
    def record(blob: func.InputStream) -> None: ...

    with pytest.raises(ConfigurationError, match=r"record.*PORTAL_STORAGE"):
        index_app(app, STORAGE)


def test_two_functions_with_the_same_name_are_refused() -> None:
    app = func.FunctionApp()
    for route in ("a", "b"):

        @app.route(route=route)
        def same(req: func.HttpRequest) -> str:
            return ""

    with pytest.raises(ConfigurationError, match="same"):
        index_app(app, {})


def test_an_app_can_be_indexed_twice() -> None:
    app = func.FunctionApp()

    @app.route(route="a")
    def one(req: func.HttpRequest) -> str:
        return ""

    assert [function.name for function in index_app(app, {}) + index_app(app, {})] == ["one", "one"]


def with_more_parameters(req: func.HttpRequest, store: object) -> str:
    return ""


def with_another_name(request: func.HttpRequest) -> str:
    return ""


def with_an_optional_answer(req: func.HttpRequest) -> func.HttpResponse | None:
    return None


def with_any_answer(req: func.HttpRequest) -> Any:
    return ""


def with_a_wrong_request(req: func.TimerRequest) -> str:
    return ""


def with_a_missing_name(req: "OnlyForTypeChecking") -> str:  # type: ignore[name-defined] # noqa: F821 - the test needs it
    return ""


@pytest.mark.parametrize(
    "handler",
    [
        with_more_parameters,
        with_another_name,
        with_an_optional_answer,
        with_any_answer,
        with_a_wrong_request,
        with_a_missing_name,
    ],
)
def test_a_function_that_the_worker_could_not_load_is_refused(handler: Any) -> None:
    app = func.FunctionApp()
    app.route(route="a")(handler)

    with pytest.raises(ConfigurationError, match=handler.__name__):
        index_app(app, {})


def test_a_binding_name_with_an_underscore_is_refused() -> None:
    app = func.FunctionApp()

    @app.route(route="a", trigger_arg_name="the_request")
    def handler(the_request: func.HttpRequest) -> str:
        return ""

    with pytest.raises(ConfigurationError, match="the_request"):
        index_app(app, {})


def test_an_unsupported_binding_is_refused() -> None:
    app = func.FunctionApp()

    @app.route(route="a")
    @app.queue_output(arg_name="out", queue_name="q", connection="AzureWebJobsStorage")
    def handler(req: func.HttpRequest, out: func.Out[str]) -> str:
        return ""

    with pytest.raises(ConfigurationError, match=r"handler.*queue"):
        index_app(app, STORAGE)
