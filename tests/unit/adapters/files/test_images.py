"""The structure of images: what they cost to decode, and what they lose before they are stored."""

import io
import random
import re
import struct
from collections.abc import Callable

import pytest
from PIL import Image, ImageCms, ImageOps

from adapters.files import examination
from adapters.files.examination import answer
from adapters.files.images import jpeg, png, webp
from adapters.files.images.structure import ORIENTATION, Structure, orientation_of, oriented
from adapters.files.pictures import NOT_TURNED
from adapters.files.rejections import DAMAGED
from bp_core.uploads.kinds import RejectedFileError
from tests import hostile
from tests.hostile import CAMERA, SECRET, camera_exif, chunk, encoded, segment

READERS = {"JPEG": jpeg.read, "PNG": png.read, "WEBP": webp.read}
TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"


def photograph(image_format: str, **how: object) -> bytes:
    image = Image.effect_noise((96, 64), 60).convert("RGB")
    return encoded(image, image_format, exif=camera_exif(), icc_profile=PROFILE, xmp=XMP, **how)


def stored(data: bytes, image_format: str, *, keep_metadata: bool = False) -> bytes:
    """Return the bytes that are stored for an image."""
    request = {
        "content_type": TYPES[image_format], "with_thumbnail": True, "keep_metadata": keep_metadata
    }  # fmt: skip
    header, parts = answer(request, [data])
    assert "rejected" not in header, header
    return parts[0] if header["is_changed"] else data


def reason(data: bytes, image_format: str) -> str:
    request = {"content_type": TYPES[image_format], "with_thumbnail": True, "keep_metadata": False}
    return str(answer(request, [data])[0]["rejected"])


def pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGBA").tobytes()


# --- camera data


@pytest.mark.parametrize("image_format", READERS)
def test_a_stored_image_has_lost_its_camera_data_and_kept_its_pixels_and_colours(image_format: str) -> None:
    data = photograph(image_format)
    assert CAMERA in data
    assert SECRET in data

    kept = stored(data, image_format)

    for trace in (CAMERA, SECRET, b"Exif", b"EXIF", b"eXIf", b"xmpmeta"):
        assert trace not in kept
    assert pixels(kept) == pixels(data)
    with Image.open(io.BytesIO(kept)) as image:
        assert image.info["icc_profile"] == PROFILE
        assert dict(image.getexif()) == {}
        assert image.format == image_format


@pytest.mark.parametrize("image_format", READERS)
def test_an_image_without_camera_data_and_one_that_is_stored_already_do_not_change(image_format: str) -> None:
    plain = encoded(Image.effect_noise((96, 64), 60).convert("RGB"), image_format)
    assert stored(plain, image_format) == plain
    once = stored(photograph(image_format), image_format)
    assert stored(once, image_format) == once


@pytest.mark.parametrize("image_format", READERS)
def test_a_setting_keeps_the_camera_data(image_format: str) -> None:
    data = photograph(image_format)
    assert stored(data, image_format, keep_metadata=True) == data


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_rotated_jpeg_keeps_its_pixels_and_of_its_camera_data_only_how_it_is_shown(
    orientation: int,
) -> None:
    image = Image.new("RGB", (96, 64), "white")
    image.paste((200, 0, 0), (0, 0, 48, 32))
    data = encoded(image, "JPEG", exif=camera_exif(orientation), icc_profile=PROFILE, xmp=XMP)

    kept = stored(data, "JPEG")

    for trace in (CAMERA, SECRET, b"xmpmeta"):
        assert trace in data
        assert trace not in kept
    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(kept)) as after:
        assert after.tobytes() == before.tobytes()
        assert after.info["icc_profile"] == PROFILE
        assert dict(after.getexif()) == {ORIENTATION: orientation}
        assert ImageOps.exif_transpose(after).tobytes() == ImageOps.exif_transpose(before).tobytes()
    assert stored(kept, "JPEG") == kept


