"""Does any read endpoint scan the whole table of practices? It must not: the table keeps growing."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import psycopg

from bench.portal import benchmark_portal
from bench.sample_data import insert_practices
from bench.statements import captured_statements
from functions.edge.endpoint import ENDPOINTS
from tests.world import Person, World

PRACTICES: Final = 1_000_000
TABLE: Final = "best_practices"

Query = Mapping[str, str | int]

INBOX_QUERIES: Final[tuple[Query, ...]] = ({"overdue": "true"}, {"reviewer": "me"}, {"reviewer": "none"})
"""Filters of the inbox of headquarters."""

LIST_QUERIES: Final[tuple[Query, ...]] = (
    {"status": "approved"},
    {"status": "draft"},
    {"status": "draft,submitted"},
    {"status": "approved,submitted,revision_required"},
    {"tag": "brazing"},
    {"tag": "brazing,nitrogen"},
    {"tag": "nothing"},
    {"tag": "energy", "sort_by": "savings"},
    {"area": "weld line 7"},
    {"area": "line 7", "sort_by": "title"},
    {"area": "line"},
    {"min_savings_lakhs": 100},
    {"min_savings_lakhs": 1000, "status": "approved"},
    {"min_savings_lakhs": 5000},
    {"min_savings_lakhs": 50, "sort_by": "savings"},
    {"has_images": "true"},
    {"has_images": "false"},
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
    # Two words: one alone is in every seventh practice, which is rightly read from the whole table.
    {"sort_by": "relevance", "search": "torque press"},
    {"offset": 2000},
    {"limit": 100},
)
"""Filters and sort orders of the list of practices."""

PLANT_QUERIES: Final[tuple[Query, ...]] = (
    {"not_copied_by_us": "true"},
    {"not_copied_by_us": "true", "tag": "scrap"},
)
"""Filters that only plant users have."""


def measure() -> None:
    """Explain every statement of every read endpoint. Print the sequential scans; fail if there are any."""
    with benchmark_portal({}) as world:
        hq, author = world.headquarters(), world.plant_user(0)
        today = world.clock.now().date().isoformat()
        insert_practices(world.database_url, PRACTICES, today, benchmarks=PRACTICES // 250)
        explained, found = sequential_scans(world, hq, author)
    for call in found:
        print(f"sequential scan: {call}")
    print(f"{explained} statements explained with {PRACTICES} practices; {len(found)} sequential scans")
    if found:
        raise SystemExit(1)


def sequential_scans(world: World, *users: Person) -> tuple[int, list[str]]:
    """Call every read endpoint as each user.

    Returns the number of statements that were explained, and the calls that scan the table of practices.
    """
    explained, found = 0, []
    with psycopg.connect(world.database_url) as connection:
        for user in users:
            for path, query in read_calls(world, user):
                for call, statement, values in statements_of(user, path, query):
                    explained += 1
                    if has_sequential_scan(connection, statement, values):
                        found.append(f"{path} {dict(call)} as {user.role}: {statement}")
    return explained, found


def statements_of(
    user: Person, path: str, query: Query
) -> Iterator[tuple[Query, str, Mapping[str, Any] | None]]:
    """The statements of a call about practices, and of the call for the next page by its cursor."""
    with captured_statements() as statements:
        response = user.http.get(path, params=query)
    if response.status_code not in (200, 403):
        raise RuntimeError(f"{path} returned {response.status_code}")
    yield from ((query, *sent) for sent in statements if TABLE in sent[0])
    if not response.headers["content-type"].startswith("application/json"):
        return
    cursor = response.json().get("pagination", {}).get("next_cursor")
    if cursor and "offset" not in query and "cursor" not in query:
        yield from statements_of(user, path, {**query, "cursor": cursor})


def read_calls(world: World, user: Person) -> Iterator[tuple[str, Query]]:
    """Every GET endpoint, with existing ids, and the list of practices with its filters and sort orders."""
    [ids] = world.query(
        "SELECT p.id AS practice_id, p.plant_id, p.category_id FROM best_practices p"
        " JOIN benchmarked_practices b ON b.practice_id = p.id ORDER BY p.id LIMIT 1"
    )
    practice_id, plant_id, category_id = (str(value) for value in ids)
    path_ids = {"practice_id": practice_id, "plant_id": plant_id, "category_id": category_id,
                "original_id": practice_id, "user_id": practice_id}  # fmt: skip
    for endpoint in ENDPOINTS.values():
        if endpoint.method == "GET" and endpoint.who.signed_in and "export" not in endpoint.route:
            path = endpoint.route
            for name in endpoint.inputs.path_ids:
                path = path.replace(f"{{{name}:guid}}", path_ids[name])
            if endpoint.name != "show_user":
                yield path, {}
    for query in (
        *LIST_QUERIES,
        *(PLANT_QUERIES if user.plant_id else ()),
        {"plant_id": plant_id},
        {"category_id": category_id},
    ):
        yield "/api/v1/best-practices", query
    yield "/api/v1/best-practices", {"plant_id": plant_id, "category_id": category_id, "status": "approved"}
    for inbox_query in INBOX_QUERIES if user.plant_id is None else ():
        yield "/api/v1/reviews/inbox", inbox_query


def has_sequential_scan(
    connection: psycopg.Connection[Any], statement: str, values: Mapping[str, Any] | None
) -> bool:
    """Whether the query plan of a statement scans the whole table of practices."""
    row = connection.execute(f"EXPLAIN (FORMAT JSON) {statement}".encode(), values).fetchone()
    connection.rollback()
    plan = json.dumps(row[0] if row else None)
    return any(
        node.get("Node Type") == "Seq Scan" and node.get("Relation Name") == TABLE
        for node in _nodes(json.loads(plan))
    )


def _nodes(part: Any) -> Iterator[Mapping[str, Any]]:
    """All nodes of a query plan."""
    if isinstance(part, list):
        for each in part:
            yield from _nodes(each)
    elif isinstance(part, dict):
        yield part
        for each in part.values():
            yield from _nodes(each)
