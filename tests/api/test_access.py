"""Access: every route is called as every kind of caller, and must respond as its declaration says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import pytest

from bp_core.auth.ports import NewToken
from bp_core.shared.access import Caller
from bp_core.shared.schemas import RequestModel
from functions.edge.access import ANYONE, HEADQUARTERS, SIGNED_IN, Access
from functions.edge.declaration import DeclarationError, Endpoint
from functions.edge.endpoint import ENDPOINTS, endpoints
from functions.practice_access import PRACTICE_OWNER, PRACTICE_VIEWER, QUESTION_OWNER, QUESTION_VIEWER
from functions.unit_of_work import UnitOfWork
from tests.api.tokens import claims_of
from tests.world import PASSWORD, Person, World, picture

ALLOWED: Final = 200
"""Stands for any response of the handler itself."""

OWN: Final = "a user of the practice's plant"
OTHER: Final = "a user of another plant"
HQ: Final = "headquarters"
NOBODY: Final = "nobody"
EXPIRED: Final = "somebody with an expired token"
DEACTIVATED: Final = "a deactivated user"
EVERYBODY: Final = (NOBODY, EXPIRED, DEACTIVATED, OTHER, OWN, HQ)

SEES: Final[Mapping[str, int]] = {"submitted": ALLOWED, "draft": 404}
OWNS: Final[Mapping[str, int]] = {"submitted": 403, "draft": 404}

RULES: Final[Mapping[Access, Mapping[str, int]]] = {
    PRACTICE_VIEWER: SEES,
    QUESTION_VIEWER: SEES,
    PRACTICE_OWNER: OWNS,
    QUESTION_OWNER: OWNS,
}
"""What a user of another plant gets from endpoints with each access to a practice."""


def test_every_route_allows_the_callers_that_it_declares_and_no_others(world: World) -> None:
    routes = RouteCaller(world)
    for endpoint in ENDPOINTS.values():
        for who in EVERYBODY:
            for status in ("submitted", "draft") if endpoint.who.target else ("submitted",):
                status_code = routes.call(endpoint, who, status)
                assert status_code == expected(endpoint.who, who, status), (endpoint.name, who, status)


def expected(access: Access, who: str, status: str) -> int:
    """The status that a caller must get for a practice with a status."""
    if not access.signed_in:
        return ALLOWED
    if who in (NOBODY, EXPIRED, DEACTIVATED):
        return 401
    if access.role is not None and access.role != ("hq" if who == HQ else "plant"):
        return 403
    if access.target is None or who != OTHER:
        return ALLOWED
    if access not in RULES:
        pytest.fail(f"RULES has no entry for {access.label}")
    return RULES[access][status]


class RouteCaller:
    """Calls routes with ids of existing records, which are created again after each change."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.author = world.add_person("author@amber.test", plant=0).sign_in()
        self.subject = world.add_person("subject@amber.test", plant=0)
        self.people = {
            OWN: world.add_person("own@amber.test", plant=0),
            OTHER: world.add_person("other@amber.test", plant=1),
            HQ: world.add_person("hq@amber.test"),
        }
        self._records: dict[str, Records] = {}
        self._browsers: dict[str, httpx.Client] = {}

    def call(self, endpoint: Endpoint, who: str, status: str) -> int:
        """Call a route. Returns the status if access was refused, or else ALLOWED."""
        if who not in self._browsers:
            self._browsers[who] = self._browser(who)
        if status not in self._records:
            self._records[status] = Records.made(self, status)
        ids = {
            **self._records[status].ids,
            "session_id": self._session_of(who),
            **self._own_records(endpoint, who, self._records[status].ids["practice_id"]),
        }
        path, sent = path_of(endpoint, ids), sent_to(endpoint, self._records[status])
        changes = self._changes()
        response = self._browsers[who].request(endpoint.method, path, **sent)
        assert response.status_code not in (405, 429), (endpoint.name, who)
        assert response.status_code < 500, (endpoint.name, who, response.text)
        if response.status_code in (401, 403, 404):
            assert self._changes() == changes, f"{endpoint.name} refused {who} and changed something"
            return response.status_code
        if endpoint.method != "GET":
            self._records.clear()
            self._browsers.pop(who)
        return ALLOWED

    def _browser(self, who: str) -> httpx.Client:
        if who in self.people:
            return self.people[who].sign_in().http
        if who == NOBODY:
            return self.world.browser()
        person = self.world.add_person(f"{uuid4().hex}@amber.test", plant=0).sign_in()
        if who == EXPIRED:
            person.http.headers["Authorization"] = f"Bearer {self._expired(person)}"
        else:
            self.world.query("UPDATE users SET is_active = false WHERE email = %s", person.email)
        return person.http

    def _expired(self, person: Person) -> str:
        claims, now = claims_of(person.tokens["access_token"]), self.world.clock.now()
        return self.world.portal.tokens.issue(
            NewToken(
                kind="access",
                id="late",
                user_id=UUID(claims["sub"]),
                session_id=UUID(claims["sid"]),
                role="plant",
                issued_at=now - timedelta(hours=1),
                expires_at=now,
            )
        )

    def _session_of(self, who: str) -> str:
        """The session of the caller, which they may end."""
        if who not in self.people:
            return str(uuid4())
        return str(claims_of(self.people[who].tokens["access_token"])["sid"])

    def _own_records(self, endpoint: Endpoint, who: str, practice_id: str) -> dict[str, str]:
        """A question, a notification and a copy of the caller, if the route has their ids."""
        asker = self.people[who].email if who in self.people else self.subject.email
        values = practice_id, asker
        made = {}
        if "question_id" in endpoint.inputs.path_ids:
            made["question_id"] = self.world.query(
                "INSERT INTO practice_questions (practice_id, asked_by_user_id, question_text)"
                " SELECT %s, id, 'Why?' FROM users WHERE email = %s RETURNING id",
                *values,
            )[0][0]
        if "notification_id" in endpoint.inputs.path_ids:
            made["notification_id"] = self.world.query(
                "INSERT INTO notifications (related_practice_id, user_id, type, title, message)"
                " SELECT %s, id, 'practice_approved', 'x', 'x' FROM users WHERE email = %s RETURNING id",
                *values,
            )[0][0]
        if "copy_id" in endpoint.inputs.path_ids:
            made["copy_id"] = self.world.query(
                "WITH copy AS (INSERT INTO best_practices"
                "     (title, plant_id, submitted_by_user_id, status, submitted_date)"
                "     SELECT 'x', coalesce(plant_id, %s), id, 'submitted', now() FROM users WHERE email = %s"
                "     RETURNING id, plant_id)"
                " INSERT INTO copied_practices (original_practice_id, copied_practice_id, copying_plant_id,"
                "     copied_date, implementation_status)"
                " SELECT %s, id, plant_id, now(), 'planning' FROM copy RETURNING id",
                self.world.plants[0], asker, self._new_practice(),
            )[0][0]  # fmt: skip
        return {name: str(made_id) for name, made_id in made.items()}

    def _new_practice(self) -> str:
        """A practice that no other record refers to."""
        return str(self.world.practice(self.author, "submitted")["id"])

    def _changes(self) -> list[tuple[Any, ...]]:
        """The numbers of audit entries and uploads, which a refused call must not change."""
        return self.world.query("SELECT (SELECT count(*) FROM audit_log), (SELECT count(*) FROM uploads)")


