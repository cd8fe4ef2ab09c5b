"""PDF documents that run a script or a program when they are opened, and honest ones."""

import random
import zlib

import pytest

from adapters.files import pdf
from adapters.files.pdf import ACTIVE, MAX_STREAMS, MAX_UNPACKED, UNREADABLE
from bp_core.uploads.kinds import RejectedFileError
from tests import documents

SCRIPT = b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>"


def objects(*texts: bytes) -> bytes:
    """Make a PDF of objects."""
    numbered = b"".join(b"%d 0 obj\n%b\nendobj\n" % (number, text) for number, text in enumerate(texts, 1))
    return b"%PDF-1.7\n" + numbered + b"trailer << /Root 1 0 R >>\n%%EOF\n"


OBJECTS = b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode"


def stream(content: bytes, dictionary: bytes = b"/Filter /FlateDecode") -> bytes:
    return b"<< %b /Length %d >>\nstream\n%b\nendstream" % (dictionary, len(content), content)


def packed(content: bytes, dictionary: bytes = OBJECTS) -> bytes:
    return stream(zlib.compress(content), dictionary)


def reason(data: bytes) -> str | None:
    try:
        pdf.require_passive(data)
    except RejectedFileError as error:
        return str(error)
    return None


ACTIONS = {
    "a script that runs at the start": objects(b"<< /Type /Catalog /OpenAction 2 0 R >>", SCRIPT),
    "a script of a page": objects(b"<< /Type /Page /AA << /O << /S/JavaScript/JS<61> >> >> >>"),
    "a script by name": objects(b"<< /Names << /JavaScript 2 0 R >> >>"),
    "a program": objects(b"<< /OpenAction << /S /Launch /F (cmd.exe) >> >>"),
    "a name with codes": objects(b"<< /S /J#61v#61Script /JS 3 0 R >>"),
    "a name of codes only": objects(b"<< /S /" + b"".join(b"#%02X" % one for one in b"Launch") + b" >>"),
    "codes in small letters": objects(b"<< /S /#4aava#53cript >>"),
    "a rendition with a script": objects(b"<< /S /Rendition /JS (x) >>"),
    "an object stream": objects(packed(b"7 0 " + SCRIPT)),
    "an object stream with codes in its name": objects(
        packed(b"7 0 " + SCRIPT, b"/Type /Obj#53tm /N 1 /First 4 /Filter /FlateDecode")
    ),
    "an object stream that does not say so": objects(packed(b"7 0 " + SCRIPT, b"/Filter /FlateDecode")),
    "an object stream that starts with a comment": objects(
        packed(b"% hello\n 7 0 " + SCRIPT, b"/Filter /FlateDecode")
    ),
    "an object stream that is not compressed": objects(stream(b"7 0 " + SCRIPT, b"/Type /ObjStm /First 4")),
    "an object stream with a wrong check sum": objects(
        stream(zlib.compress(b"7 0 " + SCRIPT)[:-4] + b"abcd", OBJECTS)
    ),
    "an object stream without an end": objects(stream(zlib.compress(b"7 0 " + SCRIPT)[:-6], OBJECTS)),
    "a name behind a string": objects(b"<< /A (x)/S/Launch >>"),
    "a name behind a comment with a bracket": objects(b"<< /A % (\n/S /Launch >>"),
    "an object stream behind a comment with the word stream": (
        b"%PDF-1.7\n% stream\n" + objects(packed(b"7 0 " + SCRIPT))[9:]
    ),
    "an object stream behind four thousand empty blocks": objects(
        stream(
            zlib.compress(b"")[:2] + b"\x00\x00\x00\xff\xff" * 4000 + zlib.compress(b"7 0 " + SCRIPT, 0)[2:]
        )
    ),
    "a form with a script": objects(
        b"<< /AcroForm << /XFA 2 0 R >> >>",
        packed(b"<xdp><script contentType='application/x-javascript'/></xdp>", b"/Filter /FlateDecode"),
    ),
    "the last name of a file": b"%PDF-1.7\n/Launch",
}  # fmt: skip


@pytest.mark.parametrize("what", ACTIONS)
def test_a_pdf_that_runs_a_script_or_a_program_is_rejected(what: str) -> None:
    assert reason(ACTIONS[what]) == ACTIVE


PASSIVE = {
    "a plain one": documents.pdf(),
    "a link": objects(b"<< /A << /S /URI /URI (https://amber.test/JavaScript) >> >>"),
    "longer names": objects(b"<< /JavaScripts 1 /Launcher 2 /LaunchX 3 /ALaunch 4 >>"),
    "an outline": objects(b"<< /First 2 0 R >>", stream(b"\xff\xd8 jpeg", b"/Filter /DCTDecode")),
    "a page that is not compressed": objects(stream(b"BT (see /JavaScript and /Launch ) Tj ET", b"")),
    "a page about scripts": objects(packed(b"BT (see /JavaScript ) Tj ET", b"/Filter /FlateDecode")),
    "an object stream": objects(packed(b"7 0 << /Type /Page >>")),
    "a form without a script": objects(b"<< /XFA 2 0 R >>", packed(b"<xdp/>", b"/Filter /FlateDecode")),
    "a video": objects(b"<< /S /Rendition /R 2 0 R >>"),
    "an encrypted one": objects(stream(b"\x91\x17 noise", b"/Type /ObjStm /First 9 /Filter /FlateDecode"))
    + b"trailer << /Encrypt 3 0 R >>",
}  # fmt: skip


@pytest.mark.parametrize("what", PASSIVE)
def test_a_pdf_without_actions_is_accepted(what: str) -> None:
    assert reason(PASSIVE[what]) is None


def test_compressed_objects_that_cannot_be_unpacked_are_rejected() -> None:
    hidden = SCRIPT.hex().encode() + b">"
    dictionary = b"/Type /ObjStm /N 1 /First 4 /Filter [/ASCIIHexDecode]"
    assert reason(objects(stream(hidden, dictionary))) == UNREADABLE


def test_random_bytes_are_accepted_or_rejected_and_never_an_error() -> None:
    generator = random.Random(3)
    for what, data in (ACTIONS | PASSIVE).items():
        for _ in range(40):
            corrupted = bytearray(data)
            for _ in range(generator.choice((1, 5, 30))):
                corrupted[generator.randrange(len(corrupted))] = generator.randrange(256)
            assert reason(bytes(corrupted)) in (None, ACTIVE, UNREADABLE), what


def test_large_pictures_in_a_pdf_have_no_names() -> None:
    noise = random.Random(5).randbytes(20_000_000)
    assert reason(objects(stream(noise, b"/Subtype /Image /Filter /DCTDecode"))) is None


def test_a_pdf_that_unpacks_to_too_much_is_rejected() -> None:
    bomb = packed(b"7 0 " + bytes(MAX_UNPACKED))
    assert reason(objects(bomb)) == f"The objects in the file unpack to more than {MAX_UNPACKED} bytes."
    many = packed(b"7 0 " + bytes(MAX_UNPACKED // 8))
    assert (
        reason(objects(*[many] * 9)) == f"The objects in the file unpack to more than {MAX_UNPACKED} bytes."
    )


def test_a_pdf_of_too_many_streams_is_rejected() -> None:
    data = b"%PDF-1.7" + b"stream\nx\x9c" * (MAX_STREAMS + 1)
    assert reason(data) == f"The file has more than {MAX_STREAMS} streams."
