"""The nightly purge: expired rows and blobs are removed, others stay."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.world import World

DAY = timedelta(days=1)
OLD, YOUNG = timedelta(days=31), timedelta(days=29)


def purge(world: World) -> int:
    """Run the timer. Returns the number of removed rows and blobs."""
    world.run_timer("purge_expired")
    [run] = world.query("SELECT state, rows FROM job_runs ORDER BY started_at DESC, id LIMIT 1")
    assert run[0] == "completed"
    world.clock.advance(timedelta(seconds=1))
    return int(run[1])


@pytest.fixture
def now(world: World) -> datetime:
    return world.clock.now()


def count(world: World, table: str) -> int:
    [row] = world.query(f"SELECT count(*) FROM {table}")
    return int(row[0])


def test_on_a_fresh_portal_there_is_nothing_to_remove(world: World) -> None:
    world.plant_user()
    assert purge(world) == 0


def test_sessions_are_purged_30_days_after_they_ended_or_expired(world: World, now: datetime) -> None:
    world.plant_user()  # with an open session
    for expires, revoked in [
        (now - OLD, None), (now - YOUNG, None), (now + DAY, now - OLD), (now + DAY, now - YOUNG),
    ]:  # fmt: skip
        world.query(
            "INSERT INTO sessions (user_id, refresh_token_hash, remember_me, expires_at, last_seen_at,"
            " revoked_at) SELECT id, '', false, %s, %s, %s FROM users",
            expires, now, revoked,
        )  # fmt: skip
    assert (purge(world), purge(world)) == (2, 0)
    assert count(world, "sessions") == 3


def test_unused_invites_are_purged_30_days_after_they_expired(world: World, now: datetime) -> None:
    world.headquarters()
    for expires, used in [(now - OLD, None), (now - YOUNG, None), (now - OLD, now - OLD)]:
        world.query(
            "INSERT INTO invites (email, role, token_hash, invited_by_user_id, expires_at, used_at)"
            " SELECT 'a@amber.test', 'hq', sha256(gen_random_uuid()::text::bytea), id, %s, %s FROM users",
            expires, used,
        )  # fmt: skip
    assert (purge(world), purge(world)) == (1, 0)
    assert count(world, "invites") == 2


def test_uploads_are_purged_30_days_after_they_expired(world: World, now: datetime) -> None:
    practice = world.practice(world.plant_user())
    for number, (state, expires, reason) in enumerate([
        ("expired", now - OLD, None), ("expired", now - YOUNG, None), ("recorded", now - OLD, None),
        ("rejected", now - OLD, "a text"), ("pending", now - OLD, None),
    ]):  # fmt: skip
        world.query(
            "INSERT INTO uploads (practice_id, container, blob_name, state, expires_at, reason)"
            " VALUES (%s, 'best-practices', %s, %s, %s, %s)",
            practice["id"], str(number), state, expires, reason,
        )  # fmt: skip
    assert (purge(world), purge(world)) == (1, 0)
    assert count(world, "uploads") == 4


def test_rate_limits_failures_and_idempotency_keys_are_purged_when_they_expire(
    world: World, now: datetime
) -> None:
    world.plant_user()
    for ago in (timedelta(minutes=59), timedelta(minutes=61)):
        world.query("INSERT INTO rate_limits VALUES ('a', %s, 1)", now - ago)
        world.query("INSERT INTO sign_in_failures VALUES ('a', %s, %s, 1)", str(ago), now - ago)
    for expires in (now - timedelta(seconds=1), now + timedelta(seconds=60)):
        world.query(
            "INSERT INTO idempotency_keys (user_id, key, request_hash, expires_at)"
            " SELECT id, %s, '', %s FROM users",
            str(expires), expires,
        )  # fmt: skip
    assert (purge(world), purge(world)) == (3, 0)
    assert [count(world, name) for name in ("rate_limits", "sign_in_failures", "idempotency_keys")] == [1] * 3


def test_blobs_in_quarantine_are_purged_after_30_days(world: World) -> None:
    world.clock.at = datetime.now(UTC)  # the storage uses the real time
    world.put_blob("best-practices/a.txt", b"x", "quarantine")
    world.put_blob("best-practices/b.txt", b"x")
    world.clock.advance(YOUNG)
    assert purge(world) == 0
    world.clock.advance(OLD - YOUNG)
    assert (purge(world), purge(world)) == (1, 0)
    assert (world.blob_names("quarantine"), world.blob_names("best-practices")) == (
        [],
        ["best-practices/b.txt"],
    )
