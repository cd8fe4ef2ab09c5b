"""The documents say what the code does: routes, error codes, settings, tables, decisions."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from annotated_types import Le

import function_app  # noqa: F401 - declares every endpoint
from bp_core.auth.schemas import Invite
from bp_core.categories import Category
from bp_core.copying import CopyRecord
from bp_core.notifications import Notification
from bp_core.plants import Plant
from bp_core.practices.schemas import Document, Image, Practice, PracticeListItem
from bp_core.questions import Question
from bp_core.shared.auditing import AuditedEntity
from bp_core.shared.errors import PortalError
from bp_core.shared.schemas import ResponseModel
from bp_core.users import User
from functions.edge.declaration import Endpoint
from functions.edge.endpoint import ENDPOINTS
from functions.edge.responses import status_of
from functions.jobs.catalogue import JOBS
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


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("user", User),
        ("invite", Invite),
        ("plant", Plant),
        ("category", Category),
        ("practice", Practice),
        ("In a list", PracticeListItem),
        ("image", Image),
        ("document", Document),
        ("copy record", CopyRecord),
        ("question", Question),
        ("notification", Notification),
    ],
)
def test_contract_lists_the_fields_of_a_response(name: str, model: type[ResponseModel]) -> None:
    listed = re.search(rf"^{name}: (`id, .*?`)\.", text("docs/api.md"), re.DOTALL | re.MULTILINE)

    assert listed is not None
    names = " ".join(re.findall(r"`([^`]*)`", listed[1]))
    assert sorted(re.findall(r"\w+", names)) == sorted(model.model_fields)


def test_contract_lists_the_entities_of_the_audit_trail() -> None:
    listed = re.search(r"\*\*/audit\*\* takes `entity` \(([^;]*);", text("docs/api.md"))

    assert listed is not None
    assert re.findall(r"`(\w+)`", listed[1]) == list(get_args(AuditedEntity))


def limits_of(endpoint: Endpoint) -> tuple[str, int, int]:
    """The path of a list, its highest limit, and its default limit."""
    limit = endpoint.inputs.query.model_fields["limit"]
    [at_most] = [one.le for one in limit.metadata if isinstance(one, Le)]
    assert isinstance(at_most, int)
    return endpoint.route.removeprefix("/api/v1/").replace(":guid", ""), at_most, limit.default


def test_contract_lists_the_limits_of_every_list_that_differs_from_the_others() -> None:
    rows = re.findall(r"^  \| ([\w/, {}-]+) \| 1 to (\d+) \| (\d+) \|$", text("docs/api.md"), re.MULTILINE)
    explained = {
        (path.replace("{id}", "{practice_id}"), int(at_most), int(default))
        for paths, at_most, default in rows
        for path in paths.split(", ")
    }
    declared = {limits_of(one) for one in ENDPOINTS.values() if one.output.page is not None}

    others = ("all others", 100, 20)
    assert explained - {others} == {one for one in declared if one[1:] != others[1:]}
    assert others in explained


def test_the_page_of_errors_lists_every_error_class_with_its_status_and_description() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \| (.*) \|$", text("docs/errors.md"), re.MULTILINE)

    assert rows == [(str(status_of(one)), one.code, one.description) for one in PortalError.catalogue]


def test_the_page_of_configuration_explains_every_setting() -> None:
    explained = set(re.findall(r"^\| `(\w+)` \|", text("docs/configuration.md"), re.MULTILINE))
    read = {info.alias or field.upper() for field, info in Settings.model_fields.items()}
    sample = set(json.loads(text("local.settings.sample.json"))["Values"])

    assert explained == read | sample


def test_every_schedule_setting_of_a_job_is_in_the_sample_settings() -> None:
    sample = json.loads(text("local.settings.sample.json"))["Values"]
    schedules = {name for name in sample if name.endswith("_SCHEDULE")}

    assert schedules == {job.schedule_setting for job in JOBS.values() if job.schedule_setting}


def test_the_page_of_architecture_lists_every_job_with_its_schedule_and_description() -> None:
    section = text("docs/architecture.md").partition("## Jobs")[2]
    rows = re.findall(r"^\| `(\w+)` \| `?([\w ]+?)`? \| (.*) \|$", section, re.MULTILINE)

    assert rows[: len(JOBS)] == [
        (job.name, job.schedule_setting or "manual call only", job.description) for job in JOBS.values()
    ]


def test_the_readme_fits_on_one_screen() -> None:
    assert len(text("README.md").splitlines()) <= 120


def test_schema_page_names_every_table() -> None:
    migrations = "".join(
        text(f"migrations/versions/{one.name}") for one in (ROOT / "migrations/versions").glob("*.py")
    )
    tables = re.findall(r"CREATE (?:UNLOGGED )?TABLE (\w+)", migrations)

    assert sorted(re.findall(r"^\*\*(\w+)\*\*", text("docs/schema.md"), re.MULTILINE)) == sorted(tables)


def names_of_tests() -> dict[str, set[str]]:
    return {
        path.relative_to(ROOT).as_posix(): set(
            re.findall(r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
        )
        for path in (ROOT / "tests").rglob("test_*.py")
    }


PAGES_OF_PROMISES = ("docs/security.md", "docs/reliability.md")


def promises(page: str) -> list[tuple[str, str]]:
    """The rows of the tables of promises in a page: the promise, and what tests it."""
    section = text(page).partition("## What is promised")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", section, re.MULTILINE)
    return [row for row in rows if row[0] != "promise"]


@pytest.mark.parametrize("page", PAGES_OF_PROMISES)
def test_every_promise_names_what_tests_it(page: str) -> None:
    tested = re.compile(r"`(tests/[\w/]+\.py::test_\w+|bench/\w+\.py)`")

    assert promises(page)
    assert [promise for promise, tests in promises(page) if not tested.search(tests)] == []


@pytest.mark.parametrize("page", PAGES_OF_PROMISES)
def test_pages_of_promises_name_tests_that_exist(page: str) -> None:
    known = names_of_tests()
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`", text(page))

    assert [file for file, _ in named if file not in known] == []
    assert [f"{file}::{name}" for file, name in named if name and name not in known[file]] == []
    assert re.findall(r"`test_\w+`", text(page)) == [], (
        "a test is named with its file: tests/...py::test_name"
    )


def test_every_decision_is_in_the_index() -> None:
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", text("docs/adr/README.md"))

    assert sorted(listed) == sorted(path.name for path in (DOCS / "adr").glob("[0-9]*.md"))


def test_links_between_the_documents_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_files_that_the_documents_name_exist() -> None:
    folders = "bp_core|adapters|functions|function_host|local|ops|tests|infra|migrations|bench"
    for page in [*ROOT.glob("*.md"), *DOCS.glob("*.md")]:
        for name in re.findall(rf"`((?:{folders})/[\w/.-]+)`", page.read_text(encoding="utf-8")):
            assert "NNNN" in name or (ROOT / name).exists(), f"{page.name}: {name}"
