"""The tour, against a complete portal on the local function host, with PostgreSQL, Azurite and triggers."""

import os
from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest

from local.data_directory import Account, DataDirectory
from local.ports import LOOPBACK, is_free
from local.tour.__main__ import main


@pytest.fixture(autouse=True)
def no_settings_for_the_tour(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("TOUR_") or name in ("STAR_POLICY", "FISCAL_YEAR_START_MONTH"):
            monkeypatch.delenv(name)


def run_tour(data: DataDirectory, *more: str) -> int:
    return main(["--data-dir", str(data.path), *more])


def set_accounts(accounts: Mapping[str, Account], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, account in accounts.items():
        monkeypatch.setenv(f"TOUR_{name}_EMAIL", account.email)
        monkeypatch.setenv(f"TOUR_{name}_PASSWORD", str(account.password))


def test_the_tour_succeeds_twice_in_a_row(data: DataDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tour(data) == 0
    first = capsys.readouterr().out
    assert "month 0.00 -> 52.08, year 0.00 -> 52.08, stars 0 -> 1" in first
    assert "10 points for the original plant, 5 for the copying plant" in first
    assert "Greater Noida (Ecotech 1) leads with 10" in first
    assert first.count("☆☆☆☆☆") == 6

    assert run_tour(data) == 0
    second = capsys.readouterr().out
    assert "month 52.08 -> 104.1, year 52.08 -> 104.1, stars 1 -> 1" in second  # 104.1666..., not 2 x 52.08
    assert "Greater Noida (Ecotech 1) leads with 20" in second


def test_the_tour_uses_accounts_from_the_environment(
    data: DataDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    portal = data.read_portal()
    hq, _, plant, *_ = (Account(**account) for account in portal["accounts"])
    set_accounts({"HQ": hq, "PLANT": plant}, monkeypatch)

    assert main(["--base-url", portal["base_url"] + "/", "--data-dir", str(tmp_path / "nothing")]) == 0

    output = capsys.readouterr().out
    assert f"of {plant.plant}" in output
    assert "Another plant" not in output  # there is no account of another plant


def test_the_tour_creates_temporary_users_and_deactivates_them_afterwards(
    data: DataDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    portal = data.read_portal()
    monkeypatch.setenv("DATABASE_URL", portal["database_url"])

    for _ in range(2):  # the same users, with other passwords
        assert main(["--base-url", portal["base_url"], "--make-people", "--data-dir", str(tmp_path)]) == 0

    assert "Another plant can read the submitted practice" in capsys.readouterr().out
    with psycopg.connect(portal["database_url"]) as connection:
        users = connection.execute(
            "SELECT email, role, is_active FROM users WHERE email LIKE 'tour-%' ORDER BY email"
        ).fetchall()
    assert users == [
        ("tour-greater-noida@amber.example", "plant", False),
        ("tour-hq@amber.example", "hq", False),
        ("tour-kanchipuram@amber.example", "plant", False),
    ]


@pytest.mark.parametrize(
    "arguments", [["--make-people"], ["--make-people", "--base-url", "https://portal.example"]]
)
def test_temporary_users_need_a_base_url_and_a_database(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)

    assert main(arguments) == 1

    assert "needs --base-url, and DATABASE_URL" in capsys.readouterr().err


def test_the_tour_fails_if_the_overview_is_not_the_sum_of_the_practices(
    data: DataDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_tour(data) == 0
    with psycopg.connect(data.read_portal()["database_url"]) as connection:
        connection.execute("UPDATE monthly_savings SET annualised_savings = annualised_savings + 1.2")

    assert run_tour(data) == 1

    error = capsys.readouterr().err
    assert "overview in lakhs, savings of the month: expected '52.08', got '52.18'" in error


def test_the_tour_fails_if_the_portal_uses_another_star_policy(
    data: DataDirectory, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAR_POLICY", "threshold")

    assert run_tour(data) == 1

    assert "expected 2, got 1" in capsys.readouterr().err


def test_the_tour_fails_if_a_call_fails(data: DataDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    with psycopg.connect(data.read_portal()["database_url"]) as connection:
        connection.execute("UPDATE users SET is_active = false WHERE role = 'hq'")

    assert run_tour(data) == 1

    error = capsys.readouterr().err
    assert "POST /api/v1/auth/login returned 401, expected 200" in error
    assert "INVALID_CREDENTIALS" in error


def test_without_a_portal_the_tour_says_how_to_start_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_tour(DataDirectory(tmp_path)) == 1
    assert "python3 dev.py up" in capsys.readouterr().err


def test_if_the_portal_has_stopped_the_tour_says_how_to_start_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = DataDirectory(tmp_path)
    accounts = [
        Account("hq@amber.test", "secret", "hq", None),
        Account("p@amber.test", "secret", "plant", "P"),
    ]
    port = next(port for port in range(20_000, 30_000) if is_free(port))
    url = f"http://{LOOPBACK}:{port}"
    data.write_portal(base_url=url, database_url="", storage_connection_string="", accounts=accounts)

    assert run_tour(data) == 1

    error = capsys.readouterr().err
    assert f"{url} does not respond" in error
    assert "python3 dev.py up" in error


def test_the_tour_of_an_external_portal_asks_for_accounts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_tour(DataDirectory(tmp_path), "--base-url", "https://portal.example") == 1
    assert "TOUR_PLANT_EMAIL" in capsys.readouterr().err


def test_the_tour_names_a_missing_account(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_accounts({"PLANT": Account("p@amber.test", "secret", "plant", None)}, monkeypatch)

    assert run_tour(DataDirectory(tmp_path), "--base-url", "https://portal.example") == 1

    assert "TOUR_HQ_EMAIL, TOUR_HQ_PASSWORD: missing" in capsys.readouterr().err
