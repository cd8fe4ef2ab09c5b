"""The data directory of a local portal."""

import stat
from pathlib import Path

import pytest

from local.data_directory import Account, DataDirectory


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    return DataDirectory(tmp_path / "data")


def test_scripts_find_the_portal_in_a_private_file(data: DataDirectory) -> None:
    account = Account("hq@amber.example", "a password", "hq", None)
    data.write_portal(
        base_url="http://x", database_url="postgresql://y", storage_connection_string="z", accounts=[account]
    )
    assert data.read_portal() == {
        "base_url": "http://x",
        "database_url": "postgresql://y",
        "storage_connection_string": "z",
        "accounts": [
            {"email": "hq@amber.example", "password": "a password", "role": "hq", "plant": None},
        ],
    }
    assert stat.S_IMODE(data.portal.stat().st_mode) == 0o600


def test_deleting_the_data_leaves_other_files(data: DataDirectory) -> None:
    data.postgres.mkdir(parents=True)
    data.azurite.mkdir()
    (data.path / "notes.txt").touch()
    data.delete_data()
    assert [path.name for path in data.path.iterdir()] == ["notes.txt"]


def restored(data: DataDirectory) -> None:
    """Data that are there, and others in `restoring` that are complete."""
    for directory, text in ((data.path, "old"), (data.restoring, "new")):
        for name in ("postgres", "azurite"):
            (directory / name).mkdir(parents=True)
            (directory / name / "content").write_text(text)
        (directory / "secrets.json").write_text(text)
    data.portal.touch()


def content(path: Path) -> list[str]:
    return [(path / name).read_text() for name in ("postgres/content", "azurite/content", "secrets.json")]


def test_restored_data_replace_those_that_are_there_and_these_stay_beside(data: DataDirectory) -> None:
    restored(data)
    data.install_restored()
    assert content(data.path) == ["new"] * 3
    assert content(data.replaced) == ["old"] * 3
    assert not data.portal.exists()
    assert not data.restoring.exists()
    assert not data.restored.exists()


@pytest.mark.parametrize("completed", range(7))
def test_a_restore_that_was_interrupted_while_it_moved_files_is_completed_by_who_locks_the_data(
    data: DataDirectory, completed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    restored(data)
    moves = 0
    rename = Path.rename

    def interrupted(path: Path, target: Path) -> Path:
        nonlocal moves
        if moves == completed:
            raise KeyboardInterrupt
        moves += 1
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        data.install_restored()
    monkeypatch.undo()

    with DataDirectory(data.path).lock:
        if completed == 0:  # before the first renaming the restore has not happened
            assert content(data.path) == ["old"] * 3
            assert content(data.restoring) == ["new"] * 3
        else:
            assert content(data.path) == ["new"] * 3
            assert content(data.replaced) == ["old"] * 3
            assert not data.restored.exists()
