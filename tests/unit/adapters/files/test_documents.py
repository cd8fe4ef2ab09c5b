"""The real format of a document: every format, with its own name and with the name of every other."""

import random
import struct
import tracemalloc

import pytest

from adapters.files import examination
from adapters.files.documents import MAX_ENTRIES
from adapters.files.rejections import DAMAGED
from adapters.files.relationships import MAX_RELATIONSHIPS
from bp_core.uploads.kinds import DOCUMENTS
from tests import documents
from tests.documents import CONTENT_TYPES, doc, office, ole, pdf, ppt, xls, zipped
from tests.hostile_documents import (
    RELATIONSHIPS,
    SECTOR_SHIFT,
    changed,
    cyclic_difat,
    endless,
    full_directory,
)

HONEST = {
    "pdf": pdf(), "doc": doc(), "xls": xls(), "ppt": ppt(),
    "docx": office("docx"), "xlsx": office("xlsx"), "pptx": office("pptx"),
}  # fmt: skip


def examine(data: bytes, extension: str) -> str | None:
    """Return why a file is rejected, or None."""
    file_format = DOCUMENTS.format_of(extension)
    assert file_format.content_type == CONTENT_TYPES[extension]
    if not file_format.matches(data):
        return "signature"
    header, _ = examination.answer({"content_type": file_format.content_type}, [data])
    return header.get("rejected")


@pytest.mark.parametrize("extension", HONEST)
def test_each_format_is_accepted_under_its_own_name_only(extension: str) -> None:
    for kind, data in HONEST.items():
        reason = examine(data, extension)
        if kind == extension:
            assert reason is None
        else:
            assert reason in ("signature", f"The file is not of type {CONTENT_TYPES[extension]}."), kind


def test_a_workbook_of_excel_5_is_accepted() -> None:
    assert examine(ole({"Book": documents.BOF + documents.BOUNDSHEET + documents.EOF}), "xls") is None


VBA = {"word/vbaProject.bin": b"x"}
MACROS = {
    "a docm": (office("docm", VBA), "docx"),
    "an xlsm": (office("xlsm"), "xlsx"),
    "a pptm": (office("pptm"), "pptx"),
    "a docx with a VBA project": (office("docx", VBA), "docx"),
    "a docx with a VBA project in capitals": (office("docx", {"WORD/VBAPROJECT.BIN": b"x"}), "docx"),
    "a docx with a VBA project in a folder of Windows": (
        office("docx", {"word\\vbaProject.bin": b"x"}), "docx"
    ),
    "a docx whose VBA project has another name": (
        office("docx", {"word/a.bin": b"x"},
               '<Override PartName="/word/a.bin" ContentType="application/vnd.ms-office.vbaProject"/>'),
        "docx",
    ),
    "a docx with a docm in it": (
        office("docx", {"word/embeddings/a.docm": b"x"},
               '<Default Extension="docm" ContentType="application/vnd.ms-word.document.macroEnabled.12"/>'),
        "docx",
    ),
    "an xlsx with a macro sheet": (office("xlsx", {"xl/macrosheets/sheet1.xml": b"<x/>"}), "xlsx"),
    "a doc with a VBA project": (doc(more={"Macros/VBA": b"x"}), "doc"),
    "an xls with a VBA project": (xls(more={"_VBA_PROJECT_CUR/dir": b"x"}), "xls"),
    "an xls with macros of Excel 4.0": (xls(documents.BOUNDSHEET + documents.MACRO_SHEET), "xls"),
    "a ppt with a VBA project": (ppt(documents.PPT_VBA), "ppt"),
}  # fmt: skip


@pytest.mark.parametrize("what", MACROS)
def test_macros_are_rejected(what: str) -> None:
    assert examine(*MACROS[what]) == "The file contains macros."


ENCRYPTED_REASON = "The file is protected by a password and cannot be checked."
ENCRYPTED = {
    "a docx with a password": (ole({"EncryptedPackage": b"x", "EncryptionInfo": b"x"}), "docx"),
    "a doc with a password": (doc(0x0100), "doc"),
    "an xls with a password": (xls(documents.FILEPASS + documents.BOUNDSHEET), "xls"),
    "a ppt with a password": (ppt(user=b"\xdf\xc4\xd1\xf3"), "ppt"),
}


@pytest.mark.parametrize("what", ENCRYPTED)
def test_a_file_with_a_password_is_rejected(what: str) -> None:
    assert examine(*ENCRYPTED[what]) == ENCRYPTED_REASON


def test_a_zip_with_encrypted_parts_is_rejected() -> None:
    packed = bytearray(HONEST["docx"])
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(mark) + offset] |= 1
    assert examine(bytes(packed), "docx") == ENCRYPTED_REASON


