"""The workflows: nothing is stored that opens anything, and the tables are there before the code."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.deployment import STEPS

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
FILES = sorted(path.relative_to(GITHUB).as_posix() for path in GITHUB.rglob("*.yml"))
WORKFLOWS = [file for file in FILES if file.startswith("workflows/")]
JOBS_THAT_SIGN_IN = {"what-if", "preview", "deploy", "staging", "production"}


def content(file: str) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load((GITHUB / file).read_text(encoding="utf-8"))
    return loaded


def jobs(name: str) -> dict[str, Any]:
    found: dict[str, Any] = content(f"workflows/{name}.yml")["jobs"]
    return found


def steps(job: str) -> list[str]:
    return [step["id"] for step in jobs("environment")[job]["steps"] if "id" in step]


@pytest.mark.parametrize("file", FILES)
def test_no_secret_is_used(file: str) -> None:
    assert "secrets" not in (GITHUB / file).read_text(encoding="utf-8").lower()


@pytest.mark.parametrize("file", FILES)
def test_every_action_is_of_a_named_version_or_of_this_repository(file: str) -> None:
    used = re.findall(r"uses: (\S+)", (GITHUB / file).read_text(encoding="utf-8"))
    ours = [one for one in used if one.startswith("./")]
    named = [one for one in used if re.search(r"@(v\d+(\.\d+)*|[0-9a-f]{40})$", one)]

    assert sorted(ours + named) == sorted(used)
    assert [one for one in ours if not (ROOT / one).exists()] == []


@pytest.mark.parametrize("file", WORKFLOWS)
def test_a_workflow_may_read_the_code_and_only_who_signs_in_gets_a_token(file: str) -> None:
    workflow = content(file)

    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        with_token = {"contents": "read", "id-token": "write"} if name in JOBS_THAT_SIGN_IN else None
        assert job.get("permissions") == with_token, name
        assert "uses" in job or job["timeout-minutes"] <= 60, name


def test_staging_comes_after_the_tests_and_production_after_staging() -> None:
    order = {name: job.get("needs") for name, job in jobs("deploy").items()}

    assert order == {"test": None, "build": "test", "staging": "build", "production": "staging"}
    assert jobs("environment")["deploy"]["needs"] == "preview"


def test_the_tables_are_there_before_the_code_and_the_code_before_its_events() -> None:
    assert steps("deploy") == ["provision", "secret", "migrate", "code", "events", "health", "tour"]


def test_the_tour_is_taken_of_staging_only() -> None:
    tours = {name: job["with"]["tour"] for name, job in jobs("deploy").items() if "with" in job}

    assert tours == {"staging": True, "production": False}


def test_what_is_tested_is_every_python_that_is_promised_and_that_of_azure() -> None:
    app = (ROOT / "infra/modules/app.bicep").read_text(encoding="utf-8")
    runtime = re.findall(r"name: 'python'\s+version: '([\d.]+)'", app)
    deploy = (GITHUB / "workflows/deploy.yml").read_text(encoding="utf-8")

    assert jobs("ci")["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert set(re.findall(r'python-version: "([\d.]+)"', deploy)) == set(runtime) == {"3.12"}


def test_azd_and_the_workflows_take_only_steps_that_there_are() -> None:
    hooks = (ROOT / "azure.yaml").read_text(encoding="utf-8")
    sources = [hooks, *((GITHUB / file).read_text(encoding="utf-8") for file in WORKFLOWS)]

    taken = {name for source in sources for name in re.findall(r"-m local\.deployment ([\w-]+)", source)}

    assert taken == STEPS.keys()


def test_azd_takes_the_same_steps_on_every_system() -> None:
    hooks = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))["hooks"]

    for name, hook in hooks.items():
        assert hook["windows"]["run"] == hook["posix"]["run"].replace("python3", "python"), name
