from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bp_core.shared.errors import Invalid
from bp_core.uploads.kinds import (
    DOCUMENTS,
    IMAGES,
    JPEG,
    PNG,
    WEBP,
    BlobName,
    Format,
    extension_of,
    make_blob_name,
    parse_blob_name,
    safe_stem,
)

PRACTICE = "0b5bd0b3-9a5c-4f6e-8a3e-5a0a2f0c9d11"
NAMES = st.builds(
    BlobName,
    st.just(IMAGES),
    st.uuids(),
    st.sampled_from(["after", "before"]),
    st.integers(1, 10**15 - 1),
    st.sampled_from(sorted(IMAGES.formats)),
)


@given(NAMES)
def test_parsing_a_name_is_the_inverse_of_making_it(name: BlobName) -> None:
    assert parse_blob_name(IMAGES, make_blob_name(name)) == name


@given(st.text(alphabet="practices/beforeafter_0123456789-.jpgn%\\\x00ABCF", max_size=80))
def test_every_name_that_is_accepted_is_one_that_the_portal_would_make(text: str) -> None:
    try:
        name = parse_blob_name(IMAGES, text)
    except Invalid:
        return
    assert make_blob_name(name) == text


def test_a_name_contains_the_practice_the_kind_the_time_and_the_format() -> None:
    name = parse_blob_name(IMAGES, f"practices/{PRACTICE}/before_1752571800000.png")

    assert name == BlobName(IMAGES, UUID(PRACTICE), "before", 1752571800000, "png")
    assert name.format is PNG


@pytest.mark.parametrize(
    "text",
    [
        "",
        "before_1.jpg",
        f"practices/{PRACTICE}",
        f"practices/{PRACTICE}/",
        f"documents/{PRACTICE}/before_1.jpg",
        f"/practices/{PRACTICE}/before_1.jpg",
        f"practices//{PRACTICE}/before_1.jpg",
        f"Practices/{PRACTICE}/before_1.jpg",
        f"best-practices/practices/{PRACTICE}/before_1.jpg",
        f"practices/{PRACTICE.upper()}/before_1.jpg",
        f"practices/{{{PRACTICE}}}/before_1.jpg",
        f"practices/urn:uuid:{PRACTICE}/before_1.jpg",
        f"practices/{PRACTICE.replace('-', '')}/before_1.jpg",
        "practices/not-an-id/before_1.jpg",
        "practices/../before_1.jpg",
        f"practices/{PRACTICE}/../before_1.jpg",
        f"practices/{PRACTICE}/..%2fbefore_1.jpg",
        f"practices/{PRACTICE}%2fbefore_1.jpg",
        f"practices/{PRACTICE}\\before_1.jpg",
        f"practices/{PRACTICE}/before_1.jpg/after_1.jpg",
        f"practices/{PRACTICE}/during_1.jpg",
        f"practices/{PRACTICE}/BEFORE_1.jpg",
        f"practices/{PRACTICE}/before_1.JPG",
        f"practices/{PRACTICE}/before1.jpg",
        f"practices/{PRACTICE}/before_.jpg",
        f"practices/{PRACTICE}/before_0.jpg",
        f"practices/{PRACTICE}/before_01.jpg",
        f"practices/{PRACTICE}/before_-1.jpg",
        f"practices/{PRACTICE}/before_1_000.jpg",
        f"practices/{PRACTICE}/before_\u0661.jpg",
        f"practices/{PRACTICE}/before_1234567890123456.jpg",
        f"practices/{PRACTICE}/before_1..jpg",
        f"practices/{PRACTICE}/before_1.gif.jpg",
        f"practices/{PRACTICE}/before_1.svg",
        f"practices/{PRACTICE}/before_1.",
        f"practices/{PRACTICE}/before_1",
        f"practices/{PRACTICE}/before_1.jpg\n",
        f"practices/{PRACTICE}/before_1.jpg\x00",
        f"practices/{PRACTICE}/before_1\x00.jpg",
        f" practices/{PRACTICE}/before_1.jpg",
    ],
)
def test_foreign_names_are_refused(text: str) -> None:
    with pytest.raises(Invalid) as error:
        parse_blob_name(IMAGES, text)

    assert [fault.field for fault in error.value.details] == ["blob_name"]


