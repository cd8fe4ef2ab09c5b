"""`dev.py backup` and `dev.py restore`, as processes: under writers, interrupted, on data that are there."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from azure.storage.blob import BlobServiceClient

from local.data_directory import ROOT, DataDirectory
from tests.e2e.function_host.support import eventually
from tests.e2e.test_up import Up, free_port
from tests.e2e.test_up_services import processes_in
from tests.world import confirmation, picture, upload_request

WRITERS = 16
BEFORE_THE_BACKUP = 2
"""How many photographs each writer has recorded, at least, when the backup begins."""

UNLIMITED = {
    f"RATE_LIMIT_{name}": "off" for name in ("SIGN_IN", "SIGN_IN_CLIENT", "UPLOAD", "GENERAL")
}  # fmt: skip


@dataclass
class Ledger:
    """What was acknowledged: the practices, the recorded photographs with their SHA-256, the deleted ones."""

    practices: list[str] = field(default_factory=list)
    recorded: dict[str, str] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)


class Writer:
    """A user who writes practices with photographs, and deletes every third, until told to stop."""

    def __init__(self, portal: dict[str, Any], number: int) -> None:
        account = portal["accounts"][number % len(portal["accounts"])]
        self.http = httpx.Client(base_url=f"{portal['base_url']}/api/v1", timeout=30)
        credentials = {"email": account["email"], "password": account["password"]}
        self.tokens = self.call("POST", "/auth/login", credentials)
        self.http.headers["Authorization"] = f"Bearer {self.tokens['access_token']}"
        self.plant = {"plant_id": self.a_plant()} if account["role"] == "hq" else {}
        self.ledger = Ledger()

    def call(self, method: str, path: str, body: object = None) -> Any:
        while (response := self.http.request(method, path, json=body)).status_code == 503:
            time.sleep(0.5)  # too many files are being examined
        assert response.is_success, response.text
        return response.json()["data"] if response.content else None

    def a_plant(self) -> str:
        plant: str = self.call("GET", "/plants")[0]["id"]
        return plant

    def write(self, stop: threading.Event) -> None:
        while not stop.is_set():
            practice = self.call("POST", "/best-practices", {"title": "Under load", **self.plant})
            self.ledger.practices.append(practice["id"])
            image = self.upload(practice["id"])
            if len(self.ledger.recorded) % 3 == 0:
                self.call("DELETE", f"/best-practices/{practice['id']}/images/{image}")
                self.ledger.deleted.append(image)

    def upload(self, practice_id: str) -> str:
        """Upload a photograph of a colour of its own. Returns the id of the image."""
        color = "#" + practice_id[:6]
        permit = self.call("POST", "/upload/presigned-url", upload_request(practice_id))
        photograph = picture(200, 100, color=color)
        put = httpx.put(permit["upload_url"], content=photograph, headers={"x-ms-blob-type": "BlockBlob"})
        assert put.status_code == 201
        path = f"/best-practices/{practice_id}/images"
        image = self.call("POST", path, confirmation(permit["blob_name"]))
        stored = httpx.get(image["blob_url"]).content
        self.ledger.recorded[image["id"]] = hashlib.sha256(stored).hexdigest()
        return str(image["id"])


def start(command: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    services = ("DATABASE_URL", "AzureWebJobsStorage", "TEST_DATABASE_URL")
    inherited = {name: value for name, value in os.environ.items() if name not in services}
    return subprocess.Popen(
        [sys.executable, "-m", f"local.backups.{command}", *map(str, arguments)],
        cwd=ROOT,
        env={**inherited, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(command: str, *arguments: object, **environment: str) -> tuple[int, str]:
    """Run a command. Returns its exit status and its output."""
    with start(command, *arguments, **environment) as process:
        output = process.communicate()[0]
    return process.returncode, output


@dataclass(frozen=True)
class Saved:
    """A portal, which is stopped, and a backup that was taken of it under writers.

    `before` was acknowledged before the backup began. `signed_in` are the tokens of a user who did nothing
    after it, `refreshed` those of one who refreshed the session after the backup.
    """

    data: Path
    archive: Path
    output: str
    before: Ledger
    refused: tuple[int, str]
    signed_in: dict[str, Any]
    refreshed: dict[str, Any]


@pytest.fixture(scope="module")
def saved(open_directory: Path) -> Saved:
    data, archive = open_directory / "first", open_directory / "portal.backup"
    up = Up(data, free_port(), **UNLIMITED)
    try:
        writers, stop = [Writer(up.portal, number) for number in range(WRITERS)], threading.Event()
        threads = [threading.Thread(target=writer.write, args=[stop]) for writer in writers]
        try:
            for thread in threads:
                thread.start()
            eventually(lambda: all(len(one.ledger.recorded) >= BEFORE_THE_BACKUP for one in writers))
            before = Ledger()
            for ledger in (writer.ledger for writer in writers):
                before.deleted += list(ledger.deleted)
                before.recorded |= dict(ledger.recorded)
                before.practices += list(ledger.practices)
            status, output = run("create", archive, "--data-dir", data)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert status == 0, output
        other = writers[1]
        refreshed = other.call("POST", "/auth/refresh", {"refresh_token": other.tokens["refresh_token"]})
        refused = run("restore", archive, "--data-dir", data, "--replace")
        for writer in writers:
            writer.http.close()
    finally:
        up.stop()
    return Saved(data, archive, output, before, refused, writers[0].tokens, refreshed)


@pytest.fixture(scope="module")
def restored(saved: Saved, open_directory: Path) -> Iterator[dict[str, Any]]:
    """A portal in another directory, restored from the backup."""
    data = open_directory / "second"
    status, output = run("restore", saved.archive, "--data-dir", data)
    assert status == 0, output
    up = Up(data, free_port(), **UNLIMITED)
    yield up.portal
    up.stop()


def rows(portal: dict[str, Any], query: bytes) -> list[tuple[Any, ...]]:
    with psycopg.connect(portal["database_url"]) as connection:
        return connection.execute(query).fetchall()


def test_what_was_acknowledged_before_the_backup_is_in_it(saved: Saved, restored: dict[str, Any]) -> None:
    practices = {str(row[0]) for row in rows(restored, b"SELECT id FROM best_practices")}
    images = {str(row[0]) for row in rows(restored, b"SELECT id FROM practice_images")}

    assert len(saved.before.practices) >= WRITERS * BEFORE_THE_BACKUP
    assert set(saved.before.practices) - practices == set()
    assert images & set(saved.before.deleted) == set()
    # Deletions that were acknowledged while the ledger was read, or in progress, may be in the backup.
    gone = set(saved.before.recorded) - images - set(saved.before.deleted)
    assert len(gone) <= WRITERS
    deleted = {str(row[0]) for row in rows(
        restored, b"SELECT entity_id FROM audit_log WHERE action = 'image.deleted'"
    )}  # fmt: skip
    assert gone <= deleted


def test_every_restored_photograph_has_its_bytes(saved: Saved, restored: dict[str, Any]) -> None:
    images = rows(restored, b"SELECT id, blob_container, blob_name, file_size FROM practice_images")
    assert len(images) > WRITERS
    with BlobServiceClient.from_connection_string(restored["storage_connection_string"]) as service:
        for image, container, name, size in images:
            stored = service.get_blob_client(container, name).download_blob().readall()
            assert len(stored) == size
            expected = saved.before.recorded.get(str(image))
            assert expected in (None, hashlib.sha256(stored).hexdigest())


def test_figures_that_are_calculated_again_agree_with_the_restored_ones(restored: dict[str, Any]) -> None:
    jobs = (b"rebuild_roll_ups", b"verify_leaderboard", b"aggregate_monthly_savings")
    for job in jobs:
        url = f"{restored['base_url']}/admin/functions/{job.decode()}"
        assert httpx.post(url, json={}).status_code == 202
    query = b"SELECT name, state, rows FROM job_runs ORDER BY name"
    eventually(lambda: {(job.decode(), "completed", 0) for job in jobs} <= set(rows(restored, query)))


def test_the_restored_portal_records_nothing_twice_and_loses_no_file(restored: dict[str, Any]) -> None:
    before = rows(restored, b"SELECT id, blob_name FROM practice_images ORDER BY id")
    assert httpx.post(f"{restored['base_url']}/admin/functions/reconcile_uploads", json={}).status_code == 202
    eventually(
        lambda: (
            rows(restored, b"SELECT FROM job_runs WHERE name = 'reconcile_uploads' AND state = 'completed'")
            != []
        )
    )
    assert rows(restored, b"SELECT id, blob_name FROM practice_images ORDER BY id") >= before
    assert rows(restored, b"SELECT count(*) FROM audit_log WHERE action = 'image.lost'") == [(0,)]


def test_sessions_go_on_unless_they_were_refreshed_after_the_backup(
    saved: Saved, restored: dict[str, Any]
) -> None:
    refresh = f"{restored['base_url']}/api/v1/auth/refresh"
    assert httpx.post(refresh, json={"refresh_token": saved.signed_in["refresh_token"]}).status_code == 200
    again = httpx.post(refresh, json={"refresh_token": saved.refreshed["refresh_token"]})
    assert again.status_code == 401


def test_passwords_of_the_demo_users_are_those_of_the_backup(saved: Saved, restored: dict[str, Any]) -> None:
    account = restored["accounts"][0]
    credentials = {"email": account["email"], "password": account["password"]}
    assert httpx.post(f"{restored['base_url']}/api/v1/auth/login", json=credentials).status_code == 200
    assert (restored["accounts"][0]["password"]) is not None


def test_a_backup_is_readable_by_its_owner_only_and_says_what_it_has(saved: Saved) -> None:
    assert saved.archive.stat().st_mode & 0o777 == 0o600
    assert f"{saved.archive} has " in saved.output
    assert "It has the passwords and keys of the portal" in saved.output
    assert sorted(path.name for path in saved.archive.parent.glob("portal.backup*")) == ["portal.backup"]


def test_a_running_portal_is_not_restored(saved: Saved) -> None:
    status, output = saved.refused
    assert status == 1
    assert f"The restore failed, and nothing was changed. A portal runs on {saved.data}" in output
    assert "Stop it first." in output


def fingerprint(data: DataDirectory) -> dict[str, str]:
    """The SHA-256 of every file of a stopped portal."""
    kept = [data.secrets, *data.postgres.rglob("*"), *data.azurite.rglob("*")]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in kept if file.is_file()}


def test_data_that_are_there_are_replaced_only_when_asked_and_kept_beside(saved: Saved) -> None:
    data = DataDirectory(saved.data)
    before = fingerprint(data)
    status, output = run("restore", saved.archive, "--data-dir", saved.data)
    assert status == 1
    assert "add --replace" in output
    assert fingerprint(data) == before

    for number, expected in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
        with start("restore", saved.archive, "--data-dir", saved.data, "--replace") as process:
            assert process.stdout is not None
            next(line for line in process.stdout if line.startswith("Creating a database"))
            process.send_signal(number)
            output = process.communicate()[0]
        assert process.returncode == expected, output
        assert number == signal.SIGKILL or "was stopped, and nothing was changed" in output
        assert fingerprint(data) == before

    status, output = run("restore", saved.archive, "--data-dir", saved.data, "--replace")
    assert status == 0, output
    assert processes_in(saved.data) == []
    assert not data.restoring.exists()
    assert f"are in {data.replaced}" in output
    assert {path.replace(f"{data.replaced}/", f"{data.path}/") for path in
            fingerprint(DataDirectory(data.replaced))} == set(before)  # fmt: skip


def test_a_stopped_portal_is_backed_up_and_stays_stopped(saved: Saved, open_path: Path) -> None:
    status, output = run("create", open_path / "stopped", "--data-dir", saved.data)
    assert status == 0, output
    assert "The portal is stopped: starting its database and storage" in output
    assert processes_in(saved.data) == []


def test_a_damaged_archive_changes_nothing(saved: Saved, open_path: Path) -> None:
    damaged = open_path / "damaged"
    content = bytearray(saved.archive.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    status, output = run("restore", damaged, "--data-dir", open_path / "new")
    assert status == 1
    assert "damaged" in output
    assert [path.name for path in (open_path / "new").iterdir()] == ["up.lock"]


@pytest.mark.parametrize("command", ["create", "restore"])
def test_external_data_are_refused_with_what_to_use_instead(open_path: Path, command: str) -> None:
    status, output = run(
        command,
        open_path / "x",
        "--data-dir",
        open_path / "data",
        DATABASE_URL="postgresql://somewhere/portal",
    )
    assert status == 1
    assert "DATABASE_URL in the environment points to external data." in output
    assert "pg_dump" in output


def test_without_a_portal_there_is_nothing_to_back_up(open_path: Path) -> None:
    status, output = run("create", open_path / "x", "--data-dir", open_path / "data")
    assert status == 1
    assert f"There is no portal in {open_path / 'data'}" in output
    assert not (open_path / "x").exists()
