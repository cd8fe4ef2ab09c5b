import pytest

from functions.etags import etag, expected_versions
from tests.unit.functions.requests import request


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
def test_if_match_names_the_versions_that_a_change_was_made_for(
    sent: str | None, versions: set[int] | None
) -> None:
    headers = {} if sent is None else {"If-Match": sent}

    assert expected_versions(request(headers=headers)) == versions


def test_a_tag_that_was_given_is_understood() -> None:
    assert expected_versions(request(headers={"If-Match": etag(7)})) == {7}
