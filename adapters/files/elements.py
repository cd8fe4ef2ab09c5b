"""Lists in Office documents: the attributes of their elements, in bounded memory and time."""

from collections.abc import Callable, Mapping
from typing import Final
from xml.parsers import expat

from bp_core.uploads.kinds import RejectedFileError

MAX_ELEMENTS: Final = 1_000_000
"""How many elements the lists of a document may have: one for each of its links."""

MAX_DEPTH: Final = 64
"""How deep the elements of a list may be nested: the parser keeps all that are open."""

MAX_NAMES: Final = 1_000
"""How many different names of elements and attributes a list may have: the parser keeps each of them."""

Visit = Callable[[Mapping[str, str]], None]
"""What is done with the attributes of an element."""


class ListReader:
    """Reads the lists of one document."""

    def __init__(self) -> None:
        self._elements = 0

    def read(self, listing: bytes, visit: Visit) -> None:
        """Visit the elements of a list.

        Raises RejectedFileError; ExpatError, LookupError and ValueError for what is no XML.
        """
        names: set[str] = set()
        depth = 0

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal depth
            depth += 1
            self._elements += 1
            names.add(name)
            names.update(attributes)
            _require(self._elements <= MAX_ELEMENTS, f"have more than {MAX_ELEMENTS} elements")
            _require(depth <= MAX_DEPTH, f"have elements nested more than {MAX_DEPTH} deep")
            _require(len(names) <= MAX_NAMES, f"have more than {MAX_NAMES} different names")
            visit(attributes)

        def end(_: str) -> None:
            nonlocal depth
            depth -= 1

        parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.Parse(listing, True)


def _require(condition: bool, wrong: str) -> None:
    if not condition:
        raise RejectedFileError(f"The lists in the file {wrong}.")


def _refuse_doctype(*_: object) -> None:
    raise RejectedFileError("The file is damaged: one of its lists declares XML entities.")
