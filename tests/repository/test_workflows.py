"""The workflows: no stored secrets, least privileges, and the right order of the deployment steps."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.deployment import STEPS

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
def test_every_action_has_a_pinned_version_or_is_in_this_repository(file: str) -> None:
    used = re.findall(r"uses: (\S+)", (GITHUB / file).read_text(encoding="utf-8"))
    own = [action for action in used if action.startswith("./")]
    pinned = [action for action in used if re.search(r"@(v\d+(\.\d+)*|[0-9a-f]{40})$", action)]

    assert sorted(own + pinned) == sorted(used)
    assert [action for action in own if not (ROOT / action).exists()] == []


@pytest.mark.parametrize("file", WORKFLOWS)
def test_a_workflow_can_only_read_code_and_only_jobs_that_sign_in_get_a_token(file: str) -> None:
    workflow = content(file)

    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        expected = {"contents": "read", "id-token": "write"} if name in JOBS_THAT_SIGN_IN else None
        assert job.get("permissions") == expected, name
        assert "uses" in job or job["timeout-minutes"] <= 60, name


def test_staging_follows_the_tests_and_production_follows_staging() -> None:
    order = {name: job.get("needs") for name, job in jobs("deploy").items()}

    assert order == {"test": None, "build": "test", "staging": "build", "production": "staging"}
    assert jobs("environment")["deploy"]["needs"] == "preview"


def test_tables_are_migrated_before_the_code_and_events_follow_the_code() -> None:
    assert steps("deploy") == ["provision", "secret", "migrate", "code", "events", "health", "tour"]


def test_the_tour_runs_on_staging_only() -> None:
    tours = {name: job["with"]["tour"] for name, job in jobs("deploy").items() if "with" in job}

    assert tours == {"staging": True, "production": False}


def test_ci_tests_every_supported_python_and_deploys_with_that_of_azure() -> None:
    app = (ROOT / "infra/modules/app.bicep").read_text(encoding="utf-8")
    runtime = re.findall(r"name: 'python'\s+version: '([\d.]+)'", app)
    deploy = (GITHUB / "workflows/deploy.yml").read_text(encoding="utf-8")

    assert jobs("ci")["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert set(re.findall(r'python-version: "([\d.]+)"', deploy)) == set(runtime) == {"3.12"}


def test_azd_and_the_workflows_use_exactly_the_existing_steps() -> None:
    hooks = (ROOT / "azure.yaml").read_text(encoding="utf-8")
    sources = [hooks, *((GITHUB / file).read_text(encoding="utf-8") for file in WORKFLOWS)]

    used = {name for source in sources for name in re.findall(r"-m ops\.deployment ([\w-]+)", source)}

    assert used == STEPS.keys()


def test_azd_runs_the_same_steps_on_every_operating_system() -> None:
    hooks = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))["hooks"]

    for name, hook in hooks.items():
        assert hook["windows"]["run"] == hook["posix"]["run"].replace("python3", "python"), name
