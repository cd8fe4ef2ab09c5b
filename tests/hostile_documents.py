"""Documents that are made to cost memory or time, or that claim what they do not have."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Final

from tests.documents import BOF, CONTENT_TYPES, END, FAT, FREE, SECTOR, doc, office, ppt, xls, zipped

MEGABYTE: Final = 1024 * 1024
LARGE: Final = 10 * MEGABYTE

FAT_COUNT, SECTOR_SHIFT, MINI_SHIFT, FIRST_DIFAT, DIFAT_COUNT = 44, 30, 32, 68, 72
"""The positions of fields in the header of an OLE file."""


def changed(document: bytes, fields: Mapping[int, bytes]) -> bytes:
    """Write other bytes at some positions of a file."""
    made = bytearray(document)
    for position, field in fields.items():
        made[position : position + len(field)] = field
    return bytes(made)


def number(value: int) -> bytes:
    """Write a number of four bytes."""
    return struct.pack("<I", value)


def endless(document: bytes, stream: str, size: int = 0xFFFFFFF0) -> bytes:
    """The document with a stream that claims so many bytes, in a sector that is followed by itself."""
    entry = document.index(stream.encode("utf-16-le"))
    (first,) = struct.unpack_from("<I", document, entry + 116)
    (fat_sector,) = struct.unpack_from("<I", document, 76)
    at = (fat_sector + 1) * SECTOR + 4 * first
    return changed(document, {entry + 120: struct.pack("<Q", size), at: number(first)})


def endless_directory(document: bytes) -> bytes:
    """The document with a directory in a sector that is followed by itself."""
    fat_sector, first = struct.unpack_from("<I", document, 76)[0], struct.unpack_from("<I", document, 48)[0]
    return changed(document, {(fat_sector + 1) * SECTOR + 4 * first: number(first)})


def cyclic_tree(document: bytes, stream: str) -> bytes:
    """The document with an entry of its directory that is its own sibling."""
    entry = document.index(stream.encode("utf-16-le"))
    (first,) = struct.unpack_from("<I", document, 48)
    return changed(document, {entry + 72: number((entry - (first + 1) * SECTOR) // 128)})


def cyclic_mini_fat(document: bytes, stream: str) -> bytes:
    """The document with a small stream, whose only small sector is followed by itself."""
    entry, root = document.index(stream.encode("utf-16-le")), document.index("Root".encode("utf-16-le"))
    sectors = len(document) // SECTOR - 1
    small = number(0) + number(FREE) * (SECTOR // 4 - 1)
    fields = {
        60: number(sectors), 64: number(1), entry + 116: number(0), entry + 120: struct.pack("<Q", 4095),
        root + 116: number(0), root + 120: struct.pack("<Q", 64 * 64),
    }  # fmt: skip
    (fat_sector,) = struct.unpack_from("<I", document, 76)
    return changed(document, {**fields, (fat_sector + 1) * SECTOR + 4 * sectors: number(END)}) + small


def cyclic_difat(fat_sectors: int, size: int = 0) -> bytes:
    """A document with so many sectors of the FAT, listed in one sector that is followed by itself."""
    document = xls().ljust(size, b"\0")
    document += bytes(-len(document) % SECTOR)
    own = len(document) // SECTOR - 1
    (fat_sector,) = struct.unpack_from("<I", document, 76)
    listed = number(fat_sector) * (SECTOR // 4 - 1) + number(own)
    count = -(-(fat_sectors - 109) // (SECTOR // 4 - 1))
    fields = {FAT_COUNT: number(fat_sectors), FIRST_DIFAT: number(own), DIFAT_COUNT: number(count)}
    return changed(document, {**fields, 76: number(fat_sector) * 109}) + listed


def full_directory(size: int = LARGE) -> bytes:
    """A document that consists of entries of its directory, in a balanced tree."""
    count = size // 128 - 4
    sectors = -(-count // 4)
    fat_size = -(-sectors // (SECTOR // 4 - 1))
    fat = [*range(1, sectors), END] + [FAT] * fat_size
    fat += [FREE] * (fat_size * SECTOR // 4 - len(fat))
    entries = [_entry("Root Entry", 5, FREE, FREE, (1 + count) // 2), *_tree(count)]
    difat_size = max(0, -(-(fat_size - 109) // (SECTOR // 4 - 1)))
    places = list(range(sectors, sectors + fat_size))
    body = b"".join(entries).ljust(sectors * SECTOR, b"\0") + struct.pack(f"<{len(fat)}I", *fat)
    difat = b""
    for block in range(difat_size):
        listed = places[109 + block * 127 : 109 + (block + 1) * 127]
        after = sectors + fat_size + block + 1 if block + 1 < difat_size else END
        difat += struct.pack("<128I", *listed, *[FREE] * (127 - len(listed)), after)
    first_difat = sectors + fat_size if difat_size else END
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    counts = struct.pack("<6xIIIIIIIII", 0, fat_size, 0, 0, 4096, END, 0, first_difat, difat_size)
    return head + counts + struct.pack("<109I", *(places[:109] + [FREE] * (109 - len(places)))) + body + difat


def _tree(count: int) -> list[bytes]:
    """The entries 1 to `count` - 1: each is the root of those between two others."""
    links: dict[int, tuple[int, int]] = {}
    waiting = [(1, count)]
    while waiting:
        low, high = waiting.pop()
        middle = (low + high) // 2
        halves = [(low, middle), (middle + 1, high)]
        left, right = ((one + other) // 2 if one < other else FREE for one, other in halves)
        links[middle] = (left, right)
        waiting += [(one, other) for one, other in halves if one < other]
    return [_entry(f"{one:x}", 1, *links[one], FREE) for one in range(1, count)]


def _entry(name: str, kind: int, left: int, right: int, child: int) -> bytes:
    written = name.encode("utf-16-le") + b"\0\0"
    head = written.ljust(64, b"\0") + struct.pack("<HBBIII", len(written), kind, 1, left, right, child)
    return head + bytes(16 + 4 + 8 + 8) + struct.pack("<IQ", 0 if kind == 1 else END, 0)


RELATIONSHIPS: Final = "word/_rels/document.xml.rels"


def many_elements() -> bytes:
    """A document with a list of relationships of millions of elements."""
    return office("docx", {RELATIONSHIPS: b"<a>" + b"<b/>" * (4 * MEGABYTE) + b"</a>"})


def many_attributes() -> bytes:
    """A document with a list of relationships whose elements have an attribute of another name each."""
    names = b"".join(b'<b a%x="1"/>' % one for one in range(1_200_000))
    return office("docx", {RELATIONSHIPS: b"<a>" + names + b"</a>"})


def deep_elements() -> bytes:
    """A document with a list of relationships whose elements are nested a million times."""
    return office("docx", {RELATIONSHIPS: b"<a>" * 3_000_000})


def long_token() -> bytes:
    """A document with a list of relationships that is one attribute."""
    return office("docx", {RELATIONSHIPS: b'<a b="' + b"x" * (19 * MEGABYTE) + b'"/>'})


def many_types() -> bytes:
    """A document whose list of content types has as many elements as fit."""
    return office("docx", types="<a/>" * 260_000)


def long_names() -> bytes:
    """A zip of 10 MB with names of 30,000 letters."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for one in range(80):
            archive.writestr(f"{one:x}".ljust(30_000, "\u00e9"), b"")
    return packed.getvalue()


