"""A complete portal for a test: PostgreSQL, Azurite, and the functions behind the routing of the host.

Only the clock is a fake. The `world` fixture in conftest.py creates one; users sign in over HTTP.
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
    "RATE_LIMIT_SIGN_IN_CLIENT": "off",
    "RATE_LIMIT_UPLOAD": "off",
    "RATE_LIMIT_GENERAL": "off",
    "AGGREGATE_SAVINGS_SCHEDULE": "0 30 19 * * *",
    "RATE_STARS_SCHEDULE": "0 45 19 * * *",
    "RECONCILE_UPLOADS_SCHEDULE": "0 0 20 * * *",
    "REBUILD_ROLL_UPS_SCHEDULE": "0 0 21 * * *",
    "VERIFY_LEADERBOARD_SCHEDULE": "0 15 20 * * *",
    "PURGE_EXPIRED_SCHEDULE": "0 30 20 * * *",
    "REMIND_REVIEWERS_SCHEDULE": "0 0 1 * * *",
}

TRIGGERS: Final[Mapping[str, tuple[str, str]]] = {
    "practices": ("best-practices", "record_upload"),
    "documents": ("supporting-documents", "record_document"),
}
"""The container and the trigger of the blobs in each folder."""

COMPLETE: Final[Mapping[str, object]] = {
    "title": "Less scrap in brazing",
    "description": "Joints leaked after brazing.",
    "problem_statement": "One joint in forty leaked.",
    "solution": "Nitrogen is fed while the joint cools.",
}
"""The fields that a submission needs, without its category."""


class SetClock:
    """A clock that a test sets and advances."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


@dataclass
class Person:
    """A user with an HTTP client, which sends a token after `sign_in`."""

    email: str
    role: str
    plant_id: UUID | None
    http: httpx.Client
    tokens: dict[str, Any] = field(default_factory=dict)

    def sign_in(self, *, remember_me: bool = False) -> "Person":
        body = {"email": self.email, "password": PASSWORD, "remember_me": remember_me}
        response = self.http.post("/api/v1/auth/login", json=body)
        assert response.status_code == 200, response.text
        self.tokens = response.json()["data"]
        self.http.headers["Authorization"] = f"Bearer {self.tokens['access_token']}"
        return self

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(f"/api/v1{path}", params=query)

    def post(self, path: str, body: object = None, **headers: str) -> httpx.Response:
        return self.http.post(
            f"/api/v1{path}", json={} if body is None else body, headers=_header_names(headers)
        )

    def patch(self, path: str, body: object, **headers: str) -> httpx.Response:
        return self.http.patch(f"/api/v1{path}", json=body, headers=_header_names(headers))

    def delete(self, path: str, **headers: str) -> httpx.Response:
        return self.http.delete(f"/api/v1{path}", headers=_header_names(headers))

    def edit(self, practice: Mapping[str, Any], **changes: object) -> dict[str, Any]:
        """Edit a practice, which must succeed. Returns the practice."""
        response = self.patch(f"/best-practices/{practice['id']}", changes)
        assert response.status_code == 200, response.text
        data: dict[str, Any] = response.json()["data"]
        return data


