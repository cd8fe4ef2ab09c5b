"""The settings and the data of `dev.py up`, without its services."""

from pathlib import Path

import pytest

from local import services
from local.data_directory import DataDirectory
from local.errors import SetupError


@pytest.mark.parametrize("name", ["DATABASE_URL", "AzureWebJobsStorage"])
def test_fresh_never_deletes_external_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    data = DataDirectory(tmp_path / "data")
    monkeypatch.setenv(name, "somewhere")
    data.postgres.mkdir(parents=True)
    with pytest.raises(SetupError, match=name):
        services.delete_data(data)
    assert data.postgres.exists()


def test_the_environment_overrides_the_sample_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAR_POLICY", "ratio")
    settings = services.app_settings()
    assert settings["STAR_POLICY"] == "ratio"
    assert settings["BUSINESS_TIMEZONE"] == "Asia/Kolkata"
