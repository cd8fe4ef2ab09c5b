"""Reads a FunctionApp into plain records. Rejects what the Azure Functions host or its worker would reject.

The source is the JSON of each function's bindings, which is all that the Azure Functions host sees of an app.
"""

import inspect
import json
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import azure.functions as func

BINDING_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]{0,127}")
SETTING_REFERENCE = re.compile(r"%([^%]+)%")
CONTEXT_PARAMETER = "context"
HOST_STORAGE = "AzureWebJobsStorage"

Settings = Mapping[str, str]
Binding = dict[str, object]


class ConfigurationError(Exception):
    """The app or its settings are invalid. The message names the function or setting and the problem."""


@dataclass(frozen=True)
class HttpTrigger:
    """An HTTP route, as declared. ``methods`` is None if the function takes every method."""

    route: str
    methods: frozenset[str] | None


@dataclass(frozen=True)
class BlobTrigger:
    """Blobs in ``container`` whose name matches ``pattern``, in the account of the setting ``connection``.

    ``polled`` is False if Event Grid delivers the events. ``binary`` means that the function gets the bytes
    unchanged. Without ``data_type="BINARY"`` the Azure Functions host decodes them as UTF-8 first, and so
    does this one.
    """

    container: str
    pattern: str
    connection: str
    polled: bool
    binary: bool


@dataclass(frozen=True)
class TimerTrigger:
    """An NCRONTAB schedule of six fields, in UTC. Its state is stored in the AzureWebJobsStorage account.

    `setting` is the name of the setting that the schedule comes from, or empty.
    """

    schedule: str
    setting: str
    run_on_startup: bool
    connection: str


@dataclass(frozen=True)
class IndexedFunction:
    """One function of the app: its name, handler, parameter and trigger."""

    name: str
    handler: Callable[..., object]
    parameter: str
    wants_context: bool
    bindings: list[Binding]
    trigger: HttpTrigger | BlobTrigger | TimerTrigger


def index_app(app: func.FunctionApp, settings: Settings) -> list[IndexedFunction]:
    """Every function of ``app``, sorted by name (the order in which the Azure Functions host tries routes).

    Raises ConfigurationError for a function that Azure could not load, a missing setting, and two functions
    with the same name.
    """
    app.functions_bindings = None  # reset the names of an earlier call, or all functions would be duplicates
    try:
        functions = app.get_functions()
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    return sorted((_index(function, settings) for function in functions), key=lambda indexed: indexed.name)


def _index(function: func.Function, settings: Settings) -> IndexedFunction:
    name = function.get_function_name() or ""
    handler = function.get_user_function()
    bindings: list[Binding] = [json.loads(binding) for binding in function.get_raw_bindings()]
    triggers = [binding for binding in bindings if str(binding["type"]).endswith("Trigger")]
    others = [binding for binding in bindings if binding not in triggers and binding["name"] != "$return"]
    if others:
        raise ConfigurationError(
            f"function {name}: the local host does not support bindings of type {others[0]['type']}"
        )
    [trigger] = triggers
    parameter = str(trigger["name"])
    if not BINDING_NAME.fullmatch(parameter):
        raise ConfigurationError(
            f"function {name}: the binding name {parameter!r} must contain only letters and digits"
        )
    return IndexedFunction(
        name=name,
        handler=handler,
        parameter=parameter,
        wants_context=_check_signature(name, handler, parameter, bindings),
        bindings=bindings,
        trigger=_read_trigger(name, trigger, settings),
    )


def _check_signature(
    name: str, handler: Callable[..., object], parameter: str, bindings: list[Binding]
) -> bool:
    """Whether the handler takes the context. Raises ConfigurationError if the worker could not load it."""
    parameters = set(inspect.signature(handler).parameters)
    if parameters - {CONTEXT_PARAMETER} != {parameter}:
        raise ConfigurationError(
            f"function {name}: its parameters must be exactly {parameter!r} (and optionally 'context'), "
            f"not {sorted(parameters)}"
        )
    try:
        hints = typing.get_type_hints(handler)
    except NameError as error:
        raise ConfigurationError(f"function {name}: an annotation cannot be resolved: {error}") from error
    _check_annotations(name, hints, bindings)
    return CONTEXT_PARAMETER in parameters


def _check_annotations(name: str, hints: Mapping[str, object], bindings: list[Binding]) -> None:
    registry = func.get_binding_registry()  # type: ignore[no-untyped-call] # the library has no types here
    for binding in bindings:
        slot = "return" if binding["name"] == "$return" else str(binding["name"])
        converter = registry.get(binding["type"])
        if slot not in hints or converter is None:
            continue
        hint = hints[slot]
        check = (
            converter.check_output_type_annotation
            if slot == "return"
            else converter.check_input_type_annotation
        )
        if not (isinstance(hint, type) and check(hint)):
            raise ConfigurationError(
                f"function {name}: {hint} is not a valid annotation for {slot!r} ({binding['type']})"
            )


def _read_trigger(
    name: str, binding: Binding, settings: Settings
) -> HttpTrigger | BlobTrigger | TimerTrigger:
    match binding["type"]:
        case "httpTrigger":
            return _read_http(name, binding)
        case "blobTrigger":
            return _read_blob(name, binding, settings)
        case "timerTrigger":
            return TimerTrigger(
                schedule=_resolve(name, str(binding["schedule"]), settings),
                setting=", ".join(SETTING_REFERENCE.findall(str(binding["schedule"]))),
                run_on_startup=bool(binding.get("runOnStartup")),
                connection=_connection(name, HOST_STORAGE, settings),
            )
        case other:
            raise ConfigurationError(
                f"function {name}: the local host does not support triggers of type {other}"
            )


def _read_http(name: str, binding: Binding) -> HttpTrigger:
    methods = binding.get("methods")
    return HttpTrigger(
        route=str(binding.get("route") or name),
        methods=frozenset(str(method) for method in methods) if isinstance(methods, list) else None,
    )


def _read_blob(name: str, binding: Binding, settings: Settings) -> BlobTrigger:
    container, _, pattern = _resolve(name, str(binding["path"]), settings).partition("/")
    if not container or "{" in container:
        raise ConfigurationError(
            f"function {name}: the path {binding['path']!r} must start with the name of a container"
        )
    return BlobTrigger(
        container=container,
        pattern=pattern or "{name}",
        connection=_connection(name, str(binding.get("connection") or HOST_STORAGE), settings),
        polled=binding.get("source") != func.BlobSource.EVENT_GRID.value,
        binary=str(binding.get("dataType")).upper() == func.DataType.BINARY.name,
    )


def _resolve(name: str, text: str, settings: Settings) -> str:
    """``text`` with each ``%SETTING%`` replaced by the value of that setting."""
    return SETTING_REFERENCE.sub(lambda reference: _setting(name, reference[1], settings), text)


def _connection(name: str, reference: str, settings: Settings) -> str:
    """The name of the setting with the connection string. Raises ConfigurationError if it is missing."""
    setting = _resolve(name, reference, settings)
    _setting(name, setting, settings)
    return setting


def _setting(name: str, key: str, settings: Settings) -> str:
    value = settings.get(key)
    if not value:
        raise ConfigurationError(f"function {name}: the setting {key} is missing")
    return value
