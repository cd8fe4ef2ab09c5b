"""PDF documents: whether they run a script or a program when they are opened (ISO 32000-2, 12.6.4).

What is searched are the names of such actions, with any of their letters written as `#xx`: in the file as it
is, and in its compressed object streams, within limits of computing time and memory. What is encrypted cannot
be unpacked without the password; its names are only found where they are not compressed.
"""

import re
import zlib
from collections.abc import Iterator
from typing import Final

from bp_core.uploads.kinds import MEGABYTE, RejectedFileError

ACTIVE: Final = "The file contains JavaScript, or an action that starts a program."
UNREADABLE: Final = "The file has compressed objects that cannot be checked."

MAX_STREAMS: Final = 50_000
"""How many streams a file may have."""

MAX_UNPACKED: Final = 64 * MEGABYTE
"""How many bytes all object streams of a file may unpack to."""

PROBE: Final = 4096
"""How much of a stream is unpacked to find out whether it is an object stream, in compressed bytes."""

BEGINNING: Final = 256
"""How many bytes the beginning of a stream has, unpacked."""

STEP: Final = 64 * 1024
"""How many compressed bytes are unpacked at a time."""

DICTIONARY: Final = 4096
"""How far before a stream its dictionary is searched, in bytes."""

SMALL_STEP: Final = 256
"""How many compressed bytes are unpacked at a time near a damaged byte."""

STRING: Final = 2000
"""How far before a name the beginning of a string is searched, in bytes."""

MAX_STRINGS: Final = 10_000
"""How many strings with the name of an action a file may have."""

_END: Final = rb"(?=[\x00\t\n\f\r ()<>\[\]{}/%]|\Z)"


def _name(*words: str) -> re.Pattern[bytes]:
    """Return a pattern that finds names in a PDF; every character may be written by its hexadecimal code."""
    written = (
        "".join(f"(?:{letter}|#{ord(letter):02x})" if letter.isalnum() else letter for letter in word)
        for word in words
    )
    # The digits of a code have any case, the letters of a name have not.
    cased = (re.sub(r"#([0-9a-f]{2})", _any_case, word) for word in written)
    return re.compile(b"/(?:" + "|".join(cased).encode() + b")" + _END)


def _any_case(code: re.Match[str]) -> str:
    return "#" + "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in code[1])


_ACTIONS: Final = _name("JavaScript", "Launch")
_NOT_IN_STRING: Final = re.compile(rb"[)\r\n]")
_RENDITION: Final = _name("Rendition")
_SCRIPT: Final = _name("JS")
_FORM: Final = _name("XFA")
_FORM_SCRIPT: Final = re.compile(rb"application/x-(?:java|form)", re.IGNORECASE)
_OBJECTS: Final = _name("ObjStm", "First")
_ENCRYPTED: Final = _name("Encrypt")
_FILTER: Final = _name("Filter", "F")

_STREAM: Final = re.compile(rb"(?<!end)stream[ \t]*\r?\n?")
# An object stream starts with pairs of numbers, whatever its dictionary says it is.
_NUMBERS: Final = re.compile(rb"(?:[\x00\t\n\f\r ]|%[^\r\n]*[\r\n])*[+]?\d")


def require_passive(data: bytes) -> None:
    """Check that a PDF has no scripts and no actions that start a program. Raises RejectedFileError."""
    is_form, is_encrypted = bool(_FORM.search(data)), bool(_ENCRYPTED.search(data))
    _require_no_actions(data, is_form=is_form)
    for unpacked in _object_streams(data, is_encrypted=is_encrypted, is_form=is_form):
        _require_no_actions(unpacked, is_form=is_form or bool(_FORM.search(unpacked)))


def _require_no_actions(text: bytes, *, is_form: bool) -> None:
    if (
        _has_action(text)
        or (_RENDITION.search(text) and _SCRIPT.search(text))
        or (is_form and _FORM_SCRIPT.search(text))
    ):
        raise RejectedFileError(ACTIVE)


