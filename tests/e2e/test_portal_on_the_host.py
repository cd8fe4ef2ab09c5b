"""Two instances of one portal, each a process of the local host, on one database and one storage account."""

from functools import partial

import httpx
import psycopg

from bp_core.jobs import AGGREGATE_MONTHLY_SAVINGS
from tests.e2e.host.support import eventually
from tests.e2e.instances import Instance, at
from tests.world import World, at_once, confirmation, error_of, picture


def test_who_signs_in_at_one_instance_is_signed_in_and_out_at_both(
    world: World, instances: tuple[Instance, Instance]
) -> None:
    first, second = instances
    here = at(first, world.add_person("plant@amber.test", plant=0)).sign_in()
    there = at(second, here)

    assert there.get("/auth/me").json()["data"]["email"] == "plant@amber.test"
    assert there.post("/auth/logout").status_code == 200
    assert error_of(here.get("/auth/me")) == (401, "TOKEN_REVOKED")


def test_a_photograph_that_both_instances_see_is_recorded_once(
    world: World, instances: tuple[Instance, Instance]
) -> None:
    first, second = instances
    here = at(first, world.add_person("plant@amber.test", plant=0)).sign_in()
    there = at(second, here)
    practice_id = world.practice(here)["id"]
    path = f"/best-practices/{practice_id}/images"
    permit = world.ask_for_upload(there, practice_id)
    put = partial(httpx.put, permit["upload_url"], headers={"x-ms-blob-type": "BlockBlob"})
    assert put(content=picture()).status_code == 201

    body = confirmation(permit["blob_name"])
    answers = at_once(*[partial(here.post, path, body), partial(there.post, path, body)] * 5)

    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {200, 201}
    assert statuses.count(201) <= 1
    recorded = "SELECT count(*), count(thumbnail_name), (SELECT count(*) FROM uploads) FROM practice_images"
    eventually(lambda: world.query(recorded) == [(1, 1, 1)])
    assert world.blob_names("thumbnails") == [f"{permit['blob_name']}.webp"]
    assert httpx.get(there.get(path).json()["data"][0]["thumbnail_url"]).status_code == 200
    receipts = "blobreceipts/record_upload/"
    eventually(lambda: any(name.startswith(receipts) for name in world.blob_names("azure-webjobs-hosts")))
    names = [name for name in world.blob_names("azure-webjobs-hosts") if name.startswith(receipts)]
    assert len(names) == 1


def test_a_nightly_job_runs_at_one_instance_at_a_time(
    world: World, instances: tuple[Instance, Instance]
) -> None:
    runs = "SELECT state FROM job_runs"

    def logged(event: str) -> int:
        return sum(instance.logged(event) for instance in instances)

    with psycopg.connect(world.database_url) as connection:
        connection.execute("LOCK TABLE monthly_savings IN ACCESS EXCLUSIVE MODE")  # the job waits for us
        at_once(*[partial(instance.runs_now, AGGREGATE_MONTHLY_SAVINGS) for instance in instances])
        eventually(lambda: logged("job_left_to_another_instance") == 1)
        assert world.query(runs) == [("running",)]
    eventually(lambda: world.query(runs) == [("completed",)])

    at_once(*[partial(instance.runs_now, AGGREGATE_MONTHLY_SAVINGS) for instance in instances] * 5)
    eventually(lambda: logged("job_finished") + logged("job_left_to_another_instance") == 12)
    assert world.query(runs) == [("completed",)] * logged("job_finished")
    overlapping = world.query(
        "SELECT FROM job_runs one JOIN job_runs other ON one.id <> other.id AND one.name = other.name"
        " AND one.started_at < other.finished_at AND other.started_at < one.finished_at"
    )
    assert overlapping == []
    hq = at(instances[1], world.add_person("hq@amber.test")).sign_in()
    told = hq.get("/jobs").json()["data"]
    assert {(run["name"], run["trigger"], run["state"]) for run in told} == {
        (AGGREGATE_MONTHLY_SAVINGS, "timer", "completed")
    }
