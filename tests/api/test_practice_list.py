"""The list of practices: filters, order, pages and search, compared with a model in Python."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import psycopg
import pytest

from tests.world import NOON, Person, World, invalid, refusal_of, saving

PRACTICES: Final = 60
TODAY: Final = NOON.date()
SEEN_BY_ALL: Final = {"submitted", "approved"}
TAGS: Final = ("gas", "heat", "5s")
AREAS: Final = (None, "Press shop", "Welding, line 1", "Welding, line 2", "line 2 welding")
WORDS: Final = ("brazing", "conveyor", "scrap", "nitrogen", "fixture")

FILTERS: Final[list[dict[str, str]]] = [
    {},
    {"status": "draft"},
    {"status": "submitted"},
    {"status": "approved"},
    {"status": "revision_required"},
    {"is_benchmarked": "true"},
    {"is_benchmarked": "false"},
    {"status": "draft,submitted"},
    {"status": "approved,revision_required,approved"},
    {"tag": "heat"},
    {"tag": "GAS, heat "},
    {"tag": "gas,heat,5s", "status": "submitted,approved"},
    {"tag": "cold"},
    {"area": "welding"},
    {"area": "WELDING line 2"},
    {"area": "line 2"},
    {"area": "weld"},
    {"area": "press shop", "tag": "5s"},
    {"min_savings_lakhs": "0"},
    {"min_savings_lakhs": "12"},
    {"min_savings_lakhs": "12.01"},
    {"min_savings_lakhs": "144000", "status": "approved"},
    {"has_images": "true"},
    {"has_images": "false"},
    {"has_images": "true", "search": "scrap", "tag": "gas"},
    {"plant_id": "plants[0]"},
    {"plant_id": "plants[1]", "status": "draft"},
    {"category_id": "categories[2]"},
    {"start_date": "2026-07-01"},
    {"end_date": "2026-06-30"},
    {"start_date": "2026-08-15", "end_date": "2026-08-15"},
    {"start_date": "2026-08-15", "end_date": "2026-08-14"},
    {"search": "scrap"},
    {"search": "scrap brazing"},
    {"search": "-scrap"},
    {"search": "scr"},
    {"search": "scr "},
    {"search": "brazi"},
    {"search": "scrap conv"},
    {"search": "conv scrap"},
    {"search": "nitrogen or fix"},
    {"search": "anneal -scrap braz"},
    {"search": "conveyor or fixture"},
    {"search": "scrap", "status": "approved", "plant_id": "plants[0]"},
    {"start_date": "2026-06-01", "end_date": "2026-07-31", "category_id": "categories[1]"},
    {"start_date": "2026-06-01", "end_date": "2026-07-31", "status": "approved", "is_benchmarked": "false"},
    {"is_benchmarked": "true", "search": "nitrogen", "end_date": "2026-08-10"},
]  # fmt: skip

ORDERS: Final = [
    (key, order) for key in ("submitted_date", "title", "created_at", "savings") for order in ("asc", "desc")
]


INSERT: Final = """
    INSERT INTO best_practices
        (id, title, problem_statement, solution, description, category_id, plant_id, submitted_by_user_id,
         status, submitted_date, created_at, is_deleted, savings_amount, savings_currency, savings_period,
         tags, area_implemented)
    VALUES (%(id)s, %(title)s, %(problem_statement)s, 's', 'd', %(category_id)s, %(plant_id)s,
            %(author_id)s, %(status)s, %(submitted_date)s, %(created_at)s, %(is_deleted)s,
            %(amount)s, %(currency)s, %(period)s, %(tags)s, %(area)s)
"""
ADD_IMAGE: Final = """
    INSERT INTO practice_images (practice_id, image_type, blob_container, blob_name, blob_url, file_size,
                                 content_type, width, height, uploaded_at)
    VALUES (%(id)s, 'before', 'best-practices', %(id)s::text, 'url', 1, 'image/jpeg', 1, 1, now())
"""
BENCHMARK: Final = """
    INSERT INTO benchmarked_practices (practice_id, benchmarked_by_user_id, benchmarked_date)
    VALUES (%(id)s, %(author_id)s, '2026-08-15')
