"""`dev.py check`: which checks run, and what is shown of them."""

import pytest

from local.dev import checks
from local.dev.environment import Environment


def test_an_unknown_check_is_refused(ready: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    assert checks.check(ready, ["spelling"]) == 2
    assert "There are: format, lint, types, imports, lock, migrations, openapi, infra, vulnerabilities." in (
        capsys.readouterr().err
    )


def test_all_checks_run_after_a_failed_one(
    ready: Environment, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    fakes = {"first": ("-c", "raise SystemExit('reason')"), "second": ("-c", "print('all well')")}
    monkeypatch.setattr(checks, "CHECKS", fakes)
    assert checks.check(ready, []) == 1
    output = capfdbinary.readouterr().out
    assert b"first ... FAILED" in output
    assert b"reason" in output
    assert b"second ... ok" in output
    assert b"all well" not in output
    assert output.endswith(b"Failed: first.\n")


def test_a_check_that_cannot_look_is_named_and_does_not_fail(
    ready: Environment, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    fakes = {"first": ("-c", "print('no network'); raise SystemExit(3)"), "second": ("-c", "pass")}
    monkeypatch.setattr(checks, "CHECKS", fakes)
    assert checks.check(ready, []) == 0
    output = capfdbinary.readouterr().out
    assert b"first ... NOT CHECKED" in output
    assert b"no network" in output
    assert output.endswith(b"All checks passed.\nNot checked: first.\n")
