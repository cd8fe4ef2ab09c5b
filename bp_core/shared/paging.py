"""Pages of lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from typing_extensions import override

from bp_core.shared.schemas import PageQuery

Item_co = TypeVar("Item_co", covariant=True)
Other = TypeVar("Other")


@dataclass(frozen=True)
class Page(Generic[Item_co]):
    """One page of a list: its items, the length of the list, and the limit and offset of the page."""

    items: list[Item_co]
    total: int
    limit: int
    offset: int

    @property
    def has_more(self) -> bool:
        """Whether there is another page."""
        return self.offset + len(self.items) < self.total

    def with_items(self, items: "list[Other]") -> "Page[Other]":
        """Return the same page with other items."""
        return Page(items, self.total, self.limit, self.offset)

    @staticmethod
    def of(whole: "Sequence[Other]", query: PageQuery) -> "Page[Other]":
        """Return one page of a short list that was computed as a whole."""
        part = list(whole[query.offset : query.offset + query.limit])
        return Page(part, len(whole), query.limit, query.offset)


@dataclass(frozen=True)
class LongPage(Page[Item_co]):
    """One page of a list that may be very long: the total is capped, a cursor names the next page."""

    has_next: bool = False
    total_capped: bool = False
    next_cursor: str | None = None

    @property
    def has_more(self) -> bool:
        """Whether there is another page."""
        return self.has_next

    @override
    def with_items(self, items: "list[Other]") -> "LongPage[Other]":
        return LongPage(
            items,
            self.total,
            self.limit,
            self.offset,
            has_next=self.has_next,
            total_capped=self.total_capped,
            next_cursor=self.next_cursor,
        )