@dataclass(frozen=True)
class Records:
    """Ids for paths and values for bodies that refer to existing records."""

    ids: Mapping[str, str]
    fields: Mapping[str, object]

    @classmethod
    def made(cls, routes: RouteCaller, status: str) -> "Records":
        """Create one record of each kind."""
        world = routes.world
        practice_id = str(world.practice(routes.author, status)["id"])
        [made] = world.query(
            """
            WITH image AS (
                INSERT INTO practice_images (practice_id, image_type, blob_container, blob_name, blob_url,
                                             file_size, content_type, width, height, uploaded_at)
                VALUES (%s, 'before', 'best-practices', %s, '', 1, 'image/jpeg', 1, 1, now()) RETURNING id
            ), document AS (
                INSERT INTO practice_documents (practice_id, document_name, blob_container, blob_name,
                                                blob_url, file_size, content_type, uploaded_at)
                VALUES (%s, 'x', 'supporting-documents', %s, '', 1, 'application/pdf', now()) RETURNING id
            ), person AS (
                INSERT INTO users (email, full_name, role, plant_id) VALUES (%s, 'x', 'plant', %s)
                RETURNING id
            ), invite AS (
                INSERT INTO invites (email, role, token_hash, invited_by_user_id, expires_at)
                SELECT 'x@amber.test', 'hq', %s, id, now() FROM users WHERE email = %s RETURNING id
            )
            SELECT image.id, document.id, person.id, invite.id FROM image, document, person, invite
            """,
            practice_id, f"practices/{practice_id}/before_1.jpg",
            practice_id, f"documents/{practice_id}/x_1.pdf", f"{uuid4().hex}@amber.test",
            world.plants[0], uuid4().bytes, routes.people[HQ].email,
        )  # fmt: skip
        ids = dict(zip(("image_id", "doc_id", "user_id", "invite_id"), map(str, made), strict=True))
        ids |= {
            "practice_id": practice_id,
            "original_id": practice_id,
            "plant_id": str(world.plants[6]),
            "category_id": str(world.categories[6]),
        }
        fields = {
            "practice_id": practice_id,
            "original_practice_id": practice_id,
            "implementation_status": "in_progress",
            "title": "A title",
            "comment": "A comment",
            "reason": "A reason",
            "user_id": None,
            "question_text": "Why?",
            "answer_text": "Because.",
            "email": routes.subject.email,
            "password": PASSWORD,
            "current_password": PASSWORD,
            "new_password": PASSWORD,
            "token": "a token that nobody issued",
            "refresh_token": routes.subject.sign_in().tokens["refresh_token"],
            "full_name": "A name",
            "name": f"A name {uuid4().hex}",
            "short_name": "A name",
            "division": "A division",
            "color_class": "blue",
            "icon_name": "bolt",
            "role": "plant",
            "file_type": "document",
            "filename": "joint.jpg",
            "image_type": "before",
            "document_name": "A document",
            "content_type": "image/jpeg",
            "file_size": 2048,
            "blob_name": f"practices/{practice_id}/before_1755239400000.jpg",
            "blob_container": "best-practices",
        }
        return cls(ids, fields)


