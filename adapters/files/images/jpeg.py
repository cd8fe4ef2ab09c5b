"""The segments of a JPEG file (ITU-T T.81, annex B)."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from adapters.files.images.structure import UPRIGHT, Structure, orientation_of
from adapters.files.rejections import damaged
from bp_core.uploads.kinds import RejectedFileError

MAX_SEGMENTS: Final = 10_000
"""How many segments a file may have; photographs with depth maps or a motion picture have some hundred."""

SOI: Final = b"\xff\xd8"
EOI, SOS, COMMENT = 0xD9, 0xDA, 0xFE
FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of a frame, which has the size of the image."""

APPLICATION: Final = range(0xE0, 0xF0)
STANDALONE: Final = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})
"""Markers without a length; none of them may stand between two segments."""

EXIF: Final = b"Exif\x00\x00"
KEPT: Final = {0xE0: b"JFIF\x00", 0xE2: b"ICC_PROFILE\x00", 0xEE: b"Adobe"}
"""The application segments that are needed to show the image, by their markers and first bytes."""

_FILL: Final = re.compile(rb"\xff+")
# In the data of a scan a marker is neither a stuffed byte (00) nor a restart (D0 to D7).
_END_OF_SCAN: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
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
    frame, orientation, scans, kept = b"", UPRIGHT, 0, [SOI]
    for segment in _segments(data):
        if segment.marker in FRAMES:
            if frame:
                raise damaged()
            frame = segment.content
        scans += segment.marker == SOS
        if segment.marker == APPLICATION[1] and segment.content.startswith(EXIF):
            orientation = orientation_of(segment.content[len(EXIF) :])
        if segment.is_kept:
            kept.append(_without_preview(segment))
    height, width, components = struct.unpack_from(">xHHB", frame.ljust(6, b"\0"))
    if not (width and height and components and scans):
        raise damaged()
    return Structure(width, height, width * height * components, orientation, b"".join(kept), scans)


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
