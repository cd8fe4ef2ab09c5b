import pytest

from functions.edge.etags import etag, expected_versions
from tests.unit.functions.edge.requests import request


@pytest.mark.parametrize(
    ("sent", "versions"),
    [
        (None, None),
        ("*", None),
        (" * ", None),
        ('"3"', {3}),
        ('"3", "12"', {3, 12}),
        ('"3",W/"4","x"', {3}),
        ('W/"3"', set()),
        ('"03"', set()),
        ('"٣"', set()),
        ('"99999999999"', set()),
        ("3", set()),
        ("", set()),
    ],
)
def test_if_match_has_the_versions_that_a_change_is_based_on(
    sent: str | None, versions: set[int] | None
) -> None:
    headers = {} if sent is None else {"If-Match": sent}

    assert expected_versions(request(headers=headers)) == versions


def test_an_etag_of_ours_is_read_back() -> None:
    assert expected_versions(request(headers={"If-Match": etag(7)})) == {7}
