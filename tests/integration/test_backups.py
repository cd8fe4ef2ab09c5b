"""A backup of the local portal: one consistent state of database and storage, whatever happens meanwhile."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from azure.core.exceptions import AzureError
from psycopg import sql

from local.backups.archive import BackupError, Manifest, open_archive
from local.backups.blobs import open_storage
from local.backups.blobs import upload as upload_blobs
from local.backups.create import back_up
from local.backups.restore import load_database
from local.backups.source import Source
from ops.migrate import downgrade, known_revisions
from tests.conftest import DatabaseServer, new_database
from tests.world import Person, World, confirmation, picture

TIMEOUT_SECONDS = 30
OLDEST_WITH_DOCUMENTS = "0005"


@pytest.fixture
def source(world: World, tmp_path: Path) -> Source:
    secrets = tmp_path / "secrets.json"
    secrets.write_text('{"jwt_secret": "a key", "passwords": {}}')
    return Source(world.database_url, world.storage, secrets)


@pytest.fixture
def empty_database_url(postgres_server: DatabaseServer) -> Iterator[str]:
    with new_database(postgres_server, template="template0") as name:
        yield postgres_server.url(name)


def upload(world: World, author: Person, practice: dict[str, Any], image_type: str) -> dict[str, Any]:
    permit = world.presign_image(author, practice["id"], image_type=image_type)
    world.put_blob(permit["blob_name"], picture(color="red" if image_type == "before" else "blue"))
    body = confirmation(permit["blob_name"], image_type=image_type)
    response = author.post(f"/best-practices/{practice['id']}/images", body)
    assert response.status_code == 201, response.text
    image: dict[str, Any] = response.json()["data"]
    return image


@pytest.fixture
def author(world: World) -> Person:
    return world.plant_user()


@pytest.fixture
def practice(world: World, author: Person) -> dict[str, Any]:
    return world.practice(author)


def rows_of(url: str) -> dict[str, list[str]]:
    """All rows of all tables, as text."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        ).fetchall()
        query = sql.SQL("SELECT t::text FROM {} t ORDER BY 1")
        return {
            name: [row for (row,) in connection.execute(query.format(sql.Identifier(name)))]
            for (name,) in tables
        }


def blobs_in(manifest: Manifest) -> list[tuple[str, str]]:
    return sorted((blob.container, blob.name) for blob in manifest.blobs)


def restore_rows(archive: Path, url: str) -> None:
    with open_archive(archive) as opened:
        opened.verify(lambda _: None)
        load_database(url, opened, lambda _: None)


def test_a_restored_database_has_exactly_the_rows_of_the_backup_and_takes_new_ones(
    world: World,
    source: Source,
    author: Person,
    practice: dict[str, Any],
    empty_database_url: str,
    tmp_path: Path,
) -> None:
    hq = world.headquarters()
    upload(world, author, practice, "before")
    original = world.approved(hq, savings_amount="1.25", savings_currency="crores", savings_period="annually")
    world.benchmark(original)
    copy = {
        "original_practice_id": original["id"],
        "customized_title": "\\N \\. \t a title; DROP TABLE users",
    }
    copied = world.plant_user(plant=1).post("/copy/implement", copy, Idempotency_Key="k" * 16)
    assert copied.status_code == 201, copied.text
    archive = tmp_path / "backup"

    back_up(source, archive, lambda _: None)
    restore_rows(archive, empty_database_url)

    assert rows_of(empty_database_url) == rows_of(world.database_url)
    with psycopg.connect(empty_database_url) as connection:
        [(expected,)] = connection.execute("SELECT max(id) + 1 FROM idempotency_keys").fetchall()
        inserted = connection.execute(
            "INSERT INTO idempotency_keys (user_id, key, request_hash, expires_at)"
            " SELECT id, 'next', '', now() FROM users LIMIT 1 RETURNING id"
        ).fetchall()
        assert inserted == [(expected,)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="insert-only"):
            connection.execute("DELETE FROM audit_log")


