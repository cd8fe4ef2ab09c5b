"""Workbooks that are made to cost memory or time, and one that is only large."""

import io
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATED: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
CONTENT: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"

SHEET_PART: Final = "xl/worksheets/sheet1.xml"
STRINGS_PART: Final = "xl/sharedStrings.xml"
STYLES_PART: Final = "xl/styles.xml"

TITLE: Final = '<row r="1"><c r="A1" t="inlineStr"><is><t>Title</t></is></c></row>'
IDEA: Final = '<row r="2"><c r="A2" t="inlineStr"><is><t>x</t></is></c></row>'

MEGABYTE: Final = 1024 * 1024

Pieces = Iterable[bytes]


def sheet(rows: str, *, before: str = "", after: str = "") -> str:
    """The XML of a worksheet."""
    return f'{before}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData>{after}</worksheet>'


def relationships(*parts: tuple[str, str, str]) -> str:
    """The XML of relationships, each with its id, type and target."""
    found = "".join(
        f'<Relationship Id="{key}" Type="{RELATED}/{kind}" Target="{target}"/>' for key, kind, target in parts
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{found}</Relationships>'


def parts(sheets: int = 1) -> dict[str, str]:
    """The parts of a workbook with one row, and any number of sheets in one part."""
    overrides = {
        "xl/workbook.xml": "sheet.main",
        SHEET_PART: "worksheet",
        STRINGS_PART: "sharedStrings",
        STYLES_PART: "styles",
    }
    listed = "".join(
        f'<Override PartName="/{name}" ContentType="{CONTENT}.{kind}+xml"/>'
        for name, kind in overrides.items()
    )
    book = f'<workbook xmlns="{MAIN}" xmlns:r="{RELATED}">'
    named = "".join(f'<sheet name="S{one}" sheetId="{one}" r:id="r{one}"/>' for one in range(1, sheets + 1))
    related = [(f"r{one}", "worksheet", "worksheets/sheet1.xml") for one in range(1, sheets + 1)]
    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        f'<Default Extension="rels" ContentType="{PACKAGE}.relationships+xml"/>{listed}</Types>',
        "_rels/.rels": relationships(("r1", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f"{book}<sheets>{named}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": relationships(
            *related, ("s", "sharedStrings", "sharedStrings.xml"), ("f", "styles", "styles.xml")
        ),
        SHEET_PART: sheet(TITLE + IDEA),
        STRINGS_PART: f'<sst xmlns="{MAIN}"><si><t>Title</t></si></sst>',
        STYLES_PART: styles("<cellXfs><xf/></cellXfs>"),
    }


def styles(content: str) -> str:
    """The XML of the styles."""
    return f'<styleSheet xmlns="{MAIN}">{content}</styleSheet>'


def workbook(
    changed: Mapping[str, str | bytes | Pieces] | None = None,
    *,
    sheets: int = 1,
    method: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """A workbook, with some parts changed."""
    packed = io.BytesIO()
    whole: dict[str, str | bytes | Pieces] = {**parts(sheets), **(changed or {})}
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in whole.items():
            with archive.open(name, "w") as part:
                for piece in _pieces(content):
                    part.write(piece)
    return packed.getvalue()


def _pieces(content: str | bytes | Pieces) -> Pieces:
    if isinstance(content, str):
        return (content.encode(),)
    return (content,) if isinstance(content, bytes) else content


def with_rows(rows: str) -> bytes:
    """A workbook with these rows below its heading."""
    return workbook({SHEET_PART: sheet(TITLE + rows)})


def with_text(text: str, doctype: str = "") -> bytes:
    """A workbook with a text as XML in its one cell below the heading."""
    row = f'<row r="2"><c r="A2" t="inlineStr"><is><t>{text}</t></is></c></row>'
    return workbook({SHEET_PART: sheet(TITLE + row, before=doctype)})


def entities() -> bytes:
    """7 GB of text by an entity that is used very often."""
    return with_text("&a;" * 10_000_000, f'<!DOCTYPE x [<!ENTITY a "{"x" * 240}">]>')


def quadratic_blow_up() -> bytes:
    """2 GB of text by a long entity that is used often."""
    return with_text("&a;" * 20_000, f'<!DOCTYPE x [<!ENTITY a "{"x" * 100_000}">]>')


def entities_in_utf_16() -> bytes:
    """The same, in another encoding."""
    text = '<?xml version="1.0" encoding="UTF-16"?>' + sheet(
        TITLE + IDEA.replace(">x<", ">&a;<"), before=f'<!DOCTYPE x [<!ENTITY a "{"x" * 240}">]>'
    )
    return workbook({SHEET_PART: text.encode("utf-16")})


def entities_in(part: str) -> Callable[[], bytes]:
    """Return what makes a workbook with a DTD in one of its parts."""
    doctype = '<!DOCTYPE x [<!ENTITY a "x">]>'
    return lambda: workbook({part: doctype + parts()[part]})


def attributes() -> bytes:
    """One element with 4.8 MB of attributes."""
    return with_rows("<row " + " ".join(f'a{number:06}=""' for number in range(436_000)) + "/>")


def attribute_names() -> bytes:
    """A million different names of attributes, fifty at an element."""
    rows = (
        "<row " + " ".join(f'a{number:x}=""' for number in range(start, start + 50)) + "/>"
        for start in range(0, 1_000_000, 50)
    )
    return with_rows("".join(rows))


def shared_string() -> bytes:
    """2,000 rows whose 15 cells are all the same text of 32,767 characters: one billion characters."""
    headings = ("Title", "Description", "Problem statement", "Solution", "Benefits", "Metrics")
    strings = "".join(f"<si><t>{text}</t></si>" for text in (*headings, "x" * 32_767))
    first = "".join(f'<c t="s"><v>{number}</v></c>' for number in range(len(headings)))
    row = "<row>" + f'<c t="s"><v>{len(headings)}</v></c>' * len(headings) + "</row>"
    return workbook(
        {
            SHEET_PART: sheet(f"<row>{first}</row>" + row * 2_000),
            STRINGS_PART: f'<sst xmlns="{MAIN}">{strings}</sst>',
        }
    )


def shared_strings() -> bytes:
    """60 MB of shared strings with one wide character each, so that each character takes 4 bytes."""
    strings: Iterator[str] = (f"<si><t>🙂{number:030000}</t></si>" for number in range(2_000))
    content = "".join(strings)
    return workbook({STRINGS_PART: f'<sst xmlns="{MAIN}">{content}</sst>'})


def rich_text() -> bytes:
    """One shared string of half a million pieces, each with a format."""
    runs = "<r><rPr><b/><sz val='9'/></rPr><t>x</t></r>" * 500_000
    return workbook({STRINGS_PART: f'<sst xmlns="{MAIN}"><si>{runs}</si></sst>'})


def empty_rows() -> bytes:
    """A million empty rows."""
    return with_rows("".join(f'<row r="{number}"/>' for number in range(2, 1_000_002)))


def empty_cells() -> bytes:
    """Four million empty cells in one row."""
    return with_rows("<row>" + "<c/>" * 4_000_000 + "</row>")


def last_row() -> bytes:
    """A row far beyond the last one of Excel."""
    return with_rows('<row r="999999999999"><c r="A999999999999"><v>1</v></c></row>')


def last_column() -> bytes:
    """A cell far beyond the last one of Excel."""
    return with_rows(f'<row r="2"><c r="{"Z" * 100_000}2"><v>1</v></c></row>')


def nesting() -> bytes:
    """200,000 elements inside one another."""
    return with_rows("<a>" * 200_000 + "</a>" * 200_000)


def sheets() -> bytes:
    """900 sheets in one large part; a reader that looks at each of them parses it 900 times."""
    rows = TITLE + '<row><c t="inlineStr"><is><t>x</t></is></c></row>' * 100_000
    return workbook({SHEET_PART: sheet(rows)}, sheets=900)


def cell_formats() -> bytes:
    """A million formats of cells."""
    return workbook({STYLES_PART: styles("<cellXfs>" + '<xf numFmtId="0"/>' * 1_000_000 + "</cellXfs>")})


def fonts() -> bytes:
    """A million fonts."""
    return workbook({STYLES_PART: styles("<fonts>" + "<font><b/></font>" * 1_000_000 + "</fonts>")})


def merged_cells() -> bytes:
    """A million merged cells."""
    merged = "".join(f'<mergeCell ref="A{one}:B{one}"/>' for one in range(2, 1_000_002))
    return workbook({SHEET_PART: sheet(TITLE, after=f"<mergeCells>{merged}</mergeCells>")})


def names() -> bytes:
    """A million defined names."""
    book = parts()["xl/workbook.xml"]
    defined = "".join(f'<definedName name="N{one}">Sheet!$A$1</definedName>' for one in range(1_000_000))
    return workbook({"xl/workbook.xml": book.replace("</workbook>", f"<x>{defined}</x></workbook>")})


def many_parts() -> bytes:
    """60,000 empty parts."""
    return workbook({f"xl/{number:x}": b"" for number in range(60_000)})


def zip_bomb() -> bytes:
    """A part of 256 MB of white space."""
    return workbook({SHEET_PART: (b" " * MEGABYTE for _ in range(256))})


def lying_sizes() -> bytes:
    """The same, whose directory says that the part has 100 bytes."""
    packed = bytearray(zip_bomb())
    entry = packed.rfind(b"PK\x01\x02", 0, packed.rfind(SHEET_PART.encode()))
    struct.pack_into("<I", packed, entry + 24, 100)
    return bytes(packed)


def lzma_bomb() -> bytes:
    """A part of 256 MB of white space, packed by a method that unpacks a chunk without a limit."""
    return workbook({SHEET_PART: (b" " * MEGABYTE for _ in range(256))}, method=zipfile.ZIP_LZMA)


def long_comment() -> bytes:
    """A comment of 60 MB."""
    return with_rows("<!--" + "x" * 60_000_000 + "-->")


def number_text() -> bytes:
    """A number with four million digits."""
    return with_rows(f"<row><c><v>{'9' * 4_000_000}</v></c></row>")


def cell_text() -> bytes:
    """A text of 50 million characters."""
    return with_text("x" * 50_000_000)


HOSTILE: Final[Mapping[str, Callable[[], bytes]]] = {
    "entities": entities,
    "quadratic blow-up": quadratic_blow_up,
    "entities in UTF-16": entities_in_utf_16,
    "attributes of one element": attributes,
    "different names of attributes": attribute_names,
    "one shared string in all cells": shared_string,
    "wide shared strings": shared_strings,
    "rich text": rich_text,
    "a million empty rows": empty_rows,
    "empty cells": empty_cells,
    "a row beyond the last": last_row,
    "a column beyond the last": last_column,
    "deep nesting": nesting,
    "formats of cells": cell_formats,
    "fonts": fonts,
    "merged cells": merged_cells,
    "defined names": names,
    "many parts": many_parts,
    "zip bomb": zip_bomb,
    "zip bomb with false sizes": lying_sizes,
    "zip bomb by LZMA": lzma_bomb,
    "long comment": long_comment,
    "number with many digits": number_text,
    "long text": cell_text,
}
"""What must be refused."""


def full() -> bytes:
    """2,000 complete rows of 2,400 characters each: a large import that must work."""
    headings = ("Title", "Description", "Problem statement", "Solution", "Metrics", "Implementation")
    count = len(headings)
    first = "".join(f'<c t="s"><v>{number}</v></c>' for number in range(count))
    rows, strings = [f"<row>{first}</row>"], [f"<si><t>{heading}</t></si>" for heading in headings]
    for number in range(2_000):
        texts = [f"Idea {number}", *(f"{number}-{column} {'ठीक ' * 118}" for column in range(1, count))]
        cells = "".join(f'<c t="s"><v>{len(strings) + place}</v></c>' for place in range(count))
        rows.append(f"<row>{cells}</row>")
        strings += [f"<si><t>{text}</t></si>" for text in texts]
    return workbook(
        {
            SHEET_PART: sheet("".join(rows)),
            STRINGS_PART: f'<sst xmlns="{MAIN}">{"".join(strings)}</sst>',
        }
    )