def _has_action(text: bytes) -> bool:
    """Whether the text names an action anywhere but in a string, such as the address of a link."""
    for number, match in enumerate(_ACTIONS.finditer(text)):
        start = match.start()
        before = text[max(0, start - STRING) : start]
        opened = before.rpartition(b"(")
        # A comment ends with its line: without its end, even a bracket in a comment leads to no name.
        if number >= MAX_STRINGS or not opened[1] or _NOT_IN_STRING.search(opened[2]):
            return True
    return False


def _object_streams(data: bytes, *, is_encrypted: bool, is_form: bool) -> Iterator[bytes]:
    """Yield the content of every stream that has objects, and of every stream of a file with an XML form."""
    budget = _Budget(2 * len(data) + STEP)
    for number, start in enumerate(_STREAM.finditer(data)):
        if number >= MAX_STREAMS:
            raise RejectedFileError(f"The file has more than {MAX_STREAMS} streams.")
        dictionary = data[max(0, start.start() - DICTIONARY) : start.start()].rpartition(b"obj")[2]
        has_objects = bool(_OBJECTS.search(dictionary))
        if not has_objects and not _is_deflated(data, start.end()):
            continue
        begun = _begun(data, start.end())
        if has_objects and not begun and _FILTER.search(dictionary) and not is_encrypted:
            raise RejectedFileError(UNREADABLE)
        if has_objects or is_form or not begun or _NUMBERS.match(begun):
            yield _unpacked(data, start.end(), budget)


class _Budget:
    """What may still be unpacked from one file: compressed bytes that are read, and bytes that result."""

    def __init__(self, packed: int) -> None:
        self.packed = packed
        self.unpacked = MAX_UNPACKED

    def spend(self, packed: int, unpacked: int) -> None:
        self.packed -= packed
        self.unpacked -= unpacked
        if self.packed < 0 or self.unpacked < 0:
            raise RejectedFileError(f"The objects in the file unpack to more than {MAX_UNPACKED} bytes.")


def _is_deflated(data: bytes, start: int) -> bool:
    """Whether the header of a zlib stream stands here (RFC 1950)."""
    header = data[start : start + 2]
    return len(header) == 2 and header[0] & 0x0F == 8 and int.from_bytes(header, "big") % 31 == 0


def _begun(data: bytes, start: int) -> bytes:
    """Unpack the first bytes of a stream."""
    piece = data[start : start + PROBE]
    inflating = zlib.decompressobj()
    try:
        return inflating.decompress(piece, BEGINNING)
    except zlib.error:
        return _until_damaged(zlib.decompressobj(), piece)[:BEGINNING]


def _unpacked(data: bytes, start: int, budget: _Budget) -> bytes:
    """Unpack a stream, as far as it is not damaged: programs that show a PDF do the same."""
    inflating, unpacked = zlib.decompressobj(), []
    for position in range(start, len(data), STEP):
        piece, before = data[position : position + STEP], inflating.copy()
        try:
            part = inflating.decompress(piece, budget.unpacked + 1)
        except zlib.error:
            part = _until_damaged(before, piece)
            budget.spend(len(piece), len(part))
            unpacked.append(part)
            break
        budget.spend(len(piece) - len(inflating.unused_data), len(part))
        unpacked.append(part)
        if inflating.eof:
            break
    return b"".join(unpacked)


def _until_damaged(inflating: "zlib._Decompress", piece: bytes) -> bytes:
    """Unpack what stands before the first damaged byte: in larger steps, then in single bytes."""
    unpacked = []
    for step in (SMALL_STEP, 1):
        for position in range(0, len(piece), step):
            before = inflating.copy()
            try:
                unpacked.append(inflating.decompress(piece[position : position + step]))
            except zlib.error:
                inflating, piece = before, piece[position : position + step]
                break
    return b"".join(unpacked)