def test_a_pdf_with_a_password_is_accepted() -> None:
    assert examine(b"%PDF-1.7\ntrailer << /Encrypt 1 0 R >>\n%%EOF", "pdf") is None


def test_a_zip_bomb_is_rejected_without_being_unpacked() -> None:
    data = documents.bomb()
    assert len(data) < 1024 * 1024
    reason = examine(data, "docx")
    assert reason is not None
    assert reason.startswith("The file unpacks to 6291")


def test_a_zip_of_too_many_files_is_rejected() -> None:
    files = {f"word/{number}": b"" for number in range(MAX_ENTRIES + 1)}
    assert examine(office("docx", files), "docx") == f"The file contains more than {MAX_ENTRIES} files."


def test_a_list_of_contents_that_is_too_large_is_rejected_whatever_size_it_declares() -> None:
    honest = office("docx", types="<!-- " + " " * 3_000_000 + " -->")
    assert examine(honest, "docx") == "The list of contents in the file is larger than 1048576 bytes."
    liar = bytearray(honest)
    size = (3_000_000).to_bytes(4, "little")[2:]  # the sizes differ in their low bytes only
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = liar.index(mark) + offset
        assert liar[at + 2 : at + 4] == size
        liar[at : at + 4] = (1000).to_bytes(4, "little")
    assert examine(bytes(liar), "docx") == "The file is damaged and cannot be opened."


def test_a_list_of_contents_that_declares_entities_is_rejected() -> None:
    for encoding in ("utf-8", "utf-16"):
        listing = f"<?xml version='1.0' encoding='{encoding}'?><!DOCTYPE a [<!ENTITY b 'b'>]><a>&b;</a>"
        data = zipped({"[Content_Types].xml": listing.encode(encoding), "word/document.xml": b""})
        assert examine(data, "docx") == "The file is damaged: one of its lists declares XML entities."


def test_two_parts_of_one_name_are_rejected_because_readers_would_choose_differently() -> None:
    data = office("docx", {"word/A.xml": b"", "word/a.xml": b""})
    assert examine(data, "docx") == "The file is damaged: two of its parts have the same name."


def test_parts_that_overlap_are_rejected() -> None:
    packed = bytearray(HONEST["docx"])
    at = packed.index(b"PK\x01\x02") + 20
    packed[at : at + 4] = (10_000).to_bytes(4, "little")
    assert examine(bytes(packed), "docx") == "The file is damaged: its parts overlap."


NOT_A_DOCX = f"The file is not of type {CONTENT_TYPES['docx']}."


def test_zips_that_are_not_documents_are_rejected() -> None:
    mains = "".join(f'<Override ContentType="{main}"/>' for _, main in documents.MAIN_PARTS.values())
    two = mains[: mains.index("application/vnd.ms-")].rpartition("<")[0]
    assert examine(zipped({"a.txt": b"x"}), "docx") == NOT_A_DOCX
    assert examine(office("docx", types=two), "docx") == NOT_A_DOCX
    assert examine(ole({"Contents": b"x"}), "doc") == f"The file is not of type {CONTENT_TYPES['doc']}."
    both = doc(more={"Workbook": documents.BOF})
    assert examine(both, "doc") == f"The file is not of type {CONTENT_TYPES['doc']}."


def test_truncated_and_corrupted_documents_raise_nothing_else() -> None:
    generator = random.Random(7)
    for extension, whole in HONEST.items():
        if extension == "pdf":
            continue
        for _ in range(150):
            cut = whole[: generator.randrange(8, len(whole))]
            corrupted = bytearray(whole)
            for _ in range(generator.randrange(1, 30)):
                corrupted[generator.randrange(8, len(whole))] = generator.randrange(256)
            examine(bytes(corrupted), extension)
            assert examine(cut, extension) is not None or extension in ("doc", "xls", "ppt")


@pytest.mark.parametrize(
    ("document", "stream", "extension"),
    [(doc(), "WordDocument", "doc"), (xls(), "Workbook", "xls"), (ppt(), "PowerPoint Document", "ppt")],
)
def test_a_stream_that_claims_more_than_the_file_has_is_rejected_without_being_read(
    document: bytes, stream: str, extension: str
) -> None:
    tracemalloc.start()
    reason = examine(endless(document, stream), extension)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (reason, peak < 10_000_000) == ("The file is damaged and cannot be opened.", True)


