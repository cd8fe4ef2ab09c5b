"""The bill of materials, and what happens without a network."""

import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path

import pytest

from ops import supply_chain
from ops.supply_chain import BillError, asset_components, installed_requirements, look_for_vulnerabilities

LOCKED = """\
azure-functions==1.26.0 ; python_full_version < '3.13' \\
    --hash=sha256:00
    # via -r requirements.in
azure-functions==2.2.0 ; python_full_version >= '3.13' \\
    --hash=sha256:11
    # via -r requirements.in
typing-extensions==4.16.0 \\
    --hash=sha256:22
    # via -r requirements.in
"""


@pytest.fixture
def site_packages(tmp_path: Path) -> Path:
    install(tmp_path, "typing_extensions", "4.16.0")
    install(tmp_path, "azure-functions", "1.26.0")
    return tmp_path


def install(directory: Path, name: str, version: str) -> None:
    metadata = directory / f"{name.replace('-', '_')}-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")


def test_the_bill_has_the_installed_versions_with_their_hashes(site_packages: Path) -> None:
    text = installed_requirements(LOCKED, site_packages)

    assert [line for line in text.splitlines() if "==" in line or "hash" in line] == [
        "azure-functions==1.26.0 ; python_full_version < '3.13' \\",
        "    --hash=sha256:00",
        "typing-extensions==4.16.0 \\",
        "    --hash=sha256:22",
    ]


def test_a_package_that_is_not_locked_is_refused(site_packages: Path) -> None:
    install(site_packages, "left-pad", "1.0")

    with pytest.raises(BillError, match=r"not in requirements\.txt: left-pad 1\.0"):
        installed_requirements(LOCKED, site_packages)


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BillError, match="no package"):
        installed_requirements(LOCKED, tmp_path)


def test_the_bill_has_the_packages_whose_files_are_in_this_repository() -> None:
    components = asset_components(supply_chain.ASSETS.read_text(encoding="utf-8"))

    assert [one["name"] for one in components] == ["redoc", "swagger-ui-dist"]
    assert components[0]["purl"] == f"pkg:npm/redoc@{components[0]['version']}"
    assert [one["licenses"][0]["license"]["id"] for one in components] == ["MIT", "Apache-2.0"]


@pytest.mark.parametrize(
    "answer",
    [
        urllib.error.URLError("no network"),
        TimeoutError(),
        urllib.error.HTTPError("https://mirror.example", 405, "no such service", Message(), None),
    ],
)
def test_without_a_network_nothing_is_checked_and_this_is_said(
    answer: OSError, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise answer

    monkeypatch.setattr(urllib.request, "urlopen", refuse)

    assert look_for_vulnerabilities() == supply_chain.NOT_CHECKED == 3
    assert capsys.readouterr().out.count("Not checked: ") == 3


@pytest.mark.parametrize(
    ("python", "npm", "expected"), [(0, 0, 0), (3, 0, 3), (0, 3, 3), (1, 3, 1), (3, 1, 1)]
)
def test_a_vulnerability_counts_more_than_what_could_not_be_checked(
    python: int, npm: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supply_chain, "_python_packages", lambda: python)
    monkeypatch.setattr(supply_chain, "_npm_packages", lambda directory: npm)

    assert look_for_vulnerabilities() == expected
