import pytest

from bp_core.shared.paging import Page


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
