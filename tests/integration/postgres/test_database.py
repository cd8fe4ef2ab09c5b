"""The pool: when it connects, what it keeps and undoes, and what it makes of a database's refusals."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql as sql_text
from psycopg.conninfo import make_conninfo
from psycopg_pool import ConnectionPool

from adapters.postgres.connections import BACKGROUND, CALLS
from adapters.postgres.database import Database
from adapters.postgres.health import is_writable
from adapters.postgres.pool import SHORTEST_WAIT, one_patience
from bp_core.shared.errors import Invalid, Unavailable
from tests.e2e.function_host.support import eventually

ADD_CATEGORY = """
INSERT INTO categories (name, slug, color_class, icon_name) VALUES (%(name)s, %(name)s, 'c', 'i')
"""
COUNT = "SELECT count(*) FROM categories WHERE color_class = 'c'"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url, pool_size=2, pool_timeout=1.0) as database:
        yield database


def connections(database_url: str) -> int:
    """How many connections the pool has open."""
    with psycopg.connect(database_url) as observer:
        row = observer.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'amber-portal'"
        ).fetchone()
    assert row is not None
    count: int = row[0]
    return count


@dataclass(frozen=True)
class Name:
    name: str


def test_a_database_is_not_connected_to_before_it_is_used(database_url: str) -> None:
    with Database(database_url) as database:
        sql = database.autocommit()
        assert connections(database_url) == 0
        assert sql.value("SELECT 1") == 1
        assert connections(database_url) == 1
    assert connections(database_url) == 0


def test_rows_come_as_what_is_asked_for(database: Database) -> None:
    sql = database.autocommit()
    names = "SELECT name FROM categories WHERE name LIKE %(like)s ORDER BY name"
    assert sql.rows(names, {"like": "C%"}, into=Name) == [Name("Cost")]
    assert sql.row(names, {"like": "Z%"}, into=Name) is None
    assert sql.one(names, {"like": "C%"}, into=Name) == Name("Cost")
    assert sql.tuples(names, {"like": "C%"}) == [("Cost",)]
    assert sql.mappings(names, {"like": "C%"}) == [{"name": "Cost"}]
    assert sql.value(names, {"like": "Z%"}) is None
    assert sql.run("UPDATE plants SET is_active = is_active") == 7
    assert sql.value("SHOW timezone") == "UTC"


def test_a_statement_by_itself_is_kept_at_once(database: Database, database_url: str) -> None:
    database.autocommit().run(ADD_CATEGORY, {"name": "Kept"})
    with psycopg.connect(database_url) as observer:
        assert observer.execute(COUNT).fetchone() == (1,)
        idle = observer.execute(
            "SELECT state FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'amber-portal'"
        ).fetchall()
    assert idle == [("idle",)]  # not "idle in transaction"


def test_a_transaction_is_kept_whole_or_undone_whole(database: Database) -> None:
    with database.transaction() as sql:
        sql.run(ADD_CATEGORY, {"name": "One"})
        with sql.atomic():
            sql.run(ADD_CATEGORY, {"name": "Two"})
        assert database.autocommit().value(COUNT) == 0
    assert database.autocommit().value(COUNT) == 2
    with pytest.raises(KeyError), database.transaction() as sql:
        sql.run(ADD_CATEGORY, {"name": "Three"})
        raise KeyError("three")
    assert database.autocommit().value(COUNT) == 2


def test_what_is_atomic_is_a_transaction_of_its_own_where_none_is_open(database: Database) -> None:
    sql = database.autocommit()
    with pytest.raises(KeyError), sql.atomic():
        sql.run(ADD_CATEGORY, {"name": "One"})
        raise KeyError("one")
    assert sql.value(COUNT) == 0
    with sql.atomic():
        sql.run(ADD_CATEGORY, {"name": "Two"})
        assert database.autocommit().value(COUNT) == 0
    assert sql.value(COUNT) == 1


def test_a_broken_constraint_is_told_in_the_terms_of_the_portal_where_it_has_some(database: Database) -> None:
    sql = database.autocommit()
    sql.run("INSERT INTO users (email, full_name, role) VALUES ('hq@amber.test', 'HQ', 'hq')")
    add_practice = """
        INSERT INTO best_practices (title, status, submitted_by_user_id, plant_id, category_id)
        SELECT 'x', 'draft', u.id, coalesce(%(plant)s, p.id), %(category)s FROM users u, plants p LIMIT 1
    """
    for given, field in (
        ({"plant": uuid4(), "category": None}, "plant_id"),
        ({"plant": None, "category": uuid4()}, "category_id"),
    ):
        for used in (sql, None):
            with pytest.raises(Invalid) as refused:
                run_in(database, used, add_practice, given)
            assert [fault.field for fault in refused.value.details] == [field]
    with pytest.raises(psycopg.IntegrityError):  # a fault of ours
        sql.run("INSERT INTO users (email, full_name, role) VALUES ('HQ@amber.test', 'HQ', 'hq')")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT websearch_to_tsquery(repeat('-', 40))",
        "SELECT to_tsquery('simple', '''')",
        "SELECT ('''' || repeat('x', 3000) || '''')::tsquery",
        "SELECT to_tsvector(string_agg(n::text, ' ')) FROM generate_series(100000, 300000) n",
        "SELECT repeat('(', 1000000)::tsquery",
        "SELECT repeat('[', 1000000)::jsonb",
        "SELECT 'x'::text::uuid",
        r"""SELECT '"\u0000"'::text::jsonb ->> 0""",
    ],
)
def test_a_text_that_the_database_cannot_process_is_an_error_of_the_caller(
    database: Database, statement: str
) -> None:
    for used in (database.autocommit(), None):
        with pytest.raises(Invalid, match="Shorten it, or leave out unusual characters"):
            run_in(database, used, statement, {})


def test_a_wrong_statement_is_a_fault_of_the_portal(database: Database) -> None:
    sql = database.autocommit()
    for statement in ("SELEC 1", "SELECT missing", "SELECT 1 / 0", "SELECT left('x', 'y'::date)"):
        with pytest.raises(psycopg.Error):
            run_in(database, sql, statement, {})


def run_in(database: Database, used: Any, statement: Any, values: dict[str, Any]) -> None:
    if used is not None:
        used.run(statement, values)
        return
    with database.transaction() as sql:
        sql.run(statement, values)


def test_a_pool_that_is_used_up_says_that_it_is_unavailable(database: Database) -> None:
    with database.transaction(), database.transaction():
        with pytest.raises(Unavailable):
            database.autocommit().value("SELECT 1")
        with pytest.raises(Unavailable), database.transaction():
            pass
    assert database.autocommit().value("SELECT 1") == 1


def test_connections_that_died_while_nobody_used_them_are_replaced(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.postgres.pool.CHECK_AFTER", 0)
    with database.transaction(), database.transaction():
        pass
    end_all(database_url)
    for _ in range(3):
        assert database.autocommit().value("SELECT 1") == 1


def test_a_connection_that_dies_in_use_says_unavailable_and_the_next_works(
    database: Database, database_url: str
) -> None:
    with pytest.raises(Unavailable), database.transaction() as sql:
        sql.run(ADD_CATEGORY, {"name": "Lost"})
        end_all(database_url)
        sql.run(ADD_CATEGORY, {"name": "Lost, too"})
    assert database.autocommit().value(COUNT) == 0


def end_all(database_url: str) -> None:
    """End every connection of the pool, as a restart of the server does."""
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'amber-portal'"
        )


def test_a_statement_that_takes_too_long_says_unavailable(database: Database) -> None:
    with pytest.raises(Unavailable, match="took too long"), database.transaction() as sql:
        sql.run("SET LOCAL statement_timeout = 20")
        sql.value("SELECT pg_sleep(30)")
    assert database.autocommit().value("SHOW statement_timeout") == "8s"


def test_statements_are_not_prepared_behind_a_pooler(database_url: str) -> None:
    for prepared in (True, False):
        with Database(database_url, prepared_statements=prepared) as database, database.transaction() as sql:
            for _ in range(10):
                sql.value("SELECT name FROM plants ORDER BY name")
            assert (sql.value("SELECT count(*) FROM pg_prepared_statements") > 0) is prepared


def test_many_threads_that_come_first_at_once_share_one_pool(database_url: str) -> None:
    with Database(database_url, pool_size=2) as database, ThreadPoolExecutor(8) as threads:
        values = list(threads.map(lambda _: database.autocommit().value("SELECT 1"), range(40)))
        assert values == [1] * 40
        assert connections(database_url) <= 2


LOCKED = "Somebody else is changing this at the moment"
CHANGE_A_PLANT = "UPDATE plants SET is_active = is_active WHERE name = %(name)s"


def change_in_turn(database: Database, turn: threading.Barrier, names: list[str]) -> str:
    """Change plants in this order in one transaction; return the message of the refusal, or ''."""
    try:
        with database.transaction() as sql:
            sql.run(CHANGE_A_PLANT, {"name": names[0]})
            turn.wait()
            sql.run(CHANGE_A_PLANT, {"name": names[1]})
    except Unavailable as refusal:
        return refusal.message
    return ""


def plant_names(database: Database) -> list[str]:
    return [name for (name,) in database.autocommit().tuples("SELECT name FROM plants ORDER BY name")]


@pytest.mark.parametrize("prepared_statements", [True, False])
def test_a_call_waits_for_a_lock_for_three_seconds_and_a_job_as_long_as_for_a_statement(
    database_url: str, prepared_statements: bool
) -> None:
    limits = "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
    with Database(database_url, prepared_statements=prepared_statements) as database:
        with database.transaction() as sql:
            assert sql.tuples(limits) == [("3s", "8s")]
        with database.transaction(BACKGROUND) as sql:
            assert sql.tuples(limits) == [("0", "20s")]
        with database.transaction() as sql:
            assert sql.tuples(limits) == [("3s", "8s")]


def test_a_call_whose_row_is_locked_says_so_and_holds_its_connection_no_longer(
    database: Database, database_url: str
) -> None:
    short = replace(CALLS, lock=timedelta(milliseconds=50))
    name = plant_names(database)[0]
    with psycopg.connect(database_url) as other:
        other.execute("SELECT FROM plants FOR UPDATE")
        for _ in range(3):
            with pytest.raises(Unavailable, match=LOCKED), database.transaction(short) as sql:
                sql.run(CHANGE_A_PLANT, {"name": name})
    assert database.autocommit().run(CHANGE_A_PLANT, {"name": name}) == 1


def test_of_two_transactions_in_a_deadlock_one_is_done_and_one_says_so(database: Database) -> None:
    names, turn = plant_names(database)[:2], threading.Barrier(2)
    with ThreadPoolExecutor(2) as threads:
        both = [
            threads.submit(change_in_turn, database, turn, order) for order in (names, list(reversed(names)))
        ]
        done, refused = sorted(each.result() for each in both)
    assert done == ""
    assert refused.startswith(LOCKED)


def test_a_database_that_is_read_only_refuses_writes_and_answers_reads(
    database: Database, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as admin:
        name = sql_text.Identifier(admin.info.dbname)
        admin.execute(sql_text.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
    minute = timedelta(minutes=1)
    assert not database.refused_write(within=minute)
    with pytest.raises(Unavailable, match="read-only"):
        database.autocommit().run(ADD_CATEGORY, {"name": "Never"})
    assert database.refused_write(within=minute)
    assert not database.refused_write(within=timedelta(0))
    assert database.autocommit().value(COUNT) == 0
    assert not is_writable(database.autocommit())


@pytest.fixture
def few(database_url: str) -> Iterator[str]:
    """A URL of the database for a role that may have two connections."""
    with psycopg.connect(database_url, autocommit=True) as admin:
        role = sql_text.Identifier(f"few_{uuid4().hex}")
        admin.execute(sql_text.SQL("CREATE ROLE {} LOGIN CONNECTION LIMIT 2").format(role))
        yield make_conninfo(database_url, user=role.as_string().strip('"'))
        admin.execute(sql_text.SQL("DROP ROLE {}").format(role))


def test_callers_share_the_connections_that_there_are_while_the_server_accepts_no_more(few: str) -> None:
    with Database(few, pool_size=10, pool_timeout=30) as database, ThreadPoolExecutor(20) as threads:
        slow = "SELECT 1 FROM pg_sleep(0.05)"
        values = list(threads.map(lambda _: database.autocommit().value(slow), range(100)))
    assert values == [1] * 100


def test_while_others_have_all_connections_of_the_server_calls_are_refused_until_one_is_free(
    few: str,
) -> None:
    with Database(few, pool_timeout=1) as database, ExitStack() as others:
        for _ in range(2):
            others.enter_context(psycopg.connect(few))
        for _ in range(2):
            with pytest.raises(Unavailable):
                database.autocommit().value("SELECT 1")
        others.close()
        eventually(lambda: answers(database))


def answers(database: Database) -> bool:
    try:
        return bool(database.autocommit().value("SELECT 1") == 1)
    except Unavailable:
        return False


def test_a_call_does_not_wait_for_each_of_its_connections_anew(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed: list[float | None] = []
    take = ConnectionPool.connection

    def listening(pool: ConnectionPool[Any], timeout: float | None = None) -> Any:
        allowed.append(timeout)
        return take(pool, timeout)

    with database.transaction(), database.transaction():
        monkeypatch.setattr(ConnectionPool, "connection", listening)
        with one_patience():
            for _ in range(3):
                with pytest.raises(Unavailable):
                    database.autocommit().value("SELECT 1")
    assert allowed == [1.0, SHORTEST_WAIT, SHORTEST_WAIT]
