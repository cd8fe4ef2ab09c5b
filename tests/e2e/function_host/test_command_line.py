"""``python -m local.host`` as a process: ready, ended by a signal, or refused with one clear message."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

REPOSITORY = Path(__file__).parents[3]
READY = "Portal host ready on "
PATIENCE_SECONDS = 30

APP = """
import os, time
import azure.functions as func

app = func.FunctionApp()

@app.route(route="worker", methods=["GET"])
def worker(req: func.HttpRequest) -> str:
    return os.environ["FUNCTIONS_WORKER_RUNTIME"]

@app.route(route="stuck", methods=["POST"])
def stuck(req: func.HttpRequest) -> str:
    print("stuck", flush=True)
    time.sleep(3600)
    return ""
"""
TIMER = """
@app.timer_trigger("timer", "%SCHEDULE%")
def nightly(timer: func.TimerRequest) -> None: ...
"""
HIDDEN = """
@app.route(route="{name}", methods=["GET"])
def anything(req: func.HttpRequest) -> str:
    return ""
"""


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "local.host", "--port", "0", *options]


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "AzureWebJobsStorage"}
    return {**inherited, "PYTHONPATH": str(REPOSITORY), **settings}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "function_app.py").write_text(APP, encoding="utf-8")
    (tmp_path / "host.json").write_text('{"extensions": {"http": {"routePrefix": ""}}}', encoding="utf-8")
    return tmp_path


@contextmanager
def serving(directory: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A running host and its base URL."""
    with subprocess.Popen(
        command(),
        cwd=directory,
        env=environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line.startswith(READY)
            yield process, line.removeprefix(READY).strip()
        finally:
            process.kill()


def refused(directory: Path, *options: str, settings: Mapping[str, str] | None = None) -> str:
    """What a host that does not start says on stderr."""
    result = subprocess.run(
        command(*options),
        cwd=directory,
        env=environment(settings or {}),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert (result.returncode, result.stdout) == (1, "")
    return result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal_ends_it_with_status_0(directory: Path, number: signal.Signals) -> None:
    with serving(directory) as (process, base_url):
        assert httpx.get(f"{base_url}/worker").text == "python"
        process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE_SECONDS)

    assert (process.returncode, "Traceback" in errors) == (0, False)


def test_a_function_that_does_not_end_does_not_keep_it_from_ending(directory: Path) -> None:
    with serving(directory) as (process, base_url):
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{base_url}/stuck", timeout=0.2)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE_SECONDS)

    assert (process.returncode, "still running" in errors) == (0, True)


def test_without_a_host_json_the_route_prefix_is_the_real_hosts(directory: Path) -> None:
    (directory / "host.json").unlink()
    with serving(directory) as (_, base_url):
        assert httpx.get(f"{base_url}/api/worker").text == "python"


def test_an_app_that_cannot_be_imported_is_told_in_one_line(directory: Path) -> None:
    (directory / "function_app.py").write_text("import no_such_library", encoding="utf-8")

    message = refused(directory)

    assert "ModuleNotFoundError: No module named 'no_such_library'" in message
    assert len(message.splitlines()) == 1


def test_debug_adds_the_traceback(directory: Path) -> None:
    (directory / "function_app.py").write_text("1 / 0", encoding="utf-8")

    assert "Traceback" in refused(directory, "--debug")


def test_a_module_without_an_app_is_told(directory: Path) -> None:
    assert "function_app:other" in refused(directory, "--app", "function_app:other")


def test_a_missing_setting_is_named(directory: Path) -> None:
    (directory / "function_app.py").write_text(APP + TIMER, encoding="utf-8")

    message = refused(directory, settings={"AzureWebJobsStorage": "UseDevelopmentStorage=true"})

    assert "nightly" in message
    assert "SCHEDULE" in message
    assert len(message.splitlines()) == 1


def test_storage_that_is_not_configured_is_named(directory: Path) -> None:
    (directory / "function_app.py").write_text(APP + TIMER, encoding="utf-8")

    assert "AzureWebJobsStorage" in refused(directory, settings={"SCHEDULE": "0 0 1 * * *"})


def test_two_routes_for_one_path_are_named(directory: Path) -> None:
    (directory / "function_app.py").write_text(APP + HIDDEN, encoding="utf-8")

    assert "anything and " in refused(directory)
