"""What is known of an image file before it is decoded."""

import struct
from dataclasses import dataclass
from typing import Final

UPRIGHT: Final = 1
ORIENTATION: Final = 0x0112
"""The EXIF tag of the orientation: 1 is upright, 2 to 8 are transposed."""

_IFD_ENTRY: Final = 12
_SHORT: Final = 3


@dataclass(frozen=True)
class Structure:
    """An image file: its stored size in pixels, its cost, its orientation, and the file without camera data.

    `decoded_bytes` is the size of all pixels in memory, `scans` how often a decoder passes over all of them.
    `clean` has everything that is needed to show the image, its colour profile included, and nothing else:
    no EXIF, XMP or IPTC data, no comments, no embedded previews, nothing after the end of the image.
    """

    width: int
    height: int
    decoded_bytes: int
    orientation: int
    clean: bytes
    scans: int = 1
    is_animated: bool = False
    is_lossless: bool = False


def orientation_of(tiff: bytes) -> int:
    """Return the orientation in EXIF data: a TIFF header and directories; upright if it has none."""
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if order is None:
        return UPRIGHT
    try:
        (position,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, position)
        for entry in range(entries):
            start = position + 2 + entry * _IFD_ENTRY
            tag, kind, count, value = struct.unpack_from(f"{order}HHIH", tiff, start)
            if tag == ORIENTATION:
                return value if (kind, count) == (_SHORT, 1) and 1 <= value <= 8 else UPRIGHT
    except struct.error:  # a directory that ends too early
        pass
    return UPRIGHT
