"""A lock between processes."""

from pathlib import Path

from local.locking import FileLock


def test_a_lock_has_one_owner_and_says_who_that_is(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.acquire(wait=False)
    first.write_owner("me")
    assert not second.acquire(wait=False)
    assert second.read_owner() == "me"
    first.release()
    assert second.acquire(wait=False)
    second.release()