@pytest.mark.parametrize(
    "revision", sorted(one for one in known_revisions() if one >= OLDEST_WITH_DOCUMENTS)[::4]
)
def test_a_backup_of_an_older_revision_is_migrated_after_it_was_restored(
    world: World, source: Source, empty_database_url: str, tmp_path: Path, revision: str
) -> None:
    world.add_person("somebody@amber.test", plant=3)
    downgrade(world.database_url, revision)
    archive = tmp_path / "backup"

    assert back_up(source, archive, lambda _: None).revision == revision
    restore_rows(archive, empty_database_url)

    restored = rows_of(empty_database_url)
    assert restored["alembic_version"] == [f"({max(known_revisions())})"]
    assert [row for row in restored["users"] if "somebody@amber.test" in row] != []


def test_the_archive_has_what_the_rows_name_uploads_on_their_way_and_the_quarantine(
    world: World, source: Source, author: Person, practice: dict[str, Any], tmp_path: Path
) -> None:
    recorded = upload(world, author, practice, "before")
    world.deliver(recorded["blob_name"])
    waiting = world.presign_image(author, practice["id"])["blob_name"]
    world.put_blob(waiting, picture(color="green"))
    world.presign_image(author, practice["id"])  # never arrives
    rejected = world.presign_image(author, practice["id"])["blob_name"]
    world.put_blob(rejected, b"not a photograph")
    world.deliver(rejected)
    world.put_blob("practices/nobody-requested-this.jpg", b"")

    manifest = back_up(source, tmp_path / "backup", lambda _: None)

    assert blobs_in(manifest) == sorted([
        ("best-practices", recorded["blob_name"]),
        ("best-practices", waiting),
        ("quarantine", f"best-practices/{rejected}"),
        ("thumbnails", f"{recorded['blob_name']}.webp"),
    ])  # fmt: skip
    [quarantined] = [blob for blob in manifest.blobs if blob.container == "quarantine"]
    assert quarantined.metadata == {"reason": "The%20file%20is%20not%20of%20type%20image/jpeg."}
    assert manifest.lost == ()
    assert manifest.unused == ()


@contextmanager
def backup_that_waits(
    world: World, source: Source, archive: Path, deletion: psycopg.Connection
) -> Iterator[list[Manifest]]:
    """A backup that has found a blob gone, and waits for the transaction of its deletion."""
    manifests: list[Manifest] = []
    thread = Thread(target=lambda: manifests.append(back_up(source, archive, lambda _: None)))
    thread.start()
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while world.query("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]:
        assert thread.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield manifests
    thread.join(TIMEOUT_SECONDS)


def delete_halfway(world: World, deletion: psycopg.Connection, image: dict[str, Any]) -> None:
    """Do what the deletion of an image does before its transaction is committed."""
    deletion.execute("DELETE FROM practice_images WHERE id = %s", (image["id"],))
    with world.container("best-practices") as container:
        container.delete_blob(image["blob_name"])


def test_a_backup_waits_for_a_deletion_in_progress_and_has_neither_row_nor_blob(
    world: World, source: Source, author: Person, practice: dict[str, Any], tmp_path: Path
) -> None:
    stays, goes = (upload(world, author, practice, image_type) for image_type in ("before", "after"))
    with psycopg.connect(world.database_url) as deletion:
        delete_halfway(world, deletion, goes)
        with backup_that_waits(world, source, tmp_path / "backup", deletion) as manifests:
            deletion.commit()

    [manifest] = manifests
    assert blobs_in(manifest) == [("best-practices", stays["blob_name"])]
    assert [table.rows for table in manifest.tables if table.name == "practice_images"] == [1]
    assert manifest.lost == ()


def test_a_blob_that_the_storage_has_lost_does_not_stop_a_backup_which_names_it(
    world: World,
    source: Source,
    author: Person,
    practice: dict[str, Any],
    tmp_path: Path,
    empty_database_url: str,
) -> None:
    stays, lost = (upload(world, author, practice, image_type) for image_type in ("before", "after"))
    with psycopg.connect(world.database_url) as deletion:
        delete_halfway(world, deletion, lost)
        with backup_that_waits(world, source, tmp_path / "backup", deletion) as manifests:
            deletion.rollback()

    [manifest] = manifests
    assert blobs_in(manifest) == [("best-practices", stays["blob_name"])]
    assert [(blob.container, blob.name) for blob in manifest.lost] == [("best-practices", lost["blob_name"])]
    restore_rows(tmp_path / "backup", empty_database_url)
    assert rows_of(empty_database_url) == rows_of(world.database_url)


def test_blobs_that_are_deleted_after_they_were_copied_are_not_restored(
    world: World, source: Source, author: Person, practice: dict[str, Any], tmp_path: Path
) -> None:
    images = [upload(world, author, practice, image_type) for image_type in ("before", "after")]

    def delete_both(line: str) -> None:
        if line == "Files: 1 of 2":
            for image in images:
                path = f"/best-practices/{practice['id']}/images/{image['id']}"
                assert author.delete(path).status_code in (200, 204)

    manifest = back_up(source, tmp_path / "backup", delete_both)

    assert manifest.blobs == ()
    assert [member.member for member in manifest.unused] == ["blobs/00000001"]
    assert [table.rows for table in manifest.tables if table.name == "practice_images"] == [0]
    with open_archive(tmp_path / "backup") as archive:
        archive.verify(lambda _: None)


def fails(source: Source, archive: Path, progress: Callable[[str], None] = lambda _: None) -> str:
    with pytest.raises(BackupError) as failure:
        back_up(source, archive, progress)
    return str(failure.value)


def test_a_backup_never_replaces_a_file(source: Source, tmp_path: Path) -> None:
    archive = tmp_path / "backup"
    archive.write_text("mine")
    assert f"{archive} exists." in fails(source, archive)
    assert archive.read_text() == "mine"


def appear(file: Path) -> None:
    file.write_text("mine")


def test_a_file_that_appears_while_a_backup_runs_stays(source: Source, tmp_path: Path) -> None:
    archive = tmp_path / "backup"
    assert f"{archive} exists." in fails(source, archive, lambda _: appear(archive))
    assert archive.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "secrets.json"]


