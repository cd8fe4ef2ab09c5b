"""Creates users in the database: the demo users of a local portal, and temporary users for the tour."""

import secrets
import string
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString

import bcrypt
import psycopg

from bp_core.shared.text import slug
from local.data_directory import Account
from local.secrets_file import LocalSecrets

INSERT_USER = """
    INSERT INTO users (email, hashed_password, full_name, role, plant_id, is_active)
    VALUES (%(email)s, %(hashed_password)s, %(full_name)s, %(role)s, %(plant_id)s, true)
"""

INSERT_OR_REACTIVATE_USER = (
    INSERT_USER
    + """
    ON CONFLICT (lower(email)) DO UPDATE SET hashed_password = excluded.hashed_password, is_active = true
"""
)
DEACTIVATE_USERS = "UPDATE users SET is_active = false WHERE email = ANY(%(emails)s)"


@dataclass(frozen=True)
class _User:
    email: str
    full_name: str
    role: str
    plant: str | None = None
    plant_id: object = None


def create_demo_users(database_url: str, local: LocalSecrets, *, bcrypt_rounds: int) -> list[Account]:
    """Create the demo users that are missing, save their passwords, and return all demo users.

    Users that another instance created keep their passwords, which are not known here.
    """
    with psycopg.connect(database_url) as connection:
        # Two instances that start at the same time must not both create a user.
        connection.execute("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")
        users = [_User("hq@amber.example", "Headquarters", "hq"), *_plant_users(connection)]
        existing = {email for (email,) in connection.execute("SELECT lower(email) FROM users")}
        for user in users:
            if user.email not in existing:
                password = local.passwords.setdefault(user.email, _new_password())
                _insert(connection, user, password, bcrypt_rounds)
        local.save()  # before the commit: otherwise a crash could lose the passwords
    return [Account(user.email, local.passwords.get(user.email), user.role, user.plant) for user in users]


@contextmanager
def temporary_tour_users(database_url: str, *, bcrypt_rounds: int) -> Iterator[list[Account]]:
    """A headquarters user and users of two plants, active until the block ends.

    The same users each time, with new random passwords.
    """
    with psycopg.connect(database_url) as connection:
        users = [
            _User("tour-hq@amber.example", "Tour, headquarters", "hq"),
            *(
                _User(f"tour-{user.email}", f"Tour, {user.full_name}", "plant", user.plant, user.plant_id)
                for user in _plant_users(connection)[:2]
            ),
        ]
        accounts = [Account(user.email, _new_password(), user.role, user.plant) for user in users]
        for user, account in zip(users, accounts, strict=True):
            _insert(connection, user, str(account.password), bcrypt_rounds, INSERT_OR_REACTIVATE_USER)
    try:
        yield accounts
    finally:
        with psycopg.connect(database_url) as connection:
            connection.execute(DEACTIVATE_USERS, {"emails": [user.email for user in users]})


def _new_password() -> str:
    """A random password without special characters, so that it is easy to copy."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(12))


def _plant_users(connection: psycopg.Connection) -> list[_User]:
    cursor = connection.execute("SELECT id, name, short_name FROM plants ORDER BY name")
    return [
        _User(f"{slug(short_name)}@amber.example", short_name, "plant", name, plant_id)
        for plant_id, name, short_name in cursor
    ]


def _insert(
    connection: psycopg.Connection,
    user: _User,
    password: str,
    rounds: int,
    statement: LiteralString = INSERT_USER,
) -> None:
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds)).decode()
    connection.execute(
        statement,
        {
            "email": user.email,
            "hashed_password": hashed,
            "full_name": user.full_name,
            "role": user.role,
            "plant_id": user.plant_id,
        },
    )
