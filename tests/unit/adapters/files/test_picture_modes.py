"""Every kind of pixels that the accepted formats can have: each image gets a thumbnail."""

import io
import struct
import zlib
from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Any, Final

import pytest
from PIL import Image, ImageOps

from adapters.files.images.structure import ORIENTATION
from adapters.files.pictures import MODES
from bp_core.uploads.kinds import ImageSize
from tests.hostile_images import ADAM7, TURNED
from tests.unit.adapters.files.test_pictures import JPEG, PNG, WEBP, chunk, encoded, examined

WIDTH, HEIGHT = 20, 13
GREY, COLOUR, PALETTE, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6
CHANNELS: Final = {GREY: 1, COLOUR: 3, PALETTE: 1, GREY_ALPHA: 2, COLOUR_ALPHA: 4}
DEPTHS: Final = {
    GREY: (1, 2, 4, 8, 16),
    COLOUR: (8, 16),
    PALETTE: (1, 2, 4, 8),
    GREY_ALPHA: (8, 16),
    COLOUR_ALPHA: (8, 16),
}
"""All colour types of PNG with all their depths, as its specification lists them."""

HAS_TRANSPARENT_COLOUR: Final = (GREY, COLOUR, PALETTE)


def png(colour: int, depth: int, *, interlaced: bool, transparent: bool, turned: bool) -> bytes:
    """Make a PNG of random pixels."""
    chunks = [
        chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, int(interlaced))),
        *([chunk(b"eXIf", exif())] if turned else []),
        *([chunk(b"PLTE", Random(1).randbytes(3 << depth))] if colour == PALETTE else []),
        *([chunk(b"tRNS", transparency(colour, depth))] if transparent else []),
        chunk(b"IDAT", zlib.compress(pixels(colour, depth, interlaced=interlaced))),
        chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def pixels(colour: int, depth: int, *, interlaced: bool) -> bytes:
    """Make the rows of a PNG, each without a filter."""
    rows = []
    for x, y, dx, dy in ADAM7 if interlaced else ((0, 0, 1, 1),):
        width, height = -(-(WIDTH - x) // dx), -(-(HEIGHT - y) // dy)
        size = -(-width * CHANNELS[colour] * depth // 8)
        rows += [b"\0" + Random(row).randbytes(size) for row in range(height)] if width > 0 else []
    return b"".join(rows)


def transparency(colour: int, depth: int) -> bytes:
    """Make a tRNS chunk: the largest value of each channel is transparent, or the entries of the palette."""
    if colour == PALETTE:
        return bytes(range(1 << depth))
    return struct.pack(">H", (1 << depth) - 1) * CHANNELS[colour]


def exif() -> bytes:
    data = Image.Exif()
    data[ORIENTATION] = TURNED
    return data.tobytes().removeprefix(b"Exif\0\0")


def all_pngs() -> Iterator[Any]:
    for colour, depths in DEPTHS.items():
        for depth, interlaced, transparent, turned in product(depths, *[(False, True)] * 3):
            if not transparent or colour in HAS_TRANSPARENT_COLOUR:
                name = (
                    f"{colour}-{depth}{'-interlaced' * interlaced}{'-tRNS' * transparent}{'-turned' * turned}"
                )
                how = {"interlaced": interlaced, "transparent": transparent, "turned": turned}
                yield pytest.param(colour, depth, how, id=name)


def assert_drawn(data: bytes, content_type: str, *, turned: bool = False) -> None:
    """Assert that an image is accepted, and that its thumbnail shows all of it upright."""
    result = examined(data, content_type)
    size = (HEIGHT, WIDTH) if turned else (WIDTH, HEIGHT)
    assert result.size == ImageSize(*size)
    with Image.open(io.BytesIO(result.thumbnail or b"")) as drawn:
        assert (drawn.format, drawn.size) == ("WEBP", size)
    with Image.open(io.BytesIO(result.data or b"")) as stored:
        stored.load()
        assert ImageOps.exif_transpose(stored).size == size


@pytest.mark.parametrize(("colour", "depth", "how"), list(all_pngs()))
def test_every_png_gets_a_thumbnail(colour: int, depth: int, how: dict[str, bool]) -> None:
    data = png(colour, depth, **how)
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.mode in MODES
    assert_drawn(data, PNG, turned=how["turned"])


def drawn_in(mode: str) -> Image.Image:
    """An image with something in every channel."""
    gradient = Image.linear_gradient("L").resize((WIDTH, HEIGHT))
    return Image.merge("RGBA", [gradient, gradient.rotate(180), gradient, gradient]).convert(mode)


def ycck(data: bytes) -> bytes:
    """Mark a CMYK JPEG as YCCK, as Photoshop writes it."""
    at = data.index(b"Adobe")
    return data[: at + 11] + b"\x02" + data[at + 12 :]


JPEGS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "grey": ("L", {}),
    "colour": ("RGB", {}),
    "colour without subsampling": ("RGB", {"subsampling": 0}),
    "CMYK": ("CMYK", {}),
    "progressive": ("RGB", {"progressive": True}),
    "progressive grey": ("L", {"progressive": True}),
    "progressive CMYK": ("CMYK", {"progressive": True}),
    "restart markers": ("RGB", {"restart_marker_blocks": 1}),
    "RGB without conversion": ("RGB", {"keep_rgb": True}),
}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", JPEGS)
def test_every_jpeg_gets_a_thumbnail(name: str, turned: bool) -> None:
    mode, how = JPEGS[name]
    extra = {"exif": b"Exif\0\0" + exif()} if turned else {}
    data = encoded(drawn_in(mode), JPEG, **how, **extra)
    assert_drawn(data, JPEG, turned=turned)
    if mode == "CMYK":
        assert_drawn(ycck(data), JPEG, turned=turned)


WEBPS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "colour": ("RGB", {}),
    "transparent": ("RGBA", {}),
    "lossless": ("RGB", {"lossless": True}),
    "lossless transparent": ("RGBA", {"lossless": True}),
    "exact": ("RGBA", {"lossless": True, "exact": True}),
}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", WEBPS)
def test_every_webp_gets_a_thumbnail(name: str, turned: bool) -> None:
    mode, how = WEBPS[name]
    extra = {"exif": b"Exif\0\0" + exif()} if turned else {}
    assert_drawn(encoded(drawn_in(mode), WEBP, **how, **extra), WEBP, turned=turned)


@pytest.mark.parametrize("content_type", [PNG, WEBP])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_an_animation_gets_a_thumbnail(mode: str, content_type: str) -> None:
    frames = [drawn_in(mode), drawn_in(mode).transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    data = encoded(frames[0], content_type, save_all=True, append_images=frames[1:])
    assert_drawn(data, content_type)


def test_sixteen_bits_of_grey_keep_their_brightness() -> None:
    """A scan: before, it had no thumbnail."""
    grey = Image.new("I;16", (WIDTH, HEIGHT), 128 * 256)
    result = examined(encoded(grey, PNG), PNG)
    with Image.open(io.BytesIO(result.thumbnail or b"")) as drawn:
        pixel = drawn.convert("L").getpixel((5, 5))
    assert isinstance(pixel, int)
    assert abs(pixel - 128) <= 2
