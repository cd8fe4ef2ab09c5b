"""Two instances of one portal: two function host processes, one database, one storage account."""

from collections import Counter
from functools import partial

import httpx
import psycopg

from functions.jobs.catalogue import aggregate_monthly_savings
from tests.e2e.function_host.support import eventually
from tests.e2e.instances import Instance, at
from tests.world import World, concurrently, confirmation, error_of, picture


def test_a_sign_in_and_a_sign_out_are_valid_on_both_instances(
    world: World, instances: tuple[Instance, Instance]
) -> None:
    first, second = instances
    here = at(first, world.add_person("plant@amber.test", plant=0)).sign_in()
    there = at(second, here)

    assert there.get("/auth/me").json()["data"]["email"] == "plant@amber.test"
    assert there.post("/auth/logout").status_code == 200
    assert error_of(here.get("/auth/me")) == (401, "TOKEN_REVOKED")


RECEIPTS = "blobreceipts/record_upload/"


def receipts(world: World) -> list[str]:
    """The receipts of the blob trigger: one for each blob that it has processed."""
    return [name for name in world.blob_names("azure-webjobs-hosts") if name.startswith(RECEIPTS)]


def test_a_photograph_that_both_instances_process_is_recorded_once(
    world: World, instances: tuple[Instance, Instance]
) -> None:
    first, second = instances
    here = at(first, world.add_person("plant@amber.test", plant=0)).sign_in()
    there = at(second, here)
    practice_id = world.practice(here)["id"]
    path = f"/best-practices/{practice_id}/images"
    permit = world.presign_image(there, practice_id)
    put = partial(httpx.put, permit["upload_url"], headers={"x-ms-blob-type": "BlockBlob"})
    assert put(content=picture()).status_code == 201

    body = confirmation(permit["blob_name"])
    responses = concurrently(*[partial(here.post, path, body), partial(there.post, path, body)] * 5)

    statuses = Counter(response.status_code for response in responses)
    assert (statuses[200] + statuses[201], statuses[201] <= 1) == (10, True)
    recorded = "SELECT count(*), count(thumbnail_name), (SELECT count(*) FROM uploads) FROM practice_images"
    eventually(lambda: world.query(recorded) == [(1, 1, 1)])
    assert world.blob_names("thumbnails") == [f"{permit['blob_name']}.webp"]
    assert httpx.get(there.get(path).json()["data"][0]["thumbnail_url"]).status_code == 200
    eventually(lambda: bool(receipts(world)))
    assert len(receipts(world)) == 1


def test_a_nightly_job_runs_on_one_instance_at_a_time(
    world: World, instances: tuple[Instance, Instance]
) -> None:
    runs = "SELECT state FROM job_runs"

    def logged(event: str) -> int:
        return sum(instance.logged(event) for instance in instances)

    with psycopg.connect(world.database_url) as connection:
        connection.execute("LOCK TABLE monthly_savings IN ACCESS EXCLUSIVE MODE")  # blocks the job
        concurrently(
            *[partial(instance.run_function, aggregate_monthly_savings.name) for instance in instances]
        )
        eventually(lambda: logged("job_left_to_another_instance") == 1)
        assert world.query(runs) == [("running",)]
    eventually(lambda: world.query(runs) == [("completed",)])

    concurrently(
        *[partial(instance.run_function, aggregate_monthly_savings.name) for instance in instances] * 5
    )
    eventually(lambda: logged("job_finished") + logged("job_left_to_another_instance") == 12)
    assert world.query(runs) == [("completed",)] * logged("job_finished")
    overlapping = world.query(
        "SELECT FROM job_runs a JOIN job_runs b ON a.id <> b.id AND a.name = b.name"
        " AND a.started_at < b.finished_at AND b.started_at < a.finished_at"
    )
    assert overlapping == []
    hq = at(instances[1], world.add_person("hq@amber.test")).sign_in()
    listed = hq.get("/jobs").json()["data"]
    assert {(run["name"], run["trigger"], run["state"]) for run in listed} == {
        (aggregate_monthly_savings.name, "timer", "completed")
    }
