"""The limits of what is read of a workbook, and the parser handler that keeps them.

Everything that the author of a workbook chooses has a limit: what it costs to read is many times its bytes.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.handler import ContentHandler

from typing_extensions import override

from bp_core.shared.errors import Invalid

if TYPE_CHECKING:  # not generic at run time
    from xml.sax.xmlreader import AttributesImpl

MAX_PARTS: Final = 1_000
"""How many parts (files) a workbook may have, and how many relationships a part."""

MAX_UNPACKED: Final = 64 * 1024 * 1024
"""The largest unpacked size of the parts that are read, in bytes; counted while they are unpacked."""

MAX_ELEMENTS: Final = 500_000
"""How many XML elements these parts may have: 2,000 rows with 60 cells of different texts need 480,000."""

MAX_ATTRIBUTES: Final = 1_500_000
"""How many attributes these parts may have: a cell has up to three."""

MAX_OWN_ATTRIBUTES: Final = 64
"""How many attributes one element may have."""

MAX_NAMES: Final = 2_000
"""How many names of elements and attributes a part may have: the parser keeps each of them."""

MAX_DEPTH: Final = 64
"""How deep elements may be nested."""

MAX_TEXT: Final = 10_000_000
"""How many characters these parts may have, in texts and attributes together."""

MAX_TOKEN: Final = 256 * 1024
"""How long one tag or comment may be, in bytes: the parser scans an unfinished one again for every chunk."""

MAX_CELL_LENGTH: Final = 32_767
"""The longest text that Excel keeps in a cell, in UTF-16 units."""


TOO_MANY_ELEMENTS: Final = f"has more than {MAX_ELEMENTS} rows, cells and formats, empty ones included"
TOO_MANY_ATTRIBUTES: Final = (
    f"has more than {MAX_OWN_ATTRIBUTES} attributes at one element, or {MAX_ATTRIBUTES} in total"
)
TOO_MANY_NAMES: Final = f"has more than {MAX_NAMES} different names of elements and attributes"
TOO_DEEP: Final = f"has elements nested more than {MAX_DEPTH} deep"
TOO_MUCH_TEXT: Final = f"has more than {MAX_TEXT} characters"
TOO_LARGE: Final = f"is larger than {MAX_UNPACKED >> 20} MB after it is unpacked"
TOO_LONG_A_TEXT: Final = f"has a cell with more than {MAX_CELL_LENGTH} characters"


@dataclass
class Usage:
    """How much of its limits a workbook has used, all its parts together."""

    unpacked: int = 0
    elements: int = 0
    attributes: int = 0
    text: int = 0

    def unpack(self, size: int) -> None:
        """Count unpacked bytes. Raises Invalid."""
        self.unpacked += size
        require(self.unpacked <= MAX_UNPACKED, TOO_LARGE)

    def read_element(self, attributes: "AttributesImpl[str]") -> None:
        """Count an element and its attributes. Raises Invalid."""
        count = len(attributes)
        self.elements += 1
        self.attributes += count
        require(self.elements <= MAX_ELEMENTS, TOO_MANY_ELEMENTS)
        require(count <= MAX_OWN_ATTRIBUTES and self.attributes <= MAX_ATTRIBUTES, TOO_MANY_ATTRIBUTES)
        self.read_text(sum(map(len, attributes.values())))

    def read_text(self, length: int) -> None:
        """Count characters. Raises Invalid."""
        self.text += length
        require(self.text <= MAX_TEXT, TOO_MUCH_TEXT)


class Part(ContentHandler):
    """The handler of the parser of one part. Names have no namespace prefix here.

    `path` are the open elements; `is_silent` is set before a chunk is parsed, and is still set afterwards if
    the chunk is in the middle of a tag or comment.
    """

    def __init__(self, usage: Usage) -> None:
        super().__init__()
        self.is_silent = True
        self.path: list[str] = []
        self._usage = usage
        self._names: set[str] = set()
        self._pieces: list[str] | None = None
        self._length = 0

    @override
    def startElement(self, name: str, attrs: "AttributesImpl[str]") -> None:
        self.is_silent = False
        self._usage.read_element(attrs)
        self._names.add(name)
        self._names.update(attrs.keys())
        require(len(self._names) <= MAX_NAMES, TOO_MANY_NAMES)
        self.path.append(name.rpartition(":")[2])
        require(len(self.path) <= MAX_DEPTH, TOO_DEEP)
        self.start(self.path[-1], attrs)

    @override
    def endElement(self, name: str) -> None:
        self.is_silent = False
        self.end(self.path[-1])
        self.path.pop()

    @override
    def characters(self, content: str) -> None:
        self.is_silent = False
        self._usage.read_text(len(content))
        if self._pieces is not None:
            self._length += len(content)
            require(self._length <= MAX_CELL_LENGTH, TOO_LONG_A_TEXT)
            self._pieces.append(content)

    def start(self, name: str, attributes: "AttributesImpl[str]") -> None:
        """Handle the start of an element; its name is the last of the path."""

    def end(self, name: str) -> None:
        """Handle the end of an element; its name is the last of the path."""

    def collect(self) -> None:
        """Collect the text from here on."""
        self._pieces, self._length = [], 0

    def collected(self) -> str:
        """Return the text since `collect`."""
        text, self._pieces = "".join(self._pieces or ()), None
        return text


def require(is_met: bool, message: str) -> None:
    """Raise Invalid for the file unless a condition is met."""
    if not is_met:
        raise Invalid.of("file", message)
