"""Changes files at random, so that parsers are reached behind signatures, check sums and compression.

Everything follows from a seed: the same seed, number and corpus give the same file.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

CORPUS: Final = Path(__file__).with_name("corpus")
TIMES: Final = (1, 1, 1, 2, 4)
"""How often a file is changed, one of these."""

LARGEST: Final = 4 * 1024 * 1024
"""Files and parts are not made larger than this, in bytes."""

NUMBERS: Final = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0xFFFFFFFE,
    0xFFFFFFFF,
)
"""Numbers at the ends of types."""

WORDS: Final = (
    b"-1", b"0", b"99999999999999999999", b"1e999", b"NaN", b"", b"\xff\xfe", b"&#0;", b"&x;",
    b"<!DOCTYPE a>", b"<a>", b"</a>", b"]]>", b"'", b'"', b"External", b"../../x", b"A1", b"XFD1048577",
    b"1900-02-29", b"_xD800_",
)  # fmt: skip
"""What stands at a place of a text where something else is expected."""

PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
HEADER_SIZE: Final = 512


@dataclass(frozen=True)
class Sample:
    """A file of the corpus; its extension says what it is."""

    name: str
    data: bytes

    @property
    def extension(self) -> str:
        """The extension of its name."""
        return self.name.rpartition(".")[2]


def corpus() -> list[Sample]:
    """All files of the corpus, in the order of their names."""
    paths = sorted(path for path in CORPUS.iterdir() if path.suffix != ".md")
    return [Sample(path.name, path.read_bytes()) for path in paths]


def mutated(samples: list[Sample], seed: int, number: int) -> Sample:
    """Return a changed file. Numbers below that of the samples give the samples themselves."""
    if number < len(samples):
        return samples[number]
    random = Random(f"{seed}:{number}")
    sample = random.choice(samples)
    others = [one.data for one in samples if one.extension == sample.extension]
    data = sample.data
    for _ in range(random.choice(TIMES)):
        change = random.choice(_changes(sample.extension))
        data = change(random, data, random.choice(others))[:LARGEST]
    return Sample(sample.name, data)


Change = Callable[[Random, bytes, bytes], bytes]
"""Changes a file, with the help of another one of its kind."""


def _changes(extension: str) -> list[Change]:
    general: list[Change] = [_flip, _overwrite, _number, _cut, _remove, _repeat, _splice, _word]
    if extension == "png":
        return [*general, *[_png] * 6]
    if extension in ("docx", "xlsx", "pptx"):
        return [*general, *[_zip] * 16]
    if extension in ("doc", "xls", "ppt"):
        return [*general, *[_ole] * 8]
    return general


def _place(random: Random, data: bytes) -> int:
    return random.randrange(len(data)) if data else 0


def _write(data: bytes, at: int, written: bytes) -> bytes:
    return data[:at] + written + data[at + len(written) :]


def _flip(random: Random, data: bytes, _: bytes) -> bytes:
    changed = bytearray(data)
    for _bit in range(random.choice((1, 1, 4, 30)) if data else 0):
        changed[_place(random, data)] ^= 1 << random.randrange(8)
    return bytes(changed)


def _overwrite(random: Random, data: bytes, _: bytes) -> bytes:
    return _write(data, _place(random, data), random.randbytes(random.randint(1, 16)))


def _number(random: Random, data: bytes, _: bytes) -> bytes:
    value, size = random.choice(NUMBERS), random.choice((1, 2, 4, 8))
    written = (value & (1 << 8 * size) - 1).to_bytes(size, random.choice(("little", "big")))
    return _write(data, _place(random, data), written)


def _cut(random: Random, data: bytes, _: bytes) -> bytes:
    return data[: _place(random, data)]


def _remove(random: Random, data: bytes, _: bytes) -> bytes:
    at = _place(random, data)
    return data[:at] + data[at + random.choice((1, 4, 64, 1000)) :]


def _repeat(random: Random, data: bytes, _: bytes) -> bytes:
    at = _place(random, data)
    piece = data[at : at + random.choice((1, 8, 100, 3000))]
    return data[:at] + piece * random.choice((2, 3, 50, 1000)) + data[at:]


def _splice(random: Random, data: bytes, other: bytes) -> bytes:
    return data[: _place(random, data)] + other[_place(random, other) :]


def _word(random: Random, data: bytes, _: bytes) -> bytes:
    at, word = _place(random, data), random.choice(WORDS)
    return data[:at] + word + data[at + random.choice((0, len(word))) :]


def _any(random: Random, data: bytes, other: bytes) -> bytes:
    return random.choice((_flip, _overwrite, _number, _cut, _remove, _repeat, _splice, _word))(
        random, data, other
    )


def _png(random: Random, data: bytes, other: bytes) -> bytes:
    """Change, repeat, move or remove a chunk; its check sum is right again."""
    chunks = _png_chunks(data)
    if not chunks:
        return _flip(random, data, other)
    at = random.randrange(len(chunks))
    kind, content = chunks[at]
    match random.randrange(5):
        case 0:
            chunks.insert(random.randrange(len(chunks) + 1), chunks[at])
        case 1:
            del chunks[at]
        case 2 if kind == b"IDAT":
            chunks[at] = kind, _repacked(random, content, other)
        case _:
            chunks[at] = kind, _any(random, content, other)
    return PNG_SIGNATURE + b"".join(_png_chunk(kind, content) for kind, content in chunks)


def _png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, at = [], len(PNG_SIGNATURE)
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return chunks


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _repacked(random: Random, packed: bytes, other: bytes) -> bytes:
    try:
        unpacked = zlib.decompressobj().decompress(packed, LARGEST)
    except zlib.error:
        return packed
    return zlib.compress(_any(random, unpacked, other), 1)


def _zip(random: Random, data: bytes, other: bytes) -> bytes:
    """Change, repeat, rename or remove a file in a zip, or take one from another zip."""
    files = _zip_files(data)
    if not files:
        return _flip(random, data, other)
    at = random.randrange(len(files))
    name, content = files[at]
    match random.randrange(8):
        case 0:
            del files[at]
        case 1:
            files[at] = _name(_any(random, name.encode(), other)), content
        case 2:
            files += [(_name(b"x%d.xml" % number), b"") for number in range(random.choice((1, 10, 300)))]
        case 3 if theirs := _zip_files(other):
            files[at] = name, random.choice(theirs)[1]
        case _:
            files[at] = name, _any(random, content, content)[:LARGEST]
    return _zipped(random, files)


def _name(name: bytes) -> str:
    return name.decode("utf-8", "replace").replace("\0", "")[:200] or "x"


def _zip_files(data: bytes) -> list[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            # Some files of the corpus unpack to much.
            return [(one.filename, archive.open(one).read(LARGEST // 16)) for one in archive.infolist()[:400]]
    except Exception:  # noqa: BLE001 - whatever the library raises for a changed file
        return []


def _zipped(random: Random, files: list[tuple[str, bytes]]) -> bytes:
    packed = io.BytesIO()
    method = random.choice((*[zipfile.ZIP_DEFLATED] * 15, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2))
    with zipfile.ZipFile(packed, "w", method, compresslevel=1) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return packed.getvalue()


def _ole(random: Random, data: bytes, _: bytes) -> bytes:
    """Write a number where the header, the FAT or the directory of an OLE file has one."""
    sectors = max(1, len(data) // HEADER_SIZE)
    number = random.choice((*NUMBERS, *range(sectors + 1), 0xFFFFFFFC, 0xFFFFFFFD))
    in_header = random.random() < 0.4
    start = 24 if in_header else random.randrange(sectors) * HEADER_SIZE
    at = start + random.randrange(0, 56 if in_header else HEADER_SIZE, 4)
    return _write(data, at, struct.pack("<I", number))
