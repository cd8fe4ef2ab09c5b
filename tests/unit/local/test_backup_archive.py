"""The archive of a backup: whatever is done to a file, it is either refused or has the same content."""

import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from local.backups.archive import (
    MANIFEST,
    ArchiveWriter,
    BackupError,
    Blob,
    Manifest,
    Table,
    open_archive,
)

PHOTOGRAPH = Random(7).randbytes(3000)
Change = Callable[[dict[str, Any], dict[str, bytes]], None]


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    path = tmp_path / "backup"
    with path.open("wb") as file:
        writer = ArchiveWriter(file)
        rows = writer.add("tables/plants.copy", iter([b"1\tSupa\n", b"2\tPune\n"]))
        photograph = writer.add("blobs/00000001", iter([PHOTOGRAPH[:1000], PHOTOGRAPH[1000:]]))
        manifest = Manifest(
            format=1,
            portal_version="0.2.0",
            revision="0015",
            taken_at=datetime(2026, 8, 15, tzinfo=UTC),
            tables=(Table(name="plants", columns=("id", "name"), rows=2, content=rows),),
            blobs=(
                Blob(container="best-practices", name="a/b.jpg", content_type="image/jpeg", metadata={},
                     content=photograph),
            ),
            lost=(),
            unused=(),
            secrets=writer.add("secrets.json", iter([b"{}"])),
        )  # fmt: skip
        writer.finish(manifest)
    return path


def content_of(path: Path) -> dict[str, bytes]:
    """The content of all members of an archive that passes every check."""
    with open_archive(path) as archive:
        archive.verify(lambda _: None)
        members = {one.member: b"".join(archive.chunks(one)) for one in archive.manifest.members()}
        return members | {MANIFEST: archive.manifest.model_dump_json().encode()}


def refusal(path: Path) -> str:
    with pytest.raises(BackupError) as refused:
        content_of(path)
    return str(refused.value)