"""


def write_many(world: World, number: int = PRACTICES, seed: int = 20260815) -> list[dict[str, Any]]:
    """Write practices of all plants, statuses and dates to the database. Returns them for the model."""
    rng = random.Random(seed)
    authors = dict(world.query("SELECT plant_id, id FROM users WHERE role = 'plant'"))
    practices = [_practice(rng, world) for _ in range(number)]
    for practice in practices:
        amount, currency, period = practice["saving"]
        practice |= {"id": UUID(int=rng.getrandbits(128)), "author_id": authors[practice["plant_id"]]}
        practice |= {"amount": amount, "currency": currency, "period": period}
    with psycopg.connect(world.database_url) as connection, connection.cursor() as cursor:
        cursor.executemany(INSERT, practices)
        cursor.executemany(BENCHMARK, [one for one in practices if one["is_benchmarked"]])
        cursor.executemany(ADD_IMAGE, [one for one in practices if one["has_images"]])
        cursor.execute("ANALYZE best_practices")
    return practices


def _practice(rng: random.Random, world: World) -> dict[str, Any]:
    status = rng.choice(["draft", "submitted", "approved", "approved", "revision_required"])
    amount = rng.choice([None, 0, 1, 2, 120])
    day = TODAY - timedelta(days=rng.choice([0, 0, 1, 40, 41, 70]))
    unit = (rng.choice(["lakhs", "crores"]), rng.choice(["monthly", "annually"]))
    return {
        "title": rng.choice(["anneal", "Anneal", "bend", "Coat", "drill"]) + " " + rng.choice(WORDS),
        "problem_statement": " ".join(rng.sample(WORDS, 2)),
        "category_id": rng.choice(world.categories[:4]),
        "plant_id": rng.choice(world.plants[:4]),
        "status": status,
        "submitted_date": None if status == "draft" else day,
        "created_at": NOON - timedelta(hours=rng.randrange(20)),
        "is_deleted": rng.random() < 0.1,
        "is_benchmarked": status == "approved" and rng.random() < 0.4,
        "saving": (None, None, None) if amount is None else (amount, *unit),
        "tags": rng.sample(TAGS, rng.randrange(4)),
        "area": rng.choice(AREAS),
        "has_images": rng.random() < 0.3,
    }  # fmt: skip


def expected(
    practices: list[dict[str, Any]], reader: Person, filters: dict[str, str], key: str, order: str
) -> list[str]:
    """The ids that a reader must get, in order."""
    seen = [
        practice
        for practice in practices
        if not practice["is_deleted"]
        and (practice["status"] in SEEN_BY_ALL or reader.plant_id in (None, practice["plant_id"]))
        and all(_fits(practice, name, value) for name, value in filters.items())
    ]
    by_id = sorted(seen, key=lambda practice: practice["id"], reverse=order == "asc")
    by_time = sorted(by_id, key=lambda practice: practice["created_at"], reverse=order == "desc")
    in_order = sorted(by_time, key=lambda practice: _sort_value(practice, key), reverse=order == "desc")
    return [str(practice["id"]) for practice in in_order]


def _fits(practice: dict[str, Any], name: str, value: str) -> bool:
    if name in {"plant_id", "category_id"}:
        return bool(practice[name] == UUID(value))
    if name in {"is_benchmarked", "has_images"}:
        return bool(practice[name] == (value == "true"))
    if name in CONTENT_FILTERS:
        return CONTENT_FILTERS[name](practice, value)
    if name in {"start_date", "end_date"}:
        day, bound = practice["submitted_date"], date.fromisoformat(value)
        return day is not None and (day >= bound if name == "start_date" else day <= bound)
    return practice["status"] in value.split(",")


def _has_words(practice: dict[str, Any], value: str) -> bool:
    return _matches(set((practice["title"].lower() + " " + practice["problem_statement"]).split()), value)


def _has_area(practice: dict[str, Any], value: str) -> bool:
    area = (practice["area"] or "").lower().replace(",", "")
    return f" {value.lower()} " in f" {area} "


def _has_tags(practice: dict[str, Any], value: str) -> bool:
    return {tag.strip().lower() for tag in value.split(",")} <= set(practice["tags"])


CONTENT_FILTERS: Final[dict[str, Callable[[dict[str, Any], str], bool]]] = {
    "search": _has_words,
    "area": _has_area,
    "tag": _has_tags,
    "min_savings_lakhs": lambda practice, value: _sort_value(practice, "savings") >= Decimal(value),
}


def _matches(words: set[str], search: str) -> bool:
    """Whether words match a search: one of its parts between `or`, with all of its terms."""
    alternatives = [part.split() for part in search.split(" or ")]
    finished = search.endswith(" ")
    return any(
        all(
            _fits_term(words, term, is_typed=not finished and terms is alternatives[-1] and term is terms[-1])
            for term in terms
        )
        for terms in alternatives
    )


def _fits_term(words: set[str], term: str, *, is_typed: bool) -> bool:
    if term.startswith("-"):
        return term[1:] not in words
    return term in words or (is_typed and any(word.startswith(term) for word in words))


def _sort_value(practice: dict[str, Any], key: str) -> Any:
    if key == "submitted_date":  # a draft has no date and counts as the newest
        return practice[key] or date.max
    if key == "savings":
        amount, currency, period = practice["saving"]
        return (amount or 0) * (100 if currency == "crores" else 1) * (12 if period == "monthly" else 1)
    return practice["title"].lower() if key == "title" else practice[key]


def last_page(total: int, limit: int = 20, offset: int = 0) -> dict[str, object]:
    """The pagination of the last page of a list."""
    return {
        "total": total, "limit": limit, "offset": offset, "has_more": False, "next_cursor": None,
        "total_capped": False,
    }  # fmt: skip


def _resolved(world: World, filters: dict[str, str]) -> dict[str, str]:
    known = {f"plants[{place}]": str(plant) for place, plant in enumerate(world.plants)}
    known |= {f"categories[{place}]": str(category) for place, category in enumerate(world.categories)}
    return {name: known.get(value, value) for name, value in filters.items()}


def test_a_list_has_the_visible_practices_that_match_its_filters_in_order(world: World) -> None:
    plant_users = [world.plant_user(plant) for plant in range(4)]
    practices = write_many(world)
    lengths = set()
    for reader in (plant_users[0], plant_users[1], world.headquarters()):
        for number, filters in enumerate(FILTERS):
            query = _resolved(world, filters)
            for key, order in ORDERS if number < 3 else [ORDERS[number % len(ORDERS)]]:
                ids = expected(practices, reader, query, key, order)
                body = reader.get("/best-practices", **query, sort_by=key, sort_order=order, limit=100).json()
                assert [item["id"] for item in body["data"]] == ids, (query, key, order)
                assert body["pagination"] == last_page(len(ids), limit=100)
                lengths.add(len(ids))
    assert len(lengths) > 15  # the filters gave different lists


@pytest.fixture
def hq_list(world: World) -> tuple[Person, list[str]]:
    """A user of headquarters, and the ids of all practices that they see, in the default order."""
    for plant in range(4):
        world.plant_user(plant)
    hq = world.headquarters()
    return hq, expected(write_many(world), hq, {}, "submitted_date", "desc")


@pytest.mark.parametrize("sort_by", ["submitted_date", "title", "savings"])
def test_equal_practices_are_listed_newest_first_and_reversed_in_ascending_order(
    world: World, sort_by: str
) -> None:
    author = world.plant_user()
    written = []
    for _ in range(4):
        written.append(world.practice(author, "submitted", title="The same")["id"])
        world.clock.advance(timedelta(minutes=1))
    [(small, large)] = world.query("SELECT min(id::text), max(id::text) FROM best_practices")
    for practice_id in (small, large):  # the id decides only if the time is the same
        world.query("UPDATE best_practices SET created_at = '2026-08-15 12:00+00' WHERE id = %s", practice_id)
    rest = [practice_id for practice_id in reversed(written) if practice_id not in (small, large)]
    for order, expected in (("desc", [small, large, *rest]), ("asc", [*reversed(rest), large, small])):
        query = {"sort_by": sort_by, "sort_order": order}
        assert read_all(author, query, 1, by_cursor=True) == (expected, {4}), order
        assert read_all(author, query, 1, by_cursor=False) == (expected, {4}), order


def test_the_first_page_has_20_practices_and_the_total_of_the_list(hq_list: tuple[Person, list[str]]) -> None:
    hq, ids = hq_list
    first = hq.get("/best-practices").json()
    assert [item["id"] for item in first["data"]] == ids[:20]
    assert first["pagination"].pop("next_cursor")
    assert first["pagination"] == {
        "total": len(ids), "limit": 20, "offset": 0, "has_more": True, "total_capped": False
    }  # fmt: skip


def test_pages_of_any_size_join_to_the_whole_list(hq_list: tuple[Person, list[str]]) -> None:
    hq, ids = hq_list
    for limit in (1, 7, len(ids), 100):
        assert read_all(hq, {}, limit, by_cursor=False) == (ids, {len(ids)}), limit


def test_a_page_behind_the_end_is_empty(hq_list: tuple[Person, list[str]]) -> None:
    hq, ids = hq_list
    for beyond in (len(ids), 1_000_000):
        body = hq.get("/best-practices", offset=beyond).json()
        assert (body["data"], body["pagination"]) == ([], last_page(len(ids), offset=beyond))


def test_a_limit_or_an_offset_out_of_range_is_refused(world: World) -> None:
    hq = world.headquarters()
    for bad in ({"limit": 0}, {"limit": 101}, {"offset": -1}, {"offset": 1_000_001}):
        assert refusal_of(hq.get("/best-practices", **bad)) == invalid(*bad)


def test_an_item_has_the_beginning_of_the_description(world: World) -> None:
    author = world.plant_user(2)
    practice = world.practice(
        author,
        "submitted",
        tags=["heat", "gas"],
        description="ü🙂" * 200,
        area_implemented="Brazing, line 2",
        **saving("1.50", "crores"),
    )
    world.benchmark(practice)
    item = world.plant_user(0).get("/best-practices").json()["data"][0]
    assert item == {
        "id": practice["id"],
        "title": practice["title"],
        "description": "ü🙂" * 150,
        "category_id": practice["category_id"],
        "category_name": practice["category_name"],
        "plant_id": str(author.plant_id),
        "plant_name": practice["plant_name"],
        "submitted_by_name": author.email.partition("@")[0],
        "submitted_date": "2026-08-15",
        "status": "submitted",
        "savings_amount": 1.5,
        "savings_currency": "crores",
        "savings_period": "annually",
        "area_implemented": "Brazing, line 2",
        "is_benchmarked": True,
        "question_count": 0,
        "has_images": False,
        "tags": ["heat", "gas"],
        "copied_from": None,
        "thumbnail_url": None,
        "created_at": "2026-08-15T06:30:00Z",
        "highlight": None,
    }
    draft = author.post("/best-practices", {"title": "Idea"}).json()["data"]
    shown = author.get("/best-practices").json()["data"]
    assert [(item["id"], item["description"], item["category_name"]) for item in shown] == [
        (draft["id"], None, None),
        (practice["id"], "ü🙂" * 150, practice["category_name"]),
    ]


def test_a_search_ranks_the_title_above_the_problem_above_the_solution_above_the_rest(world: World) -> None:
    author = world.plant_user()
    plain = {"title": "A", "problem_statement": "B", "solution": "C", "description": "D"}
    in_solution = world.practice(author, "submitted", **{**plain, "solution": "Helium leak test"})
    in_title = world.practice(author, "submitted", **{**plain, "title": "Testing leaks with helium"})
    in_problem = world.practice(author, "submitted", **{**plain, "problem_statement": "HELIUM leaked"})
    in_others = [
        world.practice(author, "submitted", **{**plain, **other})["id"]
        for other in (
            {"description": "helium in the text"},
            {"benefits": ["Less gas", "No helium"]},
            {"area_implemented": "Helium, line 2"},
            {"tags": ["helium"]},
        )
    ]
    by_rank = [in_title["id"], in_problem["id"], in_solution["id"]]

    def found(**query: str) -> list[str]:
        return [item["id"] for item in author.get("/best-practices", **query).json()["data"]]

    ranked = found(search="helium", sort_by="relevance")
    assert ranked == [*by_rank, *sorted(in_others)]
    assert found(search="helium", sort_by="relevance", sort_order="asc") == ranked[::-1]
    assert set(found(search="heli")) == set(ranked)
    assert set(found(search="leaking helium")) == set(by_rank)  # leak, leaks, leaked: one word
    assert found(search='"helium leak"', sort_by="relevance") == by_rank[1:]
    assert set(found(search="helium -test")) == {in_problem["id"], *in_others}
    assert found(search="helium line") == [in_others[2]]
    assert found(search="argon") == []


def test_sorting_by_relevance_needs_a_search(world: World) -> None:
    reader = world.plant_user()
    assert refusal_of(reader.get("/best-practices", sort_by="relevance")) == invalid("sort_by")
    assert refusal_of(reader.get("/best-practices", sort_by="relevance", search="  ")) == invalid("sort_by")


def test_every_search_text_is_accepted(world: World) -> None:
    reader = world.plant_user()
    world.practice(reader, "submitted")
    for text in (
        '"', '""', "'", "''", "\\", "\\'", "& | !", "scrap &", "!scrap", "(scrap", "scrap:*", "<->", "--",
        "-", "or", "the and of", "🙂", "%", "%s", "%(search)s", "_", ";", "/* x", "$$", "null", "ब्रेज़िंग",
        "x" * 200, "' OR 1=1 --", "\t\n", "\u200b", "\ud7ff\ue000",
    ):  # fmt: skip
        for sort_by in ("submitted_date", "relevance"):
            response = reader.get("/best-practices", search=text, sort_by=sort_by)
            blank = sort_by == "relevance" and not text.strip()
            assert response.status_code == (422 if blank else 200), (text, sort_by)


def test_a_search_for_white_space_is_ignored(world: World) -> None:
    author = world.plant_user()
    practice = world.practice(author)
    response = author.get("/best-practices", search="  ")
    assert [item["id"] for item in response.json()["data"]] == [practice["id"]]


SEARCHES: Final = ("scrap", "brazi", "fix ", "conveyor -scrap nit", "drill or nitro", "bend scrap", "xyz")


def random_filters(rng: random.Random, world: World) -> dict[str, str]:
    """A few filters in a random combination."""
    start = TODAY - timedelta(days=rng.choice([0, 1, 40, 70]))
    every = {
        "status": rng.choice(["draft", "submitted", "approved", "revision_required", "draft,approved"]),
        "tag": rng.choice([*TAGS, "gas,heat"]),
        "area": rng.choice(["welding", "line 2", "press shop"]),
        "min_savings_lakhs": rng.choice(["1", "24", "1200"]),
        "has_images": rng.choice(["true", "false"]),
        "is_benchmarked": rng.choice(["true", "false"]),
        "plant_id": str(rng.choice(world.plants[:4])),
        "category_id": str(rng.choice(world.categories[:4])),
        "start_date": start.isoformat(),
        "end_date": (start + timedelta(days=rng.choice([0, 1, 45]))).isoformat(),
        "search": rng.choice(SEARCHES),
    }
    return {name: every[name] for name in rng.sample(sorted(every), rng.choice([0, 1, 1, 2, 3]))}


def read_all(
    reader: Person, query: dict[str, str], limit: int, *, by_cursor: bool
) -> tuple[list[str], set[int]]:
    """The ids of a whole list, read page by page, and the totals of the pages."""
    ids: list[str] = []
    totals: set[int] = set()
    place: dict[str, str] = {}
    while True:
        body = reader.get("/best-practices", **query, **place, limit=limit).json()
        ids += [item["id"] for item in body["data"]]
        totals.add(body["pagination"]["total"])
        assert body["pagination"]["has_more"] == (body["pagination"]["next_cursor"] is not None)
        if not body["pagination"]["has_more"]:
            return ids, totals
        place = {"cursor": body["pagination"]["next_cursor"]} if by_cursor else {"offset": str(len(ids))}


def test_2000_practices_are_found_by_offset_and_cursor_as_by_a_model_in_python(world: World) -> None:
    readers = [*(world.plant_user(plant) for plant in range(4)), world.headquarters()]
    practices = write_many(world, 2000)
    rng = random.Random(4)
    lengths = set()
    for key, order in ORDERS * 3:
        reader, filters = rng.choice(readers), random_filters(rng, world)
        ids = expected(practices, reader, filters, key, order)
        lengths.add(len(ids))
        query = {**filters, "sort_by": key, "sort_order": order}
        for by_cursor in (True, False):
            limit = rng.choice([37, 100]) if len(ids) > 100 else rng.choice([7, 100])
            assert read_all(reader, query, limit, by_cursor=by_cursor) == (ids, {len(ids)}), query
    assert len(lengths) > 10


def test_2000_practices_are_in_the_same_order_of_relevance_by_offset_and_by_cursor(world: World) -> None:
    for plant in range(4):
        world.plant_user(plant)
    hq, practices = world.headquarters(), write_many(world, 2000)
    search = {"search": "scrap or braz"}
    ids = set(expected(practices, hq, search, "title", "asc"))
    for order in ("asc", "desc"):
        query = {**search, "sort_by": "relevance", "sort_order": order}
        by_cursor, by_offset = (read_all(hq, query, 90, by_cursor=way) for way in (True, False))
        assert by_cursor == by_offset
        assert set(by_cursor[0]) == ids


def test_a_cursor_neither_skips_nor_repeats_while_practices_are_added(world: World) -> None:
    author = world.plant_user()
    for _ in range(3):
        world.plant_user(len(world.query("SELECT id FROM users")))
    practices = write_many(world, 80)
    for seed, (key, order) in enumerate(ORDERS):
        before = expected(practices, author, {}, key, order)
        ids: list[str] = []
        place: dict[str, str] = {}
        while True:
            query = {"sort_by": key, "sort_order": order, "limit": "9", **place}
            body = author.get("/best-practices", **query).json()
            ids += [item["id"] for item in body["data"]]
            practices += write_many(world, 3, seed=1000 * seed + len(ids))
            if not body["pagination"]["has_more"]:
                break
            place = {"cursor": body["pagination"]["next_cursor"]}
        assert len(set(ids)) == len(ids), (key, order)
        assert [one for one in ids if one in set(before)] == before, (key, order)


RELEVANT: Final = ("relevance", "desc")


@pytest.fixture
def author(world: World) -> Person:
    """A plant user who wrote two practices with the word scrap."""
    author = world.plant_user()
    for title in ("scrap one", "scrap two"):
        world.practice(author, title=title)
    return author


def first_cursor(reader: Person, key: str, order: str) -> str:
    """The cursor after the first practice about scrap."""
    page = reader.get("/best-practices", search="scrap", sort_by=key, sort_order=order, limit=1).json()
    cursor: str = page["pagination"]["next_cursor"]
    return cursor


def test_a_damaged_cursor_is_refused(author: Person) -> None:
    good = first_cursor(author, "title", "asc")
    changed = (good[:-3], good + "AAAA", good.replace("e", "f", 1))
    for bad in ("x", "%", "bnVsbA", "W10", "🙂", "A" * 3000, *changed):
        for query in ({}, {"sort_by": "title", "sort_order": "asc"}):
            response = author.get("/best-practices", cursor=bad, **query)
            assert refusal_of(response) == (400, "BAD_REQUEST", {"cursor"}), bad
    assert refusal_of(author.get("/best-practices", cursor="A" * 4001)) == invalid("cursor")


def test_a_cursor_of_another_order_is_refused(author: Person) -> None:
    for key, order in [*ORDERS, RELEVANT]:
        cursor = first_cursor(author, key, order)
        other_key = {"sort_by": "title" if key != "title" else "savings", "sort_order": order}
        other_order = {"sort_by": key, "sort_order": "asc" if order == "desc" else "desc", "search": "scrap"}
        for query in (other_key, other_order):
            assert author.get("/best-practices", cursor=cursor, **query).status_code == 400, query


def test_a_cursor_of_relevance_is_for_its_own_search(author: Person) -> None:
    query = {"sort_by": "relevance", "cursor": first_cursor(author, *RELEVANT)}
    assert author.get("/best-practices", search="one", **query).status_code == 400
    assert author.get("/best-practices", search="scrap", **query).status_code == 200


def test_a_cursor_and_an_offset_exclude_each_other(author: Person) -> None:
    cursor = first_cursor(author, "title", "asc")
    both = {"sort_by": "title", "sort_order": "asc", "cursor": cursor, "offset": 1}
    assert refusal_of(author.get("/best-practices", **both)) == invalid("offset")


def test_a_list_is_counted_to_10000_and_no_further(world: World) -> None:
    author = world.plant_user()
    world.query(
        """
        INSERT INTO best_practices (title, plant_id, submitted_by_user_id, status)
        SELECT 'x', plant_id, id, 'draft' FROM users, generate_series(1, 10000)
        """
    )
    pagination = author.get("/best-practices", limit=1, offset=9998).json()["pagination"]
    assert (pagination["total"], pagination["total_capped"], pagination["has_more"]) == (10_000, False, True)
    assert author.get("/best-practices", limit=1, offset=9999).json()["pagination"]["has_more"] is False
    world.practice(author)
    for limit, offset, more in ((1, 0, True), (1, 9999, True), (1, 10_000, False)):
        pagination = author.get("/best-practices", limit=limit, offset=offset).json()["pagination"]
        assert (pagination["total"], pagination["total_capped"], pagination["has_more"]) == (
            10_000,
            True,
            more,
        )


def test_matches_are_marked_and_everything_else_is_escaped(world: World) -> None:
    author = world.plant_user()
    world.practice(
        author,
        title="Brazing <b>& leaks</b>",
        problem_statement="It 'leaked'.",
        solution="x " * 400,
        description="What is in the description",
        area_implemented="area 51",
        tags=["one of the tags"],
    )

    def marked(search: str) -> str:
        [item] = author.get("/best-practices", search=search).json()["data"]
        text: str = item["highlight"]
        return text

    assert marked("leak ").startswith(
        "Brazing &lt;b&gt;&amp; <mark>leaks</mark>&lt;/b&gt;\nIt &#x27;<mark>leaked</mark>&#x27;."
    )
    assert marked("brazi").startswith("<mark>Brazing</mark> &lt;b&gt;")
    assert marked("leaking braz").count("<mark>") == 3
    assert marked("-scrap").count("<mark>") == 0
    assert "one of the <mark>tags</mark>" in marked("tags")
    assert "in the <mark>description</mark>\n" in marked("description")
    assert "<mark>area</mark> 51" in marked("area")
    assert len(marked("leak")) < 500
    assert author.get("/best-practices").json()["data"][0]["highlight"] is None


def test_words_are_found_while_they_are_typed(world: World) -> None:
    author = world.plant_user()
    practice = world.practice(author, title="Brazing of the thermal energy-saving manifold")
    for typed in (
        "b", "braz", "brazi", "brazin", "brazing", "the", "therm", "manif", '"thermal ener', "energy-sav",
        "brazed man", "brazes or nothi", '"energy-saving" mani',
    ):  # fmt: skip
        found = author.get("/best-practices", search=typed).json()["data"]
        assert [item["id"] for item in found] == [practice["id"]], typed
    for finished in ("therm ", '"therm"', "therm brazing", "-braz therm -manifold", "razing"):
        assert author.get("/best-practices", search=finished).json()["data"] == [], finished


def test_words_are_marked_in_the_first_four_thousand_characters_of_a_text(world: World) -> None:
    author = world.plant_user(0)
    for title, before in (("Near", 3_990), ("Far", 4_000)):
        world.practice(author, title=title, description="." * (before - 1) + " vibration")
    found = author.get("/best-practices", search="vibration").json()["data"]
    assert {item["title"]: "<mark>vibration</mark>" in item["highlight"] for item in found} == {
        "Near": True, "Far": False
    }  # fmt: skip
