"""The chunks of a PNG file (W3C PNG, third edition)."""

import struct
from collections.abc import Iterator
from typing import Final

from adapters.files.images.structure import (
    MAX_PROFILE,
    PROFILE_TOO_LARGE,
    UPRIGHT,
    Structure,
    orientation_of,
)
from adapters.files.rejections import DAMAGED, damaged
from bp_core.uploads.kinds import RejectedFileError

MAX_CHUNKS: Final = 50_000
"""How many chunks a file may have; encoders write one for some thousand bytes."""

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
KEPT: Final = frozenset(
    {
        b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS",
        b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"bKGD", b"pHYs",
    }
)  # fmt: skip
"""The chunks that are needed to show the image; an animation becomes its first picture."""

GREY, PALETTE, COLOURS = 0, 3, frozenset({2, 4, 6})
"""The colour types; those of `COLOURS` have more than one channel."""

ROW, ROW_UNIT = 8, 4
"""Pillow needs 8 bytes for each row, whose length is a multiple of 4."""

_HEADER: Final = 13
_AROUND: Final = 12
"""The bytes around the content of a chunk: length, type, check sum."""


def read(data: bytes) -> Structure:
    """Read the chunks of a PNG file. Raises RejectedFileError."""
    header, orientation, kept = b"", UPRIGHT, [SIGNATURE]
    for kind, content, whole in _chunks(data):
        if (kind == b"IHDR") is bool(header):  # the first chunk, and no other
            raise damaged()
        header = header or content
        if kind == b"eXIf":
            orientation = orientation_of(content)
        if kind in KEPT - {b"IDAT"} and len(content) > MAX_PROFILE:
            raise RejectedFileError(PROFILE_TOO_LARGE if kind == b"iCCP" else DAMAGED)
        if kind in KEPT:
            kept.append(whole)
    if len(header) != _HEADER:
        raise damaged()
    width, height, depth, colour = struct.unpack_from(">IIBB", header)
    if not (width and height) or colour not in {GREY, PALETTE, *COLOURS}:
        raise damaged()
    decoded = height * (ROW + -(-width * _pixel_bytes(colour, depth) // ROW_UNIT) * ROW_UNIT)
    return Structure(width, height, decoded, 2 * decoded, orientation, b"".join(kept))


def _pixel_bytes(colour: int, depth: int) -> int:
    """Return how many bytes Pillow needs for a pixel: four if it has more than one channel."""
    if colour in COLOURS:
        return 4
    return 2 if depth > 8 else 1


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield type, content and all bytes of each chunk up to the end of the image."""
    position = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        length = int.from_bytes(data[position : position + 4], "big")
        kind, end = data[position + 4 : position + 8], position + _AROUND + length
        if end > len(data) or not kind.isalpha():
            raise damaged()
        yield kind, data[position + 8 : end - 4], data[position:end]
        if kind == b"IEND":
            return
        if kind[0:1].isupper() and kind not in KEPT:  # a critical chunk that no decoder knows
            raise damaged()
        position = end
    raise RejectedFileError(f"The image has more than {MAX_CHUNKS} chunks.")
