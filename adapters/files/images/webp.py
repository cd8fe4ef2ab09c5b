"""The chunks of a WebP file (RFC 9649)."""

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
from adapters.files.rejections import damaged
from bp_core.uploads.kinds import RejectedFileError

MAX_CHUNKS: Final = 10_000
"""How many chunks a file may have, those of its frames included."""

DECODED: Final = 12
"""How many bytes the decoder needs for a pixel: two canvases and a copy, of four channels."""

WRITTEN_LOSSLESSLY: Final = 32
"""How many bytes the encoder needs for a pixel that it writes without loss."""

LOSSY, LOSSLESS, EXTENDED, FRAME, EXIF, PROFILE = b"VP8 ", b"VP8L", b"VP8X", b"ANMF", b"EXIF", b"ICCP"
BITSTREAMS: Final = frozenset({b"ALPH", LOSSY, LOSSLESS})
KEPT: Final = frozenset({*BITSTREAMS, EXTENDED, FRAME, b"ANIM", PROFILE})
"""The chunks that are needed to show the image."""

EXIF_AND_XMP: Final = 0x08 | 0x04
"""The flags of an extended file that say that it has such data."""

_FRAME_HEADER: Final = 16
_EXIF_PREFIX: Final = b"Exif\x00\x00"


def read(data: bytes) -> Structure:
    """Read the chunks of a WebP file. Raises RejectedFileError."""
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise damaged()
    size, orientation, kept, kinds = (0, 0), UPRIGHT, [], set()
    room = iter(range(MAX_CHUNKS))
    for kind, content in _chunks(data[12:end], room):
        kinds.add(kind)
        if size == (0, 0):
            size = _size(kind, content)
        if kind == EXIF:
            orientation = orientation_of(content.removeprefix(_EXIF_PREFIX))
        if kind == PROFILE and len(content) > MAX_PROFILE:
            raise RejectedFileError(PROFILE_TOO_LARGE)
        if kind in KEPT:
            kept.append(_chunk(kind, _cleaned(kind, content, room)))
    if not kinds & {LOSSY, LOSSLESS, FRAME}:
        raise damaged()
    body = b"WEBP" + b"".join(kept)
    pixels, is_lossless = size[0] * size[1], LOSSLESS in kinds
    return Structure(
        width=size[0],
        height=size[1],
        decoded_bytes=pixels * DECODED,
        turned_bytes=pixels * (WRITTEN_LOSSLESSLY if is_lossless else DECODED),
        orientation=orientation,
        clean=b"RIFF" + struct.pack("<I", len(body)) + body,
        is_animated=FRAME in kinds,
        is_lossless=is_lossless,
    )


def _chunks(data: bytes, room: Iterator[int]) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and content of each chunk; `room` counts those of the whole file."""
    position = 0
    while position < len(data):
        if next(room, None) is None:
            raise RejectedFileError(f"The image has more than {MAX_CHUNKS} chunks.")
        kind, length = (
            data[position : position + 4],
            int.from_bytes(data[position + 4 : position + 8], "little"),
        )
        start = position + 8
        if start + length > len(data):
            raise damaged()
        yield kind, data[start : start + length]
        position = start + length + length % 2


def _chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _cleaned(kind: bytes, content: bytes, room: Iterator[int]) -> bytes:
    if kind == EXTENDED:
        return bytes([content[0] & ~EXIF_AND_XMP]) + content[1:]
    if kind == FRAME:
        parts = _chunks(content[_FRAME_HEADER:], room)
        kept = b"".join(_chunk(part, data) for part, data in parts if part in BITSTREAMS)
        return content[:_FRAME_HEADER] + kept
    return content


def _size(kind: bytes, content: bytes) -> tuple[int, int]:
    """Return the size that the first chunk of a file declares. Raises RejectedFileError."""
    if kind == EXTENDED and len(content) >= 10:
        return 1 + int.from_bytes(content[4:7], "little"), 1 + int.from_bytes(content[7:10], "little")
    if kind == LOSSY and content[3:6] == b"\x9d\x01\x2a" and len(content) >= 10:
        width, height = struct.unpack_from("<HH", content, 6)
        return width & 0x3FFF, height & 0x3FFF
    if kind == LOSSLESS and content[:1] == b"\x2f" and len(content) >= 5:
        bits = int.from_bytes(content[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    raise damaged()
