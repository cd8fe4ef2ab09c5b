"""CORS as Azure does it: the host answers preflight requests and adds the headers; functions do nothing."""

from werkzeug.wrappers import Request, Response

from function_host.index import ConfigurationError, Settings

SETTING = "CORS_ORIGINS"
MAX_AGE_SECONDS = 600
EXPOSED_HEADERS = (
    "X-Request-ID, ETag, Retry-After, Location, Idempotency-Replayed, "
    "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"
)


class Cors:
    """CORS for the origins in the setting CORS_ORIGINS (comma separated). Without the setting CORS is off.

    Credentials are always allowed. ``*`` is not allowed with credentials and raises ConfigurationError.
    """

    def __init__(self, settings: Settings) -> None:
        origins = (origin.strip().rstrip("/") for origin in settings.get(SETTING, "").split(","))
        self._origins = frozenset(origin for origin in origins if origin)
        if any("*" in origin for origin in self._origins):
            raise ConfigurationError(
                f"the setting {SETTING} must list its origins: '*' is not allowed with credentials"
            )

    def preflight(self, request: Request) -> Response | None:
        """The 204 response to a preflight request, with CORS headers for a known origin; otherwise None."""
        method = request.headers.get("Access-Control-Request-Method")
        if not (self._origins and request.method == "OPTIONS" and request.origin and method):
            return None
        response = Response(status=204)
        if request.origin in self._origins:
            response.headers["Access-Control-Allow-Methods"] = method
            response.headers["Access-Control-Max-Age"] = str(MAX_AGE_SECONDS)
            requested = request.headers.get("Access-Control-Request-Headers")
            if requested:
                response.headers["Access-Control-Allow-Headers"] = requested
        return response

    def add_headers(self, request: Request, response: Response) -> None:
        """Add the CORS headers, if the request came from an allowed origin."""
        if not self._origins:
            return
        response.vary.add("Origin")
        if request.origin in self._origins:
            response.headers["Access-Control-Allow-Origin"] = request.origin
            response.headers["Access-Control-Allow-Credentials"] = "true"
            response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
