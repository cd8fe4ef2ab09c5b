"""The portal by its own description: every call as everybody, with all the checks of schemathesis.

What it sends is drawn from the description of the API: its examples, every limit of every field, hit and
missed, and chains of calls by its links. PostgreSQL, Azurite and the host are real.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

import function_app  # noqa: F401 - declares every endpoint
from functions.edge.endpoint import ENDPOINTS
from tests.e2e.instances import Instance, serving
from tests.world import Person, World

MOST_CASES: Final = int(os.environ.get("SCHEMATHESIS_CASES", "5"))
"""How many cases are drawn for each call, beside its examples and limits; more by hand, now and then."""

SESSIONS: Final = 100
"""So many sessions may be ended on the way."""

HOOKS: Final = Path(__file__).with_name("schemathesis_hooks.py")

ALWAYS: Final = ("2xx", 401, 403, 404, 409, 412)
"""What a call that fits the description may be answered with: what it names may not be there, or not the
caller's, or in another state or version by now."""

RULES: Final[Mapping[str, str]] = {
    "ask_for_practice_upload": "name, type and kind of a file must fit each other",
    "ask_for_upload": "name, type and kind of a file must fit each other",
    "change_password": "the current password must be right",
    "confirm_document": "the portal must have given the name of the blob",
    "confirm_image": "the portal must have given the name of the blob",
    "create_category": "a slug is made from the name, if that has a Latin letter or digit",
    "create_invite": "role and plant must fit each other, and the plant must be there",
    "create_practice": "a submission is complete, a saving whole; plant and category must be there",
    "edit_practice": "a submission is complete, a saving whole; the category must be there",
    "edit_user": "role and plant must fit each other, and the plant must be there",
    "activate_user": "a plant user needs a plant",
    "export_practices": "parameters must fit each other; a cursor is one that the portal gave",
    "import_practices": "the file must be a workbook",
    "list_own_practices": "parameters must fit each other; a cursor is one that the portal gave",
    "list_practices": "parameters must fit each other; a cursor is one that the portal gave",
    "register": "an invite must be good; a password has 72 bytes at most",
    "reset_password": "the token must be good; a password has 72 bytes at most",
    "submit_practice": "the practice must be complete",
    "upload_image": "the file must be a photograph of the type that it says",
}
"""Calls that may be 422 (or 400) though each value fits the description: rules that no schema can express."""

ROLES: Final = ("nobody", "plant user", "headquarters")

DELAYED: Final = ("change_password", "login", "register")
"""Calls that may be 429, by the growing delay after wrong passwords."""


def test_rules_beyond_the_description_are_those_of_calls_that_there_are() -> None:
    assert set(RULES) | set(DELAYED) <= set(ENDPOINTS)


@pytest.mark.parametrize("who", ROLES)
def test_every_call_keeps_what_the_description_promises(who: str, world: World, tmp_path: Path) -> None:
    call_as(who, world, tmp_path, cases=MOST_CASES)


def call_as(who: str, world: World, directory: Path, *options: str, cases: int) -> None:
    """Let schemathesis make every call as somebody, with so many cases each. Fails with what it has found."""
    (directory / "schemathesis.toml").write_text(configuration(), encoding="utf-8")
    with serving(world, directory / "host.log") as instance:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--no-color"),
                *("--config-file", str(directory / "schemathesis.toml")),
                *("run", f"{instance.url}/openapi.json", "--max-examples", str(cases), *options),
            ],
            cwd=directory,
            env={**os.environ, "TOKENS": " ".join(sessions(who, world, instance))},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr


def sessions(who: str, world: World, instance: Instance) -> list[str]:
    """The access tokens of many sessions of one person."""
    if who == "nobody":
        return []
    person = world.add_person("caller@amber.test", plant=None if who == "headquarters" else 0)
    caller = Person(person.email, person.role, person.plant_id, instance.http)
    return [caller.sign_in().tokens["access_token"] for _ in range(SESSIONS)]


def configuration() -> str:
    """The settings of schemathesis, as TOML."""
    lines = [
        f"hooks = {json.dumps(str(HOOKS))}",
        "continue-on-failure = true",
        "seed = 1",
        "warnings = { enabled = false }",
        f"checks.positive_data_acceptance.expected-statuses = {json.dumps(ALWAYS)}",
    ]
    for name in sorted({*RULES, *DELAYED}):
        allowed = [*ALWAYS, *((400, 422) if name in RULES else ()), *((429,) if name in DELAYED else ())]
        lines += [
            "[[operations]]",
            f"include-operation-id = {json.dumps(name)}",
            f"checks.positive_data_acceptance.expected-statuses = {json.dumps(allowed)}",
        ]
    return "\n".join(lines) + "\n"