class World:
    """A portal with its database, its storage and its users."""

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
        # The host always uses the connection string, also if the portal uses managed identity.
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
        """An HTTP client without a token."""
        transport = httpx.WSGITransport(app=self._app, remote_addr=address)
        hooks = {"response": [self._check_declaration]}
        browser = httpx.Client(transport=transport, base_url="http://portal.test", event_hooks=hooks)
        self._browsers.append(browser)
        return browser

    def _check_declaration(self, response: httpx.Response) -> None:
        response.read()
        if "X-Request-ID" in response.headers:  # otherwise the host responded, not the portal
            declared.check(response, self._router)

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement directly in the database. Returns the rows."""
        with psycopg.connect(self.database_url) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def add_person(self, email: str, *, plant: int | None = None, is_active: bool = True) -> Person:
        """Add a user of headquarters or of a plant (0 to 6) who has not signed in yet."""
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
        """Add a user of headquarters, signed in."""
        return self.add_person(f"hq{len(self._browsers)}@amber.test").sign_in()

    def plant_user(self, plant: int = 0) -> Person:
        """Add a user of a plant (0 to 6), signed in."""
        return self.add_person(f"plant{plant}-{len(self._browsers)}@amber.test", plant=plant).sign_in()

    def practice(self, author: Person, status: str = "draft", **content: object) -> dict[str, Any]:
        """Create a practice over HTTP: complete, unless `content` overrides fields."""
        body = {**COMPLETE, "category_id": str(self.categories[0]), "status": status, **content}
        response = author.post("/best-practices", body)
        assert response.status_code == 201, response.text
        data: dict[str, Any] = response.json()["data"]
        return data

    def approved(self, hq: Person, plant: int = 0, **content: object) -> dict[str, Any]:
        """Create and approve a practice of a plant (0 to 6)."""
        written = self.practice(hq, "submitted", plant_id=str(self.plants[plant]), **content)
        response = hq.post(f"/best-practices/{written['id']}/approve")
        assert response.status_code == 200, response.text
        data: dict[str, Any] = response.json()["data"]
        return data

    def benchmark(self, practice: Mapping[str, Any]) -> None:
        """Benchmark a practice directly in the database."""
        self.query(
            "INSERT INTO benchmarked_practices (practice_id, benchmarked_by_user_id, benchmarked_date)"
            " VALUES (%s, %s, %s)",
            practice["id"], practice["submitted_by_user_id"], self.clock.now().date(),
        )  # fmt: skip

    def mark_deleted(self, practice: Mapping[str, Any]) -> None:
        """Delete a practice directly in the database, without its monthly sums."""
        self.query("UPDATE best_practices SET is_deleted = true WHERE id = %s", practice["id"])

    def snapshot(self) -> list[list[tuple[Any, ...]]]:
        """All rows of practices, transitions and monthly savings, to check that a call changed nothing."""
        return [
            self.query("SELECT * FROM best_practices ORDER BY id"),
            self.query("SELECT * FROM practice_transitions ORDER BY id"),
            self.query("SELECT * FROM monthly_savings ORDER BY id"),
        ]

    def container(self, name: str) -> ContainerClient:
        """A client of a container of the storage account."""
        return BlobServiceClient.from_connection_string(self.storage).get_container_client(name)

    def presign_document(self, author: Person, practice_id: str, **changes: object) -> dict[str, Any]:
        """Request an upload permit for a document."""
        response = author.post("/upload/presigned-url", document_request(practice_id, **changes))
        assert response.status_code == 200, response.text
        permit: dict[str, Any] = response.json()["data"]
        return permit

    def presign_image(self, author: Person, practice_id: str, **changes: object) -> dict[str, Any]:
        """Request an upload permit for an image."""
        response = author.post("/upload/presigned-url", upload_request(practice_id, **changes))
        assert response.status_code == 200, response.text
        permit: dict[str, Any] = response.json()["data"]
        return permit

    def blob_names(self, container: str) -> list[str]:
        """The names of the blobs in a container."""
        with self.container(container) as client:
            return sorted(blob.name for blob in client.list_blobs())

    def put_blob(self, blob_name: str, data: bytes, container: str = "best-practices") -> None:
        """Write a blob directly to the storage."""
        with self.container(container) as client:
            client.upload_blob(blob_name, data)

    def deliver(self, blob_name: str, data: bytes = b"") -> None:
        """Run the blob trigger for a blob."""
        container, trigger = TRIGGERS[blob_name.partition("/")[0]]
        blob = func.blob.InputStream(data=data, name=f"{container}/{blob_name}")
        invoke(self._functions[trigger], blob)

    def run_timer(self, name: str, *, due: datetime | None = None, past_due: bool = False) -> None:
        """Run a timer: for the scheduled time `due`, or without one as a manual run."""
        status = {"Next": due.isoformat()} if due else {}
        invoke(self._functions[name], func.timer.TimerRequest(past_due=past_due, schedule_status=status))


def _header_names(headers: Mapping[str, str]) -> dict[str, str]:
    """Header names from keyword arguments: `if_match` is If-Match."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def concurrently(*calls: Callable[[], Result]) -> list[Result]:
    """Run calls at the same time, each in its own thread. Returns their results."""
    start = Barrier(len(calls))

    def started(call: Callable[[], Result]) -> Result:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(started, calls))


def picture(width: int = 800, height: int = 600, kind: str = "JPEG", color: str = "red") -> bytes:
    """An image of one color."""
    drawn = io.BytesIO()
    Image.new("RGB", (width, height), color).save(drawn, kind)
    return drawn.getvalue()


def upload_request(practice_id: str, **changes: object) -> dict[str, object]:
    """The body of a request for an upload permit for an image."""
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
    """The body of a request for an upload permit for a PDF."""
    return {
        "practice_id": practice_id,
        "file_type": "document",
        "filename": "Work instruction 7.pdf",
        "content_type": "application/pdf",
        "file_size": 2048,
        **changes,
    }


def document_confirmation(blob_name: str, **changes: object) -> dict[str, object]:
    """The body of a confirmation of an uploaded PDF."""
    return {
        "document_name": "Work instruction",
        "blob_name": blob_name,
        "blob_container": "supporting-documents",
        "file_size": 2048,
        "content_type": "application/pdf",
        **changes,
    }


def confirmation(blob_name: str, **changes: object) -> dict[str, object]:
    """The body of a confirmation of an uploaded image."""
    return {
        "image_type": "before",
        "blob_name": blob_name,
        "blob_container": "best-practices",
        "file_size": 2048,
        "content_type": "image/jpeg",
        **changes,
    }


def error_of(response: httpx.Response) -> tuple[int, str]:
    """The status and code of an error response, which must be in the standard envelope."""
    body = response.json()
    assert body["success"] is False, body
    wait = response.headers.get("Retry-After")
    waits = set() if wait is None else {"retry_after"}
    assert set(body["error"]) == {"code", "message", "details", "request_id"} | waits
    assert wait is None or body["error"]["retry_after"] == int(wait)
    assert body["error"]["request_id"] == response.headers["X-Request-ID"]
    return response.status_code, body["error"]["code"]


def fields_of(response: httpx.Response) -> set[str]:
    """The fields that an error response names."""
    return {fault["field"] for fault in response.json()["error"]["details"]}


def refusal_of(response: httpx.Response) -> tuple[int, str, set[str]]:
    """The status and code of an error response, and the fields that it names."""
    return *error_of(response), fields_of(response)


def invalid(*fields: str) -> tuple[int, str, set[str]]:
    """The error response for invalid `fields` of a body or query."""
    return 422, "VALIDATION_ERROR", set(fields)


def saving(amount: float | str, currency: str = "lakhs", period: str = "annually") -> dict[str, Any]:
    """The three fields of a saving."""
    return {"savings_amount": amount, "savings_currency": currency, "savings_period": period}