def test_the_orientation_of_a_jpeg_without_a_header_comes_first() -> None:
    plain = encoded(Image.new("RGB", (96, 64), "red"), "JPEG")
    bare = plain[:2] + segment(0xE1, camera_exif(6)) + plain[20:]
    kept = stored(bare, "JPEG")
    assert kept == plain[:2] + segment(0xE1, b"Exif\0\0" + oriented(6)) + plain[20:]
    assert stored(kept, "JPEG") == kept


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("image_format", ["PNG", "WEBP"])
def test_a_rotated_image_is_stored_upright(image_format: str, orientation: int) -> None:
    image = Image.new("RGB", (96, 64), "white")
    image.paste((200, 0, 0), (0, 0, 48, 32))
    how = {"lossless": True} if image_format == "WEBP" else {}
    data = encoded(image, image_format, exif=camera_exif(orientation), icc_profile=PROFILE, **how)

    kept = stored(data, image_format)

    assert CAMERA not in kept
    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(kept)) as after:
        upright = ImageOps.exif_transpose(before).convert("RGB")
        assert after.size == upright.size != (0, 0)
        assert after.info["icc_profile"] == PROFILE
        assert dict(after.getexif()) == {}
        assert after.convert("RGB").tobytes() == upright.tobytes()
    assert stored(kept, image_format) == kept


def test_a_jpeg_loses_comments_previews_other_segments_and_what_follows_its_end() -> None:
    plain = encoded(Image.new("RGB", (96, 64), "red"), "JPEG")
    preview = b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x02\x02" + SECRET[:12]
    dirty = (
        b"\xff\xd8" + segment(0xE0, preview) + segment(0xE0, b"JFXX\x00\x13" + SECRET)
        + segment(0xED, b"Photoshop 3.0\x00" + SECRET) + segment(0xFE, SECRET)
        + segment(0xE2, b"MPF\x00" + SECRET)
        + segment(0xEB, b"JP" + SECRET) + b"\xff\xff\xff" + plain[20 + 1 :] + SECRET + photograph("JPEG")
    )  # fmt: skip
    assert plain[2:4] == b"\xff\xe0"
    assert plain[20:22] == b"\xff\xdb"

    kept = stored(dirty, "JPEG")

    assert SECRET[:12] not in kept
    assert kept == plain.replace(plain[2:20], segment(0xE0, preview[:12] + b"\0\0"), 1)


def test_a_png_loses_texts_times_animations_unknown_chunks_and_what_follows_its_end() -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue", "green")]
    data = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=100)
    position = 8 + 25
    texts = chunk(b"tEXt", b"Comment\0" + SECRET) + chunk(b"zzZz", SECRET) + chunk(b"tIME", bytes(7))
    kept = stored(data[:position] + texts + data[position:] + SECRET, "PNG")

    assert SECRET not in kept
    assert b"acTL" not in kept
    assert b"fdAT" not in kept
    assert pixels(kept) == frames[0].convert("RGBA").tobytes()


def test_an_animated_webp_keeps_its_frames_and_loses_what_is_hidden_in_them() -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue", "green")]
    data = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=100, lossless=True)
    at = data.index(b"ANMF")
    (length,) = struct.unpack_from("<I", data, at + 4)
    hidden = b"HIDE" + struct.pack("<I", len(SECRET)) + SECRET
    frame = b"ANMF" + struct.pack("<I", length + len(hidden)) + data[at + 8 : at + 8 + length] + hidden
    body = data[8:at] + frame + data[at + 8 + length :]

    kept = stored(b"RIFF" + struct.pack("<I", len(body)) + body + SECRET, "WEBP")

    assert kept == data
    with Image.open(io.BytesIO(kept)) as image:
        assert getattr(image, "n_frames", 1) == 3


@pytest.mark.parametrize("image_format", READERS)
def test_hostile_bytes_are_rejected_and_never_an_error(image_format: str) -> None:
    generator = random.Random(1)
    whole = photograph(image_format)
    request = {"content_type": TYPES[image_format], "with_thumbnail": True, "keep_metadata": False}
    for _ in range(150):
        corrupted = bytearray(whole)
        for _ in range(generator.choice((1, 3, 30))):
            corrupted[generator.randrange(8, len(whole))] = generator.randrange(256)
        cut = whole[: generator.randrange(len(whole))]
        header, parts = answer(request, [bytes(corrupted)])
        assert "rejected" in header or SECRET not in parts[0]
        assert "rejected" in answer(request, [cut])[0]


