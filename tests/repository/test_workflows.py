"""The workflows: no stored secrets, least privileges, and the right order of the deployment steps."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.deployment import STEPS
from ops.lock import LOCKS

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
FILES = sorted(path.relative_to(GITHUB).as_posix() for path in GITHUB.rglob("*.yml"))
USING = [file for file in FILES if file != "dependabot.yml"]
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


@pytest.mark.parametrize("file", USING)
def test_every_action_of_another_repository_is_pinned_by_commit_with_its_version(file: str) -> None:
    text = (GITHUB / file).read_text(encoding="utf-8")
    used = re.findall(r"uses: (\S.*)$", text, re.MULTILINE)
    own = [action for action in used if action.startswith("./")]
    pinned = [
        action for action in used if re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)
    ]

    assert used
    assert sorted(own + pinned) == sorted(used)
    assert [action for action in own if not (ROOT / action).exists()] == []


def test_an_action_is_pinned_to_the_same_commit_everywhere() -> None:
    text = "".join((GITHUB / file).read_text(encoding="utf-8") for file in USING)
    pins = set(re.findall(r"uses: ([\w-]+/[\w-]+)@(\w+ # \S+)", text))

    assert len({action for action, _ in pins}) == len(pins)


def test_dependabot_watches_everything_that_is_pinned() -> None:
    updates = {one["package-ecosystem"]: one for one in content("dependabot.yml")["updates"]}
    locks = {f"/{Path(one.target).parent.as_posix()}".removesuffix(".") for one in LOCKS}
    actions = {
        f"/.github/{path.parent.relative_to(GITHUB).as_posix()}" for path in GITHUB.rglob("action.yml")
    }
    npm = {"/" + path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("*/npm/package-lock.json")}

    assert set(updates["pip"]["directories"]) == locks
    assert set(updates["github-actions"]["directories"]) == actions | {"/"}
    assert set(updates["npm"]["directories"]) == npm


def runs(name: str, job: str) -> str:
    return "\n".join(step["run"] for step in jobs(name)[job]["steps"] if "run" in step)


@pytest.mark.parametrize(("name", "job"), [("ci", "vulnerabilities"), ("vulnerabilities", "look")])
def test_known_vulnerabilities_fail_each_pull_request_and_every_morning(name: str, job: str) -> None:
    # Not `dev.py check`: that does not fail if the services do not answer.
    assert runs(name, job) == "python -m ops.supply_chain vulnerabilities"
    assert content("workflows/vulnerabilities.yml")[True]["schedule"] == [{"cron": "0 2 * * *"}]


def test_a_package_is_built_from_locked_wheels_and_has_a_bill_of_materials() -> None:
    steps_of_build = jobs("deploy")["build"]["steps"]
    uploads = [step["with"] for step in steps_of_build if "upload-artifact" in step.get("uses", "")]
    target = ".python_packages/lib/site-packages"

    installation = next(
        line for line in runs("deploy", "build").replace("\\\n", "").splitlines() if "pip" in line
    )
    assert {"--require-hashes", "--only-binary", target, "requirements.txt"} <= set(installation.split())
    assert f"python -m ops.supply_chain bill {target} portal.cdx.json" in runs("deploy", "build")
    assert [(one["name"], one["path"], one["if-no-files-found"]) for one in uploads] == [
        ("bill-of-materials", "portal.cdx.json", "error"),
        ("portal", "portal.zip", "error"),
    ]


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
