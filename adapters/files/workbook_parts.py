"""The parts of a workbook that lead to its rows (ECMA-376 part 1: 18.2 to 18.4, 18.8; part 2: 9.3)."""

import posixpath
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from adapters.files.workbook_limits import (
    MAX_CELL_LENGTH,
    MAX_PARTS,
    TOO_LONG_A_TEXT,
    Part,
    Usage,
    require,
)
from bp_core.practices.columns import CellValue

if TYPE_CHECKING:  # not generic at run time
    from xml.sax.xmlreader import AttributesImpl

MAX_FORMATS: Final = 65_536
"""How many cell formats a workbook may have. Excel takes 65,490."""

TOO_MANY_FORMATS: Final = f"has more than {MAX_FORMATS} formats of cells"

MAX_FORMAT_CODE: Final = 255
"""The longest code of a number format."""

MAX_NUMBER_LENGTH: Final = 64
"""The longest text of a number or date, in characters."""

MAX_COLUMNS: Final = 60
"""How many columns of a sheet are read."""

LAST_ROW: Final = 1_048_576
"""The last row that Excel has."""

TOO_MANY_PARTS: Final = f"has more than {MAX_PARTS} sheets or other parts"

KNOWN_TYPES: Final = (str, int, float, bool, Decimal, date)

SURROGATES: Final = (0xD800, 0xDFFF)
"""Halves of UTF-16 characters, which are no characters by themselves."""

_CELL: Final = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
_WHOLE_NUMBER: Final = re.compile(r"-?[0-9]+")
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True)
class Relationship:
    """What a part is related to: the last word of the type, and the name of the other part."""

    kind: str
    target: str


class RelationshipsPart(Part):
    """The relationships of a part, by id."""

    def __init__(self, usage: Usage, folder: str) -> None:
        super().__init__(usage)
        self.found: dict[str, Relationship] = {}
        self._folder = folder

    @override
    def start(self, name: str, attributes: "AttributesImpl[str]") -> None:
        if name != "Relationship" or attributes.get("TargetMode") == "External":
            return
        kind = attributes["Type"].rpartition("/")[2]
        target = posixpath.normpath(posixpath.join("/", self._folder, attributes["Target"])).lstrip("/")
        self.found[attributes["Id"]] = Relationship(kind, target)
        require(len(self.found) <= MAX_PARTS, TOO_MANY_PARTS)


class BookPart(Part):
    """The list of sheets, by the ids of their relationships, and the first day of its calendar."""

    def __init__(self, usage: Usage) -> None:
        super().__init__(usage)
        self.sheets: list[str] = []
        self.starts_1904 = False

    @override
    def start(self, name: str, attributes: "AttributesImpl[str]") -> None:
        if name == "sheet":
            self.sheets += [value for key, value in attributes.items() if key.endswith(":id")]
            require(len(self.sheets) <= MAX_PARTS, TOO_MANY_PARTS)
        elif name == "workbookPr":
            self.starts_1904 = attributes.get("date1904", "0") in ("1", "true")


class StringsPart(Part):
    """The shared strings: each is one text, or several with formats of their own."""

    def __init__(self, usage: Usage) -> None:
        super().__init__(usage)
        self.texts: list[str] = []
        self._parts: list[str] = []

    @override
    def start(self, name: str, attributes: "AttributesImpl[str]") -> None:
        if name == "si":
            self._parts = []
        elif name == "t" and "rPh" not in self.path:  # a phonetic reading repeats the text
            self.collect()

    @override
    def end(self, name: str) -> None:
        if name == "si":
            self.texts.append(_joined(self._parts))
        elif name == "t" and "rPh" not in self.path:
            self._parts.append(self.collected())


class FormatsPart(Part):
    """The number formats of cells."""

    def __init__(self, usage: Usage) -> None:
        super().__init__(usage)
        self._codes: dict[int, str] = {}
        self._cells: list[int] = []

    @override
    def start(self, name: str, attributes: "AttributesImpl[str]") -> None:
        if name == "numFmt" and self.path[-2:-1] == ["numFmts"]:
            self._codes[int(attributes["numFmtId"])] = attributes["formatCode"][:MAX_FORMAT_CODE]
        elif name == "xf" and self.path[-2:-1] == ["cellXfs"]:
            self._cells.append(int(attributes.get("numFmtId", "0")))
        require(len(self._codes) <= MAX_FORMATS and len(self._cells) <= MAX_FORMATS, TOO_MANY_FORMATS)

    def dates(self) -> dict[int, bool]:
        """Return the cell formats of dates and durations; True for a duration."""
        from openpyxl.styles.numbers import builtin_format_code, is_date_format, is_timedelta_format

        codes = {one: self._codes.get(one) or builtin_format_code(one) for one in set(self._cells)}
        durations = {one for one, code in codes.items() if is_timedelta_format(code)}
        dates = {one for one, code in codes.items() if is_date_format(code)} | durations
        return {place: one in durations for place, one in enumerate(self._cells) if one in dates}


