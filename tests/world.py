"""A whole portal for a test: real PostgreSQL, real Azurite, the functions behind the host's own routing.

Only the clock is stood in for. `world` in conftest.py makes one; people sign in over HTTP as anybody would.
"""

import io
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any, Final, TypeVar
from uuid import UUID

import azure.functions as func
import bcrypt
import httpx
import psycopg
from azure.storage.blob import BlobServiceClient, ContainerClient
from PIL import Image

import function_app
from adapters.security.azure_identity import Identity
from adapters.telemetry import Telemetry
from function_host.cors import Cors
from function_host.index import index_app
from function_host.invocation import invoke
from function_host.routes import Router
from function_host.wsgi import HttpApp
from functions import bootstrap
from functions.bootstrap import Portal
from functions.settings import load_settings
from tests import declared

Result = TypeVar("Result")

PASSWORD: Final = "correct horse battery"
ROUNDS: Final = 4
NOON: Final = datetime(2026, 8, 15, 6, 30, tzinfo=UTC)
"""Noon in India in the middle of August 2026: when every test starts."""

SETTINGS: Final[Mapping[str, str]] = {
    "JWT_SECRET": "a secret for tests only: 0123456789abcdef",
    "BCRYPT_ROUNDS": str(ROUNDS),
    "RATE_LIMIT_SIGN_IN": "off",
    "RATE_LIMIT_UPLOAD": "off",
    "RATE_LIMIT_GENERAL": "off",
    "AGGREGATE_SAVINGS_SCHEDULE": "0 30 19 * * *",
    "RATE_STARS_SCHEDULE": "0 45 19 * * *",
    "RECONCILE_UPLOADS_SCHEDULE": "0 0 20 * * *",
    "REBUILD_ROLL_UPS_SCHEDULE": "0 0 21 * * *",
    "VERIFY_LEADERBOARD_SCHEDULE": "0 15 20 * * *",
    "PURGE_EXPIRED_SCHEDULE": "0 30 20 * * *",
}

TRIGGERS: Final[Mapping[str, tuple[str, str]]] = {
    "practices": ("best-practices", "record_upload"),
    "documents": ("supporting-documents", "record_document"),
}
"""The container and the trigger of what lies in each folder."""

COMPLETE: Final[Mapping[str, object]] = {
    "title": "Less scrap in brazing",
    "description": "Joints leaked after brazing.",
    "problem_statement": "One joint in forty leaked.",
    "solution": "Nitrogen is fed while the joint cools.",
}
"""What a submission needs, but for its category."""


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


@dataclass
class Person:
    """Somebody with an account; `http` is their browser, signed in once they have signed in."""

    email: str
    role: str
    plant_id: UUID | None
    http: httpx.Client
    tokens: dict[str, Any] = field(default_factory=dict)

    def sign_in(self, *, remember_me: bool = False) -> "Person":
        body = {"email": self.email, "password": PASSWORD, "remember_me": remember_me}
        answer = self.http.post("/api/v1/auth/login", json=body)
        assert answer.status_code == 200, answer.text
        self.tokens = answer.json()["data"]
        self.http.headers["Authorization"] = f"Bearer {self.tokens['access_token']}"
        return self

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(f"/api/v1{path}", params=query)

    def post(self, path: str, body: object = None, **headers: str) -> httpx.Response:
        return self.http.post(f"/api/v1{path}", json={} if body is None else body, headers=_sent_as(headers))

    def patch(self, path: str, body: object, **headers: str) -> httpx.Response:
        return self.http.patch(f"/api/v1{path}", json=body, headers=_sent_as(headers))

    def delete(self, path: str, **headers: str) -> httpx.Response:
        return self.http.delete(f"/api/v1{path}", headers=_sent_as(headers))