def many_names() -> bytes:
    """A zip of 10 MB with as many files as are accepted."""
    return zipped({f"{one:x}".ljust(450, "x"): b"" for one in range(9_990)})


def pdf_of_objects(unpacked: int = 63 * MEGABYTE) -> bytes:
    """A PDF with an object stream of nearly as much as is unpacked."""
    packed = zlib.compress(b"7 0 " + bytes(unpacked), 9)
    return (b"%PDF-1.7\n1 0 obj << /First 4 >> stream\n" + packed + b"\nendstream\n").ljust(LARGE, b"\n")


def pdf_of_names() -> bytes:
    """A PDF of 10 MB of strings with the name of an action."""
    return b"%PDF-1.7\n" + b"(/Launch)" * 9_000 + b"/" * (LARGE - 90_000)


def pdf_of_dictionaries() -> bytes:
    """A PDF of as many streams as are accepted, with long dictionaries and damaged contents."""
    stream = b"<< /Filter /F >> /ObjStm#".ljust(150, b"#") + b"stream\nx\x9c" + b"\x9c" * 40
    return b"%PDF-1.7\n" + stream * 49_000


DAMAGED: Final = "The file is damaged and cannot be opened."
LISTS: Final = "The lists in the file have"
NOT_A_DOCX: Final = f"The file is not of type {CONTENT_TYPES['docx']}."

