"""CORS as the platform does it: the host answers preflights, marks answers, functions know nothing of it."""

from werkzeug.wrappers import Request, Response

from local.host.index import ConfigurationError, Settings

SETTING = "CORS_ORIGINS"
MAX_AGE_SECONDS = 600
EXPOSED_HEADERS = (
    "X-Request-ID, ETag, Retry-After, Location, Idempotency-Replayed, "
    "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"
)


class Cors:
    """The allowed origins from the setting CORS_ORIGINS (comma separated); without it there is no CORS.

    Credentials are always allowed, so ``*`` raises ConfigurationError.
    """

    def __init__(self, settings: Settings) -> None:
        listed = (origin.strip().rstrip("/") for origin in settings.get(SETTING, "").split(","))
        self._origins = frozenset(origin for origin in listed if origin)
        if any("*" in origin for origin in self._origins):
            raise ConfigurationError(
                f"the setting {SETTING} must name its origins: '*' does not go with credentials"
            )

    def preflight(self, request: Request) -> Response | None:
        """The answer to a preflight request, a bare 204 for unknown origins; None for any other request."""
        method = request.headers.get("Access-Control-Request-Method")
        if not (self._origins and request.method == "OPTIONS" and request.origin and method):
            return None
        response = Response(status=204)
        if request.origin in self._origins:
            response.headers["Access-Control-Allow-Methods"] = method
            response.headers["Access-Control-Max-Age"] = str(MAX_AGE_SECONDS)
            wanted = request.headers.get("Access-Control-Request-Headers")
            if wanted:
                response.headers["Access-Control-Allow-Headers"] = wanted
        return response

    def mark(self, request: Request, response: Response) -> None:
        """Add to any answer what lets a page of an allowed origin read it."""
        if not self._origins:
            return
        response.vary.add("Origin")
        if request.origin in self._origins:
            response.headers["Access-Control-Allow-Origin"] = request.origin
            response.headers["Access-Control-Allow-Credentials"] = "true"
            response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