def test_an_interrupted_backup_leaves_no_file(source: Source, tmp_path: Path) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(source, tmp_path / "backup", interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.json"]


def test_a_backup_into_a_missing_directory_says_so(source: Source, tmp_path: Path) -> None:
    archive = tmp_path / "absent" / "backup"
    assert fails(source, archive) == f"{archive} cannot be written: No such file or directory."


def test_a_tampered_archive_cannot_break_references_between_rows(
    world: World,
    source: Source,
    author: Person,
    practice: dict[str, Any],
    tmp_path: Path,
    empty_database_url: str,
) -> None:
    upload(world, author, practice, "before")
    world.query("ALTER TABLE practice_images DROP CONSTRAINT practice_images_practice_id_fkey")
    world.query("UPDATE practice_images SET practice_id = gen_random_uuid()")
    back_up(source, tmp_path / "backup", lambda _: None)
    with pytest.raises(BackupError, match="do not fit its revision of the schema"):
        restore_rows(tmp_path / "backup", empty_database_url)


def test_an_archive_without_a_file_that_its_rows_name_is_refused(
    world: World,
    source: Source,
    author: Person,
    practice: dict[str, Any],
    tmp_path: Path,
    empty_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload(world, author, practice, "before")
    monkeypatch.setattr("local.backups.create.named_blobs", lambda _: set())
    monkeypatch.setattr("local.backups.create.expected_blobs", lambda _: set())
    back_up(source, tmp_path / "backup", lambda _: None)
    with pytest.raises(BackupError, match="The archive lacks 1 files that its rows name"):
        restore_rows(tmp_path / "backup", empty_database_url)


@pytest.mark.parametrize(
    "change",
    [
        {"container": "azure-webjobs-hosts"},
        {"container": "../elsewhere"},
    ],
    ids=str,
)
def test_a_tampered_archive_writes_to_no_other_container(
    world: World,
    source: Source,
    author: Person,
    practice: dict[str, Any],
    tmp_path: Path,
    change: dict[str, Any],
) -> None:
    upload(world, author, practice, "before")
    back_up(source, tmp_path / "backup", lambda _: None)
    with open_archive(tmp_path / "backup") as archive, open_storage(world.storage) as service:
        [blob] = archive.manifest.blobs
        changed = archive.manifest.model_copy(update={"blobs": (blob.model_copy(update=change),)})
        archive.manifest = changed
        with pytest.raises((BackupError, AzureError)):
            upload_blobs(service, archive, lambda _: None)