class World:
    """A portal, its database and storage, and the people who use it."""

    def __init__(
        self,
        database_url: str,
        storage: str,
        clock: SetClock,
        settings: Mapping[str, str],
        *,
        identity: Identity | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.database_url = database_url
        self.storage = storage
        self.clock = clock
        self.settings = {
            **SETTINGS, "DATABASE_URL": database_url, "AzureWebJobsStorage": storage, **settings
        }  # fmt: skip
        self.portal: Portal = bootstrap.build(load_settings(self.settings), clock, identity, telemetry)
        # The host reaches its storage in its own way, however the portal does.
        functions = index_app(function_app.app, {**self.settings, "AzureWebJobsStorage": storage})
        self._functions = {function.name: function for function in functions}
        self._router = Router(functions)
        self._app = HttpApp(self._router, Cors({}), lambda _: None)
        self._browsers: list[httpx.Client] = []
        self.plants: list[UUID] = [row[0] for row in self.query("SELECT id FROM plants ORDER BY name")]
        self.categories: list[UUID] = [
            row[0] for row in self.query("SELECT id FROM categories ORDER BY name")
        ]

    def close(self) -> None:
        for browser in self._browsers:
            browser.close()
        self.portal.close()

    def browser(self, address: str = "127.0.0.1") -> httpx.Client:
        """A client that nobody has signed in with."""
        transport = httpx.WSGITransport(app=self._app, remote_addr=address)
        hooks = {"response": [self._hold_to_declaration]}
        browser = httpx.Client(transport=transport, base_url="http://portal.test", event_hooks=hooks)
        self._browsers.append(browser)
        return browser

    def _hold_to_declaration(self, answer: httpx.Response) -> None:
        answer.read()
        if "X-Request-ID" in answer.headers:  # or else the host has answered itself
            declared.check(answer, self._router)

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database holds, read past the portal."""
        with psycopg.connect(self.database_url) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def add_person(self, email: str, *, plant: int | None = None, is_active: bool = True) -> Person:
        """Somebody with an account, at headquarters or at a plant (0 to 6), who has not signed in yet."""
        plant_id = None if plant is None else self.plants[plant]
        role = "hq" if plant is None else "plant"
        hashed = bcrypt.hashpw(
            PASSWORD.encode(), bcrypt.gensalt(int(self.settings["BCRYPT_ROUNDS"]))
        ).decode()
        self.query(
            "INSERT INTO users (email, hashed_password, full_name, role, plant_id, is_active)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            email, hashed, email.partition("@")[0], role, plant_id, is_active,
        )  # fmt: skip
        return Person(email, role, plant_id, self.browser())

    def headquarters(self) -> Person:
        """Somebody at headquarters, signed in."""
        return self.add_person(f"hq{len(self._browsers)}@amber.test").sign_in()

    def plant_user(self, plant: int = 0) -> Person:
        """Somebody at a plant (0 to 6), signed in."""
        return self.add_person(f"plant{plant}-{len(self._browsers)}@amber.test", plant=plant).sign_in()

    def practice(self, author: Person, status: str = "draft", **content: object) -> dict[str, Any]:
        """A practice that its author wrote just now: complete, unless `content` says otherwise."""
        body = {**COMPLETE, "category_id": str(self.categories[0]), "status": status, **content}
        answer = author.post("/best-practices", body)
        assert answer.status_code == 201, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    def approved(self, hq: Person, plant: int = 0, **content: object) -> dict[str, Any]:
        """A practice of a plant (0 to 6) that headquarters wrote and approved just now."""
        written = self.practice(hq, "submitted", plant_id=str(self.plants[plant]), **content)
        answer = hq.post(f"/best-practices/{written['id']}/approve")
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    def benchmark(self, practice: Mapping[str, Any]) -> None:
        """Benchmark a practice past the portal."""
        self.query(
            "INSERT INTO benchmarked_practices (practice_id, benchmarked_by_user_id, benchmarked_date)"
            " VALUES (%s, %s, %s)",
            practice["id"], practice["submitted_by_user_id"], self.clock.now().date(),
        )  # fmt: skip

    def mark_deleted(self, practice: Mapping[str, Any]) -> None:
        """Delete a practice past the portal, which then has not summed its month anew."""
        self.query("UPDATE best_practices SET is_deleted = true WHERE id = %s", practice["id"])

    def written(self) -> list[list[tuple[Any, ...]]]:
        """Everything that is kept of practices, to see that a refused call left it as it was."""
        return [
            self.query("SELECT * FROM best_practices ORDER BY id"),
            self.query("SELECT * FROM practice_transitions ORDER BY id"),
            self.query("SELECT * FROM monthly_savings ORDER BY id"),
        ]

    def container(self, name: str) -> ContainerClient:
        """A container of the storage account, reached past the portal."""
        return BlobServiceClient.from_connection_string(self.storage).get_container_client(name)

    def ask_for_document(self, author: Person, practice_id: str, **wish: object) -> dict[str, Any]:
        """The leave that an author is given to put a document."""
        answer = author.post("/upload/presigned-url", document_request(practice_id, **wish))
        assert answer.status_code == 200, answer.text
        permit: dict[str, Any] = answer.json()["data"]
        return permit

    def ask_for_upload(self, author: Person, practice_id: str, **wish: object) -> dict[str, Any]:
        """The leave that an author is given to put a photograph."""
        answer = author.post("/upload/presigned-url", upload_request(practice_id, **wish))
        assert answer.status_code == 200, answer.text
        permit: dict[str, Any] = answer.json()["data"]
        return permit

    def blob_names(self, container: str) -> list[str]:
        """What lies in a container."""
        with self.container(container) as client:
            return sorted(blob.name for blob in client.list_blobs())

    def put_blob(self, blob_name: str, data: bytes, container: str = "best-practices") -> None:
        """Put a blob past the portal."""
        with self.container(container) as client:
            client.upload_blob(blob_name, data)

    def deliver(self, blob_name: str, data: bytes = b"") -> None:
        """Tell the blob trigger of a blob, as the host would."""
        container, trigger = TRIGGERS[blob_name.partition("/")[0]]
        blob = func.blob.InputStream(data=data, name=f"{container}/{blob_name}")
        invoke(self._functions[trigger], blob)

    def run_timer(self, name: str, *, due: datetime | None = None, past_due: bool = False) -> None:
        """Run a timer now, as the host would: by hand, or for a time of its schedule."""
        status = {"Next": due.isoformat()} if due else {}
        invoke(self._functions[name], func.timer.TimerRequest(past_due=past_due, schedule_status=status))


def _sent_as(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers that were given as keywords: `if_match` is If-Match."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def at_once(*calls: Callable[[], Result]) -> list[Result]:
    """What several calls give that start at the same instant, each in a thread of its own."""
    start = Barrier(len(calls))

    def started(call: Callable[[], Result]) -> Result:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(started, calls))


def picture(width: int = 800, height: int = 600, kind: str = "JPEG", color: str = "red") -> bytes:
    """A photograph, drawn for a test."""
    drawn = io.BytesIO()
    Image.new("RGB", (width, height), color).save(drawn, kind)
    return drawn.getvalue()


def upload_request(practice_id: str, **changes: object) -> dict[str, object]:
    """The wish to upload a photograph of before, unless `changes` say otherwise."""
    return {
        "practice_id": practice_id,
        "file_type": "image",
        "image_type": "before",
        "filename": "joint.jpg",
        "content_type": "image/jpeg",
        "file_size": 2048,
        **changes,
    }


def document_request(practice_id: str, **changes: object) -> dict[str, object]:
    """The wish to upload a PDF, unless `changes` say otherwise."""
    return {
        "practice_id": practice_id,
        "file_type": "document",
        "filename": "Work instruction 7.pdf",
        "content_type": "application/pdf",
        "file_size": 2048,
        **changes,
    }


def document_confirmation(blob_name: str, **changes: object) -> dict[str, object]:
    """A client's word that it has put a PDF, unless `changes` say otherwise."""
    return {
        "document_name": "Work instruction",
        "blob_name": blob_name,
        "blob_container": "supporting-documents",
        "file_size": 2048,
        "content_type": "application/pdf",
        **changes,
    }


def confirmation(blob_name: str, **changes: object) -> dict[str, object]:
    """A client's word that it has put a photograph of before, unless `changes` say otherwise."""
    return {
        "image_type": "before",
        "blob_name": blob_name,
        "blob_container": "best-practices",
        "file_size": 2048,
        "content_type": "image/jpeg",
        **changes,
    }


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """The status and code of a refusal, which must be in the envelope of the contract."""
    body = answer.json()
    assert body["success"] is False, body
    assert set(body["error"]) == {"code", "message", "details", "request_id"}
    assert body["error"]["request_id"] == answer.headers["X-Request-ID"]
    return answer.status_code, body["error"]["code"]


def fields_of(answer: httpx.Response) -> set[str]:
    """The fields that a refusal complains about."""
    return {fault["field"] for fault in answer.json()["error"]["details"]}


def refusal_of(answer: httpx.Response) -> tuple[int, str, set[str]]:
    """The status and code of a refusal, and the fields that it complains about."""
    return *error_of(answer), fields_of(answer)


def invalid(*fields: str) -> tuple[int, str, set[str]]:
    """The refusal of a body or query whose `fields` break the rules."""
    return 422, "VALIDATION_ERROR", set(fields)


def saving(amount: float | str, currency: str = "lakhs", period: str = "annually") -> dict[str, Any]:
    """A saving as a practice states it."""
    return {"savings_amount": amount, "savings_currency": currency, "savings_period": period}
