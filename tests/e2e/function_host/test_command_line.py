"""``python -m function_host`` as a process: it serves, stops at a signal, or fails with one clear message."""

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
READY = "Function host ready on "
TIMEOUT_SECONDS = 30

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
CONFLICTING = """
@app.route(route="{name}", methods=["GET"])
def anything(req: func.HttpRequest) -> str:
    return ""
"""


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "function_host", "--port", "0", *options]


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


def fail_to_start(directory: Path, *options: str, settings: Mapping[str, str] | None = None) -> str:
    """Run a host that cannot start. Returns its stderr."""
    result = subprocess.run(
        command(*options),
        cwd=directory,
        env=environment(settings or {}),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert (result.returncode, result.stdout) == (1, "")
    return result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal_and_exits_with_status_0(directory: Path, number: signal.Signals) -> None:
    with serving(directory) as (process, base_url):
        assert httpx.get(f"{base_url}/worker").text == "python"
        process.send_signal(number)
        _, errors = process.communicate(timeout=TIMEOUT_SECONDS)

    assert (process.returncode, "Traceback" in errors) == (0, False)


def test_it_stops_even_if_a_function_does_not_return(directory: Path) -> None:
    with serving(directory) as (process, base_url):
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{base_url}/stuck", timeout=0.2)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=TIMEOUT_SECONDS)

    assert (process.returncode, "still running" in errors) == (0, True)


def test_without_a_host_json_the_route_prefix_is_api_as_in_azure(directory: Path) -> None:
    (directory / "host.json").unlink()
    with serving(directory) as (_, base_url):
        assert httpx.get(f"{base_url}/api/worker").text == "python"


def test_an_import_error_is_reported_in_one_line(directory: Path) -> None:
    (directory / "function_app.py").write_text("import no_such_library", encoding="utf-8")

    message = fail_to_start(directory)

    assert "ModuleNotFoundError: No module named 'no_such_library'" in message
    assert len(message.splitlines()) == 1


def test_debug_shows_the_traceback(directory: Path) -> None:
    (directory / "function_app.py").write_text("1 / 0", encoding="utf-8")

    assert "Traceback" in fail_to_start(directory, "--debug")


def test_a_module_without_an_app_is_reported(directory: Path) -> None:
    assert "function_app:other" in fail_to_start(directory, "--app", "function_app:other")


def test_a_missing_setting_is_named(directory: Path) -> None:
    (directory / "function_app.py").write_text(APP + TIMER, encoding="utf-8")

    message = fail_to_start(directory, settings={"AzureWebJobsStorage": "UseDevelopmentStorage=true"})

    assert "nightly" in message
    assert "SCHEDULE" in message
    assert len(message.splitlines()) == 1


def test_missing_storage_is_named(directory: Path) -> None:
    (directory / "function_app.py").write_text(APP + TIMER, encoding="utf-8")

    assert "AzureWebJobsStorage" in fail_to_start(directory, settings={"SCHEDULE": "0 0 1 * * *"})


def test_two_routes_for_the_same_path_are_named(directory: Path) -> None:
    (directory / "function_app.py").write_text(APP + CONFLICTING, encoding="utf-8")

    assert "anything and " in fail_to_start(directory)
