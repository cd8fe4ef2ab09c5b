"""Documents for the tests: minimal valid files of every format, and some that are not valid."""

import io
import struct
import zipfile
from collections.abc import Mapping
from typing import Final

OFFICE: Final = "application/vnd.openxmlformats-officedocument."
CONTENT_TYPES: Final[Mapping[str, str]] = {
    "pdf": "application/pdf",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "docx": f"{OFFICE}wordprocessingml.document",
    "xlsx": f"{OFFICE}spreadsheetml.sheet",
    "pptx": f"{OFFICE}presentationml.presentation",
}
MAIN_PARTS: Final = {
    "docx": ("word/document.xml", f"{OFFICE}wordprocessingml.document.main+xml"),
    "xlsx": ("xl/workbook.xml", f"{OFFICE}spreadsheetml.sheet.main+xml"),
    "pptx": ("ppt/presentation.xml", f"{OFFICE}presentationml.presentation.main+xml"),
    "docm": ("word/document.xml", "application/vnd.ms-word.document.macroEnabled.main+xml"),
    "xlsm": ("xl/workbook.xml", "application/vnd.ms-excel.sheet.macroEnabled.main+xml"),
    "pptm": ("ppt/presentation.xml", "application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml"),
}

SECTOR: Final = 512
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD

BOUNDSHEET: Final = struct.pack("<HHIBB", 0x85, 8, 0, 0, 0) + b"\x01\x00"
MACRO_SHEET: Final = struct.pack("<HHIBB", 0x85, 8, 0, 0, 1) + b"\x01\x00"
BOF: Final = struct.pack("<HH", 0x809, 4) + b"\x00\x06\x05\x00"
EOF: Final = struct.pack("<HH", 0x0A, 0)
FILEPASS: Final = struct.pack("<HH", 0x2F, 2) + b"\x01\x00"
PPT_VBA: Final = bytes.fromhex("1f00ff0314000000 020000040c000000 05000000 01000000 02000000")
PPT_NO_VBA: Final = bytes.fromhex("1f00ff0314000000 020000040c000000 05000000 00000000 02000000")


def pdf(size: int = 0) -> bytes:
    """Make a PDF of at least `size` bytes."""
    return b"%PDF-1.7\n1 0 obj << >> endobj\ntrailer << >>\n%%EOF\n".ljust(size, b"\n")


def office(kind: str, more: Mapping[str, bytes] | None = None, types: str = "") -> bytes:
    """Make a zip-based Office file with `more` files, and `types` added to its list of content types."""
    part, content_type = MAIN_PARTS[kind]
    listing = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/{part}" ContentType="{content_type}"/>{types}</Types>'
    )
    return zipped({"[Content_Types].xml": listing.encode(), part: b"<x/>", **(more or {})})


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Make a zip of files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def bomb() -> bytes:
    """Make a DOCX of less than a megabyte that unpacks to 600 megabytes."""
    zeros = bytes(50 * 1024 * 1024)
    return office("docx", {f"word/media/{number}.bmp": zeros for number in range(12)})


def doc(flags: int = 0, more: Mapping[str, bytes] | None = None) -> bytes:
    """Make a DOC with flags in its header, and `more` streams."""
    return ole({"WordDocument": struct.pack("<HHHHHH", 0xA5EC, 0xC1, 0, 0, 0, flags), **(more or {})})


def xls(records: bytes = BOUNDSHEET, more: Mapping[str, bytes] | None = None) -> bytes:
    """Make an XLS with records in its globals."""
    return ole({"Workbook": BOF + records + EOF, **(more or {})})


def ppt(content: bytes = PPT_NO_VBA, user: bytes = b"\x5f\xc0\x91\xe3") -> bytes:
    """Make a PPT with a content of its main stream, and a token of its current user."""
    head = struct.pack("<HHIII", 0, 0xFF6, 0x14, 0x14, 0)[:12]
    return ole({"Current User": head + user, "PowerPoint Document": bytes(64) + content})


def ole(streams: Mapping[str, bytes]) -> bytes:
    """Make an OLE file of streams; a stream whose name contains a slash is in a storage."""
    entries: list[tuple[str, int, int, int]] = []  # name, type, first sector, size
    children: dict[int, list[int]] = {0: []}
    entries.append(("Root Entry", 5, END, 0))
    storages = {"": 0}
    sectors: list[bytes] = []
    fat: list[int] = []
    for path, content in streams.items():
        folder, _, name = path.rpartition("/")
        if folder not in storages:
            storages[folder] = len(entries)
            children[0].append(len(entries))
            children[len(entries)] = []
            entries.append((folder, 1, 0, 0))
        children[storages[folder]].append(len(entries))
        padded = content.ljust(4096, b"\0")  # too large for the stream of small ones
        padded = padded.ljust(-(-len(padded) // SECTOR) * SECTOR, b"\0")
        entries.append((name, 2, len(sectors), len(padded)))
        _chain(fat, len(sectors), len(padded) // SECTOR)
        sectors += [padded[at : at + SECTOR] for at in range(0, len(padded), SECTOR)]
    directory = b"".join(_entry(number, entry, children) for number, entry in enumerate(entries))
    directory = directory.ljust(-(-len(directory) // SECTOR) * SECTOR, b"\0")
    first = len(sectors)
    _chain(fat, first, len(directory) // SECTOR)
    sectors += [directory[at : at + SECTOR] for at in range(0, len(directory), SECTOR)]
    fat_size = -(-(len(fat) + 1) // (SECTOR // 4 - 1))
    fat_at = [len(sectors) + number for number in range(fat_size)]
    fat += [FAT] * fat_size
    fat += [FREE] * (fat_size * SECTOR // 4 - len(fat))
    return _header(fat_at, first) + b"".join(sectors) + struct.pack(f"<{len(fat)}I", *fat)


def _chain(fat: list[int], first: int, count: int) -> None:
    fat += [first + step + 1 for step in range(count - 1)] + [END]


def _entry(number: int, entry: tuple[str, int, int, int], children: Mapping[int, list[int]]) -> bytes:
    name, kind, first, size = entry
    siblings = next((one for one in children.values() if number in one), [])
    after = siblings[siblings.index(number) + 1 :] if siblings else []
    own = children.get(number, [])
    written = name.encode("utf-16-le") + b"\0\0"
    head = written.ljust(64, b"\0") + struct.pack("<HBB", len(written), kind, 1)
    links = struct.pack("<III", FREE, after[0] if after else FREE, own[0] if own else FREE)
    return head + links + bytes(16 + 4 + 8 + 8) + struct.pack("<IQ", first, size)


def _header(fat_at: list[int], directory: int) -> bytes:
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    counts = struct.pack("<6xIIIIIIIII", 0, len(fat_at), directory, 0, 4096, END, 0, END, 0)
    difat = fat_at + [FREE] * (109 - len(fat_at))
    return head + counts + struct.pack("<109I", *difat)
