"""What is known of an image file before it is decoded."""

import struct
from dataclasses import dataclass
from typing import Final

from bp_core.uploads.kinds import MEGABYTE

UPRIGHT: Final = 1
ORIENTATION: Final = 0x0112
"""The EXIF tag of the orientation: 1 is upright, 2 to 8 are transposed."""

MAX_PROFILE: Final = 4 * MEGABYTE
"""The largest colour profile, and the largest part of an image that has no pixels, in bytes."""

PROFILE_TOO_LARGE: Final = f"The colour profile of the image is larger than {MAX_PROFILE} bytes."

_IFD_ENTRY: Final = 12
_SHORT: Final = 3


@dataclass(frozen=True)
class Structure:
    """An image file: its stored size in pixels, its cost, its orientation, and the file without camera data.

    `decoded_bytes` is what the decoder needs for the pixels, `turned_bytes` what turning them needs,
    `scans` how often a decoder passes over all of them. `clean` has everything that is needed to show the
    image, its colour profile included, and nothing else: no EXIF, XMP or IPTC data, no comments, no embedded
    previews, nothing after the end of the image. With `keeps_orientation` it says itself how it is shown.
    """

    width: int
    height: int
    decoded_bytes: int
    turned_bytes: int
    orientation: int
    clean: bytes
    scans: int = 1
    is_animated: bool = False
    is_lossless: bool = False
    keeps_orientation: bool = False


def oriented(orientation: int) -> bytes:
    """Return EXIF data that have an orientation, and nothing else; the inverse of `orientation_of`."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, ORIENTATION, _SHORT, 1, orientation, 0, 0)


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
