"""The OpenAPI document, and the pages that show it."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from functions.edge import openapi
from tests.world import World, refusal_of

ASSETS = Path(__file__).parents[2] / "functions" / "assets"


def test_the_api_description_is_public(world: World) -> None:
    response = world.browser().get("/openapi.json")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.json() == json.loads(openapi.document_json())


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_a_page_and_all_its_files_come_from_the_portal(page: str, world: World) -> None:
    browser = world.browser()
    response = browser.get(page)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "Content-Disposition" not in response.headers
    parts = re.findall(r'(?:src|href)="([^"]*)"', response.text)
    for part in set(parts) - {"data:,"}:
        assert part.startswith(f"{page}?asset=")
        got = browser.get(part)
        assert (got.status_code, got.headers["cache-control"]) == (200, "public, max-age=3600")
        assert got.content == (ASSETS / part.partition("=")[2]).read_bytes()
        kind = "text/css" if part.endswith(".css") else "text/javascript"
        assert got.headers["content-type"] == f"{kind}; charset=utf-8"
    assert len(parts) > 1


def test_a_page_may_load_and_call_nothing_but_the_portal(world: World) -> None:
    policy = world.browser().get("/docs").headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["connect-src"] == "'self'"
    assert "http" not in policy


def test_no_other_file_is_served(world: World) -> None:
    for path in ("/docs?asset=../settings.py", "/redoc?asset=docs.html", "/docs?asset=redoc.standalone.js"):
        assert refusal_of(world.browser().get(path)) == (422, "VALIDATION_ERROR", {"asset"})


def test_the_assets_match_the_list_in_their_readme() -> None:
    listed = dict(re.findall(r"^\| `([\w.-]+)` \| .* \| `(\w{64})` \|$", _read_me(), re.MULTILINE))
    assert {name: hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() for name in listed} == listed
    own = {"docs.html", "docs.js", "redoc.html", "README.md"}
    assert set(listed) | own == {path.name for path in ASSETS.iterdir()}


def _read_me() -> str:
    return (ASSETS / "README.md").read_text(encoding="utf-8")
