"""Images: checked, freed of camera data, and made small, by Pillow. Called in a process of its own."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from adapters.files.images import jpeg, png, webp
from adapters.files.images.structure import UPRIGHT, Structure
from adapters.files.rejections import damaged
from bp_core.uploads.kinds import (
    IMAGES,
    MAX_DECODED_BYTES,
    MAX_PIXELS,
    MAX_SCANNED_PIXELS,
    MAX_SCANS,
    ImageSize,
    RejectedFileError,
)

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_SIDE: Final = 480
"""The longest side of a thumbnail, in pixels."""

THUMBNAIL_QUALITY: Final = 80
QUALITIES: Final = (90, 75, 50)
"""The qualities with which an image is written upright, the next one if it is larger than an upload."""

READERS: Final = {"JPEG": jpeg.read, "PNG": png.read, "WEBP": webp.read}
FORMATS: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}

MODES: Final = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16", "I;16B", "I"})
"""The modes of Pillow that have a thumbnail."""

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


@dataclass(frozen=True)
class Picture:
    """An image that was examined: the bytes to be stored, the size as people see it, its thumbnail."""

    data: bytes
    size: ImageSize
    thumbnail: bytes | None


def examine(
    data: bytes, content_type: str, *, with_thumbnail: bool = False, keep_metadata: bool = False
) -> Picture:
    """Check an image to its last byte. Its `data` are upright and without camera data, unless they are kept.

    What the image costs is checked before it is decoded. Raises RejectedFileError, and what Pillow raises for
    a damaged file.
    """
    image_format = FORMATS[content_type]
    structure = READERS[image_format](data)
    _require_decodable(structure)
    with _opened(structure, image_format) as image:
        is_rewritten = structure.orientation != UPRIGHT and not keep_metadata
        if not is_rewritten:
            # A JPEG is decoded at the smallest scale that is enough for a thumbnail: it is much faster.
            image.draft(None, (2 * MAX_SIDE, 2 * MAX_SIDE))
        image.load()
        upright = _upright(image, structure.orientation)
        if is_rewritten:
            stored = _written(image, upright, structure)
        else:
            stored = data if keep_metadata else structure.clean
        return Picture(stored, _size(structure), _thumbnail(upright) if with_thumbnail else None)


def _require_decodable(structure: Structure) -> None:
    width, height, pixels = structure.width, structure.height, structure.width * structure.height
    if pixels > MAX_PIXELS:
        megapixels = MAX_PIXELS // 1_000_000
        raise RejectedFileError(
            f"The image has {width} x {height} pixels; at most {megapixels} megapixels are accepted."
        )
    if structure.decoded_bytes > MAX_DECODED_BYTES:
        raise RejectedFileError(
            f"The image needs {structure.decoded_bytes // 1_000_000} MB when it is decoded;"
            f" at most {MAX_DECODED_BYTES // 1_000_000} MB are accepted."
        )
    if structure.scans > MAX_SCANS or structure.scans * pixels > MAX_SCANNED_PIXELS:
        raise RejectedFileError(f"The image has {structure.scans} scans, which take too long to decode.")


def _opened(structure: Structure, image_format: str) -> "Image":
    from PIL import Image

    # Pillow's own limit is a process-wide warning; the limits were checked before.
    Image.MAX_IMAGE_PIXELS = None
    image = Image.open(io.BytesIO(structure.clean), formats=[image_format])
    if image.size != (structure.width, structure.height):
        raise damaged()
    if image.mode not in MODES:
        raise RejectedFileError(f"The colours of the image ({image.mode}) are not supported.")
    return image


def _size(structure: Structure) -> ImageSize:
    if structure.orientation in ROTATED:
        return ImageSize(structure.height, structure.width)
    return ImageSize(structure.width, structure.height)


def _upright(image: "Image", orientation: int) -> "Image":
    from PIL.Image import Transpose

    operation = TRANSPOSITIONS.get(orientation)
    return image.transpose(Transpose[operation]) if operation else image


def _written(image: "Image", upright: "Image", structure: Structure) -> bytes:
    """Write an image that was transposed, with its colour profile.

    Raises RejectedFileError if it gets too large.
    """
    image_format = image.format or ""
    if not structure.is_animated:
        for options in _options(image, structure):
            written = io.BytesIO()
            upright.save(written, image_format, icc_profile=image.info.get("icc_profile"), **options)
            if written.tell() <= IMAGES.max_bytes:
                return READERS[image_format](written.getvalue()).clean
    raise RejectedFileError("The image cannot be turned upright. Turn it, and upload it again.")


def _options(image: "Image", structure: Structure) -> list[dict[str, Any]]:
    """Return how an image is written: as it was, then with lower quality."""
    if image.format == "PNG":
        return [{}]
    qualities = [{"quality": quality} for quality in QUALITIES]
    if image.format == "WEBP":
        return [{"lossless": True}, *qualities] if structure.is_lossless else list[dict[str, Any]](qualities)
    from PIL.JpegImagePlugin import get_sampling

    # The tables of the original: nothing is lost but what the rounding of some pixels loses.
    as_it_was = {"qtables": getattr(image, "quantization", None), "subsampling": get_sampling(image)}
    return [as_it_was, *qualities]


def _thumbnail(upright: "Image") -> bytes:
    """Make the thumbnail of an image, which becomes small itself."""
    from PIL import Image

    upright.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    small = upright
    if small.mode.startswith("I"):  # 16 bits of grey
        small = small.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    mode = "RGBA" if small.has_transparency_data else "RGB"
    written = io.BytesIO()
    small.convert(mode).save(written, "WEBP", quality=THUMBNAIL_QUALITY)
    return written.getvalue()