def test_a_fat_that_is_much_larger_than_the_file_is_rejected() -> None:
    assert [examine(cyclic_difat(count), "xls") for count in (200, 0xFFFFFFFF)] == [DAMAGED, DAMAGED]
    assert examine(xls()[:511], "xls") == DAMAGED
    for shift in (8, 13, 30, 0xFFFF):
        assert examine(changed(xls(), {SECTOR_SHIFT: struct.pack("<H", shift)}), "xls") == DAMAGED


def test_ten_thousand_streams_and_storages_are_the_most() -> None:
    not_a_doc = f"The file is not of type {CONTENT_TYPES['doc']}."
    entry = 128
    assert examine(full_directory(10_004 * entry), "doc") == not_a_doc
    assert examine(full_directory(10_005 * entry), "doc") == "The file contains more than 10000 files."


TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def related(kind: str, part: str, target: str, more: str = 'TargetMode="External"') -> bytes:
    """Make an Office file with one relationship of a part."""
    relationship = f'<Relationship Id="rId1" Type="{target}" Target="https://elsewhere.test/x.dotm" {more}/>'
    listing = (
        "<?xml version='1.0'?><Relationships"
        f" xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>{relationship}</Relationships>"
    )
    return office(kind, {part: listing.encode()})


LOADED = [
    ("docx", "word/_rels/settings.xml.rels", "attachedTemplate"),
    ("docx", "WORD/_RELS/SETTINGS.XML.RELS", "attachedTemplate"),
    ("docx", "word/_rels/document.xml.rels", "oleObject"),
    ("docx", "word/_rels/document.xml.rels", "frame"),
    ("docx", "word/_rels/document.xml.rels", "subDocument"),
    ("docx", "word/_rels/document.xml.rels", "image"),
    ("pptx", "ppt/slides/_rels/slide1.xml.rels", "oleObject"),
    ("xlsx", "xl/worksheets/_rels/sheet1.xml.rels", "oleObject"),
]


@pytest.mark.parametrize(("kind", "part", "name"), LOADED)
@pytest.mark.parametrize("mode", ['TargetMode="External"', "TargetMode='external '"])
def test_a_document_that_loads_content_from_another_place_is_rejected(
    kind: str, part: str, name: str, mode: str
) -> None:
    data = related(kind, part, f"{TYPE}/{name}", mode)
    assert examine(data, kind) == f"The file loads content from another place ({name})."
    assert examine(related(kind, part, f"{TYPE}/{name}", ""), kind) is None


def test_links_and_other_workbooks_are_accepted() -> None:
    assert examine(related("docx", "word/_rels/document.xml.rels", f"{TYPE}/hyperlink"), "docx") is None
    part = "xl/externalLinks/_rels/externalLink1.xml.rels"
    assert examine(related("xlsx", part, f"{TYPE}/externalLinkPath"), "xlsx") is None


def test_relationships_that_are_too_large_or_no_xml_are_rejected() -> None:
    part = "word/_rels/document.xml.rels"
    large = office("docx", {part: b"<a>" + b" " * (MAX_RELATIONSHIPS + 1)})
    assert examine(large, "docx") == (
        f"The lists of relationships in the file have more than {MAX_RELATIONSHIPS} bytes."
    )
    entities = b"<!DOCTYPE a [<!ENTITY b 'b'>]><a/>"
    assert examine(office("docx", {part: b"<a>"}), "docx") == DAMAGED
    assert examine(office("docx", {part: entities}), "docx") == (
        "The file is damaged: one of its lists declares XML entities."
    )


@pytest.mark.parametrize(
    ("listing", "wrong"),
    [
        (b"<a>" * 65, "elements nested more than 64 deep"),
        (b"<a>" + b"".join(b"<b%d/>" % one for one in range(1000)), "more than 1000 different names"),
        (b"<a>" + b"".join(b"<b c%d='1'/>" % one for one in range(1000)), "more than 1000 different names"),
        (b"<a>" + b"<b/>" * 1_000_000, "more than 1000000 elements"),
    ],
    ids=["deep", "elements", "attributes", "many"],
)
def test_lists_that_cost_too_much_are_rejected(listing: bytes, wrong: str) -> None:
    assert examine(office("docx", {RELATIONSHIPS: listing}), "docx") == f"The lists in the file have {wrong}."


@pytest.mark.parametrize("encoding", ["no-such-encoding", "rot13", "zlib_codec", "idna", "utf-7", "\u00e9"])
def test_lists_in_an_unknown_encoding_are_rejected(encoding: str) -> None:
    listing = f'<?xml version="1.0" encoding="{encoding}"?><Types/>'.encode()
    assert examine(zipped({"[Content_Types].xml": listing}), "docx") == DAMAGED
    assert examine(office("docx", {"word/_rels/document.xml.rels": listing}), "docx") == DAMAGED
