"""The secrets of a local portal."""

import stat
from pathlib import Path

import pytest

from local import secrets_file
from local.errors import SetupError


def test_secrets_are_created_once_and_only_their_owner_can_read_them(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    with secrets_file.open_secrets(path) as first:
        first.passwords["hq@amber.example"] = "a password"
        first.save()
    with secrets_file.open_secrets(path) as second:
        assert second == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_all_instances_of_a_database_share_its_secrets_whatever_their_password() -> None:
    one, same, other = (
        secrets_file.secrets_path_for(url)
        for url in (
            "postgresql://me:old@db.example/portal",
            "host=db.example dbname=portal user=me password=new",
            "postgresql://me:old@db.example/other",
        )
    )
    assert one == same
    assert one != other


@pytest.mark.parametrize("text", ["", "{", "[]", '{"jwt_secret": "x"}'])
def test_a_damaged_file_is_named_and_stays_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(text)
    with pytest.raises(SetupError, match=r"secrets\.json is damaged"), secrets_file.open_secrets(path):
        pass
    assert path.read_text() == text
