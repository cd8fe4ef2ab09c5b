"""The tour, against a whole portal on the local function host: PostgreSQL, Azurite, triggers and all."""

import os
from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest

from local.data_directory import Account, DataDirectory
from local.ports import LOOPBACK, is_free
from local.tour.__main__ import main


@pytest.fixture(autouse=True)
def nothing_said_to_the_tour(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("TOUR_") or name in ("STAR_POLICY", "FISCAL_YEAR_START_MONTH"):
            monkeypatch.delenv(name)


def take_tour(data: DataDirectory, *more: str) -> int:
    return main(["--data-dir", str(data.path), *more])


def speak_as(people: Mapping[str, Account], monkeypatch: pytest.MonkeyPatch) -> None:
    for who, account in people.items():
        monkeypatch.setenv(f"TOUR_{who}_EMAIL", account.email)
        monkeypatch.setenv(f"TOUR_{who}_PASSWORD", str(account.password))


def test_tour_ends_well_run_after_run(data: DataDirectory, capsys: pytest.CaptureFixture[str]) -> None:
    assert take_tour(data) == 0
    first = capsys.readouterr().out
    assert "month 0.00 -> 52.08, year 0.00 -> 52.08, stars 0 -> 1" in first
    assert "10 for its origin, 5 for its copier; Greater Noida (Ecotech 1) leads with 10" in first
    assert first.count("☆☆☆☆☆") == 6

    assert take_tour(data) == 0
    second = capsys.readouterr().out
    assert "month 52.08 -> 104.1, year 52.08 -> 104.1, stars 1 -> 1" in second  # 104.1666..., not 2 x 52.08
    assert "Greater Noida (Ecotech 1) leads with 20" in second


def test_tour_goes_with_accounts_from_the_environment(
    data: DataDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    portal = data.read_portal()
    hq, _, plant, *_ = (Account(**account) for account in portal["accounts"])
    speak_as({"HQ": hq, "PLANT": plant}, monkeypatch)

    assert main(["--base-url", portal["base_url"] + "/", "--data-dir", str(tmp_path / "nothing")]) == 0

    told = capsys.readouterr().out
    assert f"of {plant.plant}" in told
    assert "Another plant" not in told  # nobody of another plant was named


def test_tour_goes_with_people_made_for_it_who_can_sign_in_no_longer_afterwards(
    data: DataDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    portal = data.read_portal()
    monkeypatch.setenv("DATABASE_URL", portal["database_url"])

    for _ in range(2):  # the same people, with other passwords
        assert main(["--base-url", portal["base_url"], "--make-people", "--data-dir", str(tmp_path)]) == 0

    assert "Another plant may read it by now" in capsys.readouterr().out
    with psycopg.connect(portal["database_url"]) as connection:
        people = connection.execute(
            "SELECT email, role, is_active FROM users WHERE email LIKE 'tour-%' ORDER BY email"
        ).fetchall()
    assert people == [
        ("tour-greater-noida@amber.example", "plant", False),
        ("tour-hq@amber.example", "hq", False),
        ("tour-kanchipuram@amber.example", "plant", False),
    ]


@pytest.mark.parametrize(
    "given", [["--make-people"], ["--make-people", "--base-url", "https://portal.example"]]
)
def test_tour_that_makes_its_people_needs_a_database_and_a_place(
    given: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)

    assert main(given) == 1

    assert "needs --base-url, and DATABASE_URL" in capsys.readouterr().err


def test_tour_ends_where_the_overview_is_not_the_sum_of_the_practices(
    data: DataDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take_tour(data) == 0
    with psycopg.connect(data.read_portal()["database_url"]) as connection:
        connection.execute("UPDATE monthly_savings SET annualised_savings = annualised_savings + 1.2")

    assert take_tour(data) == 1

    told = capsys.readouterr().err
    assert (
        "the overview in lakhs, savings of the month: the portal says '52.18', the rules say '52.08'" in told
    )


def test_tour_ends_where_stars_are_given_by_another_policy(
    data: DataDirectory, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAR_POLICY", "threshold")

    assert take_tour(data) == 1

    assert "the portal says 1, the rules say 2" in capsys.readouterr().err


def test_tour_ends_where_an_answer_is_refused(
    data: DataDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(data.read_portal()["database_url"]) as connection:
        connection.execute("UPDATE users SET is_active = false WHERE role = 'hq'")

    assert take_tour(data) == 1

    told = capsys.readouterr().err
    assert "POST /api/v1/auth/login answered 403, not 200" in told
    assert "ACCOUNT_INACTIVE" in told


def test_tour_without_a_portal_says_how_to_start_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take_tour(DataDirectory(tmp_path)) == 1
    assert "python3 dev.py up" in capsys.readouterr().err


def test_tour_of_a_portal_that_has_ended_says_how_to_start_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = DataDirectory(tmp_path)
    people = [Account("hq@amber.test", "secret", "hq", None), Account("p@amber.test", "secret", "plant", "P")]
    port = next(port for port in range(20_000, 30_000) if is_free(port))
    url = f"http://{LOOPBACK}:{port}"
    data.write_portal(base_url=url, database_url="", storage_connection_string="", accounts=people)

    assert take_tour(data) == 1

    told = capsys.readouterr().err
    assert f"{url} does not answer" in told
    assert "python3 dev.py up" in told


def test_tour_of_a_strange_portal_asks_for_accounts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert take_tour(DataDirectory(tmp_path), "--base-url", "https://portal.example") == 1
    assert "TOUR_PLANT_EMAIL" in capsys.readouterr().err


def test_tour_says_which_account_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    speak_as({"PLANT": Account("p@amber.test", "secret", "plant", None)}, monkeypatch)

    assert take_tour(DataDirectory(tmp_path), "--base-url", "https://portal.example") == 1

    assert "TOUR_HQ_EMAIL, TOUR_HQ_PASSWORD: missing" in capsys.readouterr().err
