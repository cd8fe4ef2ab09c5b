"""The description of the API, for machines and for people; the pages ask no other host for anything."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from bp_core.shared.model import Sent
from functions import openapi
from functions.access import ANYONE
from functions.answers import JSON, FileReply
from functions.edge import endpoints

HTML: Final = "text/html"
SCRIPT: Final = "text/javascript"
STYLE: Final = "text/css"

ASSETS: Final = Path(__file__).parents[1] / "assets"

MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType({".html": HTML, ".js": SCRIPT, ".css": STYLE})

# Both pages style what they draw as they draw it. Redoc searches by a worker, which it makes up itself.
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " font-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)

blueprint, endpoint = endpoints()


class DocsQuery(Sent):
    """A part of the page of Swagger UI; the page itself if none is named."""

    asset: Literal["docs.js", "swagger-ui-bundle.js", "swagger-ui.css"] | None = None


class RedocQuery(Sent):
    """A part of the page of Redoc; the page itself if none is named."""

    asset: Literal["redoc.standalone.js"] | None = None


@endpoint("GET", "/openapi.json", who=ANYONE, media=(JSON,))
def show_openapi() -> FileReply:
    """Describe every call as OpenAPI 3.1."""
    return FileReply(openapi.written(), JSON)


@endpoint("GET", "/docs", who=ANYONE, media=(HTML, SCRIPT, STYLE))
def show_docs(query: DocsQuery) -> FileReply:
    """Show the description as a page that calls can be made from (Swagger UI)."""
    return _asset(query.asset or "docs.html")


@endpoint("GET", "/redoc", who=ANYONE, media=(HTML, SCRIPT, STYLE))
def show_redoc(query: RedocQuery) -> FileReply:
    """Show the description as a page to be read (Redoc)."""
    return _asset(query.asset or "redoc.html")


def _asset(name: str) -> FileReply:
    path = ASSETS / name
    kept = {} if path.suffix == ".html" else {"Cache-Control": "public, max-age=3600"}
    headers = {"Content-Security-Policy": PAGE_POLICY, **kept}
    return FileReply(path.read_bytes(), MEDIA_TYPES[path.suffix], headers=headers)
