"""`dev.py tour [--base-url URL [--make-people]]`: finds a portal and its people, and walks through it."""

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

from bp_core.savings import SavingsRules, StarPolicy
from functions.settings import Settings
from local.data_directory import DEFAULT_DATA_DIRECTORY, Account, DataDirectory
from local.people import tourists
from local.tour.steps import People, walk
from local.tour.telling import Difference, Teller
from local.tour.visitor import Web

START_FIRST = "Start it first, in another terminal: python3 dev.py up"
NEEDED = ("TOUR_PLANT_EMAIL", "TOUR_PLANT_PASSWORD", "TOUR_HQ_EMAIL", "TOUR_HQ_PASSWORD")
OPTIONAL = ("TOUR_OTHER_PLANT_EMAIL", "TOUR_OTHER_PLANT_PASSWORD")
INTERRUPTED = 130


class NowhereToGoError(Exception):
    """There is no portal, or nobody to sign in as; the message says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Take the tour; the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # stars, also into a pipe on Windows
    options = _options(arguments)
    teller = Teller()
    try:
        with _visit(options, os.environ) as (base_url, people):
            print(f"A tour of the portal on {base_url}\n")
            with Web(base_url, teller) as web:
                walk(teller, web, people, _rules(os.environ))
    except httpx.RequestError as error:
        silent = str(error.request.url.copy_with(path="/", query=None)).rstrip("/")
        hint = f" {START_FIRST}" if silent == base_url else ""
        return _failed(f"{silent} does not answer ({type(error).__name__}).{hint}")
    except (NowhereToGoError, Difference, psycopg.Error) as problem:
        return _failed(str(problem))
    except KeyboardInterrupt:
        return INTERRUPTED
    print("\nEverything was as the rules say.")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py tour", description="Walk through the portal's main job.")
    parser.add_argument("--base-url", help="the portal (default: the one that `dev.py up` started)")
    parser.add_argument(
        "--data-dir", type=Path, default=DEFAULT_DATA_DIRECTORY, help="that of `dev.py up` (default: .local)"
    )
    parser.add_argument(
        "--make-people",
        action="store_true",
        help="make its people for the tour, in the database of DATABASE_URL",
    )
    return parser.parse_args(arguments)


def _failed(reason: str) -> int:
    print(f"\nThe tour ends here. {reason}", file=sys.stderr)
    return 1


@contextmanager
def _visit(options: argparse.Namespace, environment: Mapping[str, str]) -> Iterator[tuple[str, People]]:
    """The portal to visit and who visits it, for as long as the visit lasts."""
    if not options.make_people:
        yield _find(options.base_url, DataDirectory(options.data_dir), environment)
        return
    database_url = environment.get("DATABASE_URL")
    if not (options.base_url and database_url):
        raise NowhereToGoError("--make-people needs --base-url, and DATABASE_URL in the environment.")
    rounds: int = Settings.model_fields["bcrypt_rounds"].default
    with tourists(database_url, bcrypt_rounds=rounds) as (hq, plant, neighbour):
        yield options.base_url.rstrip("/"), People(plant=plant, hq=hq, neighbour=neighbour)


def _find(base_url: str | None, data: DataDirectory, environment: Mapping[str, str]) -> tuple[str, People]:
    """The portal to visit, and who visits it: as the environment says, or as `dev.py up` wrote down."""
    started = data.read_portal() if data.portal.exists() else None
    if base_url is None and started is None:
        raise NowhereToGoError(f"No portal runs on the data in {data.path}. {START_FIRST}")
    url = (base_url or str(started and started["base_url"])).rstrip("/")
    if any(environment.get(name) for name in NEEDED):
        return url, _people_of_environment(environment)
    if started is None or started["base_url"] != url:
        raise NowhereToGoError(f"To visit {url} the tour needs {', '.join(NEEDED)} in the environment.")
    return url, _demo_people(started)


def _people_of_environment(environment: Mapping[str, str]) -> People:
    if missing := [name for name in NEEDED if not environment.get(name)]:
        raise NowhereToGoError(f"{', '.join(missing)}: missing in the environment.")
    plant_email, plant_password, hq_email, hq_password = (environment[name] for name in NEEDED)
    other_email, other_password = (environment.get(name) for name in OPTIONAL)
    return People(
        plant=Account(plant_email, plant_password, "plant", None),
        hq=Account(hq_email, hq_password, "hq", None),
        neighbour=Account(other_email, other_password, "plant", None) if other_email else None,
    )


def _demo_people(started: Mapping[str, Any]) -> People:
    accounts = [Account(**account) for account in started["accounts"]]
    plants = [account for account in accounts if account.role == "plant" and account.password]
    hqs = [account for account in accounts if account.role == "hq" and account.password]
    if not plants or not hqs:
        raise NowhereToGoError(
            f"Nobody's password is known for this portal: put {', '.join(NEEDED)} in the environment."
        )
    return People(plant=plants[0], hq=hqs[0], neighbour=plants[1] if len(plants) > 1 else None)


def _rules(environment: Mapping[str, str]) -> SavingsRules:
    """What the portal's installation chose, told to the tour by the same settings."""
    start_month = environment.get("FISCAL_YEAR_START_MONTH") or "1"
    chosen = environment.get("STAR_POLICY") or "banded"
    policies: tuple[StarPolicy, ...] = get_args(StarPolicy)
    policy = next((policy for policy in policies if policy == chosen), None)
    if policy is None or not start_month.isdecimal():
        raise NowhereToGoError("STAR_POLICY or FISCAL_YEAR_START_MONTH in the environment makes no sense.")
    return SavingsRules(int(start_month), policy)


if __name__ == "__main__":
    sys.exit(main())
