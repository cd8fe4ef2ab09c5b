"""The runbook "In earnest: restoring production", as far as one machine can: two databases and one storage.

The statements come from docs/deployment.md. The restored server is a copy of the database as it was at `T`.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from functions import bootstrap
from local.backups.archive import open_archive
from local.backups.create import back_up
from local.backups.restore import load_database
from local.backups.source import Source
from tests.conftest import DatabaseServer, new_database
from tests.world import Person, World, confirmation, picture, saving

RUNBOOK: Final = Path(__file__).parents[2] / "docs" / "deployment.md"
MINUTES: Final = timedelta(minutes=5)


def statements_of_step(number: int) -> list[str]:
    """The SQL of a step of the runbook."""
    section = RUNBOOK.read_text(encoding="utf-8").partition("## In earnest: restoring production")[2]
    step = re.split(r"^(\d+)\. \*\*", section.partition("\n## ")[0], flags=re.MULTILINE)
    content = step[step.index(str(number)) + 1]
    return re.findall(r"```sql\n(.*?)```", content, flags=re.DOTALL)


def run_step(url: str, number: int, **values: object) -> list[list[tuple[Any, ...]]]:
    """Run the statements of a step as an administrator; `:'NAME'` in them is a value, as in psql."""
    results = []
    with psycopg.connect(url) as connection:
        for statement in statements_of_step(number):
            query = re.sub(r":'(\w+)'", r"%(\1)s", statement)
            cursor = connection.execute(query.encode(), values)
            results.append(cursor.fetchall() if cursor.description else [])
    return results


@pytest.fixture
def restored_url(postgres_server: DatabaseServer) -> Iterator[str]:
    with new_database(postgres_server, template="template0") as name:
        yield postgres_server.url(name)


def restore_beside(world: World, url: str, directory: Path) -> None:
    """A second database with what the first one has now."""
    secrets = directory / "secrets.json"
    secrets.write_text("{}")
    back_up(Source(world.database_url, world.storage, secrets), directory / "backup", lambda _: None)
    with open_archive(directory / "backup") as archive:
        load_database(url, archive, lambda _: None)


def upload(world: World, author: Person, practice: dict[str, Any], color: str) -> str:
    """Upload, confirm and deliver a photograph. Returns its blob name."""
    blob_name: str = world.presign_image(author, practice["id"])["blob_name"]
    world.put_blob(blob_name, picture(color=color))
    response = author.post(f"/best-practices/{practice['id']}/images", confirmation(blob_name))
    assert response.status_code == 201, response.text
    world.deliver(blob_name)
    return blob_name


def images_of(portal: World) -> set[str]:
    return {row[0] for row in portal.query("SELECT blob_name FROM practice_images")}


def reconcile(portal: World) -> None:
    portal.clock.advance(timedelta(hours=2))  # files that are younger than an hour are not missed
    portal.run_timer("reconcile_uploads")
    assert portal.query("SELECT DISTINCT state FROM job_runs WHERE name = 'reconcile_uploads'") == [
        ("completed",)
    ]


def test_the_steps_bring_back_a_time_and_lose_what_the_runbook_says(
    world: World, restored_url: str, tmp_path: Path
) -> None:
    hq, author, leaver = world.headquarters(), world.plant_user(), world.plant_user(plant=2)
    draft, approved = world.practice(author), world.approved(hq, **saving(1.2))
    before, deleted = upload(world, author, draft, "red"), upload(world, author, draft, "blue")
    world.clock.advance(MINUTES)
    restore_beside(world, restored_url, tmp_path)
    restored_time = world.clock.now()
    world.clock.advance(MINUTES)

    # What is lost, and what the storage has of it.
    author.edit(draft, title="Edited after the restored time")
    after = upload(world, author, draft, "green")
    new = world.practice(author, title="Written after the restored time")
    of_new = upload(world, author, new, "yellow")
    [[image]] = world.query("SELECT id FROM practice_images WHERE blob_name = %s", deleted)
    assert author.delete(f"/best-practices/{draft['id']}/images/{image}").is_success
    [[leaver_id]] = world.query("SELECT id FROM users WHERE email = %s", leaver.email)
    assert hq.patch(f"/users/{leaver_id}/deactivate", {}).is_success
    assert author.post("/auth/logout").is_success

    # 5, on the restored server: a portal that changes no file.
    copy = World(restored_url, world.storage, world.clock, {"RESTORED_COPY": "true"})
    bootstrap.install(copy.portal)
    assert copy.browser().get("/health/status").json()["data"]["restored_copy"] is True
    files = copy.blob_names("best-practices")
    copy.run_timer("reconcile_uploads")
    assert copy.query("SELECT count(*) FROM job_runs WHERE name = 'reconcile_uploads'") == [(0,)]
    assert copy.blob_names("best-practices") == files
    copy.close()

    # 3 and 6, on the old server.
    [trail] = run_step(world.database_url, 3)
    assert trail[0][0] > restored_time
    lost, rights = run_step(world.database_url, 6, T=restored_time)
    assert {"practice.changed", "practice.created", "image.recorded", "image.deleted"} <= {
        row[1] for row in lost
    }
    assert [row[2] for row in rights if row[3] == {"is_active": False}] == [leaver_id]

    # 7, on the restored one. Its sessions include one that was ended after the restored time.
    run_step(restored_url, 7, DEACTIVATED=[str(leaver_id)])
    portal = World(restored_url, world.storage, world.clock, {})
    bootstrap.install(portal.portal)
    try:
        # 8: nobody is signed in, who was deactivated cannot sign in, the others can.
        assert portal.query("SELECT count(*) FROM sessions WHERE revoked_at IS NULL") == [(0,)]
        for person in (hq, author, leaver):
            assert person.get("/auth/me").status_code == 401
        hq.sign_in()
        author.sign_in()
        wrong = leaver.http.post("/api/v1/auth/login", json={"email": leaver.email, "password": "x"})
        assert wrong.status_code == 401
        assert portal.browser().get("/health/status").json()["data"]["migrated"] is True
        assert author.get(f"/best-practices/{draft['id']}").json()["data"]["title"] == draft["title"]
        assert author.get(f"/best-practices/{new['id']}").status_code == 404

        # 9: what becomes of the files.
        assert images_of(portal) == {before, deleted}
        reconcile(portal)
        assert images_of(portal) == {before, deleted, after}
        assert portal.blob_names("quarantine") == []
        assert of_new in portal.blob_names("best-practices")
        assert run_step(restored_url, 9) == [[("best-practices", deleted)]]
        portal.put_blob(deleted, picture(color="blue"))  # az storage blob undelete
        reconcile(portal)
        assert run_step(restored_url, 9) == [[]]
        assert images_of(portal) == {before, deleted, after}

        # 10: nothing to correct.
        hq.sign_in()
        for path in ("/analytics/recalculate-savings", "/leaderboard/recalculate"):
            assert hq.post(path).status_code == 200
        for job in ("rebuild_roll_ups", "aggregate_monthly_savings", "rate_stars", "verify_leaderboard"):
            portal.run_timer(job)
            [(state, rows)] = portal.query("SELECT state, rows FROM job_runs WHERE name = %s", job)
            assert (state, rows) == ("completed", 0)
        assert hq.get(f"/best-practices/{approved['id']}").json()["data"]["status"] == "approved"
    finally:
        portal.close()


def test_every_statement_of_the_runbook_is_run_by_the_rehearsal() -> None:
    section = RUNBOOK.read_text(encoding="utf-8").partition("## In earnest: restoring production")[2]
    count = section.partition("\n## ")[0].count("```sql")
    assert count == sum(len(statements_of_step(number)) for number in (3, 6, 7, 9))
