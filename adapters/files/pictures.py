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
    from PIL.WebPImagePlugin import WebPImageFile

MAX_SIDE: Final = 480
"""The longest side of a thumbnail, in pixels."""

THUMBNAIL_QUALITY: Final = 80
TILE: Final = 512
"""The side of the parts in which an image is made smaller, in pixels."""

QUALITIES: Final = (90, 75, 50)
"""The qualities with which a WebP is written upright, the next one if it is larger than an upload."""

NOT_TURNED: Final = "The image cannot be turned upright. Turn it, and upload it again."

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
    """An image that was examined: the bytes to be stored, the size as people see it, its thumbnail.

    `data` are None if the image is stored as it is.
    """

    data: bytes | None
    size: ImageSize
    thumbnail: bytes | None


def examine(
    file: list[bytes], content_type: str, *, with_thumbnail: bool = False, keep_metadata: bool = False
) -> Picture:
    """Check an image to its last byte. It is stored without camera data, unless they are kept.

    The data of the image are taken from the list, so that their memory can be used again.
    A PNG or WebP is turned upright; a JPEG keeps its pixels and its orientation, which every browser applies.
    What the image costs is checked before it is decoded. Raises RejectedFileError, and what Pillow raises for
    a damaged file.
    """
    image_format = FORMATS[content_type]
    data = file.pop()
    structure = READERS[image_format](data)
    is_changed = not keep_metadata and structure.clean != data
    del data
    is_turned = structure.orientation != UPRIGHT and not (keep_metadata or structure.keeps_orientation)
    _require_decodable(structure, is_turned=is_turned)
    with _opened(structure, image_format) as image:
        loaded = _loaded(image, structure)
        thumbnail = _thumbnail(loaded, structure.orientation) if with_thumbnail else None
        stored = structure.clean if is_changed else None
        if is_turned:
            stored = _turned(loaded, structure, image_format, image.info.get("icc_profile"))
        return Picture(stored, _size(structure), thumbnail)


def _require_decodable(structure: Structure, *, is_turned: bool) -> None:
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
    if is_turned and (structure.is_animated or structure.turned_bytes > MAX_DECODED_BYTES):
        raise RejectedFileError(NOT_TURNED)


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


def _loaded(image: "Image", structure: Structure) -> "Image":
    """Decode an image to its last byte; a JPEG at the smallest scale that is enough for a thumbnail."""
    from PIL.WebPImagePlugin import WebPImageFile

    if isinstance(image, WebPImageFile):
        return _first_frame(image)
    scale = max(1, max(image.size) // (2 * MAX_SIDE))
    image.draft(None, (max(1, structure.width // scale), max(1, structure.height // scale)))
    image.load()
    return image


def _first_frame(image: "WebPImageFile") -> "Image":
    """Decode the first picture of a WebP in three quarters of the memory that Pillow needs for it.

    Pillow copies the pixels again, while it still has the canvases of the decoder.
    """
    from PIL import Image

    decoder = image._decoder  # noqa: SLF001 - there is no public name
    del image._decoder  # noqa: SLF001
    frame = decoder.get_next()
    if frame is None:
        raise damaged()
    del decoder
    return Image.frombuffer(image.rawmode, image.size, frame[0], "raw", image.rawmode, 0, 1)


def _turned(image: "Image", structure: Structure, image_format: str, profile: bytes | None) -> bytes:
    """Write an image upright, with its colour profile. Raises RejectedFileError if it gets too large."""
    upright = _upright(image, structure.orientation)
    image.im = None  # type: ignore[assignment]  # its memory is needed
    if upright.mode == "RGBX":
        upright = upright.convert("RGB")
    for options in _options(structure, image_format):
        written = io.BytesIO()
        upright.save(written, image_format, icc_profile=profile, **options)
        if written.tell() <= IMAGES.max_bytes:
            return READERS[image_format](written.getvalue()).clean
    raise RejectedFileError(NOT_TURNED)


def _upright(image: "Image", orientation: int) -> "Image":
    from PIL.Image import Transpose

    operation = TRANSPOSITIONS.get(orientation)
    return image.transpose(Transpose[operation]) if operation else image


def _options(structure: Structure, image_format: str) -> list[dict[str, Any]]:
    """Return how an image is written: as it was, then with lower quality."""
    if image_format == "PNG":
        return [{}]
    # The methods that need the least memory.
    lossy = [{"quality": quality, "method": 2} for quality in QUALITIES]
    lossless = {"lossless": True, "method": 0, "quality": 0}
    return [lossless, *lossy] if structure.is_lossless else list[dict[str, Any]](lossy)


def _thumbnail(image: "Image", orientation: int) -> bytes:
    from PIL import Image

    small = _reduced(image)
    small.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    _upright(small, orientation).save(written, "WEBP", quality=THUMBNAIL_QUALITY)
    return written.getvalue()


def _reduced(image: "Image") -> "Image":
    """Make an image of about twice the size of a thumbnail, tile by tile: most modes need a copy for it."""
    from PIL import Image

    mode = "RGBA" if image.has_transparency_data and not image.mode.startswith("I") else "RGB"
    factor = max(1, max(image.size) // (2 * MAX_SIDE))
    width, height = image.size
    reduced = Image.new(mode, (-(-width // factor), -(-height // factor)))
    step = factor * max(1, TILE // factor)
    for left in range(0, width, step):
        for top in range(0, height, step):
            tile = image.crop((left, top, min(left + step, width), min(top + step, height)))
            reduced.paste(_in_colour(tile, mode).reduce(factor), (left // factor, top // factor))
    return reduced


def _in_colour(image: "Image", mode: str) -> "Image":
    if image.mode.startswith("I"):  # 16 bits of grey
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return image.convert(mode)
