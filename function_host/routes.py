"""Azure route templates: finds the function for a path and method, and rejects routes that conflict.

Supported are literal segments (case-insensitive, as in ASP.NET), ``{name}``, ``{name:guid}`` (with hyphens,
any case), ``{name:int}``, ``{name:alpha}`` and a final ``{*rest}``. Other constraints, default values,
optional parameters and segments that mix text and parameters are rejected at start.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from werkzeug.routing import BaseConverter, Map, Rule

from function_host.index import ConfigurationError, HttpTrigger, IndexedFunction

PARAMETER = re.compile(r"\{(?P<rest>\*?)(?P<name>\w+)(?::(?P<constraint>\w+))?\}")
RESERVED = ("admin", "runtime")
LITERAL, ANY, REST = "literal", "any", "rest"
CONSTRAINTS = {
    "guid": r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "int": r"[+-]?[0-9]{1,10}",
    "alpha": r"[a-zA-Z]+",
    ANY: r"[^/]+",
}


class _Guid(BaseConverter):
    regex = CONSTRAINTS["guid"]


class _Int(BaseConverter):
    regex = CONSTRAINTS["int"]


class _Alpha(BaseConverter):
    regex = CONSTRAINTS["alpha"]


class _Any(BaseConverter):
    regex = CONSTRAINTS[ANY]


class _Rest(BaseConverter):
    regex = ".+"
    part_isolating = False


CONVERTERS: Mapping[str, type[BaseConverter]] = {
    "guid": _Guid, "int": _Int, "alpha": _Alpha, ANY: _Any, REST: _Rest,
}  # fmt: skip


@dataclass(frozen=True)
class Segment:
    """One part of a template: ``kind`` is literal, any, rest or a constraint, ``text`` the text or name."""

    kind: str
    text: str

    def overlaps(self, other: "Segment") -> bool:
        """Whether one path segment could match both."""
        if LITERAL in (self.kind, other.kind):
            literal, pattern = (self, other) if self.kind == LITERAL else (other, self)
            return re.fullmatch(pattern.pattern, literal.text, re.IGNORECASE) is not None
        return self.kind == other.kind or ANY in (self.kind, other.kind)

    @property
    def pattern(self) -> str:
        """A regular expression for what this segment matches."""
        return re.escape(self.text) if self.kind == LITERAL else CONSTRAINTS[self.kind]


@dataclass(frozen=True)
class Route:
    """A function and the segments of its path."""

    function: IndexedFunction
    methods: frozenset[str] | None
    segments: tuple[Segment, ...]

    def conflicts_with(self, other: "Route") -> bool:
        """Whether some request matches both."""
        if self.methods is not None and other.methods is not None and not self.methods & other.methods:
            return False
        return _overlap(self.segments, other.segments)

    def parameters(self, path: str) -> dict[str, str]:
        """The route parameters in ``path``, which this route matches. Upper and lower case stay as sent."""
        parts = path.split("/")
        return {
            segment.text: "/".join(parts[index:]) if segment.kind == REST else parts[index]
            for index, segment in enumerate(self.segments)
            if segment.kind != LITERAL
        }


class Router:
    """Finds the HTTP function for a path and method.

    Raises ConfigurationError if two functions match the same path and method. The Azure Functions host would
    call the first in order of function name and never the other.
    """

    def __init__(self, functions: Iterable[IndexedFunction], prefix: str = "") -> None:
        self._routes = [
            _route(function, function.trigger, prefix)
            for function in functions
            if isinstance(function.trigger, HttpTrigger)
        ]
        self._reject_conflicts()
        self._map = Map(
            strict_slashes=False, merge_slashes=False, redirect_defaults=False, converters=CONVERTERS
        )
        for index, route in enumerate(self._routes):
            for rule in _rules(route, index):
                self._map.add(rule)

    def match(self, path: str, method: str) -> tuple[IndexedFunction, dict[str, str]]:
        """The function for ``path`` and ``method``, with its route parameters.

        Raises werkzeug's NotFound, or MethodNotAllowed with the methods that the path allows.
        """
        path = path.strip("/")
        index, _ = self._map.bind("").match("/" + path.lower(), method)
        route = self._routes[index]
        return route.function, route.parameters(path)

    def _reject_conflicts(self) -> None:
        for index, route in enumerate(self._routes):
            for other in self._routes[index + 1 :]:
                if route.conflicts_with(other):
                    raise ConfigurationError(
                        f"functions {route.function.name} and {other.function.name} match the same path: "
                        f"{_template(route)!r} and {_template(other)!r}"
                    )


def _template(route: Route) -> str:
    assert isinstance(route.function.trigger, HttpTrigger)  # noqa: S101 - Router makes routes only of these
    return route.function.trigger.route


def _route(function: IndexedFunction, trigger: HttpTrigger, prefix: str) -> Route:
    own = [_segment(function.name, text) for text in trigger.route.strip("/").split("/")]
    if own[0].text.startswith(RESERVED) and own[0].kind == LITERAL:
        raise ConfigurationError(
            f"function {function.name}: the route {trigger.route!r} is reserved for the host"
        )
    if any(segment.kind == REST for segment in own[:-1]):
        raise ConfigurationError(
            f"function {function.name}: in {trigger.route!r} only the last part may be a catch-all"
        )
    prefix_segments = [Segment(LITERAL, text.lower()) for text in prefix.strip("/").split("/") if text]
    return Route(function, trigger.methods, (*prefix_segments, *own))


def _segment(name: str, text: str) -> Segment:
    if "{" not in text and "<" not in text:
        return Segment(LITERAL, text.lower())
    parameter = PARAMETER.fullmatch(text)
    kind = REST if parameter and parameter["rest"] else (parameter and parameter["constraint"]) or ANY
    if parameter is None or kind not in CONVERTERS:
        raise ConfigurationError(f"function {name}: the local host does not support the route part {text!r}")
    return Segment(kind, parameter["name"])


def _overlap(one: tuple[Segment, ...], other: tuple[Segment, ...]) -> bool:
    for mine, theirs in zip(one, other, strict=False):
        if REST in (mine.kind, theirs.kind):
            return True
        if not mine.overlaps(theirs):
            return False
    longer = max(one, other, key=len)[min(len(one), len(other)) :]
    return not longer or longer[0].kind == REST  # a catch-all also matches an empty rest


def _rules(route: Route, endpoint: int) -> Iterable[Rule]:
    """werkzeug's rules for one route. A catch-all needs a second rule, for an empty rest."""
    parts = [
        segment.text if segment.kind == LITERAL else f"<{segment.kind}:p{index}>"
        for index, segment in enumerate(route.segments)
    ]
    paths = ["/" + "/".join(parts)]
    if route.segments[-1].kind == REST:
        paths.append("/" + "/".join(parts[:-1]))
    for path in paths:
        rule = Rule(path, endpoint=endpoint)
        # Not in the constructor, which adds HEAD to every GET: the Azure host does not answer HEAD then.
        rule.methods = set(route.methods) if route.methods is not None else None
        yield rule
