"""`dev.py tour [--base-url URL [--make-people]]`: finds a portal and its accounts, and runs the tour."""

import argparse
import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import httpx
import psycopg

from adapters.postgres.connections import verified
from bp_core.savings import SavingsRules, StarPolicy
from functions.settings import Settings
from local.data_directory import DEFAULT_DATA_DIRECTORY, Account, DataDirectory
from local.demo_users import temporary_tour_users
from local.tour.client import Connection
from local.tour.context import Accounts, Tour
from local.tour.report import CheckFailed, Report
from local.tour.scenario import run_scenario

START_FIRST = "Start it in another terminal: python3 dev.py up"
REQUIRED = ("TOUR_PLANT_EMAIL", "TOUR_PLANT_PASSWORD", "TOUR_HQ_EMAIL", "TOUR_HQ_PASSWORD")
OPTIONAL = ("TOUR_OTHER_PLANT_EMAIL", "TOUR_OTHER_PLANT_PASSWORD")
INTERRUPTED = 130


class MissingTarget(Exception):
    """There is no portal, or no account to sign in with. The message says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tour. Returns the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # for the stars, if Windows writes to a pipe
    options = _parse_arguments(arguments)
    report = Report()
    try:
        with _open_target(options, os.environ) as (base_url, accounts):
            print(f"A tour of the portal on {base_url}\n")
            with Connection(base_url, report) as portal:
                run_scenario(Tour(report, portal, accounts, _rules(os.environ)))
    except httpx.RequestError as error:
        server = str(error.request.url.copy_with(path="/", query=None)).rstrip("/")
        hint = f" {START_FIRST}" if server == base_url else ""
        return _fail(f"{server} does not respond ({type(error).__name__}).{hint}")
    except (MissingTarget, CheckFailed, psycopg.Error) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    print("\nAll responses were correct.")
    return 0


def _parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py tour", description="Run the main scenario over HTTP.")
    parser.add_argument("--base-url", help="the portal (default: the one that `dev.py up` started)")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=DEFAULT_DATA_DIRECTORY,
        help="data directory of `dev.py up` (default: .local)",
    )
    parser.add_argument(
        "--make-people",
        action="store_true",
        help="create temporary users for the tour in the database of DATABASE_URL",
    )
    return parser.parse_args(arguments)


def _fail(reason: str) -> int:
    print(f"\nThe tour failed. {reason}", file=sys.stderr)
    return 1


@contextmanager
def _open_target(
    options: argparse.Namespace, environment: Mapping[str, str]
) -> Iterator[tuple[str, Accounts]]:
    """The base URL of the portal and the accounts to use. Temporary users are active until the block ends."""
    if not options.make_people:
        yield _find_target(options.base_url, DataDirectory(options.data_dir), environment)
        return
    database_url = environment.get("DATABASE_URL")
    if not (options.base_url and database_url):
        raise MissingTarget("--make-people needs --base-url, and DATABASE_URL in the environment.")
    rounds: int = Settings.model_fields["bcrypt_rounds"].default
    people = temporary_tour_users(verified(database_url), bcrypt_rounds=rounds)
    with people as (headquarters, plant, other_plant):
        yield options.base_url.rstrip("/"), Accounts(plant, headquarters, other_plant)


def _find_target(
    base_url: str | None, data: DataDirectory, environment: Mapping[str, str]
) -> tuple[str, Accounts]:
    """The base URL and accounts from the environment, or from the portal.json that `dev.py up` wrote."""
    running = data.read_portal() if data.portal.exists() else None
    if base_url is None and running is None:
        raise MissingTarget(f"No portal is running on the data in {data.path}. {START_FIRST}")
    url = (base_url or str(running and running["base_url"])).rstrip("/")
    if any(environment.get(name) for name in REQUIRED):
        return url, _accounts_from_environment(environment)
    if running is None or running["base_url"] != url:
        raise MissingTarget(f"For {url} set {', '.join(REQUIRED)} in the environment.")
    return url, _demo_accounts(running)


def _accounts_from_environment(environment: Mapping[str, str]) -> Accounts:
    if missing := [name for name in REQUIRED if not environment.get(name)]:
        raise MissingTarget(f"{', '.join(missing)}: missing in the environment.")
    plant_email, plant_password, hq_email, hq_password = (environment[name] for name in REQUIRED)
    other_email, other_password = (environment.get(name) for name in OPTIONAL)
    return Accounts(
        plant=Account(plant_email, plant_password, "plant", None),
        headquarters=Account(hq_email, hq_password, "hq", None),
        other_plant=Account(other_email, other_password, "plant", None) if other_email else None,
    )


def _demo_accounts(running: Mapping[str, Any]) -> Accounts:
    accounts = [Account(**account) for account in running["accounts"]]
    plants = [account for account in accounts if account.role == "plant" and account.password]
    headquarters = [account for account in accounts if account.role == "hq" and account.password]
    if not plants or not headquarters:
        raise MissingTarget(
            "The passwords of this portal's users are not known here."
            f" Set {', '.join(REQUIRED)} in the environment."
        )
    return Accounts(plants[0], headquarters[0], plants[1] if len(plants) > 1 else None)


def _rules(environment: Mapping[str, str]) -> SavingsRules:
    """The rules that the portal was configured with: the tour reads the same two settings."""
    start_month = environment.get("FISCAL_YEAR_START_MONTH") or "1"
    name = environment.get("STAR_POLICY") or "banded"
    policies: tuple[StarPolicy, ...] = get_args(StarPolicy)
    policy = next((policy for policy in policies if policy == name), None)
    if policy is None or not start_month.isdecimal():
        raise MissingTarget("STAR_POLICY or FISCAL_YEAR_START_MONTH in the environment is not valid.")
    return SavingsRules(int(start_month), policy)


if __name__ == "__main__":
    sys.exit(main())