def path_of(endpoint: Endpoint, ids: Mapping[str, str]) -> str:
    """The path of a route with existing ids."""
    path = endpoint.route
    for name in set(endpoint.inputs.path_ids) & set(ids):
        path = path.replace(f"{{{name}:guid}}", ids[name])
    if "{" in path:
        pytest.fail(f"no value is known for {path}, of {endpoint.name}: add it to Records.made")
    return path


def sent_to(endpoint: Endpoint, records: Records) -> dict[str, Any]:
    """A body with all required fields, so that only access can be refused."""
    if "form" in endpoint.inputs.names:
        return {"data": {"image_type": "before"}, "files": {"file": ("a.jpg", picture(8, 8))}}
    if endpoint.method == "GET":
        return {}
    required = [name for name, field in endpoint.inputs.body.model_fields.items() if field.is_required()]
    if unknown := [name for name in required if name not in records.fields]:
        pytest.fail(f"no value is known for {unknown} of {endpoint.name}: add it to Records.made")
    return {"json": {name: records.fields[name] for name in required}}


def test_only_signing_in_health_and_documentation_are_open_to_anyone() -> None:
    assert {endpoint.name for endpoint in ENDPOINTS.values() if endpoint.who is ANYONE} == {
        "register",
        "login",
        "refresh_tokens",
        "reset_password",
        "show_health",
        "show_database_health",
        "show_system_status",
        "show_openapi",
        "show_docs",
        "show_redoc",
    }


class NamesPractice(RequestModel):
    practice_id: UUID


def test_a_route_cannot_be_declared_without_saying_who_may_call_it() -> None:
    before = dict(ENDPOINTS)
    _, declare = endpoints()
    undeclared: Callable[..., object] = declare
    with pytest.raises(TypeError, match="who"):
        undeclared("GET", "/api/v1/secrets")
    assert before == ENDPOINTS


