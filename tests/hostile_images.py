"""Images that cost as much as an image may, and some that cost more. None is larger than 10 MB."""

import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final

from PIL import Image

from tests.hostile import camera_exif, chunk, encoded, png, progressive_bomb, segment

LARGE: Final = 10 * 1024 * 1024
ADAM7: Final = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
"""The passes of an interlaced PNG: first column, first row, and the steps between them."""

IHDR_END: Final = 33
"""Where the second part of a PNG starts."""

TURNED: Final = 6
"""An orientation that exchanges width and height."""


@cache
def noise(width: int, height: int) -> Image.Image:
    """A picture that does not compress well, as that of a camera."""
    small = Image.effect_noise((width // 4, height // 4), 30).convert("RGB")
    return small.resize((width, height))


def photograph(width: int, height: int, orientation: int = 1, **how: object) -> bytes:
    """A JPEG with the data of a camera."""
    data = encoded(noise(width, height), "JPEG", **{"quality": 60, "exif": camera_exif(orientation), **how})
    # Cameras write a preview, in a segment that is not kept; this one fills the file.
    room = LARGE - len(data)
    return data[:2] + b"".join(segment(0xE2, bytes(65_000)) for _ in range(room // 65_004)) + data[2:]


def filled_png(width: int, height: int, colour: int, depth: int = 8, more: bytes = b"") -> bytes:
    """A PNG of 10 MB, most of it in a part that is kept."""
    bare = png(width, height, colour, depth, extra=more)
    filling = chunk(b"bKGD", bytes(4_000_000))
    return bare[:IHDR_END] + filling * ((LARGE - len(bare)) // len(filling)) + bare[IHDR_END:]


def palette_png(width: int, height: int) -> bytes:
    """A PNG of 256 colours, some of them transparent."""
    colours = random.Random(1).randbytes(768)
    return filled_png(width, height, 3, more=chunk(b"PLTE", colours) + chunk(b"tRNS", bytes(range(256))))


def interlaced_png(width: int, height: int, colour: int = 2) -> bytes:
    """A PNG that is shown in seven passes."""
    packing = zlib.compressobj(6)
    packed = b"".join(packing.compress(row) for row in _interlaced(width, height, {2: 3, 6: 4}[colour]))
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 1)
    body = chunk(b"IDAT", packed + packing.flush()) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body


def _interlaced(width: int, height: int, channels: int) -> Iterator[bytes]:
    for column, row, across, down in ADAM7:
        length = 1 + -(-(width - column) // across) * channels
        for _ in range(row, height, down):
            yield bytes(length)


def oriented_png(width: int, height: int, colour: int) -> bytes:
    """A PNG of 10 MB that a camera marked as rotated."""
    return filled_png(width, height, colour, more=chunk(b"eXIf", camera_exif(TURNED)[6:]))


def webp(width: int, height: int, orientation: int = 1, **how: object) -> bytes:
    """A WebP with the data of a camera."""
    return encoded(
        noise(width, height), "WEBP", **{"quality": 80, "method": 0, "exif": camera_exif(orientation), **how}
    )


def high_png(height: int) -> bytes:
    """A PNG of one column that declares so many rows."""
    header = struct.pack(">IIBBBBB", 1, height, 8, 0, 0, 0, 0)
    rest = png(1, 1, 0)[IHDR_END:]
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rest


def profile_bomb() -> bytes:
    """A PNG with a colour profile that unpacks to 200 MB."""
    packing = zlib.compressobj(9)
    zeros = bytes(1024 * 1024)
    packed = b"".join(packing.compress(zeros) for _ in range(200)) + packing.flush()
    return png(8, 8, 2, extra=chunk(b"iCCP", b"x\0\0" + packed))


def long_profile() -> bytes:
    """A JPEG of 10 MB, most of it a colour profile."""
    parts = [segment(0xE2, b"ICC_PROFILE\0" + bytes((one, 150)) + bytes(65_000)) for one in range(1, 151)]
    data = encoded(noise(8160, 6120), "JPEG", quality=1, progressive=True)
    return data[:2] + b"".join(parts) + data[2:]


def animation() -> bytes:
    """A WebP of two large pictures."""
    frames = [Image.new("RGBA", (3500, 3500), (one, 0, 0, 255)) for one in range(2)]
    written = io.BytesIO()
    frames[0].save(
        written, "WEBP", save_all=True, append_images=frames[1:], lossless=True, method=0, quality=0
    )
    return written.getvalue()


IMAGE_TYPES: Final = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
DAMAGED: Final = "The file is damaged and cannot be opened."
NOT_TURNED: Final = "The image cannot be turned upright. Turn it, and upload it again."
TOO_LARGE: Final = "The image needs {} MB when it is decoded; at most 152 MB are accepted."

IMAGES: Final[Mapping[str, tuple[str, Callable[[], bytes], str]]] = {
    "photograph of 12 MP, rotated": ("jpg", lambda: photograph(4032, 3024, TURNED), "3024 x 4032"),
    "photograph of 24 MP, rotated": ("jpg", lambda: photograph(5712, 4284, TURNED), "4284 x 5712"),
    "photograph of 48 MP, rotated": ("jpg", lambda: photograph(8064, 6048 - 96, TURNED), "5952 x 8064"),
    "photograph of 50 MP, rotated": ("jpg", lambda: photograph(8160, 6120, TURNED), "6120 x 8160"),
    "photograph of 50 MP, progressive": (
        "jpg", lambda: photograph(8160, 6120, TURNED, progressive=True), "6120 x 8160"
    ),
    "JPEG of 50 MP, progressive, 4:4:4": (
        "jpg", lambda: photograph(8160, 6120, progressive=True, subsampling=0, quality=30),
        TOO_LARGE.format(299),
    ),
    "JPEG of 50 MP with a long profile": (
        "jpg", long_profile, "The colour profile of the image is larger than 4194304 bytes."
    ),
    "JPEG of 65,500 x 763 pixels": ("jpg", lambda: photograph(65_500, 763), "65500 x 763"),
    "JPEG of 10,000 empty scans": (
        "jpg", lambda: progressive_bomb(3400), "The image has more than 10000 segments."
    ),
    "JPEG of 90 scans": ("jpg", lambda: progressive_bomb(4600, 80), "4600 x 4600"),
    "PNG of 49 MP in colour": ("png", lambda: filled_png(7000, 7000, 2), TOO_LARGE.format(196)),
    "PNG of 37 MP in colour": ("png", lambda: filled_png(6160, 6160, 2), "6160 x 6160"),
    "PNG of 37 MP with alpha": ("png", lambda: filled_png(6160, 6160, 6), "6160 x 6160"),
    "PNG of 37 MP, grey with alpha, 16 bits": ("png", lambda: filled_png(6160, 6160, 4, 16), "6160 x 6160"),
    "PNG of 37 MP, 64 bits": ("png", lambda: filled_png(6160, 6160, 6, 16), "6160 x 6160"),
    "PNG of 37 MP, interlaced": ("png", lambda: interlaced_png(6160, 6160), "6160 x 6160"),
    "PNG of 50 MP, 16 bits of grey": ("png", lambda: filled_png(7071, 7071, 0, 16), "7071 x 7071"),
    "PNG of 50 MP, 256 colours": ("png", lambda: palette_png(7071, 7071), "7071 x 7071"),
    "PNG of 50 MP, 1 bit": ("png", lambda: filled_png(7064, 7064, 0, 1), "7064 x 7064"),
    "PNG of 50,000,000 x 1 pixels": ("png", lambda: filled_png(50_000_000, 1, 0), "50000000 x 1"),
    "PNG of 1 x 50,000,000 pixels": ("png", lambda: high_png(50_000_000), TOO_LARGE.format(600)),
    "PNG of 18 MP, rotated": ("png", lambda: oriented_png(4350, 4350, 6), "4350 x 4350"),
    "PNG of 20 MP, rotated": ("png", lambda: oriented_png(4500, 4500, 6), NOT_TURNED),
    "PNG with a profile of 200 MB": ("png", profile_bomb, DAMAGED),
    "WebP of 12.6 MP": ("webp", lambda: webp(4096, 3088), "4096 x 3088"),
    "WebP of 12.6 MP, without loss": (
        "webp", lambda: webp(4096, 3088, lossless=True, quality=0), "4096 x 3088"
    ),
    "WebP of 12.6 MP, rotated": ("webp", lambda: webp(4096, 3088, TURNED), "3088 x 4096"),
    "WebP of 4.7 MP without loss, rotated": (
        "webp", lambda: webp(2512, 1884, TURNED, lossless=True, quality=0), "1884 x 2512"
    ),
    "WebP of 12 MP, animated": ("webp", animation, "3500 x 3500"),
}  # fmt: skip
"""The extension, the file, and its size in pixels as people see it, or why it is rejected."""