def test_whatever_a_decoder_raises_is_a_rejection_but_a_missing_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = {"content_type": "image/png", "with_thumbnail": False, "keep_metadata": False}
    errors = {
        RuntimeError("x"): DAMAGED, RecursionError("x"): DAMAGED, UnicodeError("x"): DAMAGED,
        MemoryError(): examination.TOO_MUCH_MEMORY,
    }  # fmt: skip
    for error, expected in errors.items():
        with monkeypatch.context() as patch:
            patch.setattr("adapters.files.pictures.examine", raising(error))
            assert answer(request, [b""]) == ({"rejected": expected}, [])
    monkeypatch.setattr("adapters.files.pictures.examine", raising(ImportError("no PIL")))
    with pytest.raises(ImportError):
        answer(request, [b""])


def raising(error: Exception) -> object:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


# --- what an image costs


COSTS: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "a JPEG of 10,000 empty scans": (
        lambda: hostile.progressive_bomb(200), "JPEG", "The image has more than 10000 segments."
    ),
    "a JPEG of 1,000 empty scans": (
        lambda: hostile.progressive_bomb(200, 990), "JPEG",
        "The image has 1000 scans, which take too long to decode.",
    ),
    "50 megapixels with alpha": (
        lambda: hostile.png(7071, 7071, 6), "PNG",
        "The image needs 200 MB when it is decoded; at most 152 MB are accepted.",
    ),
    "49 megapixels in colour": (
        lambda: hostile.png(7000, 7000, 2), "PNG",
        "The image needs 196 MB when it is decoded; at most 152 MB are accepted.",
    ),
    "49 megapixels, progressive, with all colours": (
        lambda: with_size(small(progressive=True), 7000, 7000),
        "JPEG", "The image needs 294 MB when it is decoded; at most 152 MB are accepted.",
    ),
    "49 megapixels in colours that are stored one after the other": (
        lambda: in_three_scans(with_size(small(), 7000, 7000)),
        "JPEG", "The image needs 294 MB when it is decoded; at most 152 MB are accepted.",
    ),
    "a WebP of 13 megapixels": (
        lambda: webp_of(b"VP8L" + struct.pack("<IBI", 5, 0x2F, 3600 << 14 | 3600) + b"\0"),
        "WEBP", "The image needs 155 MB when it is decoded; at most 152 MB are accepted.",
    ),
    "19 megapixels in colour, rotated": (
        lambda: hostile.png(4400, 4400, 2, extra=chunk(b"eXIf", oriented(6))), "PNG", NOT_TURNED,
    ),
    "7 megapixels without loss, rotated": (
        lambda: webp_of(
            b"VP8X\x0a\0\0\0\x08\0\0\0" + struct.pack("<I", 2699)[:3] * 2
            + b"VP8L\0\0\0\0EXIF" + struct.pack("<I", 26) + oriented(6)
        ), "WEBP", NOT_TURNED,
    ),
    "a JPEG without loss": (
        lambda: small().replace(b"\xff\xc0", b"\xff\xc3"), "JPEG",
        "The image is a JPEG of a kind that browsers do not show.",
    ),
    "60 megapixels": (
        lambda: hostile.png(10_000, 6_000, 0), "PNG",
        "The image has 10000 x 6000 pixels; at most 50 megapixels are accepted.",
    ),
    "100,000 chunks": (
        lambda: hostile.png(8, 8, 0, extra=chunk(b"tEXt", b"") * 100_000), "PNG",
        "The image has more than 50000 chunks.",
    ),
    "a colour profile of 5 MB": (
        lambda: hostile.png(8, 8, 0, extra=chunk(b"iCCP", bytes(5_000_000))), "PNG",
        "The colour profile of the image is larger than 4194304 bytes.",
    ),
    "a WebP of 20,000 chunks": (
        lambda: webp_of(b"VP8X" + struct.pack("<I", 10) + bytes(10) + b"abcd\0\0\0\0" * 20_000), "WEBP",
        "The image has more than 10000 chunks.",
    ),
    "a WebP canvas of 268 megapixels": (
        lambda: webp_of(b"VP8X\x0a" + bytes(7) + b"\xff\x3f\x00" * 2 + b"VP8 " + bytes(4)),
        "WEBP",
        "The image has 16384 x 16384 pixels; at most 50 megapixels are accepted.",
    ),
}  # fmt: skip


def small(**how: object) -> bytes:
    """Make a small JPEG with all its colours."""
    return encoded(Image.new("RGB", (8, 8)), "JPEG", subsampling=0, **how)