@dataclass(frozen=True)
class CellValues:
    """Reads values of cells. `dates` are the formats of dates, True for durations."""

    strings: list[str]
    dates: dict[int, bool]
    starts_1904: bool

    def value(self, kind: str, style: str, text: str) -> CellValue:
        """Return the value of a cell of a type and format. Raises ValueError, LookupError."""
        if kind in ("str", "inlineStr", "e"):
            return text or None
        if not text:
            return None
        if kind == "s":
            return self.strings[_natural(text)] or None
        if len(text) > MAX_NUMBER_LENGTH:
            raise ValueError("a number is too long")
        if kind == "b":
            return text in ("1", "true")
        if kind == "d":
            return self._iso_date(text)
        number = int(text) if _WHOLE_NUMBER.fullmatch(text) else float(text)
        return self._date(number, int(style)) if int(style) in self.dates else number

    def _date(self, number: float, style: int) -> CellValue:
        from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

        epoch = CALENDAR_MAC_1904 if self.starts_1904 else CALENDAR_WINDOWS_1900
        try:
            return _known(from_excel(number, epoch, timedelta=self.dates[style]))
        except (OverflowError, ValueError):
            return "#VALUE!"

    def _iso_date(self, text: str) -> CellValue:
        from openpyxl.utils.datetime import from_ISO8601

        return _known(from_ISO8601(text))  # type: ignore[no-untyped-call]  # in its stubs


class SheetPart(Part):
    """A worksheet."""

    def __init__(self, usage: Usage, values: CellValues) -> None:
        super().__init__(usage)
        self._values = values
        self._rows: list[tuple[int, tuple[CellValue, ...]]] = []
        self._number = 0
        self._row: dict[int, CellValue] = {}
        self._column = 0
        self._kind = self._style = ""
        self._texts: list[str] = []

    def take_rows(self) -> list[tuple[int, tuple[CellValue, ...]]]:
        """Return the rows since the last call, with their numbers."""
        rows, self._rows = self._rows, []
        return rows

    @override
    def start(self, name: str, attributes: "AttributesImpl[str]") -> None:
        if name == "row":
            self._start_row(attributes.get("r"))
        elif name == "c":
            self._start_cell(attributes.get("r"))
            self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "0")
            self._texts = []
        elif self._has_text(name):
            self.collect()

    @override
    def end(self, name: str) -> None:
        if name == "row":
            self._rows.append((self._number, self._cells()))
        elif name == "c" and self._column <= MAX_COLUMNS:
            self._row[self._column] = self._values.value(self._kind, self._style, _joined(self._texts))
        elif self._has_text(name):
            self._texts.append(self.collected())

    def _has_text(self, name: str) -> bool:
        """Whether an element has text of the value: not a formula, not a phonetic reading."""
        return "c" in self.path and (name == "v" or (name == "t" and "rPh" not in self.path))

    def _start_row(self, number: str | None) -> None:
        before, self._number = self._number, _natural(number) if number else self._number + 1
        require(before < self._number <= LAST_ROW, f"has a row {self._number} after row {before}")
        self._row, self._column = {}, 0

    def _start_cell(self, address: str | None) -> None:
        self._column += 1
        if address:
            self._column = _column(address)

    def _cells(self) -> tuple[CellValue, ...]:
        filled = [column for column, value in self._row.items() if value is not None]
        return tuple(self._row.get(column) for column in range(1, max(filled) + 1)) if filled else ()


def _joined(texts: list[str]) -> str:
    """Return the text of a cell; Excel escapes characters that XML does not allow, CR as _x000D_."""
    text = "".join(texts)
    require(len(text) <= MAX_CELL_LENGTH, TOO_LONG_A_TEXT)
    return _ESCAPED.sub(_unescaped, text) if "_x" in text else text


def _unescaped(escaped: re.Match[str]) -> str:
    code = int(escaped[1], 16)
    return escaped[0] if SURROGATES[0] <= code <= SURROGATES[1] else chr(code)


def _natural(text: str) -> int:
    if len(text) > MAX_NUMBER_LENGTH or not (text.isascii() and text.isdigit()):
        raise ValueError("a number is expected")
    return int(text)


def _column(address: str) -> int:
    """Return the number of the column of a cell: 2 for B7."""
    match = _CELL.fullmatch(address)
    if match is None:
        raise ValueError("the address of a cell is expected")
    number = 0
    for letter in match[1]:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _known(value: object) -> CellValue:
    return value if isinstance(value, KNOWN_TYPES) else str(value)
