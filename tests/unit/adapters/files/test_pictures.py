import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image
from PIL.Image import Transpose

from adapters.files import examination, pictures
from adapters.files.images.structure import ORIENTATION
from adapters.files.pictures import TRANSPOSITIONS
from adapters.files.rejections import DAMAGED
from bp_core.uploads import kinds
from bp_core.uploads.kinds import MAX_PIXELS, ImageSize, RejectedFileError

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 30), (30, 30, 220), (250, 250, 250)

JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"
TOO_MANY_PIXELS = "The image has 10000 x 6000 pixels; at most 50 megapixels are accepted."


def quarters(width: int, height: int) -> Image.Image:
    """Make an image of four fields: red and green above, blue and white below."""
    drawn = Image.new("RGB", (width, height), WHITE)
    drawn.paste(RED, (0, 0, width // 2, height // 2))
    drawn.paste(GREEN, (width // 2, 0, width, height // 2))
    drawn.paste(BLUE, (0, height // 2, width // 2, height))
    return drawn


def encoded(image: Image.Image, content_type: str, **how: Any) -> bytes:
    written = io.BytesIO()
    image.save(written, content_type.removeprefix("image/").upper(), **how)
    return written.getvalue()


def size_of(data: bytes, content_type: str) -> ImageSize:
    return examined(data, content_type).size


def examined(data: bytes, content_type: str, *, keep_metadata: bool = False) -> pictures.Picture:
    """Examine an image as the process for it does: whatever a decoder raises is a rejection."""
    request = {"content_type": content_type, "with_thumbnail": True, "keep_metadata": keep_metadata}
    header, parts = examination.answer(request, [data])
    if "rejected" in header:
        raise RejectedFileError(header["rejected"])
    width, height = header["size"]
    stored = parts[0] if header["is_changed"] else data
    return pictures.Picture(stored, ImageSize(width, height), parts[-1])


def thumbnail(data: bytes) -> Image.Image:
    content_type = next(
        kind
        for kind, known in (("image/jpeg", kinds.JPEG), ("image/png", kinds.PNG), ("image/webp", kinds.WEBP))
        if known.matches(data)
    )
    drawn = Image.open(io.BytesIO(examined(data, content_type).thumbnail or b""))
    assert drawn.format == "WEBP"
    return drawn


def colours(image: Image.Image) -> list[tuple[int, int, int]]:
    """Return the nearest known colour in the middle of each quarter: above from left to right, then below."""
    width, height = image.size
    seen = []
    for y, x in ((1, 1), (1, 3), (3, 1), (3, 3)):
        pixel = image.convert("RGB").getpixel((x * width // 4, y * height // 4))
        assert isinstance(pixel, tuple)
        seen.append(min((RED, GREEN, BLUE, WHITE), key=lambda known: distance(known, pixel)))
    return seen


def distance(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))


def png_header(width: int, height: int) -> bytes:
    """Make a PNG with one bit per pixel that declares a size and contains no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def exif(*entries: tuple[int, int, int, bytes]) -> bytes:
    """Make EXIF data of entries: each a tag, a type, a count and a value of at most four bytes."""
    listed = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3].ljust(4, b"\x00") for entry in entries)
    return b"Exif\x00\x00II*\x00\x08\x00\x00\x00" + struct.pack("<H", len(entries)) + listed + bytes(4)


def oriented(orientation: int) -> tuple[int, int, int, bytes]:
    return ORIENTATION, 3, 1, struct.pack("<H", orientation)


def reason_of(data: bytes, content_type: str) -> str:
    with pytest.raises(RejectedFileError) as error:
        size_of(data, content_type)
    return str(error.value)


@pytest.mark.parametrize("content_type", [JPEG, PNG, WEBP])
def test_an_image_has_the_size_in_which_it_was_drawn(content_type: str) -> None:
    data = encoded(quarters(64, 48), content_type)

    assert size_of(data, content_type) == ImageSize(64, 48)


def test_a_large_jpeg_has_its_own_size_although_it_is_decoded_smaller() -> None:
    data = encoded(quarters(4000, 3000), JPEG)

    assert size_of(data, JPEG) == ImageSize(4000, 3000)


STORED_FROM_UPRIGHT = {
    **{orientation: Transpose[name] for orientation, name in TRANSPOSITIONS.items()},
    6: Transpose.ROTATE_90,
    8: Transpose.ROTATE_270,
}
"""How a camera transposes an image before it stores it, by EXIF orientation."""


@pytest.mark.parametrize("content_type", [JPEG, PNG, WEBP])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_that_a_camera_rotated_is_shown_upright(orientation: int, content_type: str) -> None:
    upright = quarters(64, 48)
    transposition = STORED_FROM_UPRIGHT.get(orientation)
    stored = upright if transposition is None else upright.transpose(transposition)
    data = encoded(stored, content_type, exif=exif(oriented(orientation)))

    assert size_of(data, content_type) == ImageSize(64, 48)
    assert thumbnail(data).size == (64, 48)
    assert colours(thumbnail(data)) == [RED, GREEN, BLUE, WHITE]


def test_an_orientation_that_does_not_exist_changes_nothing() -> None:
    data = encoded(quarters(64, 48), JPEG, exif=exif(oriented(9)))

    assert size_of(data, JPEG) == ImageSize(64, 48)
    assert thumbnail(data).size == (64, 48)


def test_unusual_exif_data_do_not_prevent_a_thumbnail() -> None:
    width_that_is_no_number = (0x0100, 2, 4, b"abc\x00")
    data = encoded(quarters(64, 48), JPEG, exif=exif(width_that_is_no_number, oriented(6)))

    assert size_of(data, JPEG) == ImageSize(48, 64)
    assert thumbnail(data).size == (48, 64)


@pytest.mark.parametrize("content_type", [JPEG, PNG, WEBP])
@pytest.mark.parametrize("fraction", [0.3, 0.6, 0.95])
def test_a_truncated_image_is_damaged(fraction: float, content_type: str) -> None:
    data = encoded(Image.effect_noise((64, 48), 90), content_type)

    assert reason_of(data[: int(len(data) * fraction)], content_type) == DAMAGED


@pytest.mark.parametrize("content_type", [JPEG, PNG, WEBP])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x04\x00\x00\x00WEBP",
    ],
)
def test_a_file_that_is_not_an_image_cannot_be_decoded(data: bytes, content_type: str) -> None:
    assert reason_of(data, content_type) == DAMAGED


@pytest.mark.parametrize(
    ("drawn_as", "declared_as"), [(PNG, JPEG), (JPEG, PNG), (WEBP, JPEG), (JPEG, WEBP), (PNG, "image/gif")]
)
def test_an_image_of_another_format_than_declared_is_rejected(drawn_as: str, declared_as: str) -> None:
    assert reason_of(encoded(quarters(8, 6), drawn_as), declared_as) == DAMAGED


def test_sixty_megapixels_are_rejected_before_they_are_decoded() -> None:
    assert reason_of(png_header(10_000, 6_000), PNG) == TOO_MANY_PIXELS


def test_fifty_megapixels_are_the_most() -> None:
    width, height = 10_000, MAX_PIXELS // 10_000

    assert "at most 50 megapixels" in reason_of(png_header(width, height + 1), PNG)
    assert "damaged" in reason_of(png_header(width, height), PNG), "it has no pixels, but not too many either"


@pytest.mark.parametrize("content_type", [JPEG, PNG, WEBP])
@pytest.mark.parametrize(
    ("size", "small"),
    [((1600, 1200), (480, 360)), ((1200, 1600), (360, 480)), ((481, 481), (480, 480)), ((2000, 1), (480, 1))],
)
def test_the_longest_side_of_a_thumbnail_is_480_pixels(
    size: tuple[int, int], small: tuple[int, int], content_type: str
) -> None:
    assert thumbnail(encoded(quarters(*size), content_type)).size == small


@pytest.mark.parametrize("size", [(480, 480), (64, 48), (1, 1)])
def test_a_small_image_is_not_enlarged(size: tuple[int, int]) -> None:
    assert thumbnail(encoded(quarters(*size), PNG)).size == size


def test_a_thumbnail_shows_what_the_image_shows() -> None:
    assert colours(thumbnail(encoded(quarters(1600, 1200), JPEG))) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("content_type", [PNG, WEBP])
def test_what_is_transparent_stays_transparent(content_type: str) -> None:
    drawn = Image.new("RGBA", (64, 48), (0, 0, 0, 0))
    drawn.paste((*RED, 255), (0, 0, 32, 48))

    small = thumbnail(encoded(drawn, content_type))

    assert small.mode == "RGBA"
    assert small.getchannel("A").getpixel((8, 24)) == 255
    assert small.getchannel("A").getpixel((56, 24)) == 0


def test_a_transparent_colour_of_a_palette_stays_transparent() -> None:
    drawn = quarters(64, 48).quantize(4)
    background = drawn.getpixel((60, 44))

    small = thumbnail(encoded(drawn, PNG, transparency=background))

    assert small.getchannel("A").getpixel((60, 44)) == 0
    assert small.getchannel("A").getpixel((8, 8)) == 255


@pytest.mark.parametrize(
    ("mode", "content_type"), [("CMYK", JPEG), ("L", JPEG), ("L", PNG), ("1", PNG), ("P", PNG), ("LA", PNG)]
)
def test_images_of_every_colour_mode_get_thumbnails(mode: str, content_type: str) -> None:
    data = encoded(quarters(64, 48).convert(mode), content_type)

    assert size_of(data, content_type) == ImageSize(64, 48)
    assert thumbnail(data).size == (64, 48)


def test_a_cmyk_image_keeps_its_colours() -> None:
    data = encoded(quarters(640, 480).convert("CMYK"), JPEG)

    assert colours(thumbnail(data)) == [RED, GREEN, BLUE, WHITE]


def test_the_thumbnail_of_an_animated_webp_is_its_first_frame() -> None:
    later = Image.new("RGB", (64, 48), BLUE)
    data = encoded(quarters(64, 48), WEBP, save_all=True, append_images=[later, later], duration=100)

    assert size_of(data, WEBP) == ImageSize(64, 48)
    assert colours(thumbnail(data)) == [RED, GREEN, BLUE, WHITE]
    assert getattr(thumbnail(data), "n_frames", 1) == 1


def test_a_thumbnail_contains_no_exif_data() -> None:
    camera = (0x010F, 2, 4, b"Cam\x00")
    data = encoded(quarters(64, 48), JPEG, exif=exif(camera, oriented(1)))

    assert b"Cam\x00" in data
    assert len(thumbnail(data).getexif()) == 0
