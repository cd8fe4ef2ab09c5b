"""People made by the database: the demo people of a local portal, and those of a tour elsewhere."""

import re
import secrets
import string
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString

import bcrypt
import psycopg

from local.data_directory import Account
from local.keeping import Secrets

ADD_PERSON = """
    INSERT INTO users (email, hashed_password, full_name, role, plant_id, is_active)
    VALUES (%(email)s, %(hashed_password)s, %(full_name)s, %(role)s, %(plant_id)s, true)
"""

RENEW_PERSON = (
    ADD_PERSON
    + """
    ON CONFLICT (lower(email)) DO UPDATE SET hashed_password = excluded.hashed_password, is_active = true
"""
)
DEACTIVATE = "UPDATE users SET is_active = false WHERE email = ANY(%(emails)s)"


@dataclass(frozen=True)
class _Person:
    email: str
    full_name: str
    role: str
    plant: str | None = None
    plant_id: object = None


def make_people(database_url: str, kept: Secrets, *, bcrypt_rounds: int) -> list[Account]:
    """Add the demo people who are missing, keep their new passwords, and return them all.

    People made elsewhere, whose passwords are not known here, keep those.
    """
    with psycopg.connect(database_url) as connection:
        # Two instances that start at once on one database must not both find a person missing.
        connection.execute("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")
        people = [_Person("hq@amber.example", "Headquarters", "hq"), *_plant_people(connection)]
        present = {email for (email,) in connection.execute("SELECT lower(email) FROM users")}
        for person in people:
            if person.email not in present:
                password = kept.passwords.setdefault(person.email, _new_password())
                _add(connection, person, password, bcrypt_rounds)
        kept.store()  # before the commit: a password in the database that nobody knows helps nobody
    return [Account(one.email, kept.passwords.get(one.email), one.role, one.plant) for one in people]


@contextmanager
def tourists(database_url: str, *, bcrypt_rounds: int) -> Iterator[list[Account]]:
    """Somebody at headquarters and at two plants, with accounts that are good until the block ends.

    The same people every time, and new passwords that nobody else learns.
    """
    with psycopg.connect(database_url) as connection:
        people = [
            _Person("tour-hq@amber.example", "Tour, headquarters", "hq"),
            *(
                _Person(f"tour-{one.email}", f"Tour, {one.full_name}", "plant", one.plant, one.plant_id)
                for one in _plant_people(connection)[:2]
            ),
        ]
        accounts = [Account(one.email, _new_password(), one.role, one.plant) for one in people]
        for person, account in zip(people, accounts, strict=True):
            _add(connection, person, str(account.password), bcrypt_rounds, RENEW_PERSON)
    try:
        yield accounts
    finally:
        with psycopg.connect(database_url) as connection:
            connection.execute(DEACTIVATE, {"emails": [person.email for person in people]})


def _new_password() -> str:
    """A password that a shell and a double click take whole."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(12))


def _plant_people(connection: psycopg.Connection) -> list[_Person]:
    cursor = connection.execute("SELECT id, name, short_name FROM plants ORDER BY name")
    return [
        _Person(f"{_slug(short_name)}@amber.example", short_name, "plant", name, plant_id)
        for plant_id, name, short_name in cursor
    ]


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _add(
    connection: psycopg.Connection,
    person: _Person,
    password: str,
    rounds: int,
    statement: LiteralString = ADD_PERSON,
) -> None:
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds)).decode()
    connection.execute(
        statement,
        {
            "email": person.email,
            "hashed_password": hashed,
            "full_name": person.full_name,
            "role": person.role,
            "plant_id": person.plant_id,
        },
    )
