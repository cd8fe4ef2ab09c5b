"""The documents say what the code does: routes, error codes, settings, tables, decisions."""

import json
import re
from pathlib import Path

import function_app  # noqa: F401 - declares every endpoint
from bp_core.shared import errors
from functions.codes import CODES
from functions.edge import ENDPOINTS
from functions.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PATH_PARAMETER = re.compile(r"\{\w+(:guid)?\}")


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def without_names(route: str) -> str:
    return PATH_PARAMETER.sub("{}", route)


def test_contract_lists_exactly_the_routes_that_are_declared() -> None:
    rows = re.findall(r"^\| (GET|POST|PATCH|DELETE) \| (\S+) \| \w+ \|$", text("docs/api.md"), re.MULTILINE)

    assert sorted((method, without_names(path)) for method, path in rows) == sorted(
        (one.method, without_names(one.route)) for one in ENDPOINTS.values()
    )


def test_error_codes_are_those_of_the_code() -> None:
    in_code = {family.default_code for family in vars(errors).values() if hasattr(family, "default_code")}
    for package in ("bp_core", "adapters", "functions"):
        for module in (ROOT / package).rglob("*.py"):
            in_code |= set(re.findall(r'code="(\w+)"', module.read_text(encoding="utf-8")))

    assert set(CODES) == in_code
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \| (.*) \|$", text("docs/errors.md"), re.MULTILINE)
    assert rows == [(str(code.status), name, code.when) for name, code in CODES.items()]


def test_readme_explains_every_setting() -> None:
    explained = set(re.findall(r"^\| `(\w+)` \|", text("README.md"), re.MULTILINE))
    read = {info.alias or field.upper() for field, info in Settings.model_fields.items()}
    sample = set(json.loads(text("local.settings.sample.json"))["Values"])

    assert explained == read | sample


def test_schema_page_names_every_table() -> None:
    migrations = "".join(
        text(f"migrations/versions/{one.name}") for one in (ROOT / "migrations/versions").glob("*.py")
    )
    tables = re.findall(r"CREATE (?:UNLOGGED )?TABLE (\w+)", migrations)

    assert sorted(re.findall(r"^\*\*(\w+)\*\*", text("docs/schema.md"), re.MULTILINE)) == sorted(tables)


def test_security_page_names_tests_that_exist() -> None:
    files = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "tests").rglob("test_*.py")}
    functions = {
        name
        for path in files.values()
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    page = text("docs/security.md")

    assert set(re.findall(r"`(tests/[\w/]+\.py)`", page)) - files.keys() == set()
    assert set(re.findall(r"`(test_\w+)`", page)) - functions == set()


def test_every_decision_is_in_the_index() -> None:
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", text("docs/adr/README.md"))

    assert sorted(listed) == sorted(path.name for path in (DOCS / "adr").glob("[0-9]*.md"))


def test_links_between_the_documents_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
