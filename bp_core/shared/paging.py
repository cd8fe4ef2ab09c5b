"""Lists that come in parts."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Item_co = TypeVar("Item_co", covariant=True)


@dataclass(frozen=True)
class Page(Generic[Item_co]):
    """A part of a list: its items, how many there are in all, and which part it is."""

    items: list[Item_co]
    total: int
    limit: int
    offset: int

    @property
    def has_more(self) -> bool:
        """Whether the list goes on behind this part."""
        return self.offset + len(self.items) < self.total


@dataclass(frozen=True)
class LongPage(Page[Item_co]):
    """A part of a list that may be very long: it is counted so far only, and read on behind where it ends."""

    goes_on: bool = False
    total_capped: bool = False
    next_cursor: str | None = None

    @property
    def has_more(self) -> bool:
        """Whether the list goes on behind this part."""
        return self.goes_on
