"""Photographs, decoded by Pillow."""

import io
import struct
from typing import TYPE_CHECKING, Final

from bp_core.uploads.kinds import MOST_PIXELS
from bp_core.uploads.store import Picture, RefusedFileError

if TYPE_CHECKING:
    from PIL.Image import Image

LONGEST_SIDE: Final = 480
"""The longest side of a thumbnail, in pixels."""

THUMBNAIL_QUALITY: Final = 80

FORMATS: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}

DAMAGE: Final = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    TypeError,
    KeyError,
    MemoryError,
    struct.error,
)
"""What Pillow raises for a file that is damaged or dressed up."""

ORIENTATION: Final = 0x0112
LYING: Final = range(5, 9)
"""The EXIF orientations of a photograph that is stored lying on its side."""

TURNS: Final = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""What sets a photograph upright, by its EXIF orientation."""


class PillowPictures:
    """Decodes photographs and draws their thumbnails."""

    def examine(self, data: bytes, content_type: str) -> Picture:
        """Decode a photograph to its last byte; tell its size as people see it, turned as its EXIF data say.

        Raises RefusedFileError if it is damaged, of another format, or has more than 50 megapixels.
        """
        try:
            with _opened(data, FORMATS[content_type]) as image:
                width, height = image.size
                if width * height > MOST_PIXELS:
                    raise RefusedFileError(
                        f"{width} x {height} pixels: more than {MOST_PIXELS // 1_000_000} megapixels"
                    )
                lying = image.getexif().get(ORIENTATION) in LYING
                _shrink_on_load(image)
                image.load()
        except DAMAGE as damage:
            raise RefusedFileError("damaged: it cannot be decoded") from damage
        return Picture(height, width) if lying else Picture(width, height)

    def thumbnail(self, data: bytes) -> bytes:
        """Draw an examined photograph small: its longest side 480 pixels at most, upright, as WebP."""
        from PIL import Image

        with _opened(data) as image:
            _shrink_on_load(image)
            upright = _upright(image)
            upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
            drawn = io.BytesIO()
            mode = "RGBA" if upright.has_transparency_data else "RGB"
            upright.convert(mode).save(drawn, "WEBP", quality=THUMBNAIL_QUALITY)
        return drawn.getvalue()


def _opened(data: bytes, image_format: str | None = None) -> "Image":
    from PIL import Image

    # Pillow's own limit warns through a process-wide switch; the size is checked above, before any decoding.
    Image.MAX_IMAGE_PIXELS = None
    formats = [image_format] if image_format else list(FORMATS.values())
    return Image.open(io.BytesIO(data), formats=formats)


def _upright(image: "Image") -> "Image":
    """Turn a photograph upright. Pillow's own function writes the EXIF data anew, and fails on odd ones."""
    from PIL.Image import Transpose

    turn = TURNS.get(image.getexif().get(ORIENTATION, 1))
    return image.transpose(Transpose[turn]) if turn else image


def _shrink_on_load(image: "Image") -> None:
    """Let a JPEG be decoded at the smallest scale that still makes a good thumbnail: much less to compute."""
    image.draft(None, (2 * LONGEST_SIDE, 2 * LONGEST_SIDE))