def test_a_route_for_owners_must_have_the_id_of_what_is_owned() -> None:
    def on_nothing(work: UnitOfWork) -> None: ...

    def on_another_id(work: UnitOfWork, plant_id: UUID) -> None: ...

    def on_a_body_without_it(work: UnitOfWork, body: RequestModel) -> None: ...

    before = dict(ENDPOINTS)
    _, declare = endpoints()
    for handler, route in (
        (on_nothing, "/api/v1/secrets"),
        (on_another_id, "/api/v1/secrets/{plant_id:guid}"),
        (on_a_body_without_it, "/api/v1/secrets"),
    ):
        with pytest.raises(DeclarationError, match="practice_id, which decides who may call"):
            declare("POST", route, who=PRACTICE_OWNER)(handler)
    assert before == ENDPOINTS


def test_a_handler_cannot_have_parameters_that_its_declaration_does_not_provide() -> None:
    def by_nobody(work: UnitOfWork, caller: Caller) -> None: ...

    def of_an_id(work: UnitOfWork, practice_id: UUID) -> None: ...

    def show_health(work: UnitOfWork) -> None: ...

    before = dict(ENDPOINTS)
    _, declare = endpoints()
    for handler, who, complaint in (
        (by_nobody, ANYONE, "takes a caller, but anyone may call"),
        (of_an_id, SIGNED_IN, "takes .'practice_id'., which its declaration does not give"),
        (show_health, HEADQUARTERS, "two functions are named show_health"),
    ):
        with pytest.raises(DeclarationError, match=complaint):
            declare("GET", "/api/v1/secrets", who=who)(handler)
    assert before == ENDPOINTS


def test_the_access_test_fails_for_a_route_whose_ids_it_does_not_know(world: World) -> None:
    routes = RouteCaller(world)
    known = ENDPOINTS["show_user"]
    for route, path_ids in (
        ("/api/v1/secrets/{secret_id:guid}", ("secret_id",)),
        ("/api/v1/secrets/{year:int}", ()),
    ):
        unknown = replace(known, route=route, inputs=replace(known.inputs, path_ids=path_ids))
        with pytest.raises(pytest.fail.Exception, match="no value is known for"):
            routes.call(unknown, HQ, "submitted")


FORBIDDEN_FIELDS: Final = {
    "PATCH /best-practices/{practice}": (
        "plant_id", "submitted_by_user_id", "is_deleted", "is_benchmarked", "benchmarked_date", "copy_count",
        "question_count", "annualised_savings", "id", "created_at", "points",
    ),
    "POST /best-practices": ("is_benchmarked", "is_deleted", "submitted_by_user_id", "points", "id", "stars"),
    "PATCH /auth/me": ("role", "plant_id", "email", "is_active", "hashed_password", "id"),
    "POST /auth/register": ("role", "plant_id", "is_active", "id"),
}  # fmt: skip


def test_fields_that_nobody_may_set_are_refused_and_not_ignored(world: World) -> None:
    author = world.plant_user()
    practice = world.practice(author)
    before = world.query("SELECT * FROM users ORDER BY id"), world.snapshot()
    required = {
        "POST /best-practices": {"title": "x"},
        "POST /auth/register": {"email": "a@amber.test", "password": PASSWORD, "full_name": "A"},
    }
    for call, fields in FORBIDDEN_FIELDS.items():
        method, path = call.replace("{practice}", practice["id"]).split()
        for field in fields:
            body = {**required.get(call, {}), field: None}
            response = author.http.request(method, f"/api/v1{path}", json=body)
            details = response.json()["error"]["details"]
            assert (response.status_code, [fault["field"] for fault in details]) == (422, [field]), (
                call,
                field,
            )
    assert (world.query("SELECT * FROM users ORDER BY id"), world.snapshot()) == before


def test_a_plant_user_cannot_review_their_own_practice(world: World) -> None:
    author = world.plant_user()
    practice = world.practice(author, "submitted")
    before = world.snapshot()
    path = f"/best-practices/{practice['id']}"
    for status in ("approved", "revision_required", "declined"):
        assert author.patch(path, {"status": status}).status_code in (403, 409), status
    assert author.patch(path, {"submitted_date": "2026-08-01"}).status_code == 403
    other = {"title": "x", "plant_id": str(world.plants[1])}
    assert author.post("/best-practices", other).status_code in (403, 422)
    assert world.snapshot() == before
