"""Every list: limit, offset and pagination. Every call: parameters that it does not know."""

from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from functions.edge.access import HEADQUARTERS, PLANT_USER
from functions.edge.declaration import Endpoint
from functions.edge.endpoint import ENDPOINTS
from tests.world import Person, World, invalid, refusal_of

LISTS: Final = [endpoint for endpoint in ENDPOINTS.values() if endpoint.output.page is not None]

BY_DEFAULT: Final = {
    "list_recent_practices": 10,
    "list_recent_benchmarks": 10,
    "list_own_practices": 100,
    "list_benchmarks": 100,
    "list_questions": 100,
}
"""The lists whose limit is not 20 by default."""

AT_MOST: Final = {"list_recent_practices": 50, "list_recent_benchmarks": 50}
"""The lists whose limit is not 100 at most."""

FILES: Final = """
INSERT INTO practice_images (practice_id, image_type, blob_container, blob_name, blob_url, file_size,
                             content_type, width, height, uploaded_at)
SELECT %(id)s, 'before', 'best-practices', 'practices/' || n, 'https://x', 1, 'image/jpeg', 1, 1, now()
FROM generate_series(1, 3) n;
INSERT INTO practice_documents (practice_id, document_name, blob_container, blob_name, blob_url, file_size,
                                content_type, uploaded_at)
SELECT %(id)s, 'Sheet ' || n, 'supporting-documents', 'documents/' || n, 'https://x', 1, 'application/pdf',
       now()
FROM generate_series(1, 3) n;
INSERT INTO uploads (practice_id, container, blob_name, state)
SELECT %(id)s, 'best-practices', 'practices/' || n, 'recorded' FROM generate_series(1, 3) n;
"""


class Portal:
    """A portal in which every list has at least two items."""

    def __init__(self, world: World) -> None:
        self.hq, self.user = world.headquarters(), world.plant_user(0)
        self.plant = str(world.plants[0])
        originals = [world.approved(self.hq, plant, title="Less scrap in brazing") for plant in (0, 1, 2)]
        for original in originals:
            world.benchmark(original)
        self.practice = str(originals[0]["id"])
        for plant in (1, 2):
            world.plant_user(plant).post("/copy/implement", {"original_practice_id": self.practice})
        for original in originals[1:]:
            self.user.post("/copy/implement", {"original_practice_id": original["id"]})
        for number in (1, 2):
            self.user.post(f"/questions/practice/{self.practice}", {"question_text": f"Question {number}?"})
            self.hq.post("/auth/invites", {"email": f"new{number}@amber.test", "role": "hq"})
            self.hq.patch(f"/plants/{world.plants[number + 4]}/deactivate", {})
            self.hq.post("/analytics/recalculate-savings")
        world.query(FILES.replace("%(id)s", f"'{self.practice}'"))
        self.user.sign_in()  # the user has two sessions

    def call(self, endpoint: Endpoint, **query: Any) -> httpx.Response:
        """Call an endpoint with existing ids, as somebody whose role may call it."""
        ids = {"practice_id": self.practice, "original_id": self.practice, "plant_id": self.plant}
        path = endpoint.route
        for name in endpoint.inputs.path_ids:
            path = path.replace(f"{{{name}:guid}}", ids.get(name) or str(uuid4()))
        body = {"title": "Less scrap in brazing"} if endpoint.writes else None
        return self._person(endpoint).http.request(endpoint.method, path, params=query, json=body)

    def page(self, endpoint: Endpoint, **query: int) -> dict[str, Any]:
        """One page of a list: data and pagination."""
        response = self.call(endpoint, **query)
        assert response.status_code == 200, (endpoint.name, response.text)
        body: dict[str, Any] = response.json()
        return body

    def _person(self, endpoint: Endpoint) -> Person:
        return self.hq if endpoint.who == HEADQUARTERS else self.user


def test_every_list_takes_limit_and_offset_and_its_pages_are_the_whole_list(world: World) -> None:
    portal = Portal(world)
    for endpoint in LISTS:
        at_most = AT_MOST.get(endpoint.name, 100)
        whole = portal.page(endpoint, limit=at_most)
        length = len(whole["data"])
        assert length >= 2, endpoint.name
        assert whole["pagination"]["total"] == length, endpoint.name
        parts = [portal.page(endpoint, limit=1, offset=offset) for offset in range(length + 1)]
        assert [item for part in parts for item in part["data"]] == whole["data"], endpoint.name
        assert [part["pagination"]["has_more"] for part in parts] == [True] * (length - 1) + [False] * 2
        last = parts[-1]["pagination"]
        assert (last["total"], last["limit"], last["offset"]) == (length, 1, length), endpoint.name


