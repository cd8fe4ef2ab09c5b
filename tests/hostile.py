"""Images for the tests that cost more than they show, or that say more than they show."""

import io
import struct
import zlib
from typing import Any, Final

from PIL import Image

GPS: Final = 0x8825
CAMERA: Final = b"CamMaker 3000"
SECRET: Final = b"a secret place"


def encoded(image: Image.Image, image_format: str, **how: Any) -> bytes:
    """Encode an image."""
    written = io.BytesIO()
    image.save(written, image_format, **how)
    return written.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    """Make a chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def segment(marker: int, data: bytes) -> bytes:
    """Make a segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def camera_exif(orientation: int = 1) -> bytes:
    """Make the EXIF data of a camera: its name, a place, an orientation."""
    exif = Image.Exif()
    exif[0x010F] = CAMERA.decode()
    exif[0x0112] = orientation
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(GPS)[2] = (18.5, 73.8, 0.0)
    return exif.tobytes()


def progressive_bomb(side: int = 1000, scans: int = 10_000) -> bytes:
    """Make a progressive JPEG whose last scan is repeated without any new data."""
    data = encoded(Image.new("RGB", (side, side), "red"), "JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    return data[:-2] + data[start:-2] * scans + data[-2:]


def png(width: int, height: int, colour: int, depth: int = 8, extra: bytes = b"") -> bytes:
    """Make a PNG of zeros of any size, without holding its pixels: `colour` is its colour type."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    row = bytes(1 + width * channels * depth // 8)
    packing = zlib.compressobj(9)
    packed = [packing.compress(row) for _ in range(height)] + [packing.flush()]
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra
    return head + chunk(b"IDAT", b"".join(packed)) + chunk(b"IEND", b"")


def pdf_of_streams(count: int = 50_000) -> bytes:
    """Make a PDF of small object streams."""
    packed = zlib.compress(b"7 0 << /Type /Page >>")
    return b"%PDF-1.7\n" + (b"1 0 obj << /First 4 >> stream\n" + packed + b"\nendstream\n") * count


def pdf_bomb(megabytes: int = 1000) -> bytes:
    """Make a PDF with an object stream that unpacks to a gigabyte."""
    packing = zlib.compressobj(9)
    zeros = bytes(1024 * 1024)
    packed = [
        packing.compress(b"7 0 "),
        *(packing.compress(zeros) for _ in range(megabytes)),
        packing.flush(),
    ]
    return b"%PDF-1.7\n1 0 obj << /First 4 >> stream\n" + b"".join(packed) + b"\nendstream\n"
