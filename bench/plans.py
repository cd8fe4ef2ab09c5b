"""Does any read go through all practices, however many there are? It must not."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import sql

from bench.crowd import fill
from bench.portal import measured_portal
from functions.edge import ENDPOINTS
from tests.world import Person, World

PRACTICES: Final = 1_000_000
TABLE: Final = "best_practices"

Sent = tuple[str, Mapping[str, Any] | None]
Query = Mapping[str, str | int]

LISTED: Final[tuple[Query, ...]] = (
    {"status": "approved"},
    {"status": "draft"},
    {"search": "brazing leak"},
    {"search": "compressor vib"},
    {"start_date": "2026-08-01", "end_date": "2026-08-03"},
    {"is_benchmarked": "true"},
    {"is_benchmarked": "false", "status": "approved"},
    {"sort_by": "submitted_date", "sort_order": "asc"},
    {"sort_by": "title"},
    {"sort_by": "title", "sort_order": "asc"},
    {"sort_by": "created_at"},
    {"sort_by": "savings"},
    {"sort_by": "savings", "sort_order": "asc"},
    {"sort_by": "relevance", "search": "nitrogen"},
    {"offset": 2000},
    {"limit": 100},
)
"""What else the list of practices is asked for."""


def measure() -> None:
    """Explain every statement of every read; print those that read all practices, and fail if any does."""
    with measured_portal({}) as world:
        hq, author = world.headquarters(), world.plant_user(0)
        today = world.clock.now().date().isoformat()
        fill(world.database_url, PRACTICES, today, benchmarks=PRACTICES // 250)
        explained, found = sequential_scans(world, hq, author)
    for call in found:
        print(f"reads all practices: {call}")
    print(f"{explained} statements explained with {PRACTICES} practices; {len(found)} read all of them")
    if found:
        raise SystemExit(1)


def sequential_scans(world: World, *readers: Person) -> tuple[int, list[str]]:
    """Call every read as each reader; tell how many statements that took, and the calls that read all."""
    explained, found = 0, []
    with psycopg.connect(world.database_url) as connection:
        for reader in readers:
            for path, query in reads(world):
                with listening() as sent:
                    answer = reader.http.get(path, params=query)
                if answer.status_code not in (200, 403):
                    raise RuntimeError(f"{path} was answered {answer.status_code}")
                for statement, values in sent:
                    explained += 1
                    if reads_all(connection, statement, values):
                        found.append(f"{path} {dict(query)} as {reader.role}: {statement}")
    return explained, found


def reads(world: World) -> Iterator[tuple[str, Query]]:
    """Every route that reads, with real ids; and the list of practices in all its ways."""
    [ids] = world.query(
        "SELECT p.id AS practice_id, p.plant_id, p.category_id FROM best_practices p"
        " JOIN benchmarked_practices b ON b.practice_id = p.id ORDER BY p.id LIMIT 1"
    )
    practice_id, plant_id, category_id = (str(one) for one in ids)
    known = {"practice_id": practice_id, "plant_id": plant_id, "category_id": category_id,
             "original_id": practice_id, "user_id": practice_id}  # fmt: skip
    for endpoint in ENDPOINTS.values():
        if endpoint.method == "GET" and endpoint.who.signed_in and "export" not in endpoint.route:
            path = endpoint.route
            for name in endpoint.path_ids:
                path = path.replace(f"{{{name}:guid}}", known[name])
            if endpoint.name != "show_user":
                yield path, {}
    for query in (*LISTED, {"plant_id": plant_id}, {"category_id": category_id}):
        yield "/api/v1/best-practices", query
    yield "/api/v1/best-practices", {"plant_id": plant_id, "category_id": category_id, "status": "approved"}


@contextmanager
def listening() -> Iterator[list[Sent]]:
    """Note every statement that reads or writes practices and goes to a database meanwhile."""
    sent: list[Sent] = []
    execute = psycopg.Cursor.execute

    def noted(cursor: psycopg.Cursor[Any], query: Any, values: Any = None, **options: Any) -> Any:
        text = query.as_string(cursor) if isinstance(query, sql.Composable) else query
        if TABLE in text:
            sent.append((text, values))
        return execute(cursor, query, values, **options)

    psycopg.Cursor.execute = noted  # type: ignore[method-assign, assignment]
    try:
        yield sent
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]


def reads_all(connection: psycopg.Connection[Any], statement: str, values: Mapping[str, Any] | None) -> bool:
    """Whether the database would go through the whole table of practices for a statement."""
    row = connection.execute(f"EXPLAIN (FORMAT JSON) {statement}".encode(), values).fetchone()
    connection.rollback()
    plan = json.dumps(row[0] if row else None)
    return any(
        node.get("Node Type") == "Seq Scan" and node.get("Relation Name") == TABLE
        for node in _nodes(json.loads(plan))
    )


def _nodes(part: Any) -> Iterator[Mapping[str, Any]]:
    """Walk the nodes of a plan."""
    if isinstance(part, list):
        for each in part:
            yield from _nodes(each)
    elif isinstance(part, dict):
        yield part
        for each in part.values():
            yield from _nodes(each)