def with_size(jpeg_file: bytes, width: int, height: int) -> bytes:
    """Let a JPEG declare another size."""
    at = re.search(rb"\xff[\xc0\xc2]\x00\x11\x08", jpeg_file)
    assert at is not None
    return jpeg_file[: at.end()] + struct.pack(">HH", height, width) + jpeg_file[at.end() + 4 :]


def in_three_scans(jpeg_file: bytes) -> bytes:
    """Let the only scan of a JPEG have one colour, and two more follow."""
    at = jpeg_file.index(b"\xff\xda")
    scans = (segment(0xDA, bytes((1, colour, 0, 0, 63, 0))) + b"\0" for colour in (1, 2, 3))
    return jpeg_file[:at] + b"".join(scans) + b"\xff\xd9"


def webp_of(chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


@pytest.mark.parametrize("what", COSTS)
def test_an_image_that_costs_too_much_is_rejected_before_it_is_decoded(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, image_format, expected = COSTS[what]
    data = make()
    monkeypatch.setattr(Image, "open", raising(AssertionError("decoded")))
    assert reason(data, image_format) == expected


def test_ordinary_photographs_cost_less_than_the_limits() -> None:
    photograph_of_50_megapixels = Image.new("RGB", (8160, 6120), "red")
    assert jpeg.read(encoded(photograph_of_50_megapixels, "JPEG")).decoded_bytes == 0
    progressive = jpeg.read(encoded(photograph_of_50_megapixels, "JPEG", progressive=True))
    assert (progressive.scans, progressive.decoded_bytes) == (10, 150_013_440)
    assert png.read(hostile.png(4960, 7016, 0)).decoded_bytes == 34_855_488  # A4 with 600 dots per inch
    assert png.read(hostile.png(4960, 7016, 2)).decoded_bytes == 139_253_568
    assert webp.read(encoded(Image.new("RGB", (4032, 3024)), "WEBP")).decoded_bytes == 146_313_216


def test_sixteen_bits_of_grey_get_a_thumbnail_of_the_same_grey() -> None:
    image = Image.new("I;16", (900, 600), 0x8000)
    request = {"content_type": "image/png", "with_thumbnail": True, "keep_metadata": False}
    header, (thumbnail,) = answer(request, [encoded(image, "PNG")])

    assert header["size"] == [900, 600]
    with Image.open(io.BytesIO(thumbnail)) as small:
        assert (small.size, small.convert("L").getpixel((10, 10))) == ((480, 320), 128)


KINDS_OF_PNG = [
    (0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (4, 8), (4, 16), (6, 8), (6, 16)
]  # fmt: skip


@pytest.mark.parametrize(("colour", "depth"), KINDS_OF_PNG)
def test_a_png_of_every_colour_type_and_depth_gets_a_thumbnail(colour: int, depth: int) -> None:
    request = {"content_type": "image/png", "with_thumbnail": True, "keep_metadata": False}
    header, (thumbnail,) = answer(request, [hostile.png(640, 480, colour, depth)])

    assert header["size"] == [640, 480]
    with Image.open(io.BytesIO(thumbnail)) as small:
        assert small.size == (480, 360)


@pytest.mark.parametrize(
    "tiff", [b"", b"II*\0", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff", b"GIF89a"]
)
def test_exif_data_that_end_too_early_have_no_orientation(tiff: bytes) -> None:
    assert orientation_of(tiff) == 1


BROKEN = {
    "no frame": ("JPEG", b"\xff\xd8" + segment(0xFE, b"x") + b"\xff\xd9"),
    "no end": ("JPEG", encoded(Image.new("L", (8, 8)), "JPEG")[:-2]),
    "a segment without a length": ("JPEG", b"\xff\xd8\xff\xfe\x00\x00\xff\xd9"),
    "an image in an image": ("JPEG", b"\xff\xd8\xff\xd8\xff\xd9"),
    "two headers": ("PNG", hostile.png(8, 8, 0, extra=chunk(b"IHDR", bytes(13)))),
    "an unknown critical chunk": ("PNG", hostile.png(8, 8, 0, extra=chunk(b"ABCD", b""))),
    "no pixels": ("WEBP", webp_of(b"VP8X" + struct.pack("<I", 10) + bytes(10))),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_structure_is_damaged(what: str) -> None:
    image_format, data = BROKEN[what]
    with pytest.raises(RejectedFileError, match="damaged"):
        structure(data, image_format)


def structure(data: bytes, image_format: str) -> Structure:
    return READERS[image_format](data)
