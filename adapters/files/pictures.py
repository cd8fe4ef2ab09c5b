"""Images, decoded by Pillow."""

import io
import struct
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from bp_core.uploads.kinds import MAX_PIXELS, ImageSize, RejectedFileError
from bp_core.uploads.ports import Examined, Examiner

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_SIDE: Final = 480
"""The longest side of a thumbnail, in pixels."""

THUMBNAIL_QUALITY: Final = 80

FORMATS: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}

DECODING_ERRORS: Final = (
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
"""What Pillow raises for a damaged file, or one of another format."""

ORIENTATION: Final = 0x0112
ROTATED: Final = range(5, 9)
"""The EXIF orientations with width and height exchanged."""

TRANSPOSITIONS: Final = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""Pillow's operation that makes an image upright, by its EXIF orientation."""


class PillowPictures(Examiner):
    """Checks images and makes their thumbnails."""

    @override
    def examine(self, data: bytes, content_type: str, *, with_thumbnail: bool) -> Examined:
        try:
            with _opened(data, FORMATS[content_type]) as image:
                width, height = image.size
                _require_decodable(width, height)
                is_rotated = image.getexif().get(ORIENTATION) in ROTATED
                _shrink_on_load(image)
                image.load()  # to the last byte: a truncated file fails here
        except DECODING_ERRORS as error:
            raise RejectedFileError("The file is damaged and cannot be opened.") from error
        size = ImageSize(height, width) if is_rotated else ImageSize(width, height)
        return Examined(data, size, self.thumbnail(data) if with_thumbnail else None)

    def thumbnail(self, data: bytes) -> bytes:
        """Make the thumbnail of an examined image."""
        from PIL import Image

        with _opened(data) as image:
            _shrink_on_load(image)
            upright = _upright(image)
            upright.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
            written = io.BytesIO()
            mode = "RGBA" if upright.has_transparency_data else "RGB"
            upright.convert(mode).save(written, "WEBP", quality=THUMBNAIL_QUALITY)
        return written.getvalue()


def _require_decodable(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        megapixels = MAX_PIXELS // 1_000_000
        raise RejectedFileError(
            f"The image has {width} x {height} pixels; at most {megapixels} megapixels are accepted."
        )


def _opened(data: bytes, image_format: str | None = None) -> "Image":
    from PIL import Image

    # Pillow's own limit is a process-wide warning; `examine` checks the size before anything is decoded.
    Image.MAX_IMAGE_PIXELS = None
    formats = [image_format] if image_format else list(FORMATS.values())
    return Image.open(io.BytesIO(data), formats=formats)


def _upright(image: "Image") -> "Image":
    """Make an image upright; ImageOps.exif_transpose also rewrites the EXIF data, and fails on odd ones."""
    from PIL.Image import Transpose

    operation = TRANSPOSITIONS.get(image.getexif().get(ORIENTATION, 1))
    return image.transpose(Transpose[operation]) if operation else image


def _shrink_on_load(image: "Image") -> None:
    """Decode a JPEG at the smallest scale that is enough for a thumbnail: it is much faster."""
    image.draft(None, (2 * MAX_SIDE, 2 * MAX_SIDE))
