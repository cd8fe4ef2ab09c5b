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
