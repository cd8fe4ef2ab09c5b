"""What a document really is, by its content: every format, as itself and dressed up as every other."""

import random

import pytest

from adapters.documents import MOST_ENTRIES, OfficeDocuments
from bp_core.uploads.kinds import DOCUMENTS
from bp_core.uploads.store import RefusedFileError
from tests import documents
from tests.documents import CONTENT_TYPES, doc, office, ole, pdf, ppt, xls, zipped

HONEST = {
    "pdf": pdf(), "doc": doc(), "xls": xls(), "ppt": ppt(),
    "docx": office("docx"), "xlsx": office("xlsx"), "pptx": office("pptx"),
}  # fmt: skip


def examine(data: bytes, extension: str) -> str | None:
    """Why a file is refused, or None."""
    file_format = DOCUMENTS.format_of(extension)
    assert file_format.content_type == CONTENT_TYPES[extension]
    if not file_format.fits(data):
        return "signature"
    try:
        OfficeDocuments().examine(data, file_format.content_type)
    except RefusedFileError as refusal:
        return str(refusal)
    return None


@pytest.mark.parametrize("extension", HONEST)
def test_each_format_is_taken_as_itself_and_as_no_other(extension: str) -> None:
    for kind, data in HONEST.items():
        reason = examine(data, extension)
        if kind == extension:
            assert reason is None
        else:
            assert reason in ("signature", f"not a file of type {CONTENT_TYPES[extension]}"), kind


def test_a_workbook_of_excel_5_is_taken() -> None:
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
def test_macros_are_refused(what: str) -> None:
    assert examine(*MACROS[what]) == "contains macros"


LOCKED = {
    "a docx with a password": (ole({"EncryptedPackage": b"x", "EncryptionInfo": b"x"}), "docx"),
    "a doc with a password": (doc(0x0100), "doc"),
    "an xls with a password": (xls(documents.FILEPASS + documents.BOUNDSHEET), "xls"),
    "a ppt with a password": (ppt(user=b"\xdf\xc4\xd1\xf3"), "ppt"),
}


@pytest.mark.parametrize("what", LOCKED)
def test_what_a_password_keeps_from_being_looked_into_is_refused(what: str) -> None:
    assert examine(*LOCKED[what]) == "protected by a password: it cannot be looked into"


def test_a_zip_of_which_parts_are_encrypted_is_refused() -> None:
    packed = bytearray(HONEST["docx"])
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(mark) + offset] |= 1
    assert examine(bytes(packed), "docx") == "protected by a password: it cannot be looked into"


def test_a_pdf_with_a_password_is_taken() -> None:
    assert examine(b"%PDF-1.7\ntrailer << /Encrypt 1 0 R >>\n%%EOF", "pdf") is None


def test_a_zip_bomb_is_refused_without_being_unpacked() -> None:
    data = documents.bomb()
    assert len(data) < 1024 * 1024
    reason = examine(data, "docx")
    assert reason is not None
    assert reason.startswith("unpacks to 6291")


def test_a_zip_of_too_many_files_is_refused() -> None:
    files = {f"word/{number}": b"" for number in range(MOST_ENTRIES + 1)}
    assert examine(office("docx", files), "docx") == f"holds more than {MOST_ENTRIES} files"


def test_a_list_of_contents_that_unpacks_to_very_much_is_refused_whatever_it_declares() -> None:
    honest = office("docx", types="<!-- " + " " * 3_000_000 + " -->")
    assert examine(honest, "docx") == "its list of contents unpacks to more than 1048576 bytes"
    liar = bytearray(honest)
    size = (3_000_000).to_bytes(4, "little")[2:]  # the sizes differ in their low bytes only
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = liar.index(mark) + offset
        assert liar[at + 2 : at + 4] == size
        liar[at : at + 4] = (1000).to_bytes(4, "little")
    assert examine(bytes(liar), "docx") == "damaged: it cannot be read"


def test_a_list_of_contents_that_declares_entities_is_refused() -> None:
    for encoding in ("utf-8", "utf-16"):
        listing = f"<?xml version='1.0' encoding='{encoding}'?><!DOCTYPE a [<!ENTITY b 'b'>]><a>&b;</a>"
        data = zipped({"[Content_Types].xml": listing.encode(encoding), "word/document.xml": b""})
        assert examine(data, "docx") == "damaged: its list of contents declares entities"


def test_two_parts_of_one_name_are_refused_for_readers_would_differ() -> None:
    data = office("docx", {"word/A.xml": b"", "word/a.xml": b""})
    assert examine(data, "docx") == "damaged: two of its parts have one name"


def test_parts_that_overlap_are_refused() -> None:
    packed = bytearray(HONEST["docx"])
    at = packed.index(b"PK\x01\x02") + 20
    packed[at : at + 4] = (10_000).to_bytes(4, "little")
    assert examine(bytes(packed), "docx") == "damaged: its parts overlap"


NOT_A_DOCX = f"not a file of type {CONTENT_TYPES['docx']}"


def test_zips_that_are_no_documents_are_refused() -> None:
    mains = "".join(f'<Override ContentType="{main}"/>' for _, main in documents.MAIN_PARTS.values())
    two = mains[: mains.index("application/vnd.ms-")].rpartition("<")[0]
    assert examine(zipped({"a.txt": b"x"}), "docx") == NOT_A_DOCX
    assert examine(office("docx", types=two), "docx") == NOT_A_DOCX
    assert examine(ole({"Contents": b"x"}), "doc") == f"not a file of type {CONTENT_TYPES['doc']}"
    both = doc(more={"Workbook": documents.BOF})
    assert examine(both, "doc") == f"not a file of type {CONTENT_TYPES['doc']}"


def test_cut_and_garbled_documents_are_refused_and_nothing_worse_happens() -> None:
    dice = random.Random(7)
    for extension, whole in HONEST.items():
        if extension == "pdf":
            continue
        for _ in range(150):
            cut = whole[: dice.randrange(8, len(whole))]
            garbled = bytearray(whole)
            for _ in range(dice.randrange(1, 30)):
                garbled[dice.randrange(8, len(whole))] = dice.randrange(256)
            examine(bytes(garbled), extension)
            assert examine(cut, extension) is not None or extension in ("doc", "xls", "ppt")
