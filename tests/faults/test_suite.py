"""The fault tests can fail: they see that a portal which is broken on purpose loses or doubles writes."""

import pytest

from tests.faults.trial import Site, Trial

WRITERS = 16


@pytest.fixture
def host_patch(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("host_patch", ["tests.faults.patches.early_answers"], indirect=True)
def test_a_portal_that_answers_before_its_commit_is_seen_to_lose_writes(trial: Trial, site: Site) -> None:
    with trial.observed(), trial.load(*trial.writers(WRITERS)):
        trial.wait_for_writes(3 * WRITERS)
        site.postgres.kill()
        site.postgres.start()
        trial.wait_for_writes(WRITERS)
    found = trial.check()
    assert found.lost
    with pytest.raises(AssertionError, match="lost"):
        trial.assert_held(found)


@pytest.mark.parametrize("host_patch", ["tests.faults.patches.forgotten_keys"], indirect=True)
def test_a_portal_that_does_not_know_idempotency_keys_is_seen_to_write_twice(trial: Trial) -> None:
    with trial.observed(), trial.load(*trial.writers(WRITERS)):
        trial.wait_for_writes(5)
    found = trial.check()
    assert found.doubled
    with pytest.raises(AssertionError, match="doubled"):
        trial.assert_held(found)


@pytest.mark.parametrize("host_patch", ["tests.faults.patches.lost_answers"], indirect=True)
def test_with_idempotency_keys_nothing_is_written_twice_though_answers_are_lost(trial: Trial) -> None:
    with trial.fault("every third answer lost after the commit"), trial.load(*trial.writers(WRITERS)):
        trial.wait_for_writes(2 * WRITERS)