def rewritten(path: Path, change: Change, compression: int = zipfile.ZIP_STORED) -> Path:
    """The same archive after a change of its manifest or members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members.pop(MANIFEST))
    change(manifest, members)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        if manifest:
            archive.writestr(MANIFEST, json.dumps(manifest))
    return path


def test_an_archive_has_what_was_written_to_it(backup: Path) -> None:
    content = content_of(backup)
    assert content["tables/plants.copy"] == b"1\tSupa\n2\tPune\n"
    assert content["blobs/00000001"] == PHOTOGRAPH
    assert content["secrets.json"] == b"{}"
    assert set(content) == {"tables/plants.copy", "blobs/00000001", "secrets.json", MANIFEST}


def test_a_truncated_archive_is_refused_wherever_it_ends(backup: Path) -> None:
    complete = backup.read_bytes()
    for length in {*range(0, len(complete), 61), len(complete) - 1}:
        backup.write_bytes(complete[:length])
        assert "is not a backup, or it is incomplete" in refusal(backup), length


def test_a_changed_byte_is_found_or_changes_nothing(backup: Path, tmp_path: Path) -> None:
    complete, content = backup.read_bytes(), content_of(backup)
    flipped = tmp_path / "flipped"
    refused = 0
    for place in range(len(complete)):
        flipped.write_bytes(complete[:place] + bytes([complete[place] ^ 0x11]) + complete[place + 1 :])
        try:
            assert content_of(flipped) == content, place
        except BackupError:
            refused += 1
    # The others are times, attributes and versions of the ZIP format, which nothing reads.
    assert refused > len(complete) * 0.9


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is not a backup, or it is incomplete"),
        (b"PK\x03\x04 and nothing else", "is not a backup, or it is incomplete"),
        (b"%PDF-1.7", "is not a backup, or it is incomplete"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "other"
    path.write_bytes(data)
    assert reason in refusal(path)


def test_a_file_that_is_absent_or_a_directory_is_refused(tmp_path: Path) -> None:
    assert "cannot be read: No such file or directory." in refusal(tmp_path / "absent")
    assert "cannot be read: Is a directory." in refusal(tmp_path)


def test_a_zip_without_a_manifest_is_refused(backup: Path) -> None:
    assert "it has no manifest" in refusal(rewritten(backup, lambda manifest, _: manifest.clear()))


def test_a_compressed_archive_is_refused_before_it_is_read(backup: Path) -> None:
    def add_bomb(_: dict[str, Any], members: dict[str, bytes]) -> None:
        members["blobs/00000002"] = bytes(50_000_000)

    assert "its files are compressed or encrypted" in refusal(
        rewritten(backup, add_bomb, zipfile.ZIP_DEFLATED)
    )


def test_members_that_share_their_bytes_are_refused(backup: Path) -> None:
    """Many entries of the directory for the same bytes: a bomb needs no compression."""
    with zipfile.ZipFile(backup, "a") as archive:
        photograph = archive.getinfo("blobs/00000001")
        for number in range(2, 5):
            copy = zipfile.ZipInfo(f"blobs/{number:08}")
            for name in ("header_offset", "file_size", "compress_size", "CRC"):
                setattr(copy, name, getattr(photograph, name))
            archive.filelist.append(copy)
            archive.NameToInfo[copy.filename] = copy
        archive.comment = b"changed, so that the directory is written again"
    assert "its files are larger than itself" in refusal(backup)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..\\secrets.json", "blobs/00000002"])
def test_a_member_that_the_manifest_does_not_name_is_refused(backup: Path, name: str) -> None:
    changed = rewritten(backup, lambda _, members: members.update({name: b"content"}))
    assert "its files are not those of its manifest" in refusal(changed)


def test_a_missing_member_is_refused(backup: Path) -> None:
    changed = rewritten(backup, lambda _, members: members.__delitem__("blobs/00000001"))
    assert "its files are not those of its manifest" in refusal(changed)


def test_a_member_with_other_content_is_refused(backup: Path) -> None:
    changed = rewritten(backup, lambda _, members: members.update({"tables/plants.copy": b"1\tHere\n"}))
    assert refusal(changed) == "tables/plants.copy in the archive is damaged: its checksum is wrong."


def test_a_member_that_is_twice_in_the_archive_is_refused(backup: Path) -> None:
    with zipfile.ZipFile(backup, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("secrets.json", b"{}")
    assert "its files are not those of its manifest" in refusal(backup)


def test_an_archive_of_a_newer_format_says_what_to_do(backup: Path) -> None:
    changed = rewritten(backup, lambda manifest, _: manifest.update(format=2, tables="in another form"))
    assert "has the format 2 of backups; this code reads 1.\nRestore it with the version" in refusal(changed)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"revision": 15}, "revision: Input should be a valid string"),
        ({"tables": [{"name": "plants"}]}, "tables.0.columns: Field required"),
        ({"more": 1}, "more: Extra inputs are not permitted"),
        ({"format": "one"}, "format: Input should be a valid integer"),
    ],
)
def test_a_damaged_manifest_is_refused_with_the_place(
    backup: Path, change: dict[str, Any], reason: str
) -> None:
    assert reason in refusal(rewritten(backup, lambda manifest, _: manifest.update(change)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": ""}, "blobs.0.name: String should have at least 1 character"),
        ({"content_type": "a\r\nb: c"}, "blobs.0.content_type: String should match pattern"),
        ({"metadata": {"a": "b\nc: d"}}, "blobs.0.metadata.a: String should match pattern"),
    ],
)
def test_a_blob_with_no_name_or_with_line_breaks_in_its_headers_is_refused(
    backup: Path, change: dict[str, Any], reason: str
) -> None:
    assert reason in refusal(rewritten(backup, lambda manifest, _: manifest["blobs"][0].update(change)))


def test_a_large_member_is_never_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest read of a file is one chunk."""
    sizes: list[int] = []
    read = zipfile.ZipExtFile.read

    def observed(file: zipfile.ZipExtFile, size: int | None = -1) -> bytes:
        data = read(file, size)
        sizes.append(len(data))
        return data

    path = tmp_path / "large"
    with path.open("wb") as file:
        writer = ArchiveWriter(file)
        member = writer.add("secrets.json", (bytes(1 << 20) for _ in range(8)))
        writer.finish(
            Manifest(format=1, portal_version="0", revision="0015", taken_at=datetime.now(UTC), tables=(),
                     blobs=(), lost=(), unused=(), secrets=member)
        )  # fmt: skip
    with open_archive(path) as archive:
        monkeypatch.setattr(zipfile.ZipExtFile, "read", observed)
        assert sum(len(chunk) for chunk in archive.chunks(member)) == 8 << 20
    assert max(sizes) == 256 * 1024
