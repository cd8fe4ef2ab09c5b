"""`dev.py lock`: what it asks uv for, and what `dev.py check lock` finds."""

import subprocess
from pathlib import Path

import pytest

from local.errors import SetupError
from ops import lock
from ops.lock import APP, DEVELOPMENT, LOCKS, Pin, faults, requested, resolved
from ops.tools import Tools

HASH = "--hash=sha256:" + "0" * 64
OTHER_HASH = "--hash=sha256:" + "1" * 64


def locked(name: str, version: str, asked_for_by: str, hashes: str = HASH) -> str:
    return f"{name}=={version} \\\n    {hashes}\n    # via {asked_for_by}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout whose app needs waitress, and whose development needs ruff."""
    (tmp_path / "requirements").mkdir()
    for one in LOCKS:
        (tmp_path / one.target).write_text("# nothing\n", encoding="utf-8")
        for source in one.sources:
            (tmp_path / source).write_text("# nothing\n", encoding="utf-8")
    write(tmp_path, "requirements.in", "waitress==3.0.2  # a reason\n")
    write(tmp_path, "requirements/dev.in", "Ruff==0.17.5\n")
    app = locked("waitress", "3.0.2", "-r requirements.in")
    write(tmp_path, APP.target, app)
    write(tmp_path, DEVELOPMENT.target, app + locked("ruff", "0.17.5", "-r requirements/dev.in"))
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    (root / name).write_text(text, encoding="utf-8")


def test_files_that_agree_have_no_fault(root: Path) -> None:
    assert faults(root) == []


def test_a_requirement_that_is_not_resolved_is_a_fault(root: Path) -> None:
    write(root, "requirements/dev.in", "ruff==0.17.5\nmypy==2.4.1\n")

    assert faults(root) == ["requirements/dev.txt: mypy==2.4.1 is missing"]


def test_a_requirement_in_another_version_is_a_fault(root: Path) -> None:
    write(root, "requirements/dev.in", "ruff==0.17.6\n")

    assert faults(root) == [
        "requirements/dev.txt: ruff==0.17.6 is missing",
        "requirements/dev.txt: ruff==0.17.5 is not requested",
    ]


def test_a_requirement_that_was_removed_is_a_fault(root: Path) -> None:
    write(root, "requirements/dev.in", "")

    assert faults(root) == ["requirements/dev.txt: ruff==0.17.5 is not requested"]


def test_a_package_without_a_hash_is_a_fault(root: Path) -> None:
    write(root, DEVELOPMENT.target, (root / DEVELOPMENT.target).read_text().replace(f"\\\n    {HASH}", "", 1))

    assert faults(root) == [
        "requirements/dev.txt: waitress has no hash",
        "requirements.txt: waitress differs from requirements/dev.txt",
    ]


@pytest.mark.parametrize(
    "app",
    [
        locked("waitress", "3.0.2", "-r requirements.in", OTHER_HASH),
        locked("waitress", "3.0.2", "-r requirements.in") + locked("idna", "3.20", "waitress"),
    ],
)
def test_what_runs_in_azure_is_what_was_tested(root: Path, app: str) -> None:
    write(root, APP.target, app)

    assert [fault.partition(": ")[2] for fault in faults(root)] in (
        ["waitress differs from requirements/dev.txt"],
        ["idna differs from requirements/dev.txt"],
    )


def test_a_package_may_differ_by_python_version(tmp_path: Path) -> None:
    write(
        tmp_path,
        "x.in",
        'azure-functions==1.26.0; python_version < "3.13"\n'
        'Azure_Functions==2.2.0; python_version >= "3.13"\n',
    )
    write(
        tmp_path,
        "x.txt",
        f"azure-functions==1.26.0 ; python_full_version < '3.13' \\\n    {HASH}\n    # via -r x.in\n"
        f"azure-functions==2.2.0 ; python_full_version >= '3.13' \\\n    {HASH}\n    # via -r x.in\n",
    )

    expected = {Pin("azure-functions", "1.26.0"), Pin("azure-functions", "2.2.0")}
    assert requested(tmp_path / "x.in") == resolved(tmp_path / "x.txt").keys() == expected


def test_extras_belong_to_the_package(tmp_path: Path) -> None:
    write(tmp_path, "x.in", "psycopg[binary,pool]==3.3.9\n")

    assert requested(tmp_path / "x.in") == {Pin("psycopg", "3.3.9")}


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that are run instead of uv, which fails for requirements/worker.in."""
    run_commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        run_commands.append(command)
        return subprocess.CompletedProcess(command, int("requirements/worker.in" in command))

    monkeypatch.setattr(Tools, "install", lambda self: None)
    monkeypatch.setattr(subprocess, "run", run)
    return run_commands


def test_a_requirement_that_cannot_be_resolved_stops_and_names_its_file(commands: list[list[str]]) -> None:
    with pytest.raises(SetupError, match=r"requirements/worker\.txt could not be resolved"):
        lock.resolve(upgrade=False)


def test_every_file_is_resolved_with_hashes_for_all_systems(commands: list[list[str]]) -> None:
    with pytest.raises(SetupError):
        lock.resolve(upgrade=True)

    assert [command[command.index("--output-file") + 1] for command in commands] == [
        "requirements/uv.txt", "requirements/dev.txt", "requirements.txt", "requirements/worker.txt",
    ]  # fmt: skip
    for command in commands:
        assert {"--generate-hashes", "--universal", "--upgrade"} <= set(command)
