"""The segments of a JPEG file (ITU-T T.81, annex B)."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from adapters.files.images.structure import (
    MAX_PROFILE,
    PROFILE_TOO_LARGE,
    UPRIGHT,
    Structure,
    orientation_of,
    oriented,
)
from adapters.files.rejections import damaged
from bp_core.uploads.kinds import RejectedFileError

MAX_SEGMENTS: Final = 10_000
"""How many segments a file may have; photographs with depth maps or a motion picture have some hundred."""

SOI: Final = b"\xff\xd8"
EOI, SOS, COMMENT = 0xD9, 0xDA, 0xFE
FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of a frame, which has the size of the image."""

SHOWN: Final = frozenset({0xC0, 0xC1, 0xC2})
"""The frames that browsers show: baseline, extended and progressive, with Huffman codes."""

PROGRESSIVE: Final = 0xC2
PROFILE: Final = 0xE2

APPLICATION: Final = range(0xE0, 0xF0)
STANDALONE: Final = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})
"""Markers without a length; none of them may stand between two segments."""

EXIF: Final = b"Exif\x00\x00"
KEPT: Final = {0xE0: b"JFIF\x00", PROFILE: b"ICC_PROFILE\x00", 0xEE: b"Adobe"}
"""The application segments that are needed to show the image, by their markers and first bytes."""

_FILL: Final = re.compile(rb"\xff+")
# In the data of a scan a marker is neither a stuffed byte (00) nor a restart (D0 to D7).
_END_OF_SCAN: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
BLOCK: Final = 8
"""The side of a block of pixels that is coded together."""

_JFIF_HEADER: Final = 16
"""The length of a JFIF segment without a preview: itself, the name, five numbers, and two zeros."""


@dataclass(frozen=True)
class _Segment:
    marker: int
    content: bytes
    """What follows the length, without the data of a scan."""

    whole: bytes

    @property
    def is_kept(self) -> bool:
        if self.marker in APPLICATION:
            return self.marker in KEPT and self.content.startswith(KEPT[self.marker])
        return self.marker != COMMENT


def read(data: bytes) -> Structure:
    """Read the segments of a JPEG file up to the end of its first image. Raises RejectedFileError."""
    frames, orientation, scans, kept = [], UPRIGHT, [], []
    for segment in _segments(data):
        if segment.marker in FRAMES:
            frames.append(segment)
        if segment.marker == SOS:
            scans.append(segment.content[:1])
        if segment.marker == APPLICATION[1] and segment.content.startswith(EXIF):
            orientation = orientation_of(segment.content[len(EXIF) :])
        if segment.is_kept:
            kept.append(segment)
    if sum(len(one.content) for one in kept if one.marker == PROFILE) > MAX_PROFILE:
        raise RejectedFileError(PROFILE_TOO_LARGE)
    frame = _Frame.of(frames, scans)
    return Structure(
        frame.width,
        frame.height,
        decoded_bytes=frame.coefficients if frame.is_collected else 0,
        turned_bytes=0,
        orientation=orientation,
        clean=_clean(kept, orientation),
        scans=len(scans),
        keeps_orientation=True,
    )


@dataclass(frozen=True)
class _Frame:
    """The size of an image, and what its decoder needs in memory before it can write the first pixel.

    If `is_collected`, the decoder reads all scans before: it needs all `coefficients`, in bytes, whatever
    the scale is at which it decodes. Otherwise it needs some rows.
    """

    width: int
    height: int
    coefficients: int
    is_collected: bool

    @classmethod
    def of(cls, frames: list[_Segment], scans: list[bytes]) -> "_Frame":
        """Read the frame of an image, whose scans have these numbers of components."""
        if len(frames) != 1 or not scans:
            raise damaged()
        (frame,) = frames
        if frame.marker not in SHOWN:
            raise RejectedFileError("The image is a JPEG of a kind that browsers do not show.")
        height, width, components = struct.unpack_from(">xHHB", frame.content.ljust(6, b"\0"))
        sampling = frame.content[7 : 6 + 3 * components : 3]
        if not (width and height and components) or len(sampling) < components:
            raise damaged()
        is_collected = frame.marker == PROGRESSIVE or len(scans) > 1 or scans[0] != bytes([components])
        return cls(width, height, _coefficients(width, height, sampling), is_collected)


def _coefficients(width: int, height: int, sampling: bytes) -> int:
    """Return the size of all coefficients in bytes: each component has blocks of 64, of two bytes each."""
    factors = [(one >> 4, one & 15) for one in sampling]
    if not all(across and down for across, down in factors):
        raise damaged()
    columns = -(-width // (BLOCK * max(across for across, _ in factors)))
    rows = -(-height // (BLOCK * max(down for _, down in factors)))
    return sum(columns * across * rows * down for across, down in factors) * BLOCK * BLOCK * 2


def _clean(kept: list[_Segment], orientation: int) -> bytes:
    """Return an image of these segments, and its orientation if it is not upright."""
    written = [SOI, *map(_without_preview, kept)]
    if orientation != UPRIGHT:
        content = EXIF + oriented(orientation)
        has_header = kept[0].marker == APPLICATION[0]  # which comes first
        written.insert(1 + has_header, b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content)
    return b"".join(written)


def _segments(data: bytes) -> Iterator[_Segment]:
    position = len(SOI)
    for _ in range(MAX_SEGMENTS):
        fill = _FILL.match(data, position)
        if fill is None or fill.end() >= len(data) or data[fill.end()] in STANDALONE:
            raise damaged()
        start, marker = fill.end() - 1, data[fill.end()]
        if marker == EOI:
            yield _Segment(EOI, b"", data[start : start + 2])
            return
        length = int.from_bytes(data[start + 2 : start + 4], "big")
        content, position = data[start + 4 : start + 2 + length], start + 2 + length
        if length < 2 or position > len(data):
            raise damaged()
        if marker == SOS:
            end = _END_OF_SCAN.search(data, position)
            if end is None:
                raise damaged()
            position = end.start()
        yield _Segment(marker, content, data[start:position])
    raise RejectedFileError(f"The image has more than {MAX_SEGMENTS} segments.")


def _without_preview(segment: _Segment) -> bytes:
    """Return a segment; the preview in a JFIF segment can show more than the image."""
    if segment.marker != APPLICATION[0] or len(segment.whole) == _JFIF_HEADER + 2:
        return segment.whole
    header = segment.content[: _JFIF_HEADER - 4].ljust(_JFIF_HEADER - 4, b"\0") + b"\0\0"
    return b"\xff\xe0" + struct.pack(">H", _JFIF_HEADER) + header
