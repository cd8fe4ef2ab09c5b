import pytest

from bp_core.shared.paging import Page
from bp_core.shared.schemas import PageQuery


@pytest.mark.parametrize(
    ("items", "total", "offset", "has_more"),
    [
        ([], 0, 0, False),
        ([1, 2], 2, 0, False),
        ([1, 2], 3, 0, True),
        ([3], 3, 2, False),
        ([], 3, 7, False),
    ],
)
def test_there_is_another_page_until_a_page_reaches_the_end_of_the_list(
    items: list[int], total: int, offset: int, has_more: bool
) -> None:
    assert Page(items, total, limit=2, offset=offset).has_more is has_more


@pytest.mark.parametrize(
    ("offset", "items", "has_more"), [(0, [1, 2], True), (2, [3], False), (3, [], False), (99, [], False)]
)
def test_a_page_is_cut_from_a_whole_list(offset: int, items: list[int], has_more: bool) -> None:
    page = Page.of((1, 2, 3), PageQuery(limit=2, offset=offset))

    assert (page.items, page.total, page.limit, page.offset) == (items, 3, 2, offset)
    assert page.has_more is has_more