def test_every_list_says_its_default_limit_and_refuses_other_limits_and_offsets(world: World) -> None:
    portal = Portal(world)
    for endpoint in LISTS:
        default = portal.page(endpoint)["pagination"]
        assert default["limit"] == BY_DEFAULT.get(endpoint.name, 20), endpoint.name
        assert default["offset"] == 0
        for query in ({"limit": 0}, {"limit": AT_MOST.get(endpoint.name, 100) + 1}, {"offset": -1}):
            assert refusal_of(portal.call(endpoint, **query)) == invalid(*query), endpoint.name
        assert refusal_of(portal.call(endpoint, limit="1,2")) == (400, "BAD_REQUEST", {"limit"})


def test_every_call_refuses_a_parameter_that_it_does_not_know_and_changes_nothing(world: World) -> None:
    hq, user = world.headquarters(), world.plant_user()
    before = world.query("SELECT count(*) FROM audit_log")
    for endpoint in ENDPOINTS.values():
        caller = hq if endpoint.who == HEADQUARTERS else user
        path = endpoint.route
        for name in endpoint.inputs.path_ids:
            path = path.replace(f"{{{name}:guid}}", str(uuid4()))
        response = caller.http.request(endpoint.method, path, params={"colour": "red"})
        assert refusal_of(response) == invalid("colour"), endpoint.name
    assert world.query("SELECT count(*) FROM audit_log") == before


def test_a_repeated_parameter_is_its_values_joined_by_commas_and_an_empty_one_is_not_sent(
    world: World,
) -> None:
    reader = world.plant_user()
    for query, expected in (
        ("limit=1&limit=2", (400, "BAD_REQUEST", {"limit"})),
        ("is_active=true&is_active=true", (400, "BAD_REQUEST", {"is_active"})),
        ("colour=red&colour=red", invalid("colour")),
    ):
        assert refusal_of(reader.http.get(f"/api/v1/plants?{query}")) == expected, query
    for query in ("limit=", "limit=&offset=", "is_active=", "colour="):
        assert reader.http.get(f"/api/v1/plants?{query}").json()["pagination"] == {
            "total": 7, "limit": 20, "offset": 0, "has_more": False
        }, query  # fmt: skip


def test_ranks_are_those_of_the_whole_leaderboard_on_every_page(world: World) -> None:
    portal = Portal(world)
    whole = portal.user.get("/leaderboard/current").json()["data"]
    assert [plant["rank"] for plant in whole] == [1, 2, 2, 4, 4]
    assert [plant["total_points"] for plant in whole] == [20, 15, 15, 0, 0]
    second = portal.user.get("/leaderboard/current", limit=2, offset=2).json()
    assert second["data"] == whole[2:4]
    assert second["pagination"] == {"total": 5, "limit": 2, "offset": 2, "has_more": True}


def test_a_page_of_the_cost_analysis_has_whole_breakdowns(world: World) -> None:
    portal = Portal(world)
    whole = portal.user.get("/analytics/cost-analysis").json()
    page = portal.user.get("/analytics/cost-analysis", limit=1, offset=1).json()
    assert page["data"] == whole["data"][1:2]
    assert page["pagination"] == {"total": 5, "limit": 1, "offset": 1, "has_more": True}
    for name in ("current_month_breakdown", "ytd_breakdown", "monthly_trends"):
        assert page[name] == whole[name]
    assert len(page["ytd_breakdown"]) == 5


@pytest.mark.parametrize("path", ["/best-practices/recent", "/benchmarking/recent"])
def test_the_recent_calls_honour_their_limit(world: World, path: str) -> None:
    portal = Portal(world)
    ids = [item["id"] for item in portal.user.get(path).json()["data"]]
    short = portal.user.get(path, limit=2).json()
    assert [item["id"] for item in short["data"]] == ids[:2]
    assert short["pagination"]["total"] == len(ids)
    assert short["pagination"]["has_more"] is True


def test_the_twelve_months_of_a_trend_fit_into_the_default_page(world: World) -> None:
    reader = world.plant_user()
    path = f"/analytics/star-ratings/{world.plants[0]}/monthly-trend"
    shown = reader.get(path).json()
    assert (len(shown["data"]), shown["pagination"]["has_more"]) == (12, False)
    assert [one["month"] for one in reader.get(path, limit=2, offset=7).json()["data"]] == [
        "2026-08", "2026-09"
    ]  # fmt: skip


def test_headquarters_has_no_own_lists(world: World) -> None:
    hq = world.headquarters()
    own = [endpoint for endpoint in LISTS if endpoint.who == PLANT_USER]
    assert {endpoint.name for endpoint in own} == {"list_own_practices", "list_own_copies"}
    assert {hq.http.get(endpoint.route).status_code for endpoint in own} == {403}
