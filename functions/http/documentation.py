"""The OpenAPI document, and pages that show it. The pages load nothing from other hosts."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from bp_core.shared.schemas import RequestModel
from functions.edge import openapi
from functions.edge.access import ANYONE
from functions.edge.endpoint import endpoints
from functions.edge.responses import JSON, FileReply

HTML: Final = "text/html"
SCRIPT: Final = "text/javascript"
STYLE: Final = "text/css"

ASSETS: Final = Path(__file__).parents[1] / "assets"

MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType({".html": HTML, ".js": SCRIPT, ".css": STYLE})

# Both pages set inline styles. Redoc starts its search worker from a blob URL.
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " font-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)

blueprint, endpoint = endpoints()


class DocsQuery(RequestModel):
    """An asset of the Swagger UI page; by default the page itself."""

    asset: Literal["docs.js", "swagger-ui-bundle.js", "swagger-ui.css"] | None = None


class RedocQuery(RequestModel):
    """An asset of the Redoc page; by default the page itself."""

    asset: Literal["redoc.standalone.js"] | None = None


@endpoint("GET", "/openapi.json", who=ANYONE, media=(JSON,))
def show_openapi() -> FileReply:
    """Return the OpenAPI 3.1 document of the API."""
    return FileReply(openapi.document_json(), JSON)


@endpoint("GET", "/docs", who=ANYONE, media=(HTML, SCRIPT, STYLE))
def show_docs(query: DocsQuery) -> FileReply:
    """Show the document as a page that can send requests (Swagger UI)."""
    return _asset(query.asset or "docs.html")


@endpoint("GET", "/redoc", who=ANYONE, media=(HTML, SCRIPT, STYLE))
def show_redoc(query: RedocQuery) -> FileReply:
    """Show the document as a page to read (Redoc)."""
    return _asset(query.asset or "redoc.html")


def _asset(name: str) -> FileReply:
    path = ASSETS / name
    caching = {} if path.suffix == ".html" else {"Cache-Control": "public, max-age=3600"}
    headers = {"Content-Security-Policy": PAGE_POLICY, **caching}
    return FileReply(path.read_bytes(), MEDIA_TYPES[path.suffix], headers=headers)