DOCUMENTS: Final[Mapping[str, tuple[str, Callable[[], bytes], str | None]]] = {
    "XLS with an endless stream of 4 GB": ("xls", lambda: endless(xls(), "Workbook"), DAMAGED),
    "XLS with an endless stream of 512 MB": (
        "xls", lambda: endless(xls(), "Workbook", 512 * MEGABYTE), DAMAGED
    ),
    "DOC with an endless stream of 4 GB": ("doc", lambda: endless(doc(), "WordDocument"), DAMAGED),
    "DOC with an endless stream of 512 MB": (
        "doc", lambda: endless(doc(), "WordDocument", 512 * MEGABYTE), DAMAGED
    ),
    "PPT with an endless stream of 4 GB": ("ppt", lambda: endless(ppt(), "PowerPoint Document"), DAMAGED),
    "PPT with an endless stream of 512 MB": (
        "ppt", lambda: endless(ppt(), "PowerPoint Document", 512 * MEGABYTE), DAMAGED
    ),
    "PPT with an endless user": ("ppt", lambda: endless(ppt(), "Current User"), DAMAGED),
    "DOC with an endless directory": ("doc", lambda: endless_directory(doc()), None),
    "DOC of 6 MB with an endless directory": (
        "doc", lambda: endless_directory(doc(more={"Data": bytes(6 * MEGABYTE)})), None
    ),
    "PPT with a cyclic tree": ("ppt", lambda: cyclic_tree(ppt(), "Current User"), DAMAGED),
    "DOC with a cyclic mini FAT": ("doc", lambda: cyclic_mini_fat(doc(), "WordDocument"), None),
    "XLS with an endless DIFAT": ("xls", lambda: cyclic_difat(0xFFFFFFFF), DAMAGED),
    "XLS with a DIFAT that repeats itself": ("xls", lambda: cyclic_difat(20_000, LARGE), DAMAGED),
    "XLS with sectors of 1 GB": ("xls", lambda: changed(xls(), {SECTOR_SHIFT: b"\x1e\0"}), DAMAGED),
    "XLS with sectors of 2^65535 bytes": (
        "xls", lambda: changed(xls(), {SECTOR_SHIFT: b"\xff\xff"}), DAMAGED
    ),
    "XLS with small sectors of 2 GB": ("xls", lambda: changed(xls(), {MINI_SHIFT: b"\x1f\0"}), DAMAGED),
    "DOC of 80,000 storages": ("doc", full_directory, "The file contains more than 10000 files."),
    "XLS of 1,600,000 empty records": (
        "xls", lambda: xls(bytes(6 * MEGABYTE)).replace(BOF, bytes(len(BOF)), 1), None
    ),
    "DOCX of 4,000,000 elements": ("docx", many_elements, f"{LISTS} more than 1000000 elements."),
    "DOCX of 1,200,000 names": ("docx", many_attributes, f"{LISTS} more than 1000 different names."),
    "DOCX of 3,000,000 nested elements": (
        "docx", deep_elements, f"{LISTS} elements nested more than 64 deep."
    ),
    "DOCX with an attribute of 19 MB": ("docx", long_token, None),
    "DOCX of 260,000 content types": ("docx", many_types, None),
    "DOCX with names of 30,000 letters": ("docx", long_names, NOT_A_DOCX),
    "DOCX with 9,990 names": ("docx", many_names, NOT_A_DOCX),
    "PDF of 50,000 streams": (
        "pdf", pdf_of_dictionaries, "The objects in the file unpack to more than 67108864 bytes."
    ),
    "PDF that unpacks to 63 MB": ("pdf", pdf_of_objects, None),
    "PDF of 10 MB of names": ("pdf", pdf_of_names, None),
}  # fmt: skip
"""The extension, the file, and why it is rejected; None if it is accepted."""