@pytest.mark.parametrize(
    ("filename", "extension"),
    [
        ("photo.jpg", "jpg"),
        ("PHOTO.JPEG", "jpeg"),
        ("a photo (2).png", "png"),
        ("before.and.after.webp", "webp"),
        ("\u092b\u094b\u091f\u094b.jpg", "jpg"),
    ],
)
def test_the_extension_of_a_file_is_its_last_part_in_lower_case(filename: str, extension: str) -> None:
    assert extension_of(filename) == extension


@pytest.mark.parametrize(
    "filename",
    [
        "",
        "photo",
        "photo.",
        ".jpg",
        "../photo.jpg",
        "..",
        "photo..jpg",
        "/etc/photo.jpg",
        "C:\\photo.jpg",
        "a%2fphoto.jpg",
        "a%2Fphoto.jpg",
        "a%5cphoto.jpg",
        "photo.jpg\x00",
        "photo\x00.jpg",
        "photo\n.jpg",
        "photo\x7f.jpg",
    ],
)
def test_a_file_name_with_a_path_or_without_an_extension_is_refused(filename: str) -> None:
    with pytest.raises(Invalid) as error:
        extension_of(filename)

    assert [fault.field for fault in error.value.details] == ["filename"]


@pytest.mark.parametrize(
    ("extension", "expected"), [("jpg", JPEG), ("jpeg", JPEG), ("JPG", JPEG), ("png", PNG), ("webp", WEBP)]
)
def test_an_extension_names_a_format(extension: str, expected: Format) -> None:
    assert IMAGES.format_of(extension) is expected


@pytest.mark.parametrize("extension", ["gif", "svg", "heic", "exe", ""])
def test_other_formats_are_refused_with_those_that_are_accepted(extension: str) -> None:
    with pytest.raises(Invalid, match="jpeg, jpg, png, webp"):
        IMAGES.format_of(extension)


@pytest.mark.parametrize(
    ("expected", "data"),
    [
        (JPEG, b"\xff\xd8\xff\xe0 and so on"),
        (PNG, b"\x89PNG\r\n\x1a\n and so on"),
        (WEBP, b"RIFF\n\x00\x00\x00WEBPVP8 and so on"),
    ],
)
def test_data_match_the_format_whose_signature_they_start_with(expected: Format, data: bytes) -> None:
    assert [kind for kind in (JPEG, PNG, WEBP) if kind.matches(data)] == [expected]


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"<svg xmlns='...'>", b"GIF89a", b" \xff\xd8\xff", b"RIFFWEBP"]
)
def test_other_data_match_no_format(data: bytes) -> None:
    assert not any(kind.matches(data) for kind in (JPEG, PNG, WEBP))


def test_an_image_has_ten_megabytes_at_most() -> None:
    assert IMAGES.max_bytes == 10 * 1024 * 1024


DOCUMENT_NAMES = st.builds(
    BlobName,
    st.just(DOCUMENTS),
    st.uuids(),
    st.text(max_size=200).map(lambda text: safe_stem(f"{text}.pdf")),
    st.integers(1, 10**15 - 1),
    st.sampled_from(sorted(DOCUMENTS.formats)),
)


@given(DOCUMENT_NAMES)
def test_parsing_the_name_of_a_document_is_the_inverse_of_making_it_for_every_file_name(
    name: BlobName,
) -> None:
    assert parse_blob_name(DOCUMENTS, make_blob_name(name)) == name


@given(st.text(alphabet="documents/abc_0123456789-.pdfx%\\\x00ABC", max_size=80))
def test_every_name_of_a_document_that_is_accepted_is_one_that_the_portal_would_make(text: str) -> None:
    try:
        name = parse_blob_name(DOCUMENTS, f"documents/{PRACTICE}/{text}")
    except Invalid:
        return
    assert make_blob_name(name) == f"documents/{PRACTICE}/{text}"


def test_each_kind_refuses_the_names_of_the_other() -> None:
    for kind, name in (
        (IMAGES, f"documents/{PRACTICE}/before_1.jpg"),
        (IMAGES, f"practices/{PRACTICE}/before_1.pdf"),
        (DOCUMENTS, f"practices/{PRACTICE}/before_1.jpg"),
        (DOCUMENTS, f"documents/{PRACTICE}/before_1.jpg"),
        (DOCUMENTS, f"documents/{PRACTICE}/{'a' * 61}_1.pdf"),
    ):
        with pytest.raises(Invalid):
            parse_blob_name(kind, name)
